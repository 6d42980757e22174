"""Interpolation of samples along an axis by lines, steps and splines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.numpy.promotion import is_traced
from fnad.scipy.interpolate.bsplines import make_interp_spline
from fnad.scipy.interpolate.piecewise import Piecewise, like_rows, rows
from fnad.scipy.interpolate.splines import CubicSpline
from fnad.scipy.originals import as_array

# --- Kinds


def _linear(x: Any, y: Any, points: Any) -> Any:
    """Lines; at a knot the mean of both, which have one value there, so that the slope is the mean as well."""
    return 0.5 * (_line(x, y, points, "left") + _line(x, y, points, "right"))


def _line(x: Any, y: Any, points: Any, side: str) -> Any:
    high = np.clip(np.searchsorted(x, points, side=side), 1, x.shape[0] - 1)
    x0, y0 = rows(x, high - 1), rows(y, high - 1)
    return (rows(y, high) - y0) / like_rows(rows(x, high) - x0, y) * like_rows(points - x0, y) + y0


def _nearest(side: str) -> Callable[..., Any]:
    def nearest(x: Any, y: Any, points: Any) -> Any:
        middles = x[1:] / 2.0 + x[:-1] / 2.0
        return rows(y, np.clip(np.searchsorted(middles, points, side=side), 0, x.shape[0] - 1))

    return nearest


def _previous(x: Any, y: Any, points: Any) -> Any:
    return rows(y, np.clip(np.searchsorted(x, points, side="right"), 1, x.shape[0]) - 1)


def _next(x: Any, y: Any, points: Any) -> Any:
    return rows(y, np.clip(np.searchsorted(x, points, side="left"), 0, x.shape[0] - 1))


def _cubic(x: Any, y: Any, points: Any) -> Any:
    return CubicSpline(x, y)(points)


def _quadratic(x: Any, y: Any, points: Any) -> Any:
    return make_interp_spline(x, y, 2)(points)


_KINDS: dict[Any, tuple[Callable[..., Any], int]] = {
    "linear": (_linear, 1), "slinear": (_linear, 2), 1: (_linear, 2), "nearest": (_nearest("left"), 1),
    "nearest-up": (_nearest("right"), 1), "previous": (_previous, 1), "next": (_next, 1), "zero": (_previous, 1),
    "quadratic": (_quadratic, 3), 2: (_quadratic, 3), "cubic": (_cubic, 4), 3: (_cubic, 4),
}
"""Of each kind the function, and how many samples it needs."""


class interp1d(Piecewise):  # noqa: N801
    """A function through samples along an axis.

    It is a pytree, and differentiable in both arrays and, but for "nearest" and the like, at the points; at a knot the
    slope of a line is the mean of those beside it.

    Args:
        x: where the samples were taken.
        y: the samples, as many along ``axis``.
        kind: "linear", "nearest", "nearest-up", "previous", "next", "zero", "slinear", "quadratic" or "cubic".
        axis: the axis of ``y`` that belongs to ``x``.
        copy: taken for the sake of programs that give it.
        bounds_error: whether a point outside is an error; None: unless ``fill_value`` is "extrapolate". Of points that
            are traced it is not checked, and these have the fill value.
        fill_value: the value outside, a pair of values below and above, or "extrapolate".
        assume_sorted: whether ``x`` increases, so that it is not sorted.

    Raises:
        ValueError: the arrays do not fit, or there are too few samples; at a call, a point is outside.
        NotImplementedError: there is no such kind.

    >>> interp1d(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 4.0]))(np.array([0.5, 1.5]))
    array([0.5, 2.5])
    """

    ARRAYS, STATIC = ("x", "y", "below", "above"), ("kind", "axis", "bounds_error")
    x: Any
    y: Any
    below: Any
    above: Any

    def __init__(
        self, x: Any, y: Any, kind: Any = "linear", axis: int = -1, copy: Any = True, bounds_error: bool | None = None,
        fill_value: Any = np.nan, assume_sorted: bool = False,
    ) -> None:
        if kind not in _KINDS:
            raise NotImplementedError(
                f"interp1d: requires a kind among {', '.join([k for k in _KINDS if isinstance(k, str)])}, got {kind}. "
                "For other splines take make_interp_spline."
            )
        x, y = as_array(x), as_array(y)
        if x.ndim != 1:
            raise ValueError("the x array must have exactly one dimension.")
        if y.ndim == 0:
            raise ValueError("the y array must have at least one dimension.")
        self.axis, self.kind = axis % y.ndim, kind
        if y.shape[self.axis] != x.shape[0]:
            raise ValueError("x and y arrays must be equal in length along interpolation axis.")
        if x.shape[0] < _KINDS[kind][1]:
            raise ValueError(f"x and y arrays must have at least {_KINDS[kind][1]} entries")
        y = np.moveaxis(y if y.dtype.kind in "fc" else np.astype(y, np.float64), self.axis, 0)
        order = None if assume_sorted else np.argsort(x, kind="stable")
        self.x, self.y = (x, y) if order is None else (rows(x, order), rows(y, order))
        self._take_bounds(bounds_error, fill_value)

    def _take_bounds(self, bounds_error: bool | None, fill_value: Any) -> None:
        goes_on = isinstance(fill_value, str) and fill_value == "extrapolate"
        if goes_on and bounds_error:
            raise ValueError("Cannot extrapolate and raise at the same time.")
        self.bounds_error = not goes_on if bounds_error is None else bounds_error
        if goes_on:
            # A step goes on to one side only.
            steps = {"previous": (np.nan, self.y[-1]), "next": (self.y[0], np.nan)}
            self.below, self.above = steps.get(self.kind, (None, None))
            return
        is_pair = isinstance(fill_value, tuple) and len(fill_value) == 2
        values, names = (fill_value, (" (below)", " (above)")) if is_pair else ((fill_value, fill_value), ("", ""))
        self.below, self.above = [
            _fill(value, self.y.shape[1:], f"fill_value{name}") for value, name in zip(values, names)
        ]

    def __call__(self, x: Any) -> Any:
        """The values at points.

        Args:
            x: the points, an array of any shape.

        Returns:
            An array in which the shape of ``x`` stands in the place of the axis of the samples.

        Raises:
            ValueError: a point that is not traced is outside, where that is an error.
        """
        points = as_array(x)
        points = points if points.dtype.kind == "f" else np.astype(points, np.float64)
        flat = np.ravel(points)
        if self.bounds_error:
            self._require_inside(flat)
        y = _KINDS[self.kind][0](self.x, self.y, flat)
        for outside, value in ((flat < self.x[0], self.below), (flat > self.x[-1], self.above)):
            y = y if value is None else np.where(like_rows(outside, y), value, y)
        y = np.reshape(y, points.shape + self.y.shape[1:])
        return np.moveaxis(y, range(points.ndim), range(self.axis, self.axis + points.ndim)) if self.axis else y

    def _require_inside(self, points: Any) -> None:
        if is_traced(points) or is_traced(self.x) or not points.size:
            return
        low, high = points.min(), points.max()
        if low < self.x[0]:
            raise ValueError(
                f"A value ({low}) in x_new is below the interpolation range's minimum value ({self.x[0]})."
            )
        if high > self.x[-1]:
            raise ValueError(
                f"A value ({high}) in x_new is above the interpolation range's maximum value ({self.x[-1]})."
            )


def _fill(value: Any, shape: tuple[int, ...], name: str) -> Any:
    """A fill value that broadcasts to the values at a point, or SciPy's error."""
    value = as_array(value)
    if np.broadcast_shapes(value.shape, shape or (1,)) != (shape or (1,)):
        raise ValueError(
            f"{name} argument must be able to broadcast up to shape {shape or (1,)} but had shape {value.shape}"
        )
    return np.reshape(value, ()) if not shape and value.ndim else value
