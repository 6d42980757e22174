"""Dense layers and perceptrons: parameters, starts, shapes, dtypes, derivatives, errors; compiled as interpreted."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest
from fnad import nn, random, tree
from fnad.testing import check_grads

KEY = random.key(3)
INITIALIZERS = [nn.fan_in_uniform, nn.he_normal, nn.glorot_uniform]


def drawn(*shape: int, dtype: Any = np.float64, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def plain(params: Any, x: Any) -> Any:
    """A perceptron with ReLU in plain NumPy."""
    for layer in params[:-1]:
        x = np.maximum(x @ layer["w"] + layer["b"], 0)
    return x @ params[-1]["w"] + params[-1]["b"]


# --- Starts


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_parameters_start_with_shapes_dtypes_and_bits_that_the_key_decides(dtype: Any, initializer: Any) -> None:
    init, _ = nn.dense(4, 3, initializer)
    params = init(KEY, dtype)
    assert {name: (a.shape, a.dtype) for name, a in params.items()} == {"w": ((4, 3), dtype), "b": ((3,), dtype)}
    for other in init(KEY, dtype), fnad.jit(lambda key: init(key, dtype))(KEY):
        assert all(a.tobytes() == b.tobytes() for a, b in zip(tree.leaves(params), tree.leaves(other)))
    assert not np.array_equal(params["w"], init(random.key(4), dtype)["w"])


def test_the_default_is_float32_as_pytorch_draws_it() -> None:
    params = nn.dense(100, 400).init(KEY)
    assert {a.dtype for a in tree.leaves(params)} == {np.dtype(np.float32)}
    for a in tree.leaves(params):
        assert 0.095 < np.abs(a).max() <= 0.1 and abs(a.mean()) < 0.01
    assert not np.array_equal(params["b"], params["w"][0])


def test_variances_of_starts() -> None:
    he, zeros = nn.he_normal(KEY, 200, 300, np.float64)
    glorot, _ = nn.glorot_uniform(KEY, 200, 300, np.float64)
    np.testing.assert_allclose([he.var(), glorot.var()], [2 / 200, 2 / 500], rtol=0.03)
    assert not zeros.any()


def test_layers_of_a_perceptron_start_differently() -> None:
    params = nn.mlp([4, 4, 4, 4]).init(KEY)
    assert [layer["w"].shape for layer in params] == [(4, 4)] * 3
    assert len(np.unique([layer["w"] for layer in params])) == 48


def test_an_initializer_of_ones_own() -> None:
    init, _ = nn.mlp([2, 3], initializer=lambda key, m, n, dtype: (np.ones((m, n), dtype), np.zeros(n, dtype)))
    np.testing.assert_array_equal(init(KEY)[0]["w"], np.ones((2, 3)))


# --- What they compute


@pytest.mark.parametrize("lead", [(), (0,), (5,), (2, 3), (1, 2, 2)])
def test_leading_axes(lead: tuple[int, ...]) -> None:
    init, apply = nn.mlp([4, 6, 3])
    params, x = init(KEY, np.float64), drawn(*lead, 4)
    for run in apply, fnad.jit(apply):
        y = run(params, x)
        assert (y.shape, y.dtype) == ((*lead, 3), np.float64)
        np.testing.assert_allclose(y, plain(params, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("x", "params_dtype", "result"),
    [
        (np.ones((2, 4), np.float32), np.float32, np.float32),
        (np.ones((2, 4), np.float64), np.float32, np.float64),
        (np.ones((2, 4), np.int64), np.float32, np.float64),
        (np.ones((2, 4), np.int16), np.float32, np.float32),
        (np.ones((2, 4), bool), np.float32, np.float32),
        ([[1, 2, 3, 4.0]], np.float64, np.float64),
    ],
)
def test_dtypes_promote_as_in_numpy(x: Any, params_dtype: Any, result: Any) -> None:
    init, apply = nn.dense(4, 3)
    params = init(KEY, params_dtype)
    y = apply(params, x)
    assert y.dtype == result
    np.testing.assert_allclose(y, x @ params["w"].astype(float) + params["b"], rtol=1e-6)
    assert fnad.jit(apply)(params, np.asarray(x)).dtype == result


@pytest.mark.parametrize("activation", [nn.relu, nn.tanh, np.tanh, lambda x: x * nn.sigmoid(x)])
def test_gradients_of_any_order_and_activation(activation: Any) -> None:
    init, apply = nn.mlp([3, 5, 2], activation)
    params, x = init(KEY, np.float64), drawn(4, 3)
    check_grads(lambda params, x: apply(params, x), (params, x), order=3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_gradients_are_those_of_plain_numpy(dtype: Any) -> None:
    params, x = nn.mlp([20, 30, 10, 3]).init(KEY, dtype), drawn(50, 20, dtype=dtype)
    apply = nn.mlp([20, 30, 10, 3]).apply
    by_nn = fnad.jit(fnad.grad(lambda params: np.sum(apply(params, x) ** 2)))(params)
    by_numpy = fnad.grad(lambda params: np.sum(plain(params, x) ** 2))(params)
    for a, b in zip(tree.leaves(by_nn), tree.leaves(by_numpy)):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=500 * np.finfo(dtype).eps, atol=500 * np.finfo(dtype).eps)


def test_relu_is_part_of_the_dense_layer_and_the_input_needs_no_cotangent() -> None:
    init, apply = nn.mlp([4, 6, 3])
    params, x = init(KEY), drawn(5, 4, dtype=np.float32)
    program = str(fnad.make_program(fnad.grad(lambda params: nn.mse(apply(params, x), x[:, :3])))(params))
    assert program.count("dense[relu=True]") == program.count("dense[relu=False]") == 1
    assert program.count("matmul") == 3


# --- Errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.dense(0, 3), "dense: requires sizes that are positive integers, got 0"),
        (lambda: nn.dense(3, 2.0), "dense: requires sizes that are positive integers, got 2.0"),
        (lambda: nn.mlp([3]), "mlp: requires the sizes of at least input and output, got [3]"),
        (lambda: nn.mlp([3, -1]), "mlp: requires sizes that are positive integers, got -1"),
        (
            lambda: nn.dense(4, 3).apply(nn.dense(4, 3).init(KEY), np.ones((2, 5))),
            "dense: requires x of shape (..., 4) for w of shape (4, 3), got (2, 5)",
        ),
        (
            lambda: fnad.jit(nn.mlp([4, 3]).apply)(nn.mlp([4, 3]).init(KEY), 1.0),
            "mlp: requires x of shape (..., 4) for w of shape (4, 3), got ()",
        ),
    ],
)
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert __file__ in str(caught.value)


def test_complex_inputs_are_refused() -> None:
    with pytest.raises(TypeError, match="dense: requires real numbers, got dtype complex128"):
        nn.dense(2, 1).apply(nn.dense(2, 1).init(KEY), np.ones(2, complex))
