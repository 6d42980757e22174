"""Joining, splitting and repeating; differences of neighbours."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from fnad.ir.types import ArrayType
from fnad.numpy.aliases import own, view
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.promotion import (
    array_of, builder_of, cast, is_traced, one_axis, operand, result_dtype, spread_to, traced,
)
from fnad.numpy.shaping import atleast_1d, atleast_2d, atleast_3d, permuted, ravel, reshaped, stand_in, window
from fnad.ops import shaping as ops
from fnad.ops.elementwise import ne, sub
from fnad.ops.indexing import gather
from fnad.tracing.tracer import Tracer

# --- Joining


def _joined(arrays: Any, dtype: Any = None) -> list[Tracer]:
    """Arrays as traced ones of one dtype."""
    if type(arrays) is Tracer:
        arrays = list(arrays)
    first = arrays[0] if len(arrays) else None
    if type(first) is Tracer and dtype is None and all([_is_alike(x, first) for x in arrays]):
        return list(arrays)
    builder = builder_of(*arrays)
    xs = [operand(builder, a) for a in arrays]
    common = result_dtype(*[traced(builder, x) for x in xs]) if dtype is None else np.dtype(dtype)
    return [cast(traced(builder, x), common) for x in xs]


def _is_alike(x: Any, first: Tracer) -> bool:
    return type(x) is Tracer and x.builder is first.builder and x.dtype == first.dtype and not x.atom.type.weak


@implements(np.concatenate)
def concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    """Dtypes: all. Derivative: 1 in each part.

    >>> concatenate([[1.0, 2.0], [3.0]])
    array([1., 2., 3.])
    """
    refuse_out("np.concatenate", out)
    xs = _joined(arrays, dtype)
    if axis is None:
        xs, axis = [ravel(x) for x in xs], 0
    if not _can_join(xs, axis):
        np.concatenate([stand_in(x.shape) for x in xs], axis)
    return _end_to_end(xs, one_axis(axis, xs[0].ndim))


def _end_to_end(xs: Sequence[Tracer], axis: int) -> Tracer:
    """Arrays that fit, joined along an axis."""
    t = xs[0].atom.type
    length = 0
    for x in xs:
        length += x.atom.type.shape[axis]
    type_ = ArrayType((*t.shape[:axis], length, *t.shape[axis + 1 :]), t.dtype)
    return xs[0].builder.emit(ops.concatenate, tuple([x.atom for x in xs]), {"axis": axis}, type_)


def _can_join(xs: Sequence[Tracer], axis: int) -> bool:
    first = xs[0]
    at = axis + first.ndim if axis < 0 else axis
    rest = first.shape[:at] + first.shape[at + 1 :]
    return 0 <= at < first.ndim and all(
        [x.ndim == first.ndim and x.shape[:at] + x.shape[at + 1 :] == rest for x in xs]
    )


@implements(np.stack)
def stack(arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """Dtypes: all. Derivative: 1 in each array.

    >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=1)
    array([[1., 3.],
           [2., 4.]])
    """
    refuse_out("np.stack", out)
    xs = _joined(arrays, dtype)
    if len({x.shape for x in xs}) > 1:
        raise ValueError("all input arrays must have the same shape")
    at = one_axis(axis, xs[0].ndim + 1)
    shape = (*xs[0].shape[:at], 1, *xs[0].shape[at:])
    return _end_to_end([reshaped(x, shape) for x in xs], at)


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """Dtypes: all. Derivative: 1 in each array.

    >>> vstack([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 2.],
           [3., 4.]])
    """
    return concatenate([atleast_2d(x) for x in _joined(tup)], 0, dtype=dtype)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """Dtypes: all. Derivative: 1 in each array.

    >>> hstack([[1.0, 2.0], [3.0]])
    array([1., 2., 3.])
    """
    xs = [atleast_1d(x) for x in _joined(tup)]
    return concatenate(xs, 0 if xs[0].ndim == 1 else 1, dtype=dtype)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """Dtypes: all. Derivative: 1 in each array.

    >>> dstack([[1.0, 2.0], [3.0, 4.0]])
    array([[[1., 3.],
            [2., 4.]]])
    """
    return concatenate([atleast_3d(x) for x in _joined(tup)], 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """Dtypes: all. Derivative: 1 in each array.

    >>> column_stack([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 3.],
           [2., 4.]])
    """
    return concatenate([ops.reshape(x, shape=(x.size, 1)) if x.ndim < 2 else x for x in _joined(tup)], 1)


@implements(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """Dtypes: all. Derivative: 1 in the array and in the values.

    >>> append([1.0, 2.0], 3.0)
    array([1., 2., 3.])
    """
    xs = _joined([arr, values])
    return concatenate([ravel(x) for x in xs], 0) if axis is None else concatenate(xs, axis)


# --- Splitting


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    """Dtypes: all. Derivative: 1 from each part to its place.

    >>> array_split(np.arange(3.0), 2)
    [array([0., 1.]), array([2.])]
    """
    return _parts(np.array_split, array_of(ary), indices_or_sections, axis)


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    """Dtypes: all. Derivative: 1 from each part to its place.

    >>> split(np.arange(4.0), 2)
    [array([0., 1.]), array([2., 3.])]
    """
    return _parts(np.split, array_of(ary), indices_or_sections, axis)


def _parts(function: Any, x: Tracer, where: Any, axis: Any) -> list[Tracer]:
    function(stand_in(x.shape), where, axis)
    at = one_axis(axis, x.ndim)
    numbers = function(np.arange(x.shape[at]), where)
    ends = [(int(part[0]), int(part[-1]) + 1) if len(part) else (0, 0) for part in numbers]
    return [view(x, window(x, at, *each)) for each in ends]


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Dtypes: all. Derivative: 1 from each part to its place.

    >>> vsplit(np.eye(2), 2)
    [array([[1., 0.]]), array([[0., 1.]])]
    """
    x = array_of(ary)
    if x.ndim < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return split(x, indices_or_sections, 0)


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Dtypes: all. Derivative: 1 from each part to its place.

    >>> hsplit(np.arange(4.0), 2)
    [array([0., 1.]), array([2., 3.])]
    """
    x = array_of(ary)
    if x.ndim == 0:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Dtypes: all. Derivative: 1 from each part to its place.

    >>> dsplit(np.ones((1, 1, 2)), 2)
    [array([[[1.]]]), array([[[1.]]])]
    """
    x = array_of(ary)
    if x.ndim < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return split(x, indices_or_sections, 2)


