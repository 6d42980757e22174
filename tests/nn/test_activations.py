"""Activations against their formulas, at their kinks and far out; derivatives of second order."""

from __future__ import annotations

from typing import Any

import fnad
import mpmath
import numpy as np
import pytest
from fnad import grad, jacfwd, jacrev, nn
from fnad.testing import check_grads
from scipy import special

GRID = np.array([-700.0, -30.3, -2.1, -0.3, 0.2, 1.7, 25.1, 700.0])

ACTIVATIONS: dict[str, tuple[Any, Any]] = {
    "relu": (nn.relu, lambda x: np.maximum(x, 0)),
    "leaky_relu": (lambda x: nn.leaky_relu(x, 0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    "relu6": (lambda x: nn.relu6(4 * x), lambda x: np.clip(4 * x, 0, 6)),
    "elu": (lambda x: nn.elu(x, 0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(np.minimum(x, 0)))),
    "sigmoid": (nn.sigmoid, special.expit),
    "tanh": (nn.tanh, np.tanh),
    "softplus": (nn.softplus, lambda x: np.logaddexp(x, 0)),
    "gelu": (nn.gelu, lambda x: x * special.ndtr(x)),
    "gelu by tanh": (
        lambda x: nn.gelu(x, approximate=True),
        lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    "softmax": (nn.softmax, lambda x: special.softmax(x, axis=-1)),
    "softmax axis": (lambda x: nn.softmax(x, axis=0), lambda x: special.softmax(x, axis=0)),
    "log_softmax": (nn.log_softmax, lambda x: special.log_softmax(x, axis=-1)),
    "log_softmax axis": (lambda x: nn.log_softmax(x, axis=0), lambda x: special.log_softmax(x, axis=0)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values(name: str, dtype: Any) -> None:
    function, formula = ACTIVATIONS[name]
    x = (GRID if dtype == np.float64 else GRID.clip(-80, 80)).astype(dtype).reshape(4, 2)
    for run in function, fnad.jit(function):
        y = run(x)
        assert (y.dtype, y.shape) == (dtype, x.shape)
        tolerance = 20 * np.finfo(dtype).eps
        np.testing.assert_allclose(y, formula(x.astype(float)), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float16", "longdouble"])
def test_floats_that_only_numpy_computes_with(dtype: Any) -> None:
    x = GRID[1:-1].astype(dtype).reshape(3, 2)
    tolerance = 4e-3 if dtype == "float16" else 1e-14
    every = lambda x: [function(x) for function, _ in ACTIVATIONS.values()]  # noqa: E731
    for results in every(x), fnad.jit(every)(x):
        for (name, (_, formula)), y in zip(ACTIVATIONS.items(), results):
            assert (y.dtype, y.shape) == (dtype, x.shape), name
            np.testing.assert_allclose(y, formula(x.astype(float)), rtol=tolerance, atol=tolerance, err_msg=name)
    (bar,) = fnad.jit(fnad.grad(lambda x: sum(np.sum(y) for y in every(x[0]))))([x])
    assert bar.dtype == dtype and np.isfinite(bar).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives(name: str) -> None:
    check_grads(ACTIVATIONS[name][0], (GRID[2:6].reshape(2, 2),), order=2)
    gradient = fnad.grad(lambda x: np.sum(ACTIVATIONS[name][0](x) * np.arange(8.0)))(GRID)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_integers_become_float64_and_empty_arrays_stay_empty(name: str) -> None:
    function, formula = ACTIVATIONS[name]
    np.testing.assert_allclose(function(np.array([-2, 1, 3])), formula(np.array([-2.0, 1.0, 3.0])), rtol=1e-12)
    assert function(np.zeros((2, 0), np.float32)).shape == (2, 0) or "axis" not in name
    if "soft" not in name or name == "softplus":
        assert function(1.5) == pytest.approx(float(formula(np.array(1.5))))


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (nn.relu, 0), (nn.leaky_relu, 1), (nn.elu, 1), (nn.softplus, 0.5), (nn.gelu, 0.5), (nn.sigmoid, 0.25),
        (nn.tanh, 1),
    ],
)
def test_the_slope_at_zero(function: Any, slope: float) -> None:
    assert fnad.grad(function)(0.0) == slope
    assert fnad.jit(fnad.grad(function))(0.0) == slope


@pytest.mark.parametrize("function", [nn.relu, nn.leaky_relu, nn.elu, nn.softplus, nn.gelu, nn.sigmoid, nn.tanh])
def test_nan_passes(function: Any) -> None:
    assert np.isnan(function(np.array([np.nan, 1.0]))).tolist() == [True, False]


def test_slopes_far_out() -> None:
    far = np.array([-1000.0, 1000.0])
    for function, slopes in ((nn.softplus, [0, 1]), (nn.sigmoid, [0, 0]), (nn.tanh, [0, 0]), (nn.elu, [0, 1])):
        np.testing.assert_array_equal(fnad.grad(lambda x: np.sum(function(x)))(far), slopes)


def test_softmax_with_large_logits() -> None:
    x = np.array([1000.0, 0.0])
    np.testing.assert_array_equal(nn.softmax(x), [1, 0])
    np.testing.assert_array_equal(fnad.grad(lambda x: nn.softmax(x)[0])(x), [0, 0])
    np.testing.assert_array_equal(nn.log_softmax(x), [0, -1000])
    np.testing.assert_array_equal(fnad.grad(lambda x: nn.log_softmax(x)[1])(x), [-1, 1])


@pytest.mark.filterwarnings("ignore:invalid value")
def test_masked_softmax() -> None:
    x = np.array([[1.0, 2.0, 1e4], [3.0, 4.0, 5.0]])
    mask = np.array([[True, True, False], [False, False, False]])
    want = np.zeros((2, 3))
    want[0, :2] = special.softmax([1.0, 2.0])
    for run in nn.softmax, fnad.jit(nn.softmax):
        np.testing.assert_allclose(run(x, where=mask), want, rtol=1e-14)
        np.testing.assert_allclose(run(x.astype(np.float32), where=mask), want.astype(np.float32), rtol=1e-6)
    np.testing.assert_allclose(nn.softmax(x[0], where=[True, True, False]), want[0])
    gradient = fnad.grad(lambda x: np.sum(nn.softmax(x, where=mask) ** 2))(x)
    assert np.isfinite(gradient).all() and not gradient[~mask].any()
    check_grads(lambda x: nn.softmax(x, where=mask), (x,), order=2)
    assert np.isnan(nn.softmax(np.full(2, -np.inf))).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.softmax(np.ones((2, 3)), axis=2), ValueError, "softmax: requires an axis of an array of shape"),
        (lambda: nn.log_softmax(1.0), ValueError, "log_softmax: requires an axis of an array of shape (), got -1"),
        (lambda: nn.softmax(np.ones(3), where=np.ones(3)), TypeError, "softmax: requires where of dtype bool"),
        (lambda: nn.softmax(np.ones(3), where=np.ones(2, bool)), ValueError, "softmax: requires where to broadcast to"),
        (lambda: nn.relu(1j), TypeError, "relu: requires real numbers, got dtype complex128"),
    ],
)
def test_errors(call: Any, error: type, message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert __file__ in str(caught.value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gelu_keeps_its_digits_in_the_tail(dtype: Any) -> None:
    def exact(x: Any) -> Any:
        return x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2

    for x in (-5.1, -8.0, -12.0, *([] if dtype == np.float32 else [-20.0, -37.0])):
        at = dtype(x)
        with mpmath.workdps(40):
            wanted = [float(mpmath.diff(exact, float(at), n)) for n in range(3)]
        found = [nn.gelu(at), fnad.jit(nn.gelu)(at)], [grad(nn.gelu)(at), jacfwd(nn.gelu)(at)], [
            outer(inner(nn.gelu))(at) for outer in (jacrev, jacfwd) for inner in (grad, jacfwd)
        ]
        for order, (results, expected) in enumerate(zip(found, wanted)):
            # The square in exp(-x**2 / 2) makes a rounding of x one of x**2 / 2 units of the result.
            np.testing.assert_allclose(results, expected, rtol=2 * x**2 * np.finfo(dtype).eps, err_msg=f"{order} {x}")
