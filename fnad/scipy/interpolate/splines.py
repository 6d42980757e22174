"""Cubic splines: the slopes at the knots make the second derivative continuous."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.control import scan
from fnad.lazy import LazyModule
from fnad.numpy.dispatch import any_traced
from fnad.scipy.interpolate.hermite import CubicHermiteSpline, prepared
from fnad.scipy.interpolate.piecewise import like_rows
from fnad.scipy.originals import as_array

_linalg = LazyModule("scipy.linalg")
Condition = Any
"""What holds at an end: a name, or the order of a derivative and its value."""


class CubicSpline(CubicHermiteSpline):
    """The cubic spline through values: twice continuously differentiable.

    It is a pytree, and differentiable in both arrays, in the derivatives at the ends, and at the points.

    Args:
        x: the knots, increasing (which is not checked where ``x`` is traced).
        y: the values, as many along ``axis``.
        axis: the axis of ``y`` that belongs to ``x``.
        bc_type: "not-a-knot", "clamped" (slopes 0 at the ends), "natural" (second derivatives 0), "periodic", or one
            for each end: a name, or a pair of the order 1 or 2 of a derivative and its value.
        extrapolate: whether the first and last piece go on; outside it is NaN if not; or "periodic", as is meant by
            None with such ends.

    Raises:
        ValueError: the arrays do not fit, ``x`` does not increase, or there is no such ``bc_type``.

    >>> spline = CubicSpline(np.arange(4.0), np.array([0.0, 1.0, 8.0, 27.0]))
    >>> np.round(spline(1.5), 12), np.round(spline(1.5, 1), 12), np.round(spline.integrate(0.0, 2.0), 12)
    (np.float64(3.375), np.float64(6.75), np.float64(4.0))
    """

    def __init__(
        self, x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None
    ) -> None:
        x, y, axis = prepared(x, y, axis)
        start, end = _conditions(bc_type, y, axis)
        if extrapolate is None:
            extrapolate = "periodic" if _is(start, "periodic") else True
        self._set(x, y, _slopes(x, y, start, end), axis, extrapolate)


def _is(condition: Condition, name: str) -> bool:
    return isinstance(condition, str) and condition == name


# --- What holds at the ends


def _conditions(bc_type: Any, y: Any, axis: int) -> tuple[Condition, Condition]:
    """Those of both ends, or SciPy's errors."""
    if isinstance(bc_type, str):
        if bc_type == "periodic" and type(y) is np.ndarray and not np.allclose(y[0], y[-1], rtol=1e-15, atol=1e-15):
            raise ValueError(
                f"The first and last `y` point along axis {axis} must be identical (within machine precision) when "
                "bc_type='periodic'."
            )
        bc_type = (bc_type, bc_type)
    elif len(bc_type) != 2:
        raise ValueError("`bc_type` must contain 2 elements to specify start and end conditions.")
    elif any([_is(end, "periodic") for end in bc_type]):
        raise ValueError(
            "'periodic' `bc_type` is defined for both curve ends and cannot be used with other boundary conditions."
        )
    return _condition(bc_type[0], y.shape[1:]), _condition(bc_type[1], y.shape[1:])


def _condition(given: Any, shape: tuple[int, ...]) -> Condition:
    if isinstance(given, str):
        if given in ("clamped", "natural"):
            return 1 if given == "clamped" else 2, np.zeros(shape)
        if given not in ("not-a-knot", "periodic"):
            raise ValueError(f"bc_type={given} is not allowed.")
        return given
    try:
        order, value = given
    except Exception:
        raise ValueError("A specified derivative value must be given in the form (order, value).") from None
    if order not in (1, 2):
        raise ValueError("The specified derivative order must be 1 or 2.")
    value = as_array(value)
    if value.shape != shape:
        raise ValueError(f"`deriv_value` shape {value.shape} is not the expected one {shape}.")
    return order, value


# --- The system of equations


