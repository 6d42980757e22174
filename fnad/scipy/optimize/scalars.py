"""Roots of functions of one number: SciPy's methods, and loops in what is traced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.optimize

from fnad.checks import require_function
from fnad.control import while_loop
from fnad.errors import boundary
from fnad.scipy.optimize.functions import Closed, as_tuple
from fnad.scipy.optimize.implicit import solution
from fnad.scipy.optimize.results import OptimizeResult
from fnad.scipy.originals import as_array
from fnad.tracing.state import is_staging
from fnad.transforms.grad import grad

XTOL, RTOL = 2e-12, 4 * float(np.finfo(float).eps)
BRACKETING = ("bisect", "brentq", "brenth", "ridder", "toms748")


@boundary
def root_scalar(
    f: Callable[..., Any], args: Any = (), method: Any = None, bracket: Any = None, fprime: Any = None,
    fprime2: Any = None, x0: Any = None, x1: Any = None, xtol: Any = None, rtol: Any = None, maxiter: Any = None,
    options: Any = None,
) -> Any:
    """A root of a function of one number.

    Where a function is differentiated, mapped or compiled it is a loop: with a ``bracket`` that of Chandrupatla or, if
    asked for, bisection; else Newton's method, or with ``x1`` the secant. The root has the derivative that the implicit
    function theorem gives, of any order, in ``args`` and all that ``f`` closes over. Elsewhere SciPy finds it.

    Args:
        f: ``(x, *args) -> number``.
        args: more arguments of ``f``: a tuple of pytrees.
        method: the name of a method of SciPy's. In a loop it chooses among those that are said above.
        bracket: two numbers at which f has different signs.
        fprime, fprime2: derivatives, functions like ``f``; by default those of ``f``, where the method needs them.
        x0, x1: where to begin.
        xtol, rtol: how far the root may be from the true one.
        maxiter: the largest number of steps, 100 or of Newton's 50.
        options: as SciPy's, where nothing is traced.

    Returns:
        An object with the attributes ``root``, ``converged``, ``iterations``, ``function_calls``, ``flag``. In a loop
        it is a pytree, and the root is NaN where f has the same sign at both ends of the bracket.

    Raises:
        TypeError: ``f`` is no function.
        ValueError: there is nothing to begin with, or there is no such method.

    >>> import fnad
    >>> def root(a):
    ...     return root_scalar(lambda x, a: x**3 - a, (a,), bracket=(0.0, 10.0)).root
    >>> np.round(fnad.jit(root)(8.0), 9), np.round(fnad.grad(root)(8.0), 9)
    (np.float64(2.0), np.float64(0.083333333))
    """
    require_function("root_scalar", f)
    args = as_tuple(args)
    if not is_staging():
        if str(method).lower() in ("newton", "halley") and fprime is None:
            fprime = grad(f)
            fprime2 = grad(fprime) if fprime2 is None and str(method).lower() == "halley" else fprime2
        return scipy.optimize.root_scalar(
            f, args, method, bracket, fprime, fprime2, x0, x1, xtol, rtol, maxiter, options
        )
    name = _method(method, bracket, x0, x1)
    closed = Closed("root_scalar", lambda x: np.reshape(as_array(f(x[0], *args)), (1,)), 1)
    limits = Limits(
        XTOL if xtol is None else xtol, RTOL if rtol is None else rtol, maxiter or (50 if bracket is None else 100)
    )
    starts = bracket if bracket is not None else [x0] if name == "newton" else [x0, x1]
    begin = [np.astype(as_array(x), np.float64) for x in (*starts, *limits)]
    x, (converged, steps, calls) = solution(
        lambda begin, *constants: _found(name, lambda x: closed.call(x[None], *constants)[0], begin), closed.call,
        begin, closed.constants,
    )
    return OptimizeResult(
        root=x[0], converged=converged, iterations=steps, function_calls=calls, method=name,
        flag="converged, if the attribute of this name says so",
    )


def _method(method: Any, bracket: Any, x0: Any, x1: Any) -> str:
    """The loop that is meant."""
    name = None if method is None else str(method).lower()
    if name not in (None, "newton", "halley", "secant", *BRACKETING):
        raise ValueError(f"Unknown solver {method}")
    if name in BRACKETING or name is None and bracket is not None:
        if bracket is None:
            raise ValueError(f"Bracket needed for {name}")
        return "bisect" if name == "bisect" else "chandrupatla"
    if x0 is None:
        raise ValueError("Unable to select a solver as neither bracket nor starting point provided.")
    if name == "secant" and x1 is None:
        raise ValueError("root_scalar: requires x1 for the secant, got None. Pass a second number to begin with.")
    return "secant" if x1 is not None and name in (None, "secant") else "newton"


class Limits(NamedTuple):
    """When to stop."""

    xtol: Any
    rtol: Any
    maxiter: Any


def _found(name: str, f: Callable[..., Any], begin: Sequence[Any]) -> Any:
    """The root, and what is told of it; it begins with the starts and the limits."""
    starts, limits = begin[:-3], Limits(*begin[-3:])
    if name in ("newton", "secant"):
        root, *told = (_newton if name == "newton" else _secant)(f, *starts, limits)
    else:
        root, *told = _bracketed(f, *starts, limits, halves=name == "bisect")
    return root[None], tuple(told)


# --- From a bracket


class _Bracket(NamedTuple):
    """The ends of a bracket, a being the newer one, and the end before; the share of the bracket to try."""

    a: Any
    b: Any
    c: Any
    fa: Any
    fb: Any
    fc: Any
    share: Any
    steps: Any
    is_done: Any


def _bracketed(f: Callable[..., Any], a: Any, b: Any, limits: Limits, halves: bool) -> Any:
    """Chandrupatla's method (1997): inverse quadratic interpolation where it is safe, else bisection."""
    fa, fb = f(a), f(b)
    is_bracket = np.sign(fa) * np.sign(fb) <= 0
    start = _Bracket(a, b, b, fa, fb, fb, np.float64(0.5), np.int64(0), (fa == 0) | (fb == 0) | ~is_bracket)

    def step(s: _Bracket) -> _Bracket:
        t = s.a + s.share * (s.b - s.a)
        ft = f(t)
        is_like_a = np.sign(ft) == np.sign(s.fa)
        c, fc = np.where(is_like_a, s.a, s.b), np.where(is_like_a, s.fa, s.fb)
        b, fb = np.where(is_like_a, s.b, s.a), np.where(is_like_a, s.fb, s.fa)
        a, fa = t, ft
        best = np.where(abs(fa) < abs(fb), a, b)
        shortest = (limits.xtol + limits.rtol * abs(best)) / np.where(a == b, 1.0, abs(b - a))
        share = 0.5 if halves else _share(a, b, c, fa, fb, fc, 0.5 * shortest)
        is_done = (shortest > 1.0) | (fa == 0) | (a == b)
        return _Bracket(a, b, c, fa, fb, fc, share + 0.0 * a, s.steps + 1, is_done)

    end = while_loop(lambda s: ~s.is_done & (s.steps < limits.maxiter), step, start)
    best = np.where(abs(end.fa) <= abs(end.fb), end.a, end.b)
    return np.where(is_bracket, best, np.nan), end.is_done & is_bracket, end.steps, end.steps + 2


