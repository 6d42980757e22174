"""Taking elements along an axis, and in their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.types import INDEX, Shape
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.indexing import getitem, index_array
from fnad.numpy.modes import filling, within
from fnad.numpy.promotion import as_places, builder_of, cast, constant, is_traced, one_axis, spread_to, traced
from fnad.numpy.shaping import ravel
from fnad.ops import reductions
from fnad.ops.elementwise import maximum, minimum, mod, sub
from fnad.ops.shaping import flip
from fnad.tracing.builder import Builder
from fnad.tracing.tracer import Tracer


@implements(np.take)
def take(
    a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise", *, fill_value: Any = None
) -> Any:
    """With ``fill_value`` or, where something is traced, ``mode="fill"`` that is what an index beyond the array reads.

    Dtypes: all; integers as indices. Derivative: 1, summed over the places where an element was taken.

    >>> take([1.0, 2.0, 3.0], [2, 0, 0])
    array([3., 1., 1.])
    """
    refuse_out("np.take", out)
    builder = builder_of(a, indices)
    x = traced(builder, a)
    if axis is None:
        x, axis = ravel(x), 0
    axis = one_axis(axis, x.ndim)
    index = numbers(builder, indices)
    if mode == "fill" or fill_value is not None:
        return _or_fill(x, (*[slice(None)] * axis, index), "fill", fill_value)
    if mode != "raise":
        index = kept_inside(traced(builder, index), x.shape[axis], mode)
    return getitem(x, (*[slice(None)] * axis, index))


def _or_fill(x: Tracer, index: tuple[Any, ...], mode: str, fill_value: Any) -> Tracer:
    """``x[index]``, by a mode of `Updates.get`."""
    return getitem(*within(x, index, mode, filling(x.dtype) if fill_value is None else fill_value))


def numbers(builder: Builder, indices: Any) -> Any:
    """The indices of elements to take: integers, for which truth values count too, and numbers that are no arrays."""
    if not isinstance(indices, (Tracer, np.ndarray)):
        if not is_traced(indices):
            return np.asarray(indices, INDEX)
        indices = traced(builder, indices)
    if not np.can_cast(indices.dtype, INDEX, "same_kind"):
        raise TypeError(f"Cannot cast array data from {indices.dtype!r} to {INDEX!r} according to the rule 'same_kind'")
    if indices.dtype.kind != "b":
        return indices
    return cast(indices, INDEX) if type(indices) is Tracer else indices.astype(INDEX)


def kept_inside(index: Tracer, n: int, mode: str) -> Tracer:
    """Integers as places along an axis, by the mode that says what those beyond it mean."""
    if mode == "clip":
        return minimum(maximum(as_places(index), 0), n - 1)
    if mode == "wrap":
        return mod(index if index.dtype == np.uint64 else cast(index, INDEX), n)
    raise ValueError(f"clipmode must be one of 'clip', 'raise', or 'wrap' (got '{mode}')")


@implements(np.take_along_axis)
def take_along_axis(
    arr: Any, indices: Any, axis: Any = -1, *, mode: str | None = None, fill_value: Any = None
) -> Any:
    """Without ``mode`` an index beyond the array is an error; else it and ``fill_value`` are those of ``x.at[i].get``.

    Dtypes: all; integers as indices. Derivative: 1, summed over the places where an element was taken.

    >>> take_along_axis(np.array([[1.0, 2.0]]), np.array([[1, 0]]), 1)
    array([[2., 1.]])
    """
    builder = builder_of(arr, indices)
    x, index = traced(builder, arr), index_array(indices)
    if index.dtype.kind == "b":
        raise IndexError("`indices` must be an integer array")
    if axis is None:
        x, axis = ravel(x), 0
    if x.ndim != index.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    places = grid(index, x.shape, one_axis(axis, x.ndim))
    return getitem(x, places) if mode is None else _or_fill(x, places, mode, fill_value)


def grid(index: Any, shape: Shape, axis: int) -> tuple[Any, ...]:
    """The index along one axis, and for the others the numbers of their elements."""
    ndim = len(shape)
    others = [np.arange(n).reshape([-1 if i == a else 1 for i in range(ndim)]) for a, n in enumerate(shape)]
    return tuple([index if a == axis else other for a, other in enumerate(others)])


# --- Order


@implements(np.argsort)
def argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None, descending: bool = False
) -> Any:
    """It is always stable, also where ``descending``, from the largest on, has the order be the other one.

    Dtypes: all. Derivative: none.

    >>> argsort([3.0, 1.0, 2.0])
    array([1, 2, 0])
    """
    x = traced(builder_of(a), a)
    x, axis = (ravel(x), 0) if axis is None else (x, one_axis(axis, x.ndim))
    return _order(x, axis, descending)


def _order(x: Tracer, axis: int, descending: bool) -> Tracer:
    """The places along an axis in the order of what is there; of equal elements the first one comes first."""
    if not descending:
        return reductions.argsort(x, axis=axis)
    backward = reductions.argsort(flip(x, axes=(axis,)), axis=axis)
    return flip(sub(spread_to(constant(x.builder, x.shape[axis] - 1, (), INDEX), x.shape), backward), axes=(axis,))


@implements(np.sort)
def sort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None, descending: bool = False
) -> Any:
    """It is always stable: of ties each keeps its own derivative. With ``descending`` it is from the largest on.

    Dtypes: all. Derivative: 1 from each place to the place where its element went.

    >>> sort([3.0, 1.0, 2.0])
    array([1., 2., 3.])
    """
    x = traced(builder_of(a), a)
    x, axis = (ravel(x), 0) if axis is None else (x, one_axis(axis, x.ndim))
    return take_along_axis(x, _order(x, axis, descending), axis)
