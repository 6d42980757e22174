"""Curves through data, and systems by SciPy's shorter name."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import scipy.optimize

from fnad.checks import require_function
from fnad.dispatch.jit import jit
from fnad.errors import boundary
from fnad.memo import Memo
from fnad.scipy.optimize.systems import least_squares, root
from fnad.scipy.originals import as_array
from fnad.tracing.state import is_staging
from fnad.transforms.jacobians import jacfwd

_compiled = Memo()


@boundary
def curve_fit(
    f: Callable[..., Any], xdata: Any, ydata: Any, p0: Any = None, sigma: Any = None, absolute_sigma: bool = False,
    check_finite: Any = None, bounds: Any = (-np.inf, np.inf), method: Any = None, jac: Any = None, **options: Any,
) -> tuple[Any, ...]:
    """The parameters with which a curve fits data best, and their covariances.

    Where a function is differentiated, mapped or compiled, SciPy runs in the middle of it, and the parameters have the
    derivative that the implicit function theorem gives, in the data and all that ``f`` closes over.

    Args:
        f: ``(x, *parameters) -> y``.
        xdata: what ``f`` takes first: an array, or a pytree of arrays.
        ydata: the values that it should have, a vector.
        p0: where to begin; None: ones, as many as ``f`` has parameters.
        sigma: the errors of ``ydata``, a vector, or a matrix of their covariances.
        absolute_sigma: whether the covariances are those of errors as large as ``sigma``.
        check_finite, bounds, method, options: as SciPy's.
        jac: the Jacobian, as SciPy takes it; by default that of ``f``.

    Returns:
        The parameters and their covariances; more with SciPy's ``full_output``.

    Raises:
        TypeError: ``f`` is no function.
        ValueError: as SciPy's.
        RuntimeError: the fit fails, where nothing is traced.

    >>> t = np.linspace(0.0, 2.0, 9)
    >>> best, _ = curve_fit(lambda t, a, rate: a * np.exp(-rate * t), t, 3.0 * np.exp(-0.5 * t))
    >>> np.round(best, 6)
    array([3. , 0.5])
    """
    require_function("curve_fit", f)
    if is_staging():
        return _traced(f, xdata, as_array(ydata), p0, sigma, absolute_sigma, bounds, method, options)
    value, slope = _compiled.get(f, lambda: (jit(lambda x, p: f(x, *p)), jit(lambda x, p: _jacobian(f, x, p))))
    curve = wraps(f)(lambda x, *p: value(x, np.array(p)))
    jac = (lambda x, *p: slope(x, np.array(p))) if jac is None else jac
    return scipy.optimize.curve_fit(
        curve, xdata, ydata, p0, sigma, absolute_sigma, check_finite, bounds, method, jac, **options
    )


def _jacobian(f: Callable[..., Any], x: Any, p: Any) -> Any:
    return jacfwd(lambda p: np.ravel(as_array(f(x, *p))))(p)


def _traced(
    f: Callable[..., Any], x: Any, y: Any, p0: Any, sigma: Any, absolute_sigma: bool, bounds: Any, method: Any,
    options: dict[str, Any],
) -> tuple[Any, Any]:
    p0 = np.ones(len(inspect.signature(f).parameters) - 1) if p0 is None else p0
    weighted = _weighted(sigma, y.shape[0])
    is_bounded = bool(np.any(np.isfinite(np.hstack(bounds))))
    # Tight enough for the derivative, which is that of the exact solution.
    given = {"xtol": 1e-14, "ftol": 1e-14, "gtol": 1e-14, **options}
    residuals = lambda p: weighted(as_array(f(x, *p)) - y)  # noqa: E731
    best = least_squares(residuals, p0, None, bounds, method or ("trf" if is_bounded else "lm"), **given).x
    slope = jacfwd(residuals)(best)
    covariances = np.linalg.inv(slope.T @ slope)
    if not absolute_sigma:
        covariances = covariances * (np.sum(residuals(best) ** 2) / (y.shape[0] - best.shape[0]))
    return best, covariances


def _weighted(sigma: Any, n: int) -> Callable[[Any], Any]:
    """Residuals in units of their errors."""
    if sigma is None:
        return lambda r: r
    sigma = as_array(sigma)
    if sigma.shape == (n,) or sigma.size == 1:
        return lambda r: r / sigma
    if sigma.shape == (n, n):
        factor = np.linalg.cholesky(sigma)
        return lambda r: np.linalg.solve(factor, r)
    raise ValueError("`sigma` has incorrect shape.")


@boundary
def fsolve(
    func: Callable[..., Any], x0: Any, args: Any = (), fprime: Any = None, xtol: Any = 1.49012e-8, maxfev: int = 0
) -> Any:
    """A root of a system of equations, as `root` finds it.

    Args:
        func: ``(x, *args) -> residuals``, as many as x has elements.
        x0: where to begin: a vector, or any pytree of arrays.
        args: more arguments of ``func``.
        fprime: the Jacobian, as SciPy takes it; by default that of ``func``.
        xtol: how much the last step may have changed the root.
        maxfev: the largest number of evaluations; 0 for a number by SciPy.

    Returns:
        The root, nested as ``x0``. Derivatives as of `root`.

    Raises:
        TypeError: ``func`` is no function.

    >>> np.round(fsolve(lambda x, a: [x[0] + x[1] - a, x[0] * x[1] - 2.0], [0.0, 5.0], (3.0,)), 9)
    array([1., 2.])
    """
    found = root(func, x0, args, "hybr", fprime, options={"xtol": xtol, "maxfev": maxfev})
    if not is_staging() and not found.success:
        warnings.warn(found.message, RuntimeWarning, stacklevel=3)
    return found.x