def _share(a: Any, b: Any, c: Any, fa: Any, fb: Any, fc: Any, least: Any) -> Any:
    """Where in the bracket to try next, as a share from a to b."""
    xi, phi = (a - b) / _safe(c - b), (fa - fb) / _safe(fc - fb)
    is_smooth = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
    alpha = (c - a) / _safe(b - a)
    inverse = fa / _safe(fb - fa) * fc / _safe(fb - fc) + alpha * fa / _safe(fc - fa) * fb / _safe(fc - fb)
    return np.clip(np.where(is_smooth, inverse, 0.5), least, 1 - least)


def _safe(x: Any) -> Any:
    return np.where(x == 0, 1.0, x)


# --- From a point


def _newton(f: Callable[..., Any], x0: Any, limits: Limits) -> Any:
    slope = grad(f)

    def step(s: Any) -> Any:
        x, _, steps = s
        following = x - f(x) / slope(x)
        return following, _is_close(following, x, limits), steps + 1

    x, is_close, steps = _iterated(step, (x0, np.bool_(False), np.int64(0)), limits)
    return x, is_close, steps, 2 * steps


def _secant(f: Callable[..., Any], x0: Any, x1: Any, limits: Limits) -> Any:
    def step(s: Any) -> Any:
        (a, fa, b, fb), _, steps = s
        following = np.where(fb == fa, 0.5 * (a + b), b - fb * (b - a) / _safe(fb - fa))
        return (b, fb, following, f(following)), _is_close(following, b, limits), steps + 1

    (_, _, x, _), is_close, steps = _iterated(
        step, ((x0, f(x0), x1, f(x1)), np.bool_(False), np.int64(0)), limits
    )
    return x, is_close, steps, steps + 2


