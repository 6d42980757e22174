"""Roots of systems of equations, and least squares, by SciPy's methods with compiled functions and Jacobians."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from fnad.checks import require_function
from fnad.errors import boundary
from fnad.scipy.optimize.functions import Closed, Derivatives, as_tuple
from fnad.scipy.optimize.implicit import solution
from fnad.scipy.optimize.loops import newton
from fnad.scipy.optimize.minimizing import at_bounds, require_known
from fnad.scipy.optimize.results import OptimizeResult, pair, solved_by_scipy, told
from fnad.scipy.states import Shaped, flattened
from fnad.tracing.state import is_staging
from fnad.transforms.grad import grad

WITH_JACOBIAN = ("hybr", "lm")

# --- Roots


@boundary
def root(
    fun: Callable[..., Any], x0: Any, args: Any = (), method: str = "hybr", jac: Any = None, tol: Any = None,
    callback: Any = None, options: Any = None,
) -> Any:
    """A root of a system of as many equations as unknowns, by SciPy's methods with a compiled function and Jacobian.

    Where a function is differentiated, mapped or compiled, SciPy runs in the middle of it, but for the method "newton",
    which is a loop for systems of few equations. The root has the derivative that the implicit function theorem gives,
    of any order, in ``args`` and all that ``fun`` closes over.

    Args:
        fun: ``(x, *args) -> residuals``, as many as x has elements: an array or a pytree.
        x0: where to begin: a vector, or any pytree of arrays.
        args: more arguments of ``fun``: a tuple of pytrees.
        method: the name of a method of SciPy's, or "newton": Newton's, with steps halved until residuals get less.
        jac: the Jacobian, as SciPy takes it, of functions of a vector; by default that of ``fun``.
        tol, callback, options: as SciPy's.

    Returns:
        SciPy's ``OptimizeResult``, whose ``x`` is nested as ``x0``. It is a pytree.

    Raises:
        TypeError: ``fun`` is no function.
        ValueError: as SciPy's.
        numpy.linalg.LinAlgError: the Jacobian is singular, at the root where it is differentiated, or for "newton" at
            a point on the way.

    >>> def both(x, a):
    ...     return {"sum": x["u"] + x["v"] - a, "product": x["u"] * x["v"] - 2.0}
    >>> found = root(both, {"u": 0.0, "v": 5.0}, args=(3.0,))
    >>> np.round(found.x["u"], 9), np.round(found.x["v"], 9)
    (np.float64(1.0), np.float64(2.0))
    """
    require_function("root", fun)
    args = as_tuple(args)
    x0, shaped = Shaped.of("x0", x0)
    given = dict(method=method, tol=tol, options=options)
    if is_staging() or method == "newton":
        require_known("root", tol=tol)
        return _traced("root", lambda x: flattened(fun(shaped.restored(x), *args)), x0, shaped, _Rooter, given)
    derivatives = Derivatives(fun, shaped, args, False)
    watch = None if callback is None else lambda x, *f: callback(shaped.restored(np.copy(x)), *f)
    return _restored(_root_by_scipy(derivatives, x0, jac, callback=watch, **given), shaped)


def _root_by_scipy(derivatives: Any, x0: Any, jac: Any = None, **given: Any) -> Any:
    if jac is None and str(given["method"]).lower() in WITH_JACOBIAN:
        jac = derivatives.jac
    return scipy.optimize.root(derivatives.value, x0, jac=jac, **given)


def _restored(result: Any, shaped: Shaped) -> Any:
    result["x"] = shaped.restored(result.x)
    return result


class _Rooter:
    """SciPy's solver for a Program."""

    def __init__(self, closed: Closed, given: dict[str, Any]) -> None:
        self.closed, self.given = closed, given

    def derivatives(self, x0: Any, constants: Any) -> Derivatives:
        return Derivatives(self.closed.call, Shaped.of("x0", x0)[1], constants, False)

    def __call__(self, x0: Any, *constants: Any) -> Any:
        return _root_by_scipy(self.derivatives(x0, constants), x0, **self.given)

    def residual(self, x: Any, *constants: Any) -> Any:
        """What is 0 at a solution."""
        return self.closed.call(x, *constants)

    def on_traced(self, x0: Any) -> tuple[Callable[..., Any], list[Any]]:
        """What finds the solution, SciPy in the middle or a loop, and what it begins with."""
        if str(self.given["method"]).lower() != "newton":
            return lambda begin, *constants: pair(solved_by_scipy(*begin, *constants, solver=self)), [x0]
        own = lambda begin, *constants: newton(lambda x: self.closed.call(x, *constants), *begin)  # noqa: E731
        return own, [x0, 1.49012e-8 if self.given["tol"] is None else self.given["tol"]]


