"""Cubic pieces that are given by values and slopes at the knots, which some methods choose from the values."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.scipy.interpolate.piecewise import PPoly, like_rows
from fnad.scipy.originals import as_array


class CubicHermiteSpline(PPoly):
    """Cubic pieces through values with given slopes.

    It is a pytree, and differentiable in all arrays.

    Args:
        x: the knots, increasing (which is not checked where ``x`` is traced).
        y: the values, as many along ``axis``.
        dydx: the slopes, of the same shape.
        axis: the axis of ``y`` that belongs to ``x``.
        extrapolate: whether the first and last piece go on; outside it is NaN if not; or "periodic".

    Raises:
        ValueError: the arrays do not fit, or ``x`` does not increase.

    >>> CubicHermiteSpline(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([0.0, 0.0]))(0.5)
    array(0.5)
    """

    def __init__(self, x: Any, y: Any, dydx: Any, axis: int = 0, extrapolate: Any = None) -> None:
        x, rows, axis = prepared(x, y, axis)
        dydx = as_array(dydx)
        if dydx.shape != as_array(y).shape:
            raise ValueError("The shapes of `y` and `dydx` must be identical.")
        self._set(x, rows, np.moveaxis(dydx, axis, 0), axis, True if extrapolate is None else extrapolate)

    def _set(self, x: Any, y: Any, slopes: Any, axis: int, extrapolate: Any) -> None:
        """Take the values and the slopes, each in rows."""
        dx = like_rows(np.diff(x), y)
        slope = np.diff(y, axis=0) / dx
        t = (slopes[:-1] + slopes[1:] - 2 * slope) / dx
        c = np.stack([t / dx, (slope - slopes[:-1]) / dx - t, slopes[:-1] + 0.0 * t, y[:-1] + 0.0 * t])
        self.c, self.x, self.extrapolate, self.axis = c, x, extrapolate, axis


def prepared(x: Any, y: Any, axis: int) -> tuple[Any, Any, int]:
    """The knots, the values in rows, and the axis; or SciPy's errors."""
    x, y = as_array(x), as_array(y)
    if x.dtype.kind == "c":
        raise ValueError("`x` must contain real values.")
    x, y = np.astype(x, np.float64), np.astype(y, complex if y.dtype.kind == "c" else float)
    axis = axis % y.ndim
    if x.ndim != 1:
        raise ValueError("`x` must be 1-dimensional.")
    if x.shape[0] < 2:
        raise ValueError("`x` must contain at least 2 elements.")
    if x.shape[0] != y.shape[axis]:
        raise ValueError(f"The length of `y` along `axis`={axis} doesn't match the length of `x`")
    for name, array in (("x", x), ("y", y)):
        if type(array) is np.ndarray and not np.all(np.isfinite(array)):
            raise ValueError(f"`{name}` must contain only finite values.")
    if type(x) is np.ndarray and np.any(np.diff(x) <= 0):
        raise ValueError("`x` must be strictly increasing sequence.")
    return x, np.moveaxis(y, axis, 0), axis


def _prepared_reals(name: str, x: Any, y: Any, axis: int) -> tuple[Any, Any, int]:
    x, y, axis = prepared(x, y, axis)
    if y.dtype.kind == "c":
        raise ValueError(
            f"`{name}` only works with real values for `y`. If you are trying to use the real components of the passed "
            f"array, use `np.real` on the array before passing to `{name}`."
        )
    return x, y, axis


# --- Monotone


