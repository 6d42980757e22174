"""Arrays made of others: blocks, insertions, deletions, other sizes; and points that are spaced by their logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from fnad.numpy.aliases import own
from fnad.numpy.dispatch import implements
from fnad.numpy.joining import concatenate, taken, tile
from fnad.numpy.promotion import (
    array_of, builder_of, cast, constant, is_traced, one_axis, operand, result_dtype, size_of, spread_to, traced,
)
from fnad.numpy.shaping import cast_to, moveaxis, ravel, reshaped, stand_in, window
from fnad.numpy.ufuncs import UFUNCS
from fnad.tracing.builder import Builder
from fnad.tracing.tracer import Tracer

# --- Blocks


@implements(np.block)
def block(arrays: Any) -> Any:
    """Dtypes: all. Derivative: 1 in each part.

    >>> block([[np.eye(2), np.zeros((2, 1))], [np.zeros((1, 2)), 5.0]])
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 5.]])
    """
    builder = builder_of(arrays)
    ndim = np.block(_stand_ins(builder, arrays)).ndim  # raises for what does not fit
    return own(_joined(builder, arrays, _depth(arrays), ndim))


def _stand_ins(builder: Builder, arrays: Any) -> Any:
    if isinstance(arrays, (list, tuple)):
        return type(arrays)([_stand_ins(builder, part) for part in arrays])
    return stand_in(traced(builder, arrays).shape)


def _depth(arrays: Any) -> int:
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) else 0


def _joined(builder: Builder, arrays: Any, depth: int, ndim: int) -> Tracer:
    if depth:
        return concatenate([_joined(builder, part, depth - 1, ndim) for part in arrays], -depth)
    x = traced(builder, arrays)
    return reshaped(x, (1,) * (ndim - x.ndim) + x.shape)


@implements(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> Any:
    """Dtypes: all. Derivative: 1 from each part to its place.

    >>> unstack(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    (array([1., 3.]), array([2., 4.]))
    """
    given = array_of(x)
    if given.ndim == 0:
        raise ValueError("Input array must be at least 1-d.")
    return tuple(moveaxis(given, axis, 0))


# --- More and fewer elements


def _places(builder: Builder, obj: Any, what: str) -> Any:
    """The places that an argument names, which decide a result's shape or order: they are known."""
    return traced(builder, obj).concrete(what) if is_traced(obj) else obj


def _along(x: Tracer, axis: Any) -> tuple[Tracer, int]:
    """The array and the axis; without one, the flat array and its only one."""
    return (ravel(x), 0) if axis is None else (x, one_axis(axis, x.ndim))


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """The places are known values.

    Dtypes: all. Derivative: 1 in the array and in the values.

    >>> insert([1.0, 2.0, 3.0], 1, 5.0)
    array([1., 5., 2., 3.])
    """
    builder = builder_of(arr, obj, values)
    places = _places(builder, obj, "the places of np.insert")
    x, at = _along(traced(builder, arr), axis)
    new, n = cast(traced(builder, values), x.dtype), x.shape[at]
    named = np.arange(n)[places] if isinstance(places, slice) else np.asarray(places)
    count = np.count_nonzero(named) if named.dtype == bool else named.size
    if count == 1:
        new = reshaped(new, (1,) * (x.ndim - new.ndim) + new.shape)
        new = moveaxis(new, 0, at) if named.ndim == 0 else new
        count = new.shape[at]
    order = np.insert(np.arange(n), places, np.arange(n, n + count))
    new = spread_to(new, np.broadcast_to(stand_in(new.shape), (*x.shape[:at], count, *x.shape[at + 1 :])).shape)
    return taken(concatenate([x, new], at), order, at)


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    """The places are known values.

    Dtypes: all. Derivative: 1 in the elements that stay.

    >>> delete([1.0, 2.0, 3.0], [0, 2])
    array([2.])
    """
    builder = builder_of(arr, obj)
    x, at = _along(traced(builder, arr), axis)
    left = np.delete(np.arange(x.shape[at]), _places(builder, obj, "the places of np.delete"))
    return taken(x, left, at)


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    """Dtypes: all. Derivative: 1, summed over the repetitions.

    >>> resize([1.0, 2.0, 3.0], (2, 2))
    array([[1., 2.],
           [3., 1.]])
    """
    x = ravel(array_of(a))
    shape = np.resize(np.zeros(1, bool), new_shape).shape
    size = size_of(shape)
    if not x.size or not size:
        return constant(x.builder, 0, shape, x.dtype)
    return reshaped(window(tile(x, -(-size // x.size)), 0, 0, size), shape)


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: Any = "fb", axis: Any = None) -> Any:
    """How many zeros there are must be known: it decides the shape of the result.

    Dtypes: all. Derivative: 1 in the elements that stay.

    >>> trim_zeros(np.array([0.0, 1.0, 2.0, 0.0]))
    array([1., 2.])
    """
    x = array_of(filt)
    sides = trim.lower()
    if sides not in {"fb", "bf", "f", "b"}:
        raise ValueError(f"unexpected character(s) in `trim`: {sides!r}")
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim, argname="axis")
    if not axes:
        return filt
    kept = tuple([_within_zeros(x, i, sides) if i in axes else slice(None) for i in range(x.ndim)])
    return filt[kept[0]] if len(kept) == 1 else x[kept]


def _within_zeros(x: Tracer, axis: int, sides: str) -> slice:
    """From the first to the last place along an axis where there is an element that is not 0."""
    is_met = np.any(x != 0, axis=tuple([i for i in range(x.ndim) if i != axis]))
    if not np.any(is_met):
        return slice(0, 0)
    first = int(np.argmax(is_met)) if "f" in sides else None
    return slice(first, len(is_met) - int(np.argmax(is_met[::-1])) if "b" in sides else None)


# --- Points spaced by their logarithms


@implements(np.logspace)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    """Dtypes: numbers. Derivative: that of base ** y in the base and in the ends of y.

    >>> logspace(0.0, 2.0, 3)
    array([  1.,  10., 100.])
    """
    builder = builder_of(start, stop, base)
    ends = [operand(builder, x) for x in (start, stop, base)]
    if np.ndim(ends[2]):
        ndim = len(np.broadcast_shapes(*[np.shape(x) for x in ends]))
        *ends, base = [reshaped(x, (1,) * (ndim - x.ndim) + x.shape) for x in [traced(builder, x) for x in ends]]
        base = np.expand_dims(base, axis)
    exponents = np.linspace(ends[0], ends[1], num, endpoint=endpoint, axis=axis)
    points = UFUNCS[np.power](base, exponents) if is_traced((base, exponents)) else traced(builder, base**exponents)
    return points if dtype is None else cast_to(points, dtype)


@implements(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """Dtypes: numbers. Derivative: (1 - t) y / start and t y / stop, t from 0 to 1; the ends are the arguments.

    >>> geomspace(1.0, 100.0, 3)
    array([  1.,  10., 100.])
    """
    builder = builder_of(start, stop)
    first, last = traced(builder, start), traced(builder, stop)
    common = np.result_type(result_dtype(first, last), float(num), np.zeros((), dtype))
    first, last = np.broadcast_arrays(cast(first, common), cast(last, common))
    turn = np.sign(first)  # by which the series is brought to begin at a positive number
    points = logspace(np.log10(first / turn), np.log10(last / turn), num, endpoint, dtype=common) * turn
    ends = [reshaped(x, (1, *x.shape)) for x in (first, last)]
    if num > 0:
        points = np.concatenate([ends[0], points[1:]])
    if num > 1 and endpoint:
        points = np.concatenate([points[:-1], ends[1]])
    points = np.moveaxis(points, 0, axis)
    return points if dtype is None else cast_to(points, dtype)