# --- Repeating


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    """Dtypes: all. Derivative: 1, summed over the repetitions.

    >>> tile([1.0, 2.0], 2)
    array([1., 2., 1., 2.])
    """
    x = array_of(A)
    counts = tuple([operator.index(r) for r in (reps if np.ndim(reps) else (reps,))])
    ndim = max(len(counts), x.ndim)
    counts = (1,) * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - x.ndim) + x.shape
    split_up = ops.reshape(x, shape=tuple([n for size in shape for n in (1, size)]))
    spread = spread_to(split_up, tuple([n for pair in zip(counts, shape) for n in pair]))
    return ops.reshape(spread, shape=tuple([r * n for r, n in zip(counts, shape)]))


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """The number of repeats is a known value.

    Dtypes: all. Derivative: 1, summed over the repetitions.

    >>> repeat([1.0, 2.0], 2)
    array([1., 1., 2., 2.])
    """
    x = array_of(a)
    if axis is None:
        x, axis = ravel(x), 0
    axis = one_axis(axis, x.ndim)
    if np.ndim(repeats) == 0 and int(repeats) >= 0:
        return _repeated(x, int(repeats), axis)
    counts = np.asarray(repeats) if is_traced(repeats) else repeats
    return taken(x, np.repeat(np.arange(x.shape[axis]), counts), axis)


def _repeated(x: Tracer, count: int, axis: int) -> Tracer:
    before, after = x.shape[: axis + 1], x.shape[axis + 1 :]
    spread = spread_to(ops.reshape(x, shape=(*before, 1, *after)), (*before, count, *after))
    return ops.reshape(spread, shape=(*before[:-1], before[-1] * count, *after))


def taken(x: Tracer, places: Any, axis: int) -> Tracer:
    """The elements at places (n,) along an axis."""
    order = (axis, *[i for i in range(x.ndim) if i != axis])
    moved = gather(permuted(x, order), x.builder.tracer(places))
    return permuted(moved, ops.inverse_permutation(order))


# --- Differences


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: Any = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Any:
    """Dtypes: all. Derivative: 1 in the later of two neighbours, -1 in the earlier.

    >>> diff([1.0, 4.0, 9.0])
    array([3., 5.])
    """
    x = array_of(a) if type(a) is Tracer else traced(builder_of(a, prepend, append), a)
    if n == 0:
        return x
    if x.ndim == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    at = one_axis(axis, x.ndim)
    ends = [None if e is np._NoValue else _end(x, e, at) for e in (prepend, append)]
    if any([e is not None for e in ends]):
        x = concatenate([part for part in (ends[0], x, ends[1]) if part is not None], at)
    for _ in range(n if x.shape[at] else 0):
        size = x.shape[at]
        later, earlier = window(x, at, min(1, size), size), window(x, at, 0, max(size - 1, 0))
        x = ne(later, earlier) if x.dtype.kind == "b" else sub(later, earlier)
    return x


def _end(x: Tracer, value: Any, axis: int) -> Tracer:
    end = traced(x.builder, value)
    return spread_to(end, (*x.shape[:axis], 1, *x.shape[axis + 1 :])) if end.ndim == 0 else end