class PchipInterpolator(CubicHermiteSpline):
    """Cubic pieces that are monotone where the values are (Fritsch and Butland).

    It is a pytree, and differentiable in both arrays and at the points; the slope at a knot where the values turn is 0.

    Args:
        x: the knots, increasing (which is not checked where ``x`` is traced).
        y: the real values, as many along ``axis``.
        axis: the axis of ``y`` that belongs to ``x``.
        extrapolate: whether the first and last piece go on; outside it is NaN if not; or "periodic".

    Raises:
        ValueError: the arrays do not fit, ``x`` does not increase, or ``y`` is complex.

    >>> PchipInterpolator(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0]))(1.5)
    array(1.)
    """

    def __init__(self, x: Any, y: Any, axis: int = 0, extrapolate: Any = None) -> None:
        x, y, axis = _prepared_reals("PchipInterpolator", x, y, axis)
        h = like_rows(np.diff(x), y)
        self._set(x, y, _monotone_slopes(h, np.diff(y, axis=0) / h), axis, True if extrapolate is None else extrapolate)


def _monotone_slopes(h: Any, m: Any) -> Any:
    if m.shape[0] == 1:
        return np.concatenate([m, m])
    turns = (np.sign(m[1:]) != np.sign(m[:-1])) | (m[1:] == 0) | (m[:-1] == 0)
    before, after = np.where(turns, 1.0, m[:-1]), np.where(turns, 1.0, m[1:])
    w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    inner = np.where(turns, 0.0, (w1 + w2) / (w1 / before + w2 / after))
    ends = [_end_slope(h[i], h[j], m[i], m[j])[None] for i, j in ((0, 1), (-1, -2))]
    return np.concatenate([ends[0], inner, ends[1]])


def _end_slope(h0: Any, h1: Any, m0: Any, m1: Any) -> Any:
    """The slope at an end by three points, kept monotone."""
    slope = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    is_steep = (np.sign(m0) != np.sign(m1)) & (np.abs(slope) > 3.0 * np.abs(m0))
    return np.where(np.sign(slope) != np.sign(m0), 0.0, np.where(is_steep, 3.0 * m0, slope))


# --- By weights of neighbours


class Akima1DInterpolator(CubicHermiteSpline):
    """Cubic pieces with slopes that are weighted by how much those around change (Akima).

    It is a pytree, and differentiable in both arrays and at the points.

    Args:
        x: the knots, increasing (which is not checked where ``x`` is traced).
        y: the real values, as many along ``axis``.
        axis: the axis of ``y`` that belongs to ``x``.
        method: "akima", or "makima" for less overshoot where values are equal.
        extrapolate: whether the first and last piece go on; outside it is NaN if not, which None means; or "periodic".

    Raises:
        ValueError: the arrays do not fit, ``x`` does not increase, or ``y`` is complex.
        NotImplementedError: there is no such method.

    >>> Akima1DInterpolator(np.arange(5.0), np.array([0.0, 0.0, 1.0, 0.0, 0.0]))(2.0)
    array(1.)
    """

    def __init__(
        self, x: Any, y: Any, axis: int = 0, *, method: str = "akima", extrapolate: Any = None
    ) -> None:
        if method not in ("akima", "makima"):
            raise NotImplementedError(f"`method`={method} is unsupported.")
        x, y, axis = _prepared_reals("Akima1DInterpolator", x, y, axis)
        m = np.diff(y, axis=0) / like_rows(np.diff(x), y)
        slopes = np.concatenate([m, m]) if y.shape[0] == 2 else _weighted_slopes(m, method)
        self._set(x, y, slopes, axis, False if extrapolate is None else extrapolate)


def _weighted_slopes(inner: Any, method: str) -> Any:
    first = 2.0 * inner[:1] - inner[1:2]
    last = 2.0 * inner[-1:] - inner[-2:-1]
    m = np.concatenate([2.0 * first - inner[:1], first, inner, last, 2.0 * last - inner[-1:]])
    changes = np.abs(np.diff(m, axis=0))
    if method == "makima":
        changes = changes + 0.5 * np.abs(m[1:] + m[:-1])
    after, before = changes[2:], changes[:-2]
    both = after + before
    is_plain = both > 1e-9 * np.max(both)
    share = before / np.where(is_plain, both, 1.0)
    return np.where(is_plain, m[1:-2] + share * (m[2:-1] - m[1:-2]), 0.5 * (m[3:] + m[:-3]))
