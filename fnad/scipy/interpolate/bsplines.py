"""Splines of any degree, as sums of basis functions that are each not 0 on a few intervals."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from fnad.lazy import LazyModule
from fnad.numpy.promotion import is_traced
from fnad.scipy.interpolate.piecewise import Piecewise, like_rows, rows
from fnad.scipy.originals import as_array

_interpolate = LazyModule("scipy.interpolate")


class BSpline(Piecewise):
    """A spline of degree k: sum of ``c[j]`` times the basis function of the knots ``t[j]`` to ``t[j + k + 1]``.

    It is a pytree, and differentiable in the knots, the coefficients, and at the points.

    Args:
        t: the knots, not decreasing (which is not checked where ``t`` is traced).
        c: the coefficients, at least ``len(t) - k - 1`` along ``axis``.
        k: the degree.
        extrapolate: whether the first and last piece go on; outside it is NaN if not; or "periodic".
        axis: the axis of ``c`` that counts the basis functions.

    Raises:
        ValueError: ``t``, ``c`` and ``k`` do not fit.

    >>> BSpline(np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0]), 2)(np.array([0.5, 1.0]))
    array([0.25, 1.  ])
    """

    ARRAYS, STATIC = ("t", "c"), ("k", "extrapolate", "axis")
    t: Any
    c: Any
    k: int
    extrapolate: Any
    axis: int

    def __init__(self, t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0) -> None:
        self.k = operator.index(k)
        t, c = np.astype(as_array(t), np.float64), as_array(c)
        self.axis = normalize_axis_index(axis, c.ndim)
        c = np.moveaxis(c, self.axis, 0)
        _require_fit(t, c, self.k)
        self.t, self.c = t, np.astype(c, complex if c.dtype.kind == "c" else float)
        self.extrapolate = extrapolate

    @property
    def ends(self) -> tuple[Any, Any]:
        """The interval on which the basis functions are complete."""
        return self.t[self.k], self.t[self.t.shape[0] - self.k - 1]

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """The values at points, or the derivatives of order ``nu``.

        Args:
            x: the points, an array of any shape.
            nu: the order.
            extrapolate: as of the class; None for what was said there.

        Returns:
            An array in which the shape of ``x`` stands in the place of the axis of the coefficients.
        """
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        points = np.astype(as_array(x), np.float64)
        low, high = self.ends
        flat = np.ravel(low + (points - low) % (high - low) if extrapolate == "periodic" else points)
        y = _evaluated(self.derivative(nu), flat) if nu <= self.k else like_rows(0.0 * flat, self.c) * self.c[:1]
        if not extrapolate:
            y = np.where(like_rows((flat >= low) & (flat <= high), y), y, np.nan)
        y = np.reshape(y, points.shape + self.c.shape[1:])
        return np.moveaxis(y, range(points.ndim), range(self.axis, self.axis + points.ndim)) if self.axis else y

    def derivative(self, nu: int = 1) -> BSpline:
        """The derivative of order ``nu``, a spline of a lower degree."""
        t, c, k = self.t, self.c[: self.t.shape[0] - self.k - 1], self.k
        if nu > k:
            raise ValueError(f"Order of derivative (n = {nu}) must be <= order of spline (k = {k})")
        for _ in range(nu):
            widths = t[k + 1 : -1] - t[1 : -k - 1]
            c = k * np.diff(c, axis=0) / like_rows(_safe(widths), c)
            t, k = t[1:-1], k - 1
        return self._like(t, c, k)

    def antiderivative(self, nu: int = 1) -> BSpline:
        """The antiderivative of order ``nu`` that is 0 at the first knot, a spline of a higher degree."""
        t, c, k = self.t, self.c[: self.t.shape[0] - self.k - 1], self.k
        for _ in range(nu):
            sums = np.cumsum(c * like_rows(t[k + 1 :] - t[: -k - 1], c), axis=0) / (k + 1)
            c, t, k = np.concatenate([np.zeros_like(sums[:1]), sums]), np.concatenate([t[:1], t, t[-1:]]), k + 1
        return self._like(t, c, k)

    def _like(self, t: Any, c: Any, k: int) -> BSpline:
        extrapolate = False if self.extrapolate == "periodic" else self.extrapolate
        return BSpline._of((k, extrapolate, self.axis), (t, c))

    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        """The integral from ``a`` to ``b``; beyond the knots of 0, where it does not extrapolate.

        Args:
            a, b: the limits, numbers.
            extrapolate: as of the class; None for what was said there.

        Returns:
            An array of the shape of the values at one point.
        """
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        whole, (low, high) = self.antiderivative(), self.ends

        def until(x: Any) -> Any:
            if extrapolate == "periodic":
                turns = np.floor((x - low) / (high - low))
                return turns * (whole(high, 0, True) - whole(low, 0, True)) + whole(x - turns * (high - low), 0, True)
            return whole(x if extrapolate else np.clip(x, low, high), 0, True)

        return until(b) - until(a)


def _require_fit(t: Any, c: Any, k: int) -> None:
    """SciPy's errors of knots and coefficients."""
    if k < 0:
        raise ValueError("Spline order cannot be negative.")
    if t.ndim != 1:
        raise ValueError("Knot vector must be one-dimensional.")
    n = t.shape[0] - k - 1
    if n < k + 1:
        raise ValueError(f"Need at least {2 * k + 2} knots for degree {k}")
    if type(t) is np.ndarray:
        if np.any(np.diff(t) < 0):
            raise ValueError("Knots must be in a non-decreasing order.")
        if len(np.unique(t[k : n + 1])) < 2:
            raise ValueError("Need at least two internal knots.")
        if not np.all(np.isfinite(t)):
            raise ValueError("Knots should not have nans or infs.")
    if c.shape[0] < n:
        raise ValueError("Knots, coefficients and degree are inconsistent.")


