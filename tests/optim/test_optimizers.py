"""One table of optimizers, and what must be true of every row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import optim, tree

REFERENCE = np.load(Path(__file__).parents[1] / "reference" / "optimizers.npz")


def halving(step: Any) -> Any:
    """A schedule that is float64 on purpose."""
    return np.float64(0.1) * 0.5 ** (step / 100)


OPTIMIZERS = {
    "sgd": optim.sgd(0.1),
    "momentum": optim.sgd(0.02, momentum=0.9),
    "nesterov": optim.sgd(0.02, momentum=0.9, nesterov=True),
    "sgd_schedule": optim.sgd(halving),
    "sgd_numpy_rate": optim.sgd(np.float64(0.1)),
    "adam": optim.adam(0.1),
    "adam_schedule": optim.adam(halving),
}
table = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())


def make_params(dtype: type = np.float64) -> Any:
    return {"w": np.array([[1.0, -2.0], [0.5, 3.0]], dtype), "rest": [np.array(-1.5, dtype), None]}


def parabola_grads(params: Any) -> Any:
    """The gradient of ``sum((p - 1) ** 2)``."""
    return tree.map(lambda p: 2 * (p - 1), params)


def run(optimizer: optim.Optimizer, params: Any, steps: int, transform: Any = lambda f: f) -> tuple[Any, Any]:
    step = transform(lambda params, state: optimizer.update(parabola_grads(params), state, params))
    state = optimizer.init(params)
    for _ in range(steps):
        params, state = step(params, state)
    return params, state


@table
def test_converges_on_a_parabola(optimizer: optim.Optimizer) -> None:
    params, state = run(optimizer, make_params(), 400)
    for leaf in tree.leaves(params):
        np.testing.assert_allclose(leaf, 1, atol=1e-3)
    assert state.step == 400


@table
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_dtypes_and_structure(optimizer: optim.Optimizer, dtype: type) -> None:
    start = make_params(dtype)
    params, state = run(optimizer, start, 3)
    assert tree.structure(params) == tree.structure(start)
    assert tree.structure(state) == tree.structure(optimizer.init(start))
    assert {leaf.dtype for leaf in tree.leaves(params)} == {np.dtype(dtype)}
    assert_same_types(state, optimizer.init(start))


def assert_same_types(tree_one: Any, tree_two: Any) -> None:
    for one, two in zip(tree.leaves(tree_one), tree.leaves(tree_two), strict=True):
        assert (one.dtype, one.shape) == (two.dtype, two.shape)


@table
def test_leaves_its_arguments_alone(optimizer: optim.Optimizer) -> None:
    params, untouched = make_params(), make_params()
    grads = parabola_grads(params)
    optimizer.update(grads, optimizer.init(params), params)
    for one, two in zip(tree.leaves((params, grads)), tree.leaves((untouched, parabola_grads(untouched))), strict=True):
        np.testing.assert_array_equal(one, two)


@table
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_jit_equals_plain(optimizer: optim.Optimizer, dtype: type) -> None:
    plain, plain_state = run(optimizer, make_params(dtype), 5)
    jitted, jitted_state = run(optimizer, make_params(dtype), 5, fnad.jit)
    assert_same_types((jitted, jitted_state), (plain, plain_state))
    tolerance = 8 * np.finfo(dtype).eps
    for one, two in zip(tree.leaves((jitted, jitted_state)), tree.leaves((plain, plain_state)), strict=True):
        np.testing.assert_allclose(one, two, rtol=tolerance, atol=tolerance)


LIKE_PYTORCH = {
    "sgd": optim.sgd(0.1),
    "momentum": optim.sgd(0.1, momentum=0.9),
    "nesterov": optim.sgd(0.1, momentum=0.9, nesterov=True),
    "adam": optim.adam(0.1),
    "adam_decays": optim.adam(0.01, b1=0.5, b2=0.9, eps=1e-4),
}


@pytest.mark.parametrize("name", LIKE_PYTORCH)
def test_takes_the_steps_of_pytorch(name: str) -> None:
    optimizer, params = LIKE_PYTORCH[name], REFERENCE["start"]
    state = optimizer.init(params)
    for grads, expected in zip(REFERENCE["grads"], REFERENCE[name], strict=True):
        params, state = optimizer.update(grads, state, params)
        np.testing.assert_allclose(params, expected, rtol=1e-12, atol=1e-14)


@table
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_a_complex_parameter_is_two_real_ones(optimizer: optim.Optimizer, dtype: type) -> None:
    """As in PyTorch, whose Adam sees complex numbers as pairs of real ones."""
    start = np.array([1 + 1j, 2 - 1j, 0], dtype)
    grads = [np.array(g, dtype) for g in ([5 + 1j, -0.01 + 3j, 0], [1j, 2, 1 - 1j])]
    params, state = start, optimizer.init(start)
    parts = np.stack([start.real, start.imag])
    parts_state = optimizer.init(parts)
    for g in grads:
        params, state = optimizer.update(g, state, params)
        parts, parts_state = optimizer.update(np.stack([g.real, g.imag]), parts_state, parts)
        assert params.dtype == dtype
        np.testing.assert_allclose([params.real, params.imag], parts, rtol=4 * np.finfo(dtype).eps)


def test_adam_takes_pytorchs_complex_steps() -> None:
    optimizer, params = optim.adam(0.1), np.array([1 + 1j, 2 - 1j])
    state = optimizer.init(params)
    for g in ([5 + 1j, -0.01 + 3j], [1j, 2 + 0j]):
        params, state = fnad.jit(optimizer.update)(np.array(g), state, params)
    # torch 2.13.0
    expected = [0.8329941749759147 + 0.8000000020000007j, 2.025922004779627 - 1.167005824764373j]
    np.testing.assert_allclose(params, expected, rtol=1e-15)


def test_a_schedule_counts_from_zero() -> None:
    optimizer = optim.sgd(lambda step: np.where(step == 0, 1.0, 0.0))
    params = np.array([3.0])
    state = optimizer.init(params)
    params, state = optimizer.update(np.array([1.0]), state, params)
    assert params == [2.0]
    params, state = optimizer.update(np.array([1.0]), state, params)
    assert params == [2.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.sgd(-1.0), r"^sgd: requires a learning rate of at least 0, got -1\.0\. "),
        (lambda: optim.sgd(float("nan")), r"^sgd: requires a learning rate of at least 0, got nan\. "),
        (lambda: optim.sgd(0.1, momentum=1.0), r"^sgd: requires momentum in \[0, 1\), got 1\.0\. "),
        (lambda: optim.sgd(0.1, nesterov=True), r"^sgd: requires momentum above 0 with nesterov=True, got 0\. "),
        (lambda: optim.adam(-0.1), r"^adam: requires a learning rate of at least 0, got -0\.1\. "),
        (lambda: optim.adam(b1=1), r"^adam: requires b1 in \[0, 1\), got 1\. "),
        (lambda: optim.adam(b2=-0.5), r"^adam: requires b2 in \[0, 1\), got -0\.5\. "),
        (lambda: optim.adam(eps=-1e-8), r"^adam: requires eps of at least 0, got -1e-08\. "),
    ],
)
def test_bad_numbers_are_named(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_gradients_of_another_structure_are_named() -> None:
    optimizer = optim.sgd(0.1)
    params = {"w": np.ones(2), "b": np.ones(1)}
    with pytest.raises(ValueError, match=r"\['b'\]"):
        optimizer.update({"w": np.ones(2)}, optimizer.init(params), params)
