"""Indexing: ints, slices, None and Ellipsis by slicing; integer arrays and masks by gathering; updates by scattering."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad.errors import InPlaceError
from fnad.ir.types import Shape
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.promotion import (
    INDEX, builder_of, cast, constant, fit, is_traced, one_axis, operand, spread_to, traced, traced_in,
)
from fnad.numpy.shaping import array_of, ravel, reshaped, stand_in, taken
from fnad.ops import indexing as places
from fnad.ops import reductions
from fnad.ops import shaping as ops
from fnad.ops.elementwise import floor_div, maximum, minimum, mul, sub
from fnad.tracing import Builder, Tracer, innermost

# --- What an index consists of


class Place(NamedTuple):
    """One part of an index: a slice of an axis, a new axis, or an integer or array of integers for an axis."""

    slice: Any = None
    array: Any = None

    @property
    def is_new(self) -> bool:
        return self.slice is None and self.array is None


_NEW = Place()
_INVALID = (
    "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid indices"
)


def _is_integer(part: Any) -> bool:
    return isinstance(part, (int, np.integer)) and not isinstance(part, (bool, np.bool_))


def _parsed(index: Any, shape: Shape) -> list[Place]:
    """The parts of an index, one for each axis of ``shape`` and each new axis."""
    given: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        given += _parts(part)
    used = sum([not (part is Ellipsis or type(part) is Place and part.is_new) for part in given])
    if used > len(shape):
        raise IndexError(f"too many indices for array: array is {len(shape)}-dimensional, but {used} were indexed")
    rest = [Place(slice(None))] * (len(shape) - used)
    ellipses = [i for i, part in enumerate(given) if part is Ellipsis]
    if len(ellipses) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    at = ellipses[0] if ellipses else len(given)
    return [*given[:at], *rest, *given[at + 1 :]]


def _parts(part: Any) -> list[Any]:
    """One part as `Place`s, a mask as one for each of its axes; an Ellipsis stays."""
    if part is Ellipsis:
        return [part]
    if part is None:
        return [_NEW]
    if isinstance(part, slice):
        return [Place(part)]
    if _is_integer(part):
        return [Place(array=int(part))]
    array = _index_array(part)
    if array.dtype.kind == "b":
        mask = array.concrete("a boolean mask as an index") if type(array) is Tracer else array
        return [Place(array=_Masked(n, size)) for n, size in zip(np.nonzero(mask), mask.shape)]
    return [Place(array=array)]


class _Masked(NamedTuple):
    """The places along one axis at which a mask is true, and the size of the mask there."""

    places: np.ndarray
    size: int


def _index_array(part: Any) -> Any:
    if type(part) is Tracer:
        array = part
    elif isinstance(part, (list, tuple)) and is_traced(part):
        array = traced(builder_of(part), part)
    else:
        array = np.asarray(part)
        if isinstance(part, (list, tuple)) and array.size == 0:
            array = array.astype(INDEX)
    if array.dtype.kind not in "biu":
        if isinstance(part, (Tracer, np.ndarray)):
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        raise IndexError(_INVALID)
    if array.dtype.kind == "b" and array.ndim == 0:
        raise IndexError("index: requires a mask with an axis, got a single truth value. Use np.where.")
    return array


# --- Reading


def getitem(x: Tracer, index: Any) -> Tracer:
    """``x[index]``."""
    parts = _parsed(index, x.shape)
    advanced = any([type(p.array) is not int and p.array is not None for p in parts])
    x = _sliced(x, parts, keep_integers=advanced)
    if advanced:
        return _gathered(x, parts)
    return x


def _sliced(x: Tracer, parts: Sequence[Place], keep_integers: bool) -> Tracer:
    """Apply the slices, and the integers and new axes too unless there are arrays, which settle those."""
    starts, stops, steps, flips, shape = [], [], [], [], []
    axis = 0
    for part in parts:
        if part.is_new:
            shape.append(1)
            continue
        n = x.shape[axis]
        if part.slice is not None:
            start, stop, step, size = _range(part.slice, n)
            flips += [axis] if step < 0 else []
            shape.append(size)
        elif keep_integers:
            start, stop, step = 0, n, 1
        else:
            start = _bounded(part.array, axis, n)
            stop, step = start + 1, 1
        starts.append(start), stops.append(stop), steps.append(abs(step))
        axis += 1
    if tuple(starts) != (0,) * x.ndim or tuple(stops) != x.shape or tuple(steps) != (1,) * x.ndim:
        x = ops.slice_(x, starts=tuple(starts), stops=tuple(stops), steps=tuple(steps))
    x = ops.flip(x, axes=tuple(flips)) if flips else x
    return x if keep_integers else reshaped(x, tuple(shape))


def _range(part: slice, n: int) -> tuple[int, int, int, int]:
    """Start, stop and step of a slice, the first two in rising order, and its size."""
    start, stop, step = part.indices(n)
    size = len(range(start, stop, step))
    if size == 0:
        return 0, 0, 1, 0
    if step < 0:
        return start + (size - 1) * step, start + 1, step, size
    return start, start + (size - 1) * step + 1, step, size


def _bounded(i: int, axis: int, n: int) -> int:
    if not -n <= i < n:
        raise IndexError(f"index {i} is out of bounds for axis {axis} with size {n}")
    return i + n if i < 0 else i


def _gathered(x: Tracer, parts: Sequence[Place]) -> Tracer:
    """Apply the integers, arrays and new axes; the slices are done."""
    indexed = [p.array is not None for p in parts]
    axes = [i for i, p in enumerate(parts) if not p.is_new]
    own = {place: axis for axis, place in enumerate(axes)}
    places_of = [i for i, yes in enumerate(indexed) if yes]
    perm = (*[own[i] for i in places_of], *[own[i] for i in axes if not indexed[i]])
    indices, shape = _index_rows([parts[i].array for i in places_of], [(own[i], x.shape[own[i]]) for i in places_of])
    builder = innermost([x, *traced_in(indices)])
    rows = places.gather(ops.transpose(x, perm=perm), *[builder.tracer(i) for i in indices])
    rest = [1 if p.is_new else x.shape[own[i]] for i, p in enumerate(parts) if p.array is None]
    result = reshaped(rows, (*shape, *rest))
    lead = _lead(indexed)
    if lead == 0:
        return result
    k = len(shape)
    order = (*range(k, k + lead), *range(k), *range(k + lead, k + len(rest)))
    return ops.transpose(result, perm=order)


def _lead(indexed: Sequence[bool]) -> int:
    """How many axes stand before those of the index arrays: none where these are apart, as NumPy has it."""
    first = indexed.index(True)
    together = all(indexed[first : first + sum(indexed)])
    return first if together else 0


def _index_rows(arrays: Sequence[Any], axes: Sequence[tuple[int, int]]) -> tuple[list[Any], Shape]:
    """Index arrays as flat ones of one shape, and that shape."""
    checked = [_checked(a, axis, n) for a, (axis, n) in zip(arrays, axes)]
    shape = _common([a.shape for a in checked])
    return [_flat(a, shape) for a in checked], shape


def _common(shapes: Sequence[Shape]) -> Shape:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        text = " ".join([str(s).replace(" ", "") for s in shapes])
        raise IndexError(f"shape mismatch: indexing arrays could not be broadcast together with shapes {text} ") from None


def _checked(array: Any, axis: int, n: int) -> Any:
    """An index array as one of int64, its known values within bounds."""
    if type(array) is Tracer:
        return cast(array, INDEX)
    if type(array) is _Masked:
        if array.size != n:
            raise IndexError(
                f"boolean index did not match indexed array along axis {axis}; size of axis is {n} but size of "
                f"corresponding boolean axis is {array.size}"
            )
        return array.places
    array = np.asarray(array, INDEX)
    beyond = array[(array < -n) | (array >= n)]
    if beyond.size:
        _bounded(int(beyond[0]), axis, n)
    return array


def _flat(array: Any, shape: Shape) -> Any:
    if type(array) is Tracer:
        return ravel(spread_to(array, shape))
    return array if array.shape == shape and array.ndim == 1 else np.broadcast_to(array, shape).reshape(-1)


# --- Taking along an axis


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    """`numpy.take`."""
    refuse_out("np.take", out)
    builder = builder_of(a, indices)
    x = traced(builder, a)
    if axis is None:
        x, axis = ravel(x), 0
    axis = one_axis(axis, x.ndim)
    index = _index_array(indices)
    if mode != "raise":
        index = _kept_inside(cast(traced(builder, index), INDEX), x.shape[axis], mode)
    return getitem(x, (*[slice(None)] * axis, index))


def _kept_inside(index: Tracer, n: int, mode: str) -> Tracer:
    if mode == "clip":
        return minimum(maximum(index, 0), n - 1)
    if mode == "wrap":
        return sub(index, mul(floor_div(index, n), n))
    raise ValueError(f"clipmode must be one of 'clip', 'raise', or 'wrap' (got '{mode}')")


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    """`numpy.take_along_axis`."""
    builder = builder_of(arr, indices)
    x, index = traced(builder, arr), _index_array(indices)
    if axis is None:
        x, axis = ravel(x), 0
    if x.ndim != index.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    return getitem(x, _grid(index, x.shape, one_axis(axis, x.ndim)))


def _grid(index: Any, shape: Shape, axis: int) -> tuple[Any, ...]:
    """The index along one axis, and for the others the numbers of their elements."""
    ndim = len(shape)
    others = [np.arange(n).reshape([-1 if i == a else 1 for i in range(ndim)]) for a, n in enumerate(shape)]
    return tuple([index if a == axis else other for a, other in enumerate(others)])


# --- Order


@implements(np.argsort)
def argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None, descending: Any = None
) -> Any:
    """`numpy.argsort`, always a stable one."""
    x = traced(builder_of(a), a)
    x, axis = (ravel(x), 0) if axis is None else (x, axis)
    return reductions.argsort(x, axis=one_axis(axis, x.ndim))


@implements(np.sort)
def sort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None, descending: Any = None
) -> Any:
    """`numpy.sort`, always a stable one: of ties each keeps its own derivative."""
    x = traced(builder_of(a), a)
    x, axis = (ravel(x), 0) if axis is None else (x, one_axis(axis, x.ndim))
    return take_along_axis(x, reductions.argsort(x, axis=axis), axis)


# --- Diagonals and triangles


@implements(np.diagonal, np.linalg.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """`numpy.diagonal`."""
    x = array_of(a)
    np.diagonal(stand_in(x.shape), offset, axis1, axis2)
    first, second = one_axis(axis1, x.ndim), one_axis(axis2, x.ndim)
    rest = [i for i in range(x.ndim) if i not in (first, second)]
    rows, columns = _diagonal_places(x.shape[first], x.shape[second], int(offset))
    line = places.gather(ops.transpose(x, perm=(first, second, *rest)), rows, columns)
    return ops.transpose(line, perm=(*range(1, line.ndim), 0))


def _diagonal_places(rows: int, columns: int, offset: int) -> tuple[np.ndarray, np.ndarray]:
    first = np.arange(max(0, -offset), max(0, -offset, min(rows, columns - offset)))
    return first, first + offset


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    """`numpy.trace`."""
    refuse_out("np.trace", out)
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """`numpy.diag`."""
    x = array_of(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError("Input must be 1- or 2-d.")
    size = x.shape[0] + abs(k)
    zeros = constant(x.builder, 0, (size, size), x.dtype)
    return places.scatter(zeros, x, *_diagonal_places(size, size, k), mode="set")


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """`numpy.diagflat`."""
    return diag(ravel(v), k)


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """`numpy.tril`."""
    return _triangle(m, k, False)


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """`numpy.triu`."""
    return _triangle(m, k - 1, True)


def _triangle(m: Any, k: int, upper: bool) -> Tracer:
    x = array_of(m)
    inside = np.tri(*(x.shape[-2:] if x.ndim > 1 else x.shape * 2), k=k, dtype=bool) ^ upper
    shape = x.shape if x.ndim > 1 else x.shape * 2
    mask = spread_to(traced(x.builder, inside), shape)
    return np.where(mask, spread_to(x, shape), x.dtype.type(0))


# --- Updates


class At:
    """``x.at[index]``: the ways to have an array with other values at some of its places."""

    __slots__ = ("_x",)

    def __init__(self, x: Tracer) -> None:
        self._x = x

    def __getitem__(self, index: Any) -> Updates:
        return Updates(self._x, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise InPlaceError(
            "x.at[i] = v: requires a method of x.at[i], got an assignment, but a traced array is never written to. "
            "Use x = x.at[i].set(v)."
        )


class Updates:
    """The places of an array that are to change; each method returns a new array.

    Updates are applied one after the other, so an index that occurs twice counts twice, and of two values
    that are set the last one stays.
    """

    __slots__ = ("_x", "_index")

    def __init__(self, x: Tracer, index: Any) -> None:
        self._x, self._index = x, index

    def get(self) -> Tracer:
        """The values there."""
        return getitem(self._x, self._index)

    def set(self, values: Any) -> Tracer:
        """With these values there."""
        return self._scatter(values, "set")

    def add(self, values: Any) -> Tracer:
        """With these values added."""
        return self._scatter(values, "add")

    def subtract(self, values: Any) -> Tracer:
        """With these values subtracted."""
        return self._scatter(np.negative(values), "add")

    def multiply(self, values: Any) -> Tracer:
        """With the values there multiplied by these."""
        return self._scatter(values, "mul")

    mul = multiply

    def divide(self, values: Any) -> Tracer:
        """With the values there divided by these."""
        return self._scatter(np.true_divide(1.0, values), "mul")

    def min(self, values: Any) -> Tracer:
        """With the smaller ones of the values there and these."""
        return self._scatter(values, "min")

    def max(self, values: Any) -> Tracer:
        """With the larger ones of the values there and these."""
        return self._scatter(values, "max")

    def _scatter(self, values: Any, mode: str) -> Tracer:
        index = self._index if isinstance(self._index, tuple) else (self._index,)
        builder = builder_of(self._x, values, list(index))
        x = builder.tracer(self._x)
        lead = _lead_axes(index, x.shape)
        numbers = np.arange(int(np.prod(x.shape[:lead], dtype=INDEX))).reshape(x.shape[:lead])
        at = getitem(builder.tracer(numbers), index) if is_traced(list(index)) else numbers[index]
        rest = x.shape[lead:]
        updates = self._fitted(builder, values, x, (*at.shape, *rest))
        flat = ops.reshape(x, shape=(numbers.size, *rest))
        rows = ops.reshape(updates, shape=(int(np.prod(at.shape, dtype=INDEX)), *rest))
        return reshaped(places.scatter(flat, rows, at.reshape(-1), mode=mode), x.shape)

    def _fitted(self, builder: Builder, values: Any, x: Tracer, shape: Shape) -> Tracer:
        given = operand(builder, values)
        if type(given) is Tracer:
            extra = max(given.ndim - len(shape), 0)
            if given.shape[:extra] == (1,) * extra:
                given = reshaped(given, given.shape[extra:])
            _require_fits(given.shape, shape)
            if given.dtype.kind == "c" and x.dtype.kind != "c":
                raise TypeError(f"at: requires values that fit into {x.dtype}, got {given.dtype}. Convert the array with astype.")
        return fit(builder, given, x.dtype, shape)


def _require_fits(given: Shape, shape: Shape) -> None:
    try:
        np.broadcast_to(stand_in(given), shape)
    except ValueError:
        raise ValueError(
            f"shape mismatch: value array of shape {given} could not be broadcast to indexing result of shape {shape}"
        ) from None


def _lead_axes(index: tuple[Any, ...], shape: Shape) -> int:
    """How many axes an index touches, counted from the front: the others are written whole."""
    if any([part is Ellipsis for part in index]):
        return len(shape)
    return sum([1 if not isinstance(p, (np.ndarray, Tracer, list)) else _axes_of(p) for p in index if p is not None])


def _axes_of(part: Any) -> int:
    array = _index_array(part)
    return array.ndim if array.dtype.kind == "b" else 1
