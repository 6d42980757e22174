"""Losses against NumPy and SciPy: values, gradients of any order, corners, errors; compiled as interpreted."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest
from fnad import nn
from fnad.testing import check_grads
from scipy.special import log_softmax, softmax

RNG = np.random.default_rng(0)
LOGITS, LABELS = RNG.normal(size=(7, 3)), np.array([0, 2, 1, 1, 2, 0, 0])
WEIGHTS = RNG.uniform(size=(7, 3))
RUNS = [pytest.param(lambda f: f, id="interpreted"), pytest.param(fnad.jit, id="compiled")]


def hessian(function: Any, x: np.ndarray) -> np.ndarray:
    """The rows are gradients of the gradient's elements."""
    gradient = fnad.grad(function)
    rows = [fnad.grad(lambda x: np.sum(gradient(x) * e))(x) for e in np.eye(x.size).reshape(x.size, *x.shape)]
    return np.stack(rows).reshape(x.size, x.size)


# --- Mean squared error


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (5,), (100, 1), (2, 3, 4), (5000,)])
def test_mse(run: Any, dtype: Any, shape: tuple[int, ...]) -> None:
    prediction, target = (np.array(RNG.normal(size=shape), dtype) for _ in range(2))
    value, (p_bar, t_bar) = run(fnad.value_and_grad(nn.mse, (0, 1)))(prediction, target)
    tolerance = 10 * np.finfo(dtype).eps
    assert value.dtype == p_bar.dtype == dtype
    want = np.mean((prediction.astype(float) - target) ** 2)
    np.testing.assert_allclose([value, run(nn.mse)(prediction, target)], [want, want], rtol=tolerance)
    np.testing.assert_allclose(p_bar, 2 * (prediction - target) / prediction.size, rtol=tolerance)
    np.testing.assert_array_equal(t_bar, -p_bar)


def test_derivatives_of_mse() -> None:
    check_grads(nn.mse, (LOGITS, WEIGHTS), order=3)
    np.testing.assert_allclose(hessian(lambda x: nn.mse(x, WEIGHTS), LOGITS), 2 / 21 * np.eye(21), atol=1e-15)


@pytest.mark.parametrize("run", RUNS)
def test_mse_of_nothing_is_nan(run: Any) -> None:
    value, gradient = run(fnad.value_and_grad(nn.mse))(np.empty((0, 2)), np.empty((0, 2)))
    assert np.isnan(value) and gradient.shape == (0, 2)
    assert np.isnan(run(nn.mse)(np.empty(0), np.empty(0)))


def test_mse_promotes() -> None:
    assert nn.mse(np.float32([1, 2]), [1, 4]).dtype == np.float64
    assert nn.mse(np.float32([1, 2]), np.int16([1, 4])).dtype == np.float32
    assert nn.mse(np.float32(1), 2).dtype == np.float32
    assert nn.mse([1, 2], [1, 4]) == 2.0


# --- Softmax cross-entropy


def by_formula(logits: np.ndarray, labels: np.ndarray) -> float:
    """The mean cross-entropy by SciPy, of integers or weights."""
    logits = logits.astype(float).reshape(-1, logits.shape[-1])
    weights = labels if labels.dtype.kind == "f" else np.eye(logits.shape[-1])[labels.ravel()]
    return -np.sum(weights.reshape(logits.shape) * log_softmax(logits, axis=1)) / len(logits)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("lead", [(), (6,), (2, 3), (1, 2, 2)])
@pytest.mark.parametrize("soft", [False, True])
def test_cross_entropy(run: Any, dtype: Any, lead: tuple[int, ...], soft: bool) -> None:
    logits = np.array(3 * RNG.normal(size=(*lead, 5)), dtype)
    labels = RNG.uniform(size=(*lead, 5)).astype(dtype) if soft else np.asarray(RNG.integers(0, 5, lead))
    value, gradient = run(fnad.value_and_grad(nn.softmax_cross_entropy))(logits, labels)
    assert value.dtype == gradient.dtype == dtype
    tolerance = {"rtol": 20 * np.finfo(dtype).eps, "atol": 20 * np.finfo(dtype).eps}
    want = by_formula(logits, labels)
    np.testing.assert_allclose([value, run(nn.softmax_cross_entropy)(logits, labels)], [want, want], **tolerance)
    weights = labels if soft else np.eye(5)[labels]
    count = max(int(np.prod(lead)), 1)
    slope = (weights.sum(axis=-1, keepdims=True) * softmax(logits.astype(float), axis=-1) - weights) / count
    np.testing.assert_allclose(gradient, slope, **tolerance)


def test_derivatives_of_cross_entropy() -> None:
    check_grads(lambda logits: nn.softmax_cross_entropy(logits, LABELS), (LOGITS,), order=3)
    check_grads(nn.softmax_cross_entropy, (LOGITS, WEIGHTS), order=3)


