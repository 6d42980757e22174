"""Places: in sorted arrays, in the order of several keys, and where a condition holds."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from fnad.ir.types import BOOL, INDEX, Shape
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import (
    array_of, arrays_of, builder_of, cast, constant, is_traced, one_axis, result_dtype, size_of, spread_to,
    traced,
)
from fnad.numpy.shaping import ravel, reshaped
from fnad.numpy.taking import argsort, sort, take
from fnad.ops import elementwise as ops
from fnad.ops import reductions
from fnad.ops import searching as searches
from fnad.ops.indexing import gather
from fnad.tracing.tracer import Tracer

# --- Sorted arrays


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Dtypes: all. Derivative: none.

    >>> searchsorted([1.0, 2.0, 3.0], [0.5, 2.0], side="right")
    array([0, 2])
    """
    x, sought, order = arrays_of(a, v, sorter)
    if side not in ("left", "right"):
        raise ValueError(f"search side must be 'left' or 'right' (got '{side}')")
    if x.ndim != 1:
        depth = "too deep" if x.ndim else "of too small depth"
        raise ValueError(f"object {depth} for desired array")
    if order is not None:
        x = _in_order_of(x, order)
    return places_in(x, sought, side)


def _in_order_of(x: Tracer, order: Tracer) -> Tracer:
    if order.dtype.kind not in "biu":
        raise TypeError("sorter must only contain integers")
    if order.shape != x.shape:
        raise ValueError("sorter.size must equal len(a)")
    return take(x, order)


def places_in(x: Tracer, sought: Tracer, side: str = "left") -> Tracer:
    """Where values would go in a sorted array of one axis."""
    dtype = result_dtype(x, sought)
    flat = reshaped(cast(sought, dtype), (sought.size,))
    return reshaped(searches.searchsorted(cast(x, dtype), flat, side=side), sought.shape)


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """Of traced bins it is not checked that they are monotonic.

    Dtypes: real. Derivative: none.

    >>> digitize([0.5, 1.5], [0.0, 1.0, 2.0])
    array([1, 2])
    """
    given, edges = arrays_of(x, bins)
    if given.dtype.kind == "c":
        raise TypeError("x may not be complex")
    if not is_traced(bins) or edges.ndim != 1 or edges.dtype.kind == "c":
        np.digitize(np.zeros(0), bins if not is_traced(bins) else np.zeros(edges.shape, edges.dtype), right)
    n, side = edges.size, "left" if right else "right"
    if n < 2:
        return places_in(edges, given, side)
    falls = edges[0] > edges[n - 1]
    places = places_in(np.where(falls, edges[::-1], edges), given, side)
    return np.where(falls, n - places, places)


# --- Order


@implements(np.lexsort)
def lexsort(keys: Any, axis: Any = -1) -> Any:
    """Dtypes: all. Derivative: none.

    >>> lexsort(([1, 0, 1], [2, 1, 1]))
    array([1, 2, 0])
    """
    if not len(keys):
        raise TypeError("need sequence of keys with len > 0 in lexsort")
    given = arrays_of(*keys)
    if len({x.shape for x in given}) > 1:
        raise ValueError("all keys need to be the same shape")
    if not given[0].ndim:
        return constant(given[0].builder, 0, (), INDEX)
    return order_of(given, one_axis(axis, given[0].ndim))


def order_of(keys: Sequence[Tracer], axis: int) -> Tracer:
    """The places along an axis in the order of the last key, then of the one before it, and so on."""
    order = reductions.argsort(keys[0], axis=axis)
    for key in keys[1:]:
        moved = np.take_along_axis(key, order, axis)
        order = np.take_along_axis(order, reductions.argsort(moved, axis=axis), axis)
    return order