def _slopes(x: Any, y: Any, start: Condition, end: Condition) -> Any:
    """The slopes at the knots, each in a row."""
    n = x.shape[0]
    dx = np.diff(x)
    slope = np.diff(y, axis=0) / like_rows(dx, y)
    if n == 2:
        start, end = [(1, slope[0]) if isinstance(c, str) else c for c in (start, end)]
    if n == 3 and _is(start, "not-a-knot") and _is(end, "not-a-knot"):
        return _of_parabola(dx, slope)
    if _is(start, "periodic"):
        return _periodic(dx, slope)
    first, last = [
        _end_row(c, *rows) for c, rows in ((start, (dx, slope, 1.0)), (end, (dx[::-1], slope[::-1], -1.0)))
    ]
    h, wide = dx, like_rows(dx, y)
    one = lambda v: np.reshape(v, (1,))  # noqa: E731
    diagonal = np.concatenate([one(first[0]), 2 * (h[:-1] + h[1:]), one(last[0])])
    upper = np.concatenate([one(first[1]), h[:-1], np.zeros(1)])
    lower = np.concatenate([np.zeros(1), h[1:], one(last[1])])
    inner = 3 * (wide[1:] * slope[:-1] + wide[:-1] * slope[1:])
    return tridiagonal(lower, diagonal, upper, np.concatenate([first[2][None], inner, last[2][None]]))


def _end_row(condition: Condition, h: Any, slope: Any, sign: float) -> tuple[Any, Any, Any]:
    """The equation of an end, seen from it: the factors of the slopes at it and beside it, and the right side."""
    if _is(condition, "not-a-knot"):
        d = h[0] + h[1]
        return h[1], d, ((h[0] + 2 * d) * h[1] * slope[0] + h[0] ** 2 * slope[1]) / d
    order, value = condition
    if order == 1:
        return 1.0, 0.0, value + 0.0 * slope[0]
    return 2 * h[0], h[0], 3 * h[0] * slope[0] - sign * 0.5 * value * h[0] ** 2


def _of_parabola(dx: Any, slope: Any) -> Any:
    """The slopes of the parabola through three points."""
    middle = (dx[0] * slope[1] + dx[1] * slope[0]) / (dx[0] + dx[1])
    return np.stack([2 * slope[0] - middle, middle, 2 * slope[1] - middle])


def _periodic(dx: Any, slope: Any) -> Any:
    """The slopes of a closed curve; the last but one is found from two solutions without its column."""
    wide = like_rows(dx, slope)
    if dx.shape[0] == 2:
        middle = np.sum(slope / wide, axis=0) / np.sum(1.0 / wide, axis=0)
        return np.stack([middle] * 3)
    before, after = np.roll(dx, 1), dx
    b = 3 * (np.roll(wide, 1, axis=0) * slope + wide * np.roll(slope, 1, axis=0))
    n = dx.shape[0] - 1
    lower, diagonal, upper = after[:n], 2 * (before + after)[:n], before[:n]
    column = np.concatenate([-after[:1], np.zeros(n - 2), -before[n - 1 : n]])
    s1 = tridiagonal(lower, diagonal, upper, b[:n])
    s2 = tridiagonal(lower, diagonal, upper, column)
    m0, m2, m1 = before[n], after[n], 2 * (before[n] + after[n])
    last = (b[n] - m0 * s1[0] - m2 * s1[-1]) / (m1 + m0 * s2[0] + m2 * s2[-1])
    inner = s1 + like_rows(s2, s1) * last
    return np.concatenate([inner, last[None], inner[:1]])


def tridiagonal(lower: Any, diagonal: Any, upper: Any, b: Any) -> Any:
    """The solution of a system with three diagonals, by elimination without pivots."""
    if not any_traced([lower, diagonal, upper, b], {}):
        bands = np.stack([np.roll(upper, 1), diagonal, np.roll(lower, -1)])
        return np.reshape(_linalg.solve_banded((1, 1), bands, np.reshape(b, (b.shape[0], -1))), b.shape)

    def eliminate(above: Any, row: Any) -> Any:
        (factor, value), (low, middle, high, right) = above, row
        pivot = middle - low * factor
        made = high / pivot, (right - low * value) / pivot
        return made, made

    def insert(below: Any, row: Any) -> Any:
        factor, value = row
        found = value - factor * below
        return found, found

    nothing = np.zeros(b.shape[1:], b.dtype)
    _, rows = scan(eliminate, (0.0, nothing), (lower, diagonal, upper, b))
    return scan(insert, nothing, rows, reverse=True)[1]