@pytest.mark.parametrize("labels", [LABELS, np.eye(3)[LABELS]])
def test_the_hessian_of_cross_entropy(labels: np.ndarray) -> None:
    got = hessian(lambda logits: nn.softmax_cross_entropy(logits, labels), LOGITS).reshape(7, 3, 7, 3)
    p = softmax(LOGITS, axis=1)
    for i in range(7):
        np.testing.assert_allclose(got[i, :, i], (np.diag(p[i]) - np.outer(p[i], p[i])) / 7, atol=1e-14)
        got[i, :, i] = 0
    assert not got.any()


def test_a_differentiated_loss_makes_its_gradient_in_the_forward_pass() -> None:
    for function, name in (
        (lambda x: nn.softmax_cross_entropy(x, LABELS), "softmax_cross_entropy_with_gradient"),
        (lambda x: nn.mse(x, WEIGHTS), "mse_with_gradient"),
    ):
        program = fnad.make_program(fnad.value_and_grad(function))(LOGITS)
        assert [eqn.primitive.name for eqn in program.equations].count(name) == 1
        assert not any(eqn.primitive.name in ("exp", "sub", "square", "div") for eqn in program.equations)


@pytest.mark.parametrize("run", RUNS)
def test_stability(run: Any) -> None:
    logits = np.array([[1000.0, 0.0, -1000.0], [-np.inf, 0.0, 0.0]])
    for labels in (np.array([0, 1]), np.array([[1.0, 0, 0], [0, 1, 0]])):
        value, gradient = run(fnad.value_and_grad(nn.softmax_cross_entropy))(logits, labels)
        np.testing.assert_allclose(value, np.log(2) / 2, rtol=1e-15)
        np.testing.assert_allclose(gradient, [[0, 0, 0], [0, -0.25, 0.25]], atol=1e-16)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.uint64])
def test_kinds_of_labels(kind: Any) -> None:
    want = nn.softmax_cross_entropy(LOGITS, LABELS)
    assert nn.softmax_cross_entropy(LOGITS, LABELS.astype(kind)) == want
    one_hot = np.eye(3)[LABELS]
    for weights in one_hot, one_hot.astype(kind), one_hot.astype(bool), one_hot.tolist():
        np.testing.assert_allclose(nn.softmax_cross_entropy(LOGITS, weights), want, rtol=1e-14)
    assert nn.softmax_cross_entropy(LOGITS.astype(np.float32), one_hot).dtype == np.float64


@pytest.mark.parametrize("run", RUNS)
def test_cross_entropy_of_nothing_is_nan(run: Any) -> None:
    value, gradient = run(fnad.value_and_grad(nn.softmax_cross_entropy))(np.empty((0, 3)), np.empty(0, int))
    assert np.isnan(value) and gradient.shape == (0, 3)


# --- Errors


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("label", [3, -1, 10**9])
@pytest.mark.parametrize("differentiated", [False, True])
def test_a_label_without_a_class(run: Any, label: int, differentiated: bool) -> None:
    labels = np.array([0, 2, label, 1, 2, 0, 0])
    function = fnad.grad(nn.softmax_cross_entropy) if differentiated else nn.softmax_cross_entropy
    with pytest.raises(IndexError) as caught:
        run(function)(LOGITS, labels)
    message = "softmax_cross_entropy: requires integer labels in [0, 3), the number of logits in a row, "
    assert str(caught.value).startswith(f"{message}got {label}.")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.mse(np.ones((3, 1)), np.ones(3)), ValueError, "mse: requires prediction and target of one shape"),
        (lambda: fnad.jit(nn.mse)(np.ones(2), np.ones(3)), ValueError, "mse: requires prediction and target of one"),
        (lambda: nn.mse(1j, 1.0), TypeError, "mse: requires real numbers, got dtype complex128"),
        (
            lambda: nn.softmax_cross_entropy(LOGITS, LABELS[:3]), ValueError,
            "softmax_cross_entropy: requires integer labels of shape (...) or weights of shape (..., n) for logits",
        ),
        (
            lambda: nn.softmax_cross_entropy(LOGITS, LABELS.astype(float)), ValueError,
            "softmax_cross_entropy: requires integer labels of shape (...) or weights",
        ),
        (
            lambda: nn.softmax_cross_entropy(1.0, 1), ValueError,
            "softmax_cross_entropy: requires integer labels of shape (...) or weights",
        ),
        (
            lambda: nn.softmax_cross_entropy(np.ones((2, 0)), np.zeros(2, int)), ValueError,
            "softmax_cross_entropy: requires at least one class, got logits of shape (2, 0)",
        ),
    ],
)
def test_errors(call: Any, error: type, message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert __file__ in str(caught.value)