@implements(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Any:
    """It is sorted: one of the orders that are right.

    Dtypes: all. Derivative: 1 from each place to the place where its element went.

    >>> partition([3.0, 1.0, 2.0], 1)
    array([1., 2., 3.])
    """
    x, = arrays_of(a)
    _require_kth(x, kth, axis)
    return sort(x, axis)


@implements(np.argpartition)
def argpartition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Any:
    """It is the order of the sorted elements: one of those that are right.

    Dtypes: all. Derivative: none.

    >>> argpartition([3.0, 1.0, 2.0], 1)
    array([1, 2, 0])
    """
    x, = arrays_of(a)
    _require_kth(x, kth, axis)
    return argsort(x, axis)


def _require_kth(x: Tracer, kth: Any, axis: Any) -> None:
    """Raise as NumPy for what is no place along the axis."""
    n = x.size if axis is None else x.shape[one_axis(axis, x.ndim)]
    np.argpartition(np.zeros(n, bool), kth)


@implements(np.sort_complex)
def sort_complex(a: Any) -> Any:
    """Dtypes: numbers. Derivative: 1 from each place to the place where its element went.

    >>> sort_complex([2.0, 1.0])
    array([1.+0.j, 2.+0.j])
    """
    x, = arrays_of(a)
    wide = {"b": "F", "h": "F", "B": "F", "H": "F", "g": "G"}.get(x.dtype.char, "D")
    return sort(x) if x.dtype.kind == "c" else cast(sort(x), np.dtype(wide))


# --- Where a condition holds


@implements(np.nonzero)
def nonzero(a: Any, *, size: Any = None, fill_value: Any = None) -> Any:
    """Without ``size`` the value must be known, for it decides the shape of the result.

    With ``size`` there are so many places: the first ones, and ``fill_value`` (0, or one number for each axis) for
    those that are too many.

    Dtypes: all. Derivative: none.

    >>> nonzero([0.0, 2.0])
    (array([1]),)
    """
    if size is None:
        return np.nonzero(array_of(a).concrete("np.nonzero without size="))
    x = traced(builder_of(a), a)
    if not x.ndim:
        raise ValueError(
            "Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead. If the context "
            "of this error is of the form `arr[nonzero(cond)]`, just use `arr[cond]`."
        )
    return tuple(_unraveled(places_where(ravel(x), operator.index(size)), x.shape, fill_value))


def places_where(mask: Tracer, size: int) -> Tracer:
    """The first so many places where a mask of one axis holds, then the length of the mask."""
    counts = np.cumsum(cast(cast(mask, BOOL), INDEX))
    return places_in(counts, traced(mask.builder, np.arange(1, size + 1)))


def _unraveled(places: Tracer, shape: Shape, fill_value: Any) -> list[Tracer]:
    """Places in C order as places along each axis."""
    fills = fill_value if isinstance(fill_value, (tuple, list)) else [fill_value or 0] * len(shape)
    n, found = size_of(shape), []
    for axis, fill in enumerate(fills):
        along = places // max(size_of(shape[axis + 1 :]), 1) % max(shape[axis], 1)
        found.append(np.where(places < n, along, fill))
    return found


@implements(np.flatnonzero)
def flatnonzero(a: Any, *, size: Any = None, fill_value: Any = None) -> Any:
    """Without ``size`` the value must be known, for it decides the shape of the result; with it as of `nonzero`.

    Dtypes: all. Derivative: none.

    >>> flatnonzero([0.0, 2.0])
    array([1])
    """
    if size is None:
        return np.flatnonzero(array_of(a).concrete("np.flatnonzero without size="))
    return nonzero(ravel(a), size=size, fill_value=fill_value)[0]


@implements(np.argwhere)
def argwhere(a: Any, *, size: Any = None, fill_value: Any = None) -> Any:
    """Without ``size`` the value must be known, for it decides the shape of the result; with it as of `nonzero`.

    Dtypes: all. Derivative: none.

    >>> argwhere([0.0, 2.0])
    array([[1]])
    """
    if size is None:
        return np.argwhere(array_of(a).concrete("np.argwhere without size="))
    x = traced(builder_of(a), a)
    if not x.ndim:
        return traced(x.builder, np.zeros((operator.index(size), 0), INDEX))
    return np.stack(nonzero(x, size=size, fill_value=fill_value), axis=1)


def picked(x: Tracer, mask: Tracer, what: str, size: Any = None, fill_value: Any = None) -> Tracer:
    """The slices of ``x`` where a mask of its first axis holds.

    Without ``size`` their number must be known; with it there are so many, the last ones ``fill_value`` (0) where too
    few are found.
    """
    wanted = np.count_nonzero(mask).concrete(f"{what} without size=", int) if size is None else operator.index(size)
    places = places_where(mask, wanted)
    fill = constant(x.builder, 0 if fill_value is None else fill_value, (), x.dtype)
    if not x.shape[0]:
        return spread_to(fill, (wanted, *x.shape[1:]))
    found = gather(x, ops.minimum(places, x.shape[0] - 1))
    if size is None:
        return found
    is_found = reshaped(places < x.shape[0], (wanted,) + (1,) * (x.ndim - 1))
    return np.where(is_found, found, fill)
