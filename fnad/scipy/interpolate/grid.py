"""Interpolation of values on a grid of any number of axes."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from fnad import numpy as fnp
from fnad.numpy.promotion import is_traced
from fnad.scipy.interpolate.hermite import PchipInterpolator
from fnad.scipy.interpolate.piecewise import Piecewise, like_rows, rows
from fnad.scipy.interpolate.splines import CubicSpline
from fnad.scipy.originals import as_array
from fnad.transforms.vmap import vmap

_SPLINES = {"cubic": (CubicSpline, 4), "pchip": (PchipInterpolator, 4)}
_METHODS = ("linear", "slinear", "nearest", *_SPLINES)
_SCIPYS = ("quintic", "slinear_legacy", "cubic_legacy", "quintic_legacy")


class RegularGridInterpolator(Piecewise):
    """A function through values on a grid.

    It is a pytree, and differentiable in the values, in the points of the grid, and, but for "nearest", where it is
    evaluated; at a point of the grid the slope of "linear" is the mean of those beside it.

    Args:
        points: for each axis its coordinates, increasing or decreasing; traced ones increase.
        values: an array whose first axes are those of the grid.
        method: "linear", "nearest", "slinear", "cubic" or "pchip".
        bounds_error: whether a point outside is an error. Of points that are traced it is not checked, and these have
            the fill value.
        fill_value: the value outside; None extrapolates.

    Raises:
        ValueError: the arrays do not fit, coordinates are not sorted; at a call, a point is outside.
        NotImplementedError: the method is one that only SciPy has.

    >>> f = RegularGridInterpolator((np.array([0.0, 1.0]), np.array([0.0, 2.0])), np.array([[0.0, 2.0], [1.0, 3.0]]))
    >>> f(np.array([[0.5, 1.0]]))
    array([1.5])
    """

    ARRAYS, STATIC = ("grid", "values", "fill_value"), ("method", "bounds_error")
    grid: Any
    values: Any
    fill_value: Any

    def __init__(
        self, points: Any, values: Any, method: str = "linear", bounds_error: bool = True, fill_value: Any = np.nan
    ) -> None:
        _require_method(method)
        values = as_array(values)
        values = values if values.dtype.kind in "fc" else np.astype(values, np.float64)
        grid = [np.astype(as_array(p), np.float64) for p in points]
        _require_grid(grid, values, method)
        turned = tuple([i for i, p in enumerate(grid) if type(p) is np.ndarray and p.size > 1 and p[1] < p[0]])
        self.grid = tuple([p[::-1] if i in turned else p for i, p in enumerate(grid)])
        self.values = np.flip(values, turned) if turned else values
        self.method, self.bounds_error = method, bounds_error
        if fill_value is not None and not np.can_cast(as_array(fill_value).dtype, values.dtype, casting="same_kind"):
            raise ValueError("fill_value must be either 'None' or of a type compatible with values")
        self.fill_value = fill_value

    def __call__(self, xi: Any, method: str | None = None) -> Any:
        """The values at points.

        Args:
            xi: the points: an array whose last axis has a coordinate for each axis of the grid, or a tuple of arrays
                that broadcast, one for each axis.
            method: as of the class; None for what was said there.

        Returns:
            An array of the shape of ``xi`` without its last axis, and the axes of ``values`` that are none of the grid.

        Raises:
            ValueError: the points have another number of coordinates, or one that is not traced is outside.
        """
        method = self.method if method is None else method
        _require_method(method)
        xi = _coordinates(xi, len(self.grid))
        flat = np.reshape(xi, (-1, len(self.grid)))
        columns = [flat[:, i] for i in range(len(self.grid))]
        if self.bounds_error:
            self._require_inside(columns)
        result = self._evaluated(columns, method)
        outside = self._outside(columns)
        unknown = np.any(np.isnan(flat), axis=-1)
        if self.fill_value is not None:
            result = np.where(like_rows(outside, result), np.astype(as_array(self.fill_value), result.dtype), result)
        result = np.where(like_rows(unknown, result), np.nan, result)
        return np.reshape(result, xi.shape[:-1] + self.values.shape[len(self.grid) :])

    def _outside(self, columns: list[Any]) -> Any:
        outside: Any = False
        for x, points in zip(columns, self.grid):
            outside = outside | (x < points[0]) | (x > points[-1])
        return outside

    def _require_inside(self, columns: list[Any]) -> None:
        for i, (x, points) in enumerate(zip(columns, self.grid)):
            if not is_traced([x, points]) and not np.all((points[0] <= x) & (x <= points[-1])):
                raise ValueError(f"One of the requested xi is out of bounds in dimension {i}")

    def _evaluated(self, columns: list[Any], method: str) -> Any:
        if method in _SPLINES:
            return _by_splines(self.grid, self.values, columns, _SPLINES[method][0])
        corners = _nearest_corner if method == "nearest" else _corners
        sizes = self.values.shape[: len(self.grid)]
        values = np.reshape(self.values, (prod(sizes), *self.values.shape[len(sizes) :]))
        total: Any = 0.0
        for choice in product(*[corners(p, x) for p, x in zip(self.grid, columns)]):
            places, weights = zip(*choice)
            total = total + rows(values, _flat(places, sizes)) * like_rows(prod(weights), values)
        return total


def _flat(places: Any, sizes: tuple[int, ...]) -> Any:
    """The places in the order of the memory."""
    flat: Any = 0
    for i, n in zip(places, sizes):
        flat = flat * n + i
    return flat


# --- Along one axis


def _interval(points: Any, x: Any, side: str) -> tuple[Any, Any]:
    """The number of the interval in which x lies, and where in it."""
    n = points.shape[0]
    if n == 1:
        return np.zeros(x.shape, np.int64), 0.0 * x
    i = np.clip(np.searchsorted(points, x, side=side) - 1, 0, n - 2)
    low = rows(points, i)
    return i, (x - low) / (rows(points, i + 1) - low)


def _corners(points: Any, x: Any) -> list[tuple[Any, Any]]:
    """The places along an axis whose values count, with their weights.

    At a point of the grid it is the mean of the intervals on both sides, so that the slope is the mean as well.
    """
    (i, before), (j, after) = [_interval(points, x, side) for side in ("left", "right")]
    is_same = i == j
    weights = [
        0.5 * (1 - before) + np.where(is_same, 0.5 * (1 - after), 0.0),
        0.5 * before + np.where(is_same, 0.5 * after, 0.5 * (1 - after)),
        np.where(is_same, 0.0, 0.5 * after),
    ]
    last = points.shape[0] - 1
    return [(np.minimum(i + k, last), w) for k, w in enumerate(weights)]


def _nearest_corner(points: Any, x: Any) -> list[tuple[Any, Any]]:
    i, share = _interval(points, x, "right")
    place = np.minimum(np.where(share <= 0.5, i, i + 1), points.shape[0] - 1)
    return [(place, np.ones(x.shape))]


def _by_splines(grid: Any, values: Any, columns: list[Any], spline: Any) -> Any:
    """Splines along the last axis, through the results splines of each point along the one before, and so on."""
    n = len(grid)
    turned = np.transpose(values, (*range(n)[::-1], *range(n, values.ndim)))
    result = spline(grid[-1], turned)(columns[-1])
    for points, x in zip(grid[-2::-1], columns[-2::-1]):
        result = vmap(lambda rows, at: spline(points, rows)(at))(result, x)
    return result


# --- Arguments


def _require_method(method: str) -> None:
    if method in _SCIPYS:
        raise NotImplementedError(
            f"RegularGridInterpolator: requires a method among {', '.join(_METHODS)}, got {method}. Take SciPy's own "
            "where nothing is traced."
        )
    if method not in _METHODS:
        raise ValueError(f"Method '{method}' is not defined")


def _require_grid(grid: list[Any], values: Any, method: str) -> None:
    """SciPy's errors of coordinates and values."""
    if len(grid) > values.ndim:
        raise ValueError(f"There are {len(grid)} point arrays, but values has {values.ndim} dimensions")
    for i, points in enumerate(grid):
        least = _SPLINES[method][1] if method in _SPLINES else 2 if method == "slinear" else 0
        if np.size(points) < least:
            raise ValueError(
                f"There are {np.size(points)} points in dimension {i}, but method {method} requires at least  "
                f"{least} points per dimension."
            )
        if points.ndim != 1:
            raise ValueError(f"The points in dimension {i} must be 1-dimensional")
        if type(points) is np.ndarray and not any([np.all(np.diff(p) > 0) for p in (points, -points)]):
            raise ValueError(f"The points in dimension {i} must be strictly ascending or descending")
        if values.shape[i] != points.shape[0]:
            raise ValueError(f"There are {points.shape[0]} points and {values.shape[i]} values in dimension {i}")


def _coordinates(xi: Any, ndim: int) -> Any:
    """The points as an array whose last axis has the coordinates."""
    if isinstance(xi, tuple) and len(xi) == 1:
        xi = xi[0]
    if isinstance(xi, tuple):
        xi = np.stack(np.broadcast_arrays(*map(as_array, xi)), axis=-1)
    xi = as_array(xi)
    if xi.ndim == 1:
        xi = np.reshape(xi, (-1, 1) if ndim == 1 else (1, -1))
    if xi.ndim == 0 or xi.shape[-1] != ndim:
        raise ValueError(
            f"The requested sample points xi have dimension {xi.shape[-1] if xi.ndim else 0} but this "
            f"RegularGridInterpolator has dimension {ndim}"
        )
    return fnp.astype(xi, np.float64)
