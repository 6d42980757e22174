"""The minimum of a function: SciPy's methods, with values and derivatives from compiled code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.optimize

from fnad.checks import require_function
from fnad.errors import boundary
from fnad.numpy.promotion import is_traced
from fnad.scipy.optimize.functions import Closed, Derivatives, as_tuple
from fnad.scipy.optimize.implicit import solution
from fnad.scipy.optimize.loops import bfgs
from fnad.scipy.optimize.results import OptimizeResult, pair, solved_by_scipy, told
from fnad.scipy.originals import as_array
from fnad.scipy.states import Shaped, is_vector
from fnad.tracing.state import is_staging
from fnad.transforms.grad import grad

WITHOUT_DERIVATIVES = ("nelder-mead", "powell", "cobyla", "cobyqa")
WITH_PRODUCTS = ("newton-cg", "trust-ncg", "trust-krylov", "trust-constr")
WITH_HESSIAN = ("dogleg", "trust-exact")


@boundary
def minimize(
    fun: Callable[..., Any], x0: Any, args: Any = (), method: Any = None, jac: Any = None, hess: Any = None,
    hessp: Any = None, bounds: Any = None, constraints: Any = (), tol: Any = None, callback: Any = None,
    options: Any = None,
) -> Any:
    """The minimum of a function, by SciPy's methods with compiled values and derivatives, in float64.

    Where a function is differentiated, mapped or compiled, BFGS without bounds is a loop; with other methods SciPy runs
    in the middle. The solution has the derivative that the implicit function theorem gives, of any order, in ``args``
    and all that ``fun`` closes over; an element that lies at its bound has none.

    Args:
        fun: ``(x, *args) -> number``.
        x0: where to begin: a vector, or any pytree of arrays (a list or tuple of numbers is a vector).
        args: more arguments of ``fun``: a tuple of pytrees.
        method: the name of a method of SciPy's, or None for its choice.
        jac, hess, hessp: derivatives, as SciPy takes them, of functions of a vector; by default those of ``fun``, as
            the method needs them.
        bounds: as SciPy's, by the elements of the vector; or for a pytree one with a pair of bounds for each leaf.
        constraints: as SciPy's, of functions that take what ``fun`` takes; their derivatives are added. None may be
            given where something is traced.
        tol, callback, options: as SciPy's; ``callback`` is given x as ``x0`` is nested.

    Returns:
        SciPy's ``OptimizeResult``, whose ``x`` and ``jac`` are nested as ``x0``. It is a pytree.

    Raises:
        TypeError: ``fun`` is no function.
        NotImplementedError: there are constraints, where something is traced.
        ValueError: as SciPy's.

    >>> def distance(x, a):
    ...     return (x["u"] - a) ** 2 + 2.0 * (x["v"] + a) ** 2
    >>> found = minimize(distance, {"u": 0.0, "v": 0.0}, args=(3.0,), options={"gtol": 1e-10})
    >>> np.round(found.x["u"], 6), np.round(found.x["v"], 6)
    (np.float64(3.0), np.float64(-3.0))
    """
    require_function("minimize", fun)
    args = as_tuple(args)
    x0, shaped = Shaped.of("x0", x0)
    given = dict(method=method, bounds=_flat_bounds(shaped, bounds), tol=tol, options=options)
    if is_staging():
        return _traced(fun, x0, shaped, args, given, constraints)
    fitted = [_constraint(c, shaped) for c in ([constraints] if _is_one(constraints) else constraints)]
    derivatives = Derivatives(fun, shaped, args, True)
    given |= dict(constraints=fitted, callback=_callback(callback, shaped))
    result = by_scipy(derivatives, x0, given, dict(jac=jac, hess=hess, hessp=hessp))
    return _restored(result, shaped)


def by_scipy(derivatives: Any, x0: Any, given: dict[str, Any], own: dict[str, Any] | None = None) -> Any:
    """SciPy's result, of vectors."""
    own = own or {}
    name = str(given["method"]).lower()
    called: dict[str, Any] = {k: v for k, v in own.items() if v is not None}
    fun = derivatives.value
    if name not in WITHOUT_DERIVATIVES and "jac" not in called:
        fun, called["jac"] = derivatives.value_and_grad, True
    if name in WITH_PRODUCTS and not {"hess", "hessp"} & called.keys():
        called["hessp"] = derivatives.hessp
    if name in WITH_HESSIAN and "hess" not in called:
        called["hess"] = derivatives.hess
    return scipy.optimize.minimize(_plain(fun), x0, **called, **given)