def _traced(
    name: str, function: Callable[..., Any], x0: Any, shaped: Shaped, kind: Any, given: dict[str, Any],
    fixed: Callable[..., Any] | None = None,
) -> Any:
    closed = Closed(name, function, x0.shape[0])
    solver = kind(closed, given)
    solve, begin = solver.on_traced(x0)
    x, info = solution(solve, solver.residual, begin, closed.constants, fixed)
    return OptimizeResult(x=shaped.restored(x), fun=closed(x), **told(info))


# --- Least squares

RHO: dict[str, Callable[[Any], Any]] = {
    "linear": lambda z: z,
    "soft_l1": lambda z: 2 * (np.sqrt(1 + z) - 1),
    "huber": lambda z: np.where(z <= 1, z, 2 * np.sqrt(np.where(z <= 1, 1.0, z)) - 1),
    "cauchy": np.log1p,
    "arctan": np.arctan,
}
"""SciPy's losses, of the squares of residuals."""


@boundary
def least_squares(
    fun: Callable[..., Any], x0: Any, jac: Any = None, bounds: Any = (-np.inf, np.inf), method: str = "trf",
    loss: Any = "linear", f_scale: Any = 1.0, args: Any = (), **options: Any,
) -> Any:
    """The least sum of squares of residuals, by SciPy's methods with a compiled function and Jacobian.

    Where a function is differentiated, mapped or compiled, SciPy runs in the middle of it, and the solution has the
    derivative that the implicit function theorem gives, of any order, in ``args`` and all that ``fun`` closes over;
    an element that lies at its bound has none.

    Args:
        fun: ``(x, *args) -> residuals``: an array or a pytree.
        x0: where to begin: a vector, or any pytree of arrays.
        jac: the Jacobian, as SciPy takes it, of functions of a vector; by default that of ``fun``, by columns or rows,
            whichever are fewer.
        bounds: lower and upper bounds: numbers, vectors, or pytrees nested as ``x0``.
        method, loss, f_scale: as SciPy's.
        args: more arguments of ``fun``: a tuple of pytrees.
        options: SciPy's other arguments, such as ``xtol`` or ``max_nfev``.

    Returns:
        SciPy's ``OptimizeResult``, whose ``x`` is nested as ``x0``. It is a pytree.

    Raises:
        TypeError: ``fun`` is no function.
        ValueError: as SciPy's; or the loss is a function, where something is traced.

    >>> t = np.array([0.0, 1.0, 2.0])
    >>> y = 3.0 * np.exp(-0.5 * t)
    >>> def residuals(p, y):
    ...     return p["a"] * np.exp(-p["rate"] * t) - y
    >>> found = least_squares(residuals, {"a": 1.0, "rate": 1.0}, args=(y,))
    >>> np.round(found.x["a"], 6), np.round(found.x["rate"], 6)
    (np.float64(3.0), np.float64(0.5))
    """
    require_function("least_squares", fun)
    args = as_tuple(args)
    x0, shaped = Shaped.of("x0", x0)
    bounds = _flat_bounds(bounds, shaped)
    given = dict(bounds=bounds, method=method, loss=loss, f_scale=f_scale, **options)
    if not is_staging():
        derivatives = Derivatives(fun, shaped, args, False)
        jac = derivatives.jac if jac is None else jac
        return _restored(scipy.optimize.least_squares(derivatives.value, x0, jac, **given), shaped)
    require_known("least_squares", bounds=list(given["bounds"]), f_scale=f_scale)
    if loss not in RHO:
        raise ValueError(f"`loss` must be one of {list(RHO)} or a callable.")
    fixed = at_bounds(scipy.optimize.Bounds(*bounds), x0.shape[0]) if np.any(np.isfinite(np.hstack(bounds))) else None
    function = lambda x: flattened(fun(shaped.restored(x), *args))  # noqa: E731
    return _traced("least_squares", function, x0, shaped, _Fitter, given, fixed)


def _flat_bounds(bounds: Any, shaped: Shaped) -> Any:
    if isinstance(bounds, scipy.optimize.Bounds):
        return bounds.lb, bounds.ub
    is_nested = lambda end: np.ndim(end) == 0 if np.isscalar(end) else shaped.treedef.is_leaf()  # noqa: E731
    return tuple([end if is_nested(end) else np.asarray(flattened(end)) for end in bounds])


class _Fitter(_Rooter):
    """SciPy's solver of least squares for a Program."""

    def __call__(self, x0: Any, *constants: Any) -> Any:
        derivatives = self.derivatives(x0, constants)
        return scipy.optimize.least_squares(derivatives.value, x0, derivatives.jac, **self.given)

    def residual(self, x: Any, *constants: Any) -> Any:
        """The gradient of the cost."""
        rho, scale = RHO[self.given["loss"]], self.given["f_scale"]

        def cost(x: Any) -> Any:
            return 0.5 * scale**2 * np.sum(rho((self.closed.call(x, *constants) / scale) ** 2))

        return grad(cost)(x)
