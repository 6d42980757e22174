"""Differences, sums and products of neighbours: gradients, integrals, phases, cross products."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from fnad.ir.types import Shape
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.joining import concatenate, diff
from fnad.numpy.promotion import (
    all_axes, arrays_of, broadcast_shapes, builder_of, cast, constant, is_traced, one_axis, result_dtype, spread_to,
    traced,
)
from fnad.numpy.reductions import cumprod, cumsum
from fnad.numpy.shaping import atleast_1d, moveaxis, ravel, reshaped
from fnad.ops.elementwise import mul, neg, sub
from fnad.tracing.tracer import Tracer

# --- Differences


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Dtypes: numbers. Derivative: 1 in the later of two neighbours, -1 in the earlier.

    >>> ediff1d([1.0, 4.0, 9.0], to_begin=0.0)
    array([0., 3., 5.])
    """
    x, end, begin = arrays_of(ary, to_end, to_begin)
    flat = ravel(x)
    for name, part in (("to_begin", begin), ("to_end", end)):
        if part is not None and not np.can_cast(part.dtype, flat.dtype, "same_kind"):
            raise TypeError(
                f"dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule."
            )
    parts = [begin, flat[1:] - flat[:-1], end]
    return np.concatenate([cast(ravel(part), flat.dtype) for part in parts if part is not None])


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Traced distances between places are never taken for equal ones.

    Dtypes: numbers. Derivatives: in the values the weights of the differences, in the places their slopes.

    >>> gradient([1.0, 4.0, 9.0])
    array([3., 4., 5.])
    """
    x, *_ = arrays_of(f, *varargs)
    axes = tuple(range(x.ndim)) if axis is None else _in_order(axis, x.ndim)
    distances = _distances(x, varargs, axes)
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    dtype = x.dtype if x.dtype.kind in "fc" else np.dtype(float)
    x = cast(x, np.dtype(float)) if x.dtype.kind in "iu" else x
    results = []
    for at, distance in zip(axes, distances):
        if x.shape[at] < edge_order + 1:
            raise ValueError(
                "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) elements are "
                "required."
            )
        slopes = _slopes(moveaxis(x, at, -1), distance, edge_order)
        results.append(moveaxis(cast(slopes, dtype), -1, at))
    return results[0] if len(axes) == 1 else tuple(results)


def _in_order(axis: Any, ndim: int) -> tuple[int, ...]:
    axes = tuple([one_axis(i, ndim) for i in (axis if isinstance(axis, (tuple, list)) else (axis,))])
    all_axes(axes, ndim)  # raises where one is named twice
    return axes


def _distances(x: Tracer, given: Sequence[Any], axes: Sequence[int]) -> list[Any]:
    """For each axis the distance between neighbours, or all of them."""
    if not given:
        return [1.0] * len(axes)
    if len(given) == 1 and np.ndim(given[0]) == 0:
        return list(given) * len(axes)
    if len(given) != len(axes):
        raise TypeError("invalid number of arguments")
    return [_between(places, x.shape[at]) for places, at in zip(given, axes)]


def _between(places: Any, n: int) -> Any:
    """The distances between places, one number where they are known to be equal; or a distance as it is."""
    if np.ndim(places) == 0:
        return places
    places = places if type(places) is Tracer else traced(builder_of(places), places) if is_traced(places) else (
        np.asarray(places)
    )
    if places.ndim != 1:
        raise ValueError("distances must be either scalars or 1d")
    if len(places) != n:
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    steps = np.diff(places.astype(float) if places.dtype.kind in "iu" else places)
    return steps if type(steps) is Tracer or not (steps == steps[0]).all() else steps[0]


def _slopes(f: Tracer, distance: Any, edge_order: int) -> Tracer:
    """The slopes along the last axis: of parabolas inside, and at the ends of lines or of parabolas."""
    if np.ndim(distance) == 0:
        h, inside = distance, (f[..., 2:] - f[..., :-2]) / (2.0 * distance)
        first = last = h
        weights = (-1.5 / h, 2.0 / h, -0.5 / h), (0.5 / h, -2.0 / h, 1.5 / h)
    else:
        p, q = distance[:-1], distance[1:]
        a, b, c = -q / (p * (p + q)), (q - p) / (p * q), p / (q * (p + q))
        inside = a * f[..., :-2] + b * f[..., 1:-1] + c * f[..., 2:]
        first, last = distance[0], distance[-1]
        weights = _end_weights(distance) if edge_order == 2 else ((), ())
    if edge_order == 1:
        ends = [(f[..., 1] - f[..., 0]) / first, (f[..., -1] - f[..., -2]) / last]
    else:
        ends = [_weighted(w, parts) for w, parts in zip(weights, (
            (f[..., 0], f[..., 1], f[..., 2]), (f[..., -3], f[..., -2], f[..., -1])))]
    return np.concatenate([ends[0][..., None], inside, ends[1][..., None]], axis=-1)


def _weighted(weights: Sequence[Any], parts: Sequence[Tracer]) -> Tracer:
    a, b, c = weights
    return a * parts[0] + b * parts[1] + c * parts[2]


def _end_weights(distance: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The weights of three neighbours in the slope at the first of them, and, at the other end, at the last."""
    p, q = distance[0], distance[1]
    first = -(2.0 * p + q) / (p * (p + q)), (p + q) / (p * q), -p / (q * (p + q))
    p, q = distance[-2], distance[-1]
    return first, (q / (p * (p + q)), -(q + p) / (p * q), (2.0 * q + p) / (q * (p + q)))