def _plain(fun: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose value is a number, as some methods want it."""

    def plain(x: Any) -> Any:
        result = fun(x)
        return (float(result[0]), result[1]) if isinstance(result, tuple) else float(result)

    return plain


def _restored(result: Any, shaped: Shaped) -> Any:
    for name in ("x", "jac"):
        if np.shape(result.get(name)) == np.shape(result.x):
            result[name] = shaped.restored(result[name]) if name != "x" else result[name]
    result["x"] = shaped.restored(result.x)
    return result


# --- What SciPy is given


def _flat_bounds(shaped: Shaped, bounds: Any) -> Any:
    """Bounds of the elements of the vector."""
    if bounds is None or shaped.treedef.is_leaf() or isinstance(bounds, scipy.optimize.Bounds):
        return bounds
    flat = []
    for (low, high), shape in zip(shaped.treedef.flatten_up_to(bounds), shaped.layout.shapes):
        ends = [np.ravel(np.broadcast_to(end, shape)).tolist() for end in (
            -np.inf if low is None else low, np.inf if high is None else high)]
        flat.extend(zip(*ends))
    return flat


def _callback(callback: Any, shaped: Shaped) -> Any:
    if callback is None:
        return None
    if set(inspect.signature(callback).parameters) == {"intermediate_result"}:
        return lambda intermediate_result: callback(_restored(OptimizeResult(intermediate_result), shaped))
    return lambda x, *more: callback(shaped.restored(np.copy(x)), *more)


def _is_one(constraints: Any) -> bool:
    return isinstance(constraints, (dict, scipy.optimize.LinearConstraint, scipy.optimize.NonlinearConstraint))


def _constraint(given: Any, shaped: Shaped) -> Any:
    """A constraint of vectors, with derivatives."""
    if isinstance(given, dict):
        derivatives = Derivatives(given["fun"], shaped, as_tuple(given.get("args", ())), False)
        jac = given.get("jac") or (lambda x: np.atleast_2d(derivatives.jac(x)))
        return {"type": given["type"], "fun": derivatives.value, "jac": jac}
    if not isinstance(given, scipy.optimize.NonlinearConstraint):
        return given
    derivatives = Derivatives(given.fun, shaped, (), False)
    jac = given.jac if callable(given.jac) else derivatives.jac
    hess = given.hess if callable(given.hess) else lambda x, v: derivatives.weighted_hess(x, v)
    return scipy.optimize.NonlinearConstraint(
        derivatives.value, given.lb, given.ub, jac, hess, given.keep_feasible, given.finite_diff_rel_step
    )


# --- Where something is traced


class _Minimizer:
    """SciPy's solver for a Program, equal for equal arguments."""

    def __init__(self, closed: Closed, given: dict[str, Any]) -> None:
        self.closed, self.given = closed, given

    def __call__(self, x0: Any, *constants: Any) -> Any:
        shaped = Shaped.of("x0", x0)[1]
        return by_scipy(Derivatives(self.closed.call, shaped, constants, True), x0, self.given)


def _traced(
    fun: Callable[..., Any], x0: Any, shaped: Shaped, args: tuple[Any, ...], given: dict[str, Any], constraints: Any
) -> Any:
    if _is_one(constraints) or len(constraints):
        raise NotImplementedError(
            "minimize: requires a problem without constraints in a function that is differentiated, mapped or "
            "compiled, got some. Use bounds or a change of variables, or call it outside."
        )
    require_known("minimize", bounds=given["bounds"], tol=given["tol"])
    closed = Closed("minimize", lambda x: np.reshape(as_array(fun(shaped.restored(x), *args)), ()), x0.shape[0])
    fixed = at_bounds(given["bounds"], x0.shape[0])
    solve, begin = _solver(closed, x0, given)
    x, info = solution(solve, grad(closed.call), begin, closed.constants, fixed)
    value, slope = closed(x), grad(closed.call)(x, *closed.constants)
    return OptimizeResult(x=shaped.restored(x), fun=value, jac=shaped.restored(slope), **told(info))


def _solver(closed: Closed, x0: Any, given: dict[str, Any]) -> tuple[Callable[..., Any], list[Any]]:
    """What finds the solution, a loop or SciPy in the middle, and what it begins with."""
    if given["bounds"] is None and str(given["method"]).lower() in ("none", "bfgs"):
        options = {"gtol": 1e-5 if given["tol"] is None else given["tol"], "maxiter": None, **(given["options"] or {})}
        own = lambda begin, *constants: bfgs(lambda x: closed.call(x, *constants), *begin)  # noqa: E731
        return own, [x0, options["gtol"], 200 * x0.shape[0] if options["maxiter"] is None else options["maxiter"]]
    minimizer = _Minimizer(closed, given)
    return lambda begin, *constants: pair(solved_by_scipy(*begin, *constants, solver=minimizer)), [x0]


def require_known(name: str, **given: Any) -> None:
    """Raise for what SciPy is told and is traced."""
    for what, value in given.items():
        if is_traced(value):
            raise TypeError(
                f"{name}: requires {what} that is known when it is traced, got a traced value. Make it a number."
            )


def at_bounds(bounds: Any, n: int) -> Callable[..., Any] | None:
    """Which elements of a solution lie at their bounds."""
    if bounds is None:
        return None
    if not isinstance(bounds, scipy.optimize.Bounds):
        ends = [[-np.inf if a is None else a, np.inf if b is None else b] for a, b in bounds]
        bounds = scipy.optimize.Bounds(*np.array(ends, float).reshape(-1, 2).T)
    low, high = [np.broadcast_to(np.asarray(end, float), (n,)) for end in (bounds.lb, bounds.ub)]
    return lambda x, *_: (x <= low) | (x >= high)
