"""Initial value problems."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fnad import tree
from fnad.checks import require_function
from fnad.control import map as map_slices
from fnad.errors import boundary
from fnad.lazy import LazyModule
from fnad.numpy.dispatch import any_traced
from fnad.numpy.promotion import is_traced
from fnad.scipy.integrate.rosenbrock import RODAS4
from fnad.scipy.integrate.runge_kutta import explicit
from fnad.scipy.integrate.stepping import Problem, solve
from fnad.scipy.originals import as_array
from fnad.scipy.states import Shaped, flattened, is_vector
from fnad.tracing.state import is_staging
from fnad.transforms.vjp import stop_gradient

_integrate = LazyModule("scipy.integrate")
EXPLICIT, STIFF = ("RK23", "RK45", "DOP853"), "Rodas4"


@dataclass(frozen=True)
class OdeResult:
    """What `solve_ivp` returns, with SciPy's names.

    Attributes:
        t: the times.
        y: the states at these, along the last axis; of a pytree one with an array for each leaf.
        sol: the solution as a function of time, or None.
        t_events, y_events: times and states of events, or None.
        nfev, njev, nlu: the numbers of evaluations of the function and its Jacobian, and of factorizations.
        status: 0, or -1 where a step would have been too small; 1 where an event ended it.
        success: whether the end was reached, or an event.
        message: the reason in words.
    """

    t: Any
    y: Any
    sol: Any
    t_events: Any
    y_events: Any
    nfev: Any
    njev: Any
    nlu: Any
    status: Any
    success: Any
    message: str = field(metadata={"static": True})


@boundary
def solve_ivp(
    fun: Callable[..., Any], t_span: Sequence[Any], y0: Any, method: Any = "RK45", t_eval: Any = None,
    dense_output: bool = False, events: Any = None, vectorized: bool = False, args: Any = None, **options: Any,
) -> OdeResult:
    """The solution of y' = fun(t, y), y(t0) = y0, with steps that keep the error small.

    In a function that is differentiated, mapped or compiled it is a loop, with SciPy's steps: of the methods "RK45",
    "RK23" and "DOP853", at the times ``t_eval``, in float64 or complex128. Elsewhere SciPy solves it, with all that it
    has. For stiff equations there is a loop that SciPy has not: "Rodas4", a Rosenbrock method of order 4.

    The derivative is that of the steps that are taken, forward and in reverse, in ``y0``, ``t_span``, ``t_eval``,
    ``args`` and all that ``fun`` closes over; the backward pass computes the steps again, and needs bounded memory.

    Args:
        fun: ``(t, y, *args) -> slope``, the slope nested as ``y``.
        t_span: the times of start and end; it may go backward.
        y0: the state at the start: a vector, or a pytree of arrays (a list or tuple of numbers is a vector).
        method: the name of the method.
        t_eval: the times at which the state is wanted, sorted, within ``t_span``. It is needed where anything is
            traced, since the number of steps is not known then; where it is traced itself it is not checked.
        dense_output, events, vectorized: as SciPy's; the first two where nothing is traced.
        args: more arguments of ``fun``, a tuple.
        options: ``rtol=1e-3``, ``atol=1e-6``, ``max_step=inf``, ``first_step=None``, and other ones of SciPy's methods.

    Returns:
        An object with the attributes ``t``, ``y``, ``sol``, ``t_events``, ``y_events``, ``nfev``, ``njev``, ``nlu``,
        ``status``, ``success`` and ``message``. Where it fails in a loop, the states that were not reached are NaN.

    Raises:
        ValueError: an argument has another form or value than it must; or, where something is traced, ``t_eval`` is
            missing, or the method is an implicit one.
        TypeError: ``fun`` is no function, or ``args`` no tuple.
        NotImplementedError: events or dense output are asked for where something is traced.

    >>> import fnad
    >>> def end(rate):
    ...     return solve_ivp(lambda t, y: -rate * y, (0.0, 1.0), [1.0], t_eval=[1.0], rtol=1e-8, atol=1e-8).y[0, 0]
    >>> fnad.value_and_grad(end)(2.0)
    (array(0.13533528), array(-0.13533528))
    """
    require_function("solve_ivp", fun)
    if args is not None:
        fun = _with_arguments(fun, args)
    flat, restore, fun = _as_vector(fun, y0)
    if not is_staging() and method != STIFF:
        found = _by_scipy(fun, t_span, flat, method, t_eval, dense_output, events, vectorized, options)
        return OdeResult(**{**found, "y": restore(found["y"])})
    _require_loop(method, t_eval, dense_output, events)
    return _by_loop(_one_column(fun) if vectorized else fun, t_span, flat, method, t_eval, restore, **options)


def _with_arguments(fun: Callable[..., Any], args: Any) -> Callable[..., Any]:
    try:
        args = [*args]
    except TypeError:
        raise TypeError(
            f"Supplied 'args' cannot be unpacked. Please supply `args` as a tuple (e.g. `args=({args},)`)"
        ) from None
    return lambda t, y: fun(t, y, *args)


def _one_column(fun: Callable[..., Any]) -> Callable[..., Any]:
    return lambda t, y: np.ravel(as_array(fun(t, y[:, None])))


def _as_vector(fun: Callable[..., Any], y0: Any) -> tuple[Any, Callable[[Any], Any], Callable[..., Any]]:
    """The state as a vector; what makes of rows of elements such states; and the function of vectors."""
    if is_vector(y0):
        flat = as_array(y0)
        if flat.ndim != 1:
            raise ValueError("`y0` must be 1-dimensional.")
        return flat, lambda ys: ys, fun
    flat, shaped = Shaped.of("y0", y0)

    def slope(t: Any, y: Any) -> Any:
        found = fun(t, shaped.restored(y))
        if tree.structure(found) != shaped.treedef:
            raise ValueError(tree.mismatch("solve_ivp", shaped.treedef, tree.structure(found), "slope"))
        return tree.ravel_pytree(found)[0]

    def restore(ys: Any) -> Any:
        return tree.map(lambda y: np.moveaxis(y, 0, -1), map_slices(shaped.restored, ys.T))

    return flat, restore, slope


# --- By SciPy


class _Unknown(Exception):
    """The first slope is NaN, for which SciPy would look for a step for ever."""


def _by_scipy(
    fun: Callable[..., Any], t_span: Any, y0: Any, method: Any, t_eval: Any, dense_output: bool, events: Any,
    vectorized: bool, options: dict[str, Any],
) -> Any:
    calls = 0

    def watched(t: Any, y: Any) -> Any:
        nonlocal calls
        slope, calls = fun(t, y), calls + 1
        if calls == 1 and np.any(np.isnan(slope)):
            raise _Unknown
        return slope

    try:
        return _integrate.solve_ivp(watched, t_span, y0, method, t_eval, dense_output, events, vectorized, **options)
    except _Unknown:
        empty = dict.fromkeys(("sol", "t_events", "y_events"))
        t, y = ([t_span[0]], np.reshape(y0, (-1, 1))) if t_eval is None else ([], np.zeros((len(y0), 0)))
        return dict(
            t=np.array(t, float), y=np.array(y, float), **empty, nfev=1, njev=0, nlu=0, status=-1, success=False,
            message="The slope at the start is NaN.",
        )


# --- By a loop


def _require_loop(method: Any, t_eval: Any, dense_output: bool, events: Any) -> None:
    """Raise for what a loop is not able to do."""
    if method not in (*EXPLICIT, STIFF):
        if not (isinstance(method, str) and hasattr(_integrate, method)):
            raise ValueError(f"`method` must be one of {EXPLICIT} or OdeSolver class.")
        raise ValueError(
            f"solve_ivp: requires one of the methods {', '.join(EXPLICIT)}, {STIFF} in a function that is "
            f"differentiated, mapped or compiled, got {method}. For stiff equations take {STIFF}, or call it outside."
        )
    for what, given in (("no events", events is not None), ("dense_output=False", dense_output)):
        if given:
            raise NotImplementedError(
                f"solve_ivp: requires {what} in a function that is differentiated, mapped or compiled, since the "
                "number of steps is not known. Ask for the states at the times t_eval, or call it outside."
            )
    if t_eval is None:
        raise ValueError(
            "solve_ivp: requires t_eval in a function that is differentiated, mapped or compiled, since the number of "
            "steps is not known, got None. Pass the times at which the state is wanted, such as [t_span[1]]."
        )


def _by_loop(
    fun: Callable[..., Any], t_span: Any, y0: Any, method: str, t_eval: Any, restore: Callable[[Any], Any],
    rtol: Any = 1e-3, atol: Any = 1e-6, max_step: Any = np.inf, first_step: Any = None, **others: Any,
) -> OdeResult:
    if others:
        words = ", ".join([f"`{name}`" for name in others])
        warnings.warn(f"The following arguments have no effect for a chosen solver: {words}.", stacklevel=4)
    t0, t1 = [np.astype(as_array(t), np.float64) for t in t_span]
    t_eval = np.astype(as_array(t_eval), np.float64)
    _require_times(t0, t1, t_eval)
    rtol, atol = _tolerances(rtol, atol, y0.shape[0])
    _require_steps(max_step, first_step, t0, t1)
    y0 = np.astype(y0, complex if y0.dtype.kind == "c" else float)
    if method == STIFF and y0.dtype.kind == "c":
        raise ValueError(f"solve_ivp: requires a real state for {STIFF}, got {y0.dtype}. Take its parts as two states.")

    def slope(t: Any, y: Any) -> Any:
        return np.broadcast_to(np.astype(as_array(fun(t, y)), y.dtype), y.shape)

    ys, end = _states(slope, t0, t1, y0, method, t_eval, rtol, atol, max_step, first_step)
    return OdeResult(
        t=t_eval, y=restore(ys.T), sol=None, t_events=None, y_events=None, nfev=end.nfev, njev=0, nlu=0,
        status=np.where(end.is_stuck, -1, 0), success=~end.is_stuck,
        message="The end was reached, unless the status is -1: then a step would have been too small.",
    )


def _states(
    slope: Callable[[Any, Any], Any], t0: Any, t1: Any, y0: Any, method: str, times: Any, rtol: Any, atol: Any,
    max_step: Any = np.inf, first_step: Any = None,
) -> tuple[Any, Any]:
    """The states at the times, each in a row, and the last state of the loop."""
    direction = stop_gradient(np.where(t1 < t0, -1.0, 1.0))
    end = t1 if y0.shape[0] else t0  # nothing has to be done for nothing
    tolerances = [stop_gradient(np.astype(as_array(x), np.float64)) for x in (rtol, atol, max_step)]
    first = None if first_step is None else stop_gradient(np.astype(as_array(first_step), np.float64))
    own = RODAS4 if method == STIFF else explicit(method)
    return solve(Problem(slope, own, end, direction, *tolerances), t0, y0, times, first)


def _require_times(t0: Any, t1: Any, t_eval: Any) -> None:
    """SciPy's errors of times that are known."""
    if t_eval.ndim != 1:
        raise ValueError("`t_eval` must be 1-dimensional.")
    if any_traced([t0, t1, t_eval], {}):
        return
    if np.any(t_eval < min(t0, t1)) or np.any(t_eval > max(t0, t1)):
        raise ValueError("Values in `t_eval` are not within `t_span`.")
    steps = np.diff(t_eval)
    if t1 > t0 and np.any(steps <= 0) or t1 < t0 and np.any(steps >= 0):
        raise ValueError("Values in `t_eval` are not properly sorted.")