def _safe(widths: Any) -> Any:
    """Widths to divide by; what has none counts for nothing."""
    return np.where(widths == 0, 1.0, widths)


def _evaluated(spline: BSpline, points: Any) -> Any:
    """The values at points, each in a row: the k + 1 basis functions there (de Boor) times their coefficients."""
    t, c, k = spline.t, spline.c, spline.k
    i = np.clip(np.searchsorted(t, points, side="right") - 1, k, t.shape[0] - k - 2)
    above = [rows(t, i + j) - points for j in range(1, k + 1)]
    below = [points - rows(t, i + 1 - j) for j in range(1, k + 1)]
    basis = [np.ones_like(points)]
    for j in range(1, k + 1):
        grown: list[Any] = []
        carried: Any = 0.0
        for r in range(j):
            share = basis[r] / _safe(above[r] + below[j - r - 1])
            grown.append(carried + above[r] * share)
            carried = below[j - r - 1] * share
        basis = [*grown, carried]
    terms = [like_rows(weight, c) * rows(c, i - k + r) for r, weight in enumerate(basis)]
    return sum(terms[1:], terms[0])


# --- Through samples


def make_interp_spline(
    x: Any, y: Any, k: int = 3, t: Any = None, bc_type: Any = None, axis: int = 0, check_finite: bool = True
) -> BSpline:
    """The spline of degree k through samples.

    Args:
        x: where the samples were taken, increasing.
        y: the samples, as many along ``axis``.
        k: the degree.
        t: the knots; None for those without a condition at the ends, or with what ``bc_type`` asks for.
        bc_type: "not-a-knot", "clamped", "natural", "periodic" (where nothing is traced), or for each end a list of
            pairs of the order of a derivative and its value.
        axis: the axis of ``y`` that belongs to ``x``.
        check_finite: as SciPy's, where nothing is traced.

    Returns:
        A `BSpline`. Differentiable in ``x``, ``y`` and the values of derivatives.

    Raises:
        ValueError: the arrays, knots and conditions do not fit.
        NotImplementedError: it is a periodic one, where something is traced.

    >>> spline = make_interp_spline(np.arange(4.0), np.arange(4.0) ** 2, k=2)
    >>> np.round(spline(1.5), 12)
    np.float64(2.25)
    """
    if not is_traced([x, y, t, bc_type]):
        made = _interpolate.make_interp_spline(x, y, k, t, bc_type, axis, check_finite)
        return BSpline._of((k, made.extrapolate, made.axis), (np.asarray(made.t), np.asarray(made.c)))
    if isinstance(bc_type, str) and bc_type == "periodic":
        raise NotImplementedError(
            "make_interp_spline: requires ends that are not periodic where something is traced. Take CubicSpline."
        )
    x, y = np.astype(as_array(x), np.float64), as_array(y)
    axis = normalize_axis_index(axis, y.ndim)
    y = np.moveaxis(np.astype(y, complex if y.dtype.kind == "c" else float), axis, 0)
    if x.shape != y.shape[:1]:
        raise ValueError(f"Shapes of x {x.shape} and y {y.shape} are incompatible")
    named = isinstance(bc_type, str) and bc_type != "not-a-knot"
    left, right = (None, None) if bc_type in (None, "not-a-knot") else (bc_type, bc_type) if named else bc_type
    left, right = [_derivatives(end, y.shape[1:]) for end in (left, right)]
    t = (_plain_knots(x, k) if not left and not right else _knots_with_ends(x, k)) if t is None else as_array(t)
    return BSpline._of((k, True, axis), (t, _coefficients(x, y, k, t, left, right)))


def _derivatives(end: Any, shape: tuple[int, ...]) -> list[tuple[int, Any]]:
    """The orders of derivatives at an end, with their values."""
    if isinstance(end, str):
        if end not in ("clamped", "natural"):
            raise ValueError(f"Unknown boundary condition : {end}")
        return [(1 if end == "clamped" else 2, np.zeros(shape))]
    return [(order, as_array(value)) for order, value in end or []]


def _knots_with_ends(x: Any, k: int) -> Any:
    return np.concatenate([x[:1]] * k + [x] + [x[-1:]] * k)


def _plain_knots(x: Any, k: int) -> Any:
    """As many knots as there are samples, so that no condition is needed at the ends."""
    if k == 0:
        return np.concatenate([x, x[-1:]])
    inner = x if k % 2 else (x[1:] + x[:-1]) / 2
    skipped = (k + 1) // 2 if k % 2 else k // 2
    return np.concatenate([x[:1]] * (k + 1) + [inner[skipped:-skipped]] + [x[-1:]] * (k + 1))


def _coefficients(x: Any, y: Any, k: int, t: Any, left: Any, right: Any) -> Any:
    n = t.shape[0] - k - 1
    if n - x.shape[0] != len(left) + len(right):
        raise ValueError(
            f"The number of derivatives at boundaries does not match: expected {n - x.shape[0]}, got "
            f"{len(left)}+{len(right)}"
        )
    basis = BSpline._of((k, True, 0), (t, np.eye(n)))
    starts, ends = [[basis(at, order)[None] for order, _ in end] for at, end in ((x[0], left), (x[-1], right))]
    matrix = np.concatenate([*starts, basis(x), *ends])
    before, after = [[np.broadcast_to(value, y.shape[1:])[None] for _, value in end] for end in (left, right)]
    sides = np.concatenate([*before, y, *after])
    return np.reshape(np.linalg.solve(matrix, np.reshape(sides, (n, -1))), sides.shape)