# --- Sums


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    """Dtypes: numbers. Derivatives: half of the distance to both neighbours in y, the slopes of the integral in x.

    >>> trapezoid([1.0, 2.0, 3.0])
    np.float64(4.0)
    """
    builder = builder_of(y, x, dx)
    values, at = traced(builder, y), axis
    distance = dx
    if x is not None:
        places = traced(builder, x)
        distance = diff(places, axis=-1 if places.ndim == 1 else at)
        if places.ndim == 1:
            shape = [1] * values.ndim
            shape[at] = distance.shape[0]
            distance = reshaped(distance, tuple(shape))
    later, earlier = _neighbours(values, at)
    return (distance * (later + earlier) / 2.0).sum(at)


def _neighbours(x: Tracer, axis: int) -> tuple[Tracer, Tracer]:
    """All elements along an axis but the first, and all but the last."""
    at = one_axis(axis, x.ndim)
    before = (slice(None),) * at
    return x[(*before, slice(1, None))], x[(*before, slice(None, -1))]


@implements(np.cumulative_sum)
def cumulative_sum(
    x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Any:
    """Dtypes: all. Derivative: 1 in each element up to the place.

    >>> cumulative_sum([1.0, 2.0], include_initial=True)
    array([0., 1., 3.])
    """
    return _cumulative(cumsum, 0, x, axis, dtype, out, include_initial)


@implements(np.cumulative_prod)
def cumulative_prod(
    x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Any:
    """Dtypes: all. Derivative: in each element up to the place the product of the others.

    >>> cumulative_prod([2.0, 3.0], include_initial=True)
    array([1., 2., 6.])
    """
    return _cumulative(cumprod, 1, x, axis, dtype, out, include_initial)


def _cumulative(scan: Any, first: int, x: Any, axis: Any, dtype: Any, out: Any, include_initial: bool) -> Tracer:
    refuse_out(f"np.cumulative_{scan.__name__[3:]}", out)
    given = atleast_1d(traced(builder_of(x), x))
    if axis is None and given.ndim > 1:
        raise ValueError("For arrays which have more than one dimension ``axis`` argument is required.")
    at = one_axis(0 if axis is None else axis, given.ndim)
    y = scan(given, at, dtype)
    if not include_initial:
        return y
    return concatenate([constant(y.builder, first, (*y.shape[:at], 1, *y.shape[at + 1 :]), y.dtype), y], at)


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """Dtypes: real. Derivative: 1 in each element.

    >>> unwrap([0.0, 3.0, -3.0])
    array([0.        , 3.        , 3.28318531])
    """
    builder = builder_of(p, discont, period)
    x, at = traced(builder, p), one_axis(axis, np.ndim(p))
    steps = diff(x, axis=at)
    discont = period / 2 if discont is None else discont
    dtype = result_dtype(steps, period)
    if dtype.kind in "iu":
        high, rest = divmod(period, 2)
        is_between = rest == 0
    else:
        high, is_between = period / 2, True
    wrapped = np.mod(steps + high, period) - high
    if is_between:
        wrapped = np.where((wrapped == -high) & (steps > 0), high, wrapped)
    shift = np.where(np.abs(steps) < discont, 0, wrapped - steps)
    later, _ = _neighbours(x, at)
    first = x[(slice(None),) * at + (slice(None, 1),)]
    return concatenate([cast(first, dtype), cast(later + cumsum(shift, at), dtype)], at)


# --- Products


@implements(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    """Dtypes: numbers. Derivatives: cross(b, g) in a, cross(g, a) in b, for the cotangent g.

    >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    array([0., 0., 1.])
    """
    if axis is not None:
        axisa, axisb, axisc = (axis,) * 3
    x, y = arrays_of(a, b)
    if not x.ndim or not y.ndim:
        raise ValueError("At least one array has zero dimension")
    x, y = moveaxis(x, axisa, -1), moveaxis(y, axisb, -1)
    sizes = x.shape[-1], y.shape[-1]
    if not {2, 3}.issuperset(sizes):
        raise ValueError("incompatible dimensions for cross product\n(dimension must be 2 or 3)")
    if 2 in sizes:
        warnings.warn(
            "Arrays of 2-dimensional vectors are deprecated. Use arrays of 3-dimensional vectors instead. (deprecated "
            "in NumPy 2.0)", DeprecationWarning, stacklevel=2,
        )
    dtype, shape = result_dtype(x, y), broadcast_shapes(x.shape[:-1], y.shape[:-1])
    (a0, a1, a2), (b0, b1, b2) = (_components(cast(v, dtype), shape) for v in (x, y))
    last = sub(mul(a0, b1), mul(a1, b0))
    if sizes == (2, 2):
        return last
    parts = [_difference(a1, b2, a2, b1), _difference(a2, b0, a0, b2), last]
    return moveaxis(np.stack(parts, axis=-1), -1, axisc)


def _components(v: Tracer, shape: Shape) -> list[Any]:
    """The three components of vectors, the third of which may be missing."""
    parts = [spread_to(v[..., i], shape) for i in range(v.shape[-1])]
    return parts if len(parts) == 3 else [*parts, None]


def _difference(a: Any, b: Any, c: Any, d: Any) -> Tracer:
    """``a b - c d``, where one of the products may be missing."""
    if a is None or b is None:
        return neg(mul(c, d))
    return mul(a, b) if c is None or d is None else sub(mul(a, b), mul(c, d))
