"""Integrals of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fnad.checks import require_function
from fnad.control import while_loop
from fnad.errors import boundary
from fnad.lazy import LazyModule
from fnad.numpy.promotion import is_traced
from fnad.scipy.originals import answers_for, as_array
from fnad.transforms.vjp import stop_gradient
from fnad.transforms.vmap import vmap

_special = LazyModule("scipy.special")

# The rule of Gauss and Kronrod with 21 points (QUADPACK's): points from the end to the middle, and their weights; the
# weights of Gauss's rule, which has every second one.
_POINTS = np.array([
    0.995657163025808080735527280689003, 0.973906528517171720077964012084452, 0.930157491355708226001207180059508,
    0.865063366688984510732096688423493, 0.780817726586416897063717578345042, 0.679409568299024406234327365114874,
    0.562757134668604683339000099272694, 0.433395394129247190799265943165784, 0.294392862701460198131126602310387,
    0.148874338981631210884826001129720, 0.0,
])
_KRONROD = np.array([
    0.011694638867371874278064396062192, 0.032558162307964727478818972459390, 0.054755896574351996031381300244580,
    0.075039674810919952767043140916190, 0.093125454583697605535065465083366, 0.109387158802297641899210590325805,
    0.123491976262065851077958109831074, 0.134709217311473325928054001771707, 0.142775938577060080797094273138717,
    0.147739104901338491374841515972068, 0.149445554002916905664936468389821,
])
_GAUSS = np.array([
    0.066671344308688137593568809893332, 0.149451349150580593145776339657697, 0.219086362515982043995534934228163,
    0.269266719309996355091226921569469, 0.295524224714752870173892994651338,
])


def _both_sides(half: Any, sign: float) -> Any:
    return np.concatenate([half, sign * half[:-1][::-1]])


POINTS, KRONROD = _both_sides(_POINTS, -1.0), _both_sides(_KRONROD, 1.0)
GAUSS = np.zeros(21)
GAUSS[1::2] = np.concatenate([_GAUSS, _GAUSS[::-1]])


@answers_for("scipy.integrate", runs_functions=True)
def fixed_quad(func: Callable[..., Any], a: Any, b: Any, args: Any = (), n: int = 5) -> tuple[Any, None]:
    """The integral of a function from a to b by Gauss's rule with n points.

    Args:
        func: ``(x, *args) -> values``, of a vector of points; the values along the last axis.
        a, b: the limits, finite.
        args: more arguments of ``func``.
        n: the number of points.

    Returns:
        The integral, and None. Differentiable in the limits, ``args`` and all that ``func`` closes over.

    Raises:
        ValueError: a limit is infinite.

    >>> float(fixed_quad(lambda x: x**2, 0.0, 3.0)[0])
    9.0
    """
    points, weights = _special.roots_legendre(n)
    if any([not is_traced(end) and np.isinf(end) for end in (a, b)]):
        raise ValueError("Gaussian quadrature is only available for finite limits.")
    y = as_array(func((b - a) * (np.real(points) + 1) / 2.0 + a, *args))
    return (b - a) / 2.0 * np.sum(weights * y, axis=-1), None


@boundary
@answers_for("scipy.integrate", runs_functions=True)
def quad(
    func: Callable[..., Any], a: Any, b: Any, args: Any = (), full_output: Any = 0, epsabs: Any = 1.49e-8,
    epsrel: Any = 1.49e-8, limit: int = 50,
) -> tuple[Any, Any]:
    """The integral of a function from a to b, with as many pieces as it takes.

    Where a function is differentiated, mapped or compiled it is a loop, which halves the piece with the largest error
    of a rule of 21 points; elsewhere SciPy's QUADPACK finds it. The derivative is that of the rules on these pieces.

    Args:
        func: ``(x, *args) -> number``.
        a, b: the limits, numbers; those that are known may be infinite.
        args: more arguments of ``func``: a tuple of pytrees.
        full_output: as SciPy's, where nothing is traced.
        epsabs, epsrel: the error that is allowed.
        limit: the largest number of pieces.

    Returns:
        The integral, and an estimate of its error. Differentiable in the limits, ``args`` and all that ``func`` closes
        over.

    Raises:
        TypeError: ``func`` is no function.

    >>> import fnad
    >>> def area(rate):
    ...     return quad(lambda x: np.exp(-rate * x), 0.0, np.inf)[0]
    >>> round(float(fnad.jit(area)(2.0)), 9), round(float(fnad.grad(area)(2.0)), 9)
    (0.5, -0.25)
    """
    require_function("quad", func)
    args = args if isinstance(args, tuple) else (args,)
    integrand = _on_unit_interval(lambda x: func(x, *args), a, b)
    pieces = _pieces(integrand, epsabs, epsrel, limit)
    return _sum(integrand, pieces), pieces.error


def _on_unit_interval(f: Callable[[Any], Any], a: Any, b: Any) -> Callable[[Any], Any]:
    """The function on (0, 1) that has the same integral."""
    low, high = [0 if is_traced(end) or np.isfinite(end) else np.sign(end) for end in (a, b)]
    if not low and not high:
        return lambda s: f(a + (b - a) * s) * (b - a)
    if low and high:
        both = lambda s: (f((1 - s) / s) + f(-(1 - s) / s)) / s**2  # noqa: E731
        return lambda s: both(s) * (high - low) / 2
    end, sign, order = (a, high, 1.0) if high else (b, low, -1.0)
    return lambda s: f(end + sign * (1 - s) / s) / s**2 * (sign * order)


# --- The pieces


class Pieces(NamedTuple):
    """Parts of the interval, of which the first so many count, with their integrals and errors."""

    low: Any
    high: Any
    values: Any
    errors: Any
    count: Any

    @property
    def error(self) -> Any:
        return np.sum(self.errors)


def _pieces(f: Callable[[Any], Any], epsabs: Any, epsrel: Any, limit: int) -> Pieces:
    places = np.arange(limit)
    value, error, is_unsure = _rule(f, np.float64(0.0), np.float64(1.0))
    first = places == 0
    start = Pieces(
        np.zeros(limit), np.where(first, 1.0, 0.0), np.where(first, value, 0.0), np.where(first, error, 0.0),
        np.int64(1),
    )

    def goes_on(p: Pieces) -> Any:
        is_rough = p.error > np.maximum(epsabs, epsrel * abs(np.sum(p.values)))
        return (is_rough | is_unsure & (p.count == 1)) & (p.count < limit)

    def halve(p: Pieces) -> Pieces:
        worst = places == np.argmax(p.errors)
        low, high = [np.sum(np.where(worst, end, 0.0)) for end in (p.low, p.high)]
        middle = 0.5 * (low + high)
        (left, left_error, _), (right, right_error, _) = _rule(f, low, middle), _rule(f, middle, high)
        put = lambda old, a, b: np.where(worst, a, np.where(places == p.count, b, old))  # noqa: E731
        return Pieces(
            put(p.low, low, middle), put(p.high, middle, high), put(p.values, left, right),
            put(p.errors, left_error, right_error), p.count + 1,
        )

    return while_loop(goes_on, halve, start)


def _at_points(f: Callable[[Any], Any], low: Any, high: Any) -> tuple[Any, Any]:
    half = 0.5 * (high - low)
    return vmap(lambda s: np.astype(as_array(f(s)), np.float64))(0.5 * (low + high) + half * POINTS), half


def _rule(f: Callable[[Any], Any], low: Any, high: Any) -> tuple[Any, Any, Any]:
    """The integral, its error, and whether this is as large as it can be, so that it says little; no derivatives."""
    values, half = _at_points(f, low, high)
    values = stop_gradient(values)
    whole = np.sum(KRONROD * values)
    error = abs(np.sum((KRONROD - GAUSS) * values) * half)
    spread = np.sum(KRONROD * abs(values - 0.5 * whole)) * half
    is_rough = (spread > 0) & (error > 0)
    scaled = spread * np.minimum(1.0, (200 * error / np.where(is_rough, spread, 1.0)) ** 1.5)
    return whole * half, np.where(is_rough, scaled, error), is_rough & (scaled == spread)


def _sum(f: Callable[[Any], Any], pieces: Pieces) -> Any:
    """The integral over all pieces, with derivatives."""

    def add(s: Any) -> Any:
        i, total = s
        values, half = _at_points(f, pieces.low[i], pieces.high[i])
        return i + 1, total + np.sum(KRONROD * values) * half

    return while_loop(lambda s: s[0] < pieces.count, add, (np.int64(0), np.float64(0.0)))[1]