def _tolerances(rtol: Any, atol: Any, n: int) -> tuple[Any, Any]:
    least = 100 * np.finfo(float).eps
    if not is_traced(rtol) and np.any(np.asarray(rtol) < least):
        warnings.warn(
            f"At least one element of `rtol` is too small. Setting `rtol = np.maximum(rtol, {least})`.", stacklevel=5
        )
        rtol = np.maximum(rtol, least)
    if np.ndim(atol) > 0 and np.shape(atol) != (n,):
        raise ValueError("`atol` has wrong shape.")
    if not is_traced(atol) and np.any(np.asarray(atol) < 0):
        raise ValueError("`atol` must be positive.")
    return rtol, atol


def _require_steps(max_step: Any, first_step: Any, t0: Any, t1: Any) -> None:
    if not is_traced(max_step) and max_step <= 0:
        raise ValueError("`max_step` must be positive.")
    if first_step is None or is_traced(first_step):
        return
    if first_step <= 0:
        raise ValueError("`first_step` must be positive.")
    if not any_traced([t0, t1], {}) and first_step > np.abs(t1 - t0):
        raise ValueError("`first_step` exceeds bounds.")


# --- In other words


@boundary
def odeint(
    func: Callable[..., Any], y0: Any, t: Any, *parameters: Any, args: Any = (), rtol: Any = 1.4e-8,
    atol: Any = 1.4e-8, mxstep: Any = np.inf, hmax: Any = np.inf, tfirst: bool = False,
) -> Any:
    """The solution of y' = func(y, t), y(t[0]) = y0, at the times t, by the method of Dormand and Prince.

    Args:
        func: ``(y, t, *parameters) -> slope``, the slope nested as ``y``.
        y0: the state at ``t[0]``, an array or a pytree of arrays.
        t: the times, increasing or decreasing, the first of which is the start.
        parameters: more arguments of ``func``.
        args: the same as a tuple, as SciPy's ``odeint`` takes them.
        rtol, atol: the error that is allowed in a step.
        mxstep: taken for the sake of programs that give it; the number of steps is not bounded.
        hmax: the largest step.
        tfirst: whether ``func`` takes the time first.

    Returns:
        The states, with one more axis in front for the times. Derivatives as of `solve_ivp`.

    Raises:
        TypeError: ``func`` is no function.
        ValueError: ``t`` is no vector of at least one time.

    >>> odeint(lambda y, t, rate: -rate * y, np.array([1.0]), np.array([0.0, 1.0]), 2.0)
    array([[1.        ],
           [0.13533528]])
    """
    require_function("odeint", func)
    times = np.astype(as_array(t), np.float64)
    if times.ndim != 1 or not times.shape[0]:
        raise ValueError(f"odeint: requires a vector of times, got an array of shape {times.shape}. Pass [t0, ...].")
    flat, shaped = Shaped.of("y0", y0)

    def slope(t: Any, y: Any) -> Any:
        own = (t, shaped.restored(y)) if tfirst else (shaped.restored(y), t)
        return np.astype(flattened(func(*own, *parameters, *args)), y.dtype)

    ys, _ = _states(slope, times[0], times[-1], flat, "RK45", times, rtol, atol, hmax)
    return map_slices(shaped.restored, ys)