def _iterated(step: Callable[[Any], Any], start: Any, limits: Limits) -> Any:
    return while_loop(lambda s: ~s[1] & (s[2] < limits.maxiter), step, start)


def _is_close(a: Any, b: Any, limits: Limits) -> Any:
    return abs(a - b) <= limits.xtol + limits.rtol * abs(b)


# --- By SciPy's other names


@boundary
def brentq(
    f: Callable[..., Any], a: Any, b: Any, args: Any = (), xtol: Any = XTOL, rtol: Any = RTOL, maxiter: int = 100
) -> Any:
    """A root of a function of one number in a bracket, as `root_scalar` finds it.

    Args:
        f: ``(x, *args) -> number``.
        a, b: the ends of the bracket, at which f has different signs.
        args: more arguments of ``f``.
        xtol, rtol: how far the root may be from the true one.
        maxiter: the largest number of steps.

    Returns:
        The root. Derivatives as of `root_scalar`.

    Raises:
        ValueError: the signs are the same, where nothing is traced.

    >>> round(brentq(lambda x, a: x * x - a, 0.0, 2.0, (2.0,)), 9)
    1.414213562
    """
    return root_scalar(f, args, "brentq", (a, b), xtol=xtol, rtol=rtol, maxiter=maxiter).root


@boundary
def bisect(
    f: Callable[..., Any], a: Any, b: Any, args: Any = (), xtol: Any = XTOL, rtol: Any = RTOL, maxiter: int = 100
) -> Any:
    """A root of a function of one number in a bracket, by bisection.

    Args:
        f: ``(x, *args) -> number``.
        a, b: the ends of the bracket, at which f has different signs.
        args: more arguments of ``f``.
        xtol, rtol: how far the root may be from the true one.
        maxiter: the largest number of steps.

    Returns:
        The root. Derivatives as of `root_scalar`.

    Raises:
        ValueError: the signs are the same, where nothing is traced.

    >>> round(bisect(lambda x, a: x * x - a, 0.0, 2.0, (2.0,)), 9)
    1.414213562
    """
    return root_scalar(f, args, "bisect", (a, b), xtol=xtol, rtol=rtol, maxiter=maxiter).root


@boundary
def newton(
    func: Callable[..., Any], x0: Any, fprime: Any = None, args: Any = (), tol: Any = 1.48e-8, maxiter: int = 50,
    fprime2: Any = None, x1: Any = None, rtol: Any = 0.0,
) -> Any:
    """A root of a function of one number by Newton's method, or with ``x1`` by the secant.

    Args:
        func: ``(x, *args) -> number``.
        x0, x1: where to begin.
        fprime, fprime2: derivatives, functions like ``func``; by default the first one is that of ``func``.
        args: more arguments of ``func``.
        tol, rtol: how much the last step may have changed the root.
        maxiter: the largest number of steps.

    Returns:
        The root. Derivatives as of `root_scalar`.

    Raises:
        TypeError: ``func`` is no function.

    >>> round(float(newton(lambda x, a: x * x - a, 1.0, args=(2.0,))), 9)
    1.414213562
    """
    method = "secant" if x1 is not None else "newton" if fprime2 is None else "halley"
    return root_scalar(
        func, args, method, None, fprime, fprime2, x0, x1, xtol=tol, rtol=rtol, maxiter=maxiter
    ).root
