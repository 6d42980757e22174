"""Reading by index: ints, slices, None and Ellipsis by slicing; integer arrays and masks by gathering."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad.ir.types import INDEX, Shape
from fnad.numpy.aliases import own, view
from fnad.numpy.promotion import as_places, builder_of, is_traced, shapes_text, size_of, spread_to, traced, traced_in
from fnad.numpy.shaping import permuted, ravel, reshaped, sliced
from fnad.ops import indexing as places
from fnad.ops import shaping as ops
from fnad.ops.elementwise import select
from fnad.tracing.errors import BOUND, MASK
from fnad.tracing.state import innermost
from fnad.tracing.tracer import Tracer

# --- What an index consists of


class Place(NamedTuple):
    """One part of an index: a slice of an axis, a new axis, or an integer or array of integers for an axis.

    A `_Truth` is an array that takes no axis. An Ellipsis is a part where it stands for no axis but between arrays,
    which it sets apart.
    """

    slice: Any = None
    array: Any = None

    @property
    def is_new(self) -> bool:
        return self.slice is None and self.array is None


WHOLE = Place(slice(None))
_NEW = Place()
_GAP = Place(Ellipsis)
_INVALID = (
    "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid "
    "indices"
)


def _is_integer(part: Any) -> bool:
    """Whether a part is a single known integer, or what stands for one."""
    return hasattr(part, "__index__") and not isinstance(part, (bool, np.bool_, np.ndarray, Tracer))


def is_truth(part: Any) -> bool:
    """Whether a part is a known truth value, which takes no axis."""
    return isinstance(part, (bool, np.bool_))


def parsed(index: Any, shape: Shape) -> list[Place]:
    """The parts of an index, one for each axis of ``shape`` and each new axis."""
    given: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        given += _parts(part)
    used = sum([not (part is Ellipsis or part.is_new or type(part.array) is _Truth) for part in given])
    if used > len(shape):
        raise IndexError(f"too many indices for array: array is {len(shape)}-dimensional, but {used} were indexed")
    rest = [WHOLE] * (len(shape) - used)
    ellipses = [i for i, part in enumerate(given) if part is Ellipsis]
    if len(ellipses) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if not ellipses:
        return [*given, *rest]
    before, after = given[: ellipses[0]], given[ellipses[0] + 1 :]
    return [*before, *(rest or _gap(before, after)), *after]


def _gap(before: Sequence[Place], after: Sequence[Place]) -> list[Place]:
    """An Ellipsis that stands for no axis."""
    sides = [[p.array for p in side if p.array is not None] for side in (before, after)]
    return [_GAP] if all(sides) and any([type(a) is not int for a in sum(sides, [])]) else []


def _parts(part: Any) -> list[Any]:
    """One part as `Place`s, a mask as one for each of its axes; an Ellipsis stays."""
    if part is Ellipsis:
        return [part]
    if part is None:
        return [_NEW]
    if isinstance(part, slice):
        return [Place(slice(*map(_known_bound, (part.start, part.stop, part.step))))]
    if _is_integer(part):
        return [Place(array=operator.index(part))]
    array = index_array(part)
    if array.dtype.kind == "b":
        mask = array.concrete(MASK) if type(array) is Tracer else array
        if not mask.shape:
            return [Place(array=_Truth(bool(mask)))]
        return [Place(array=_Masked(n, size)) for n, size in zip(np.nonzero(mask), mask.shape)]
    return [Place(array=array)]


def _known_bound(bound: Any) -> Any:
    """A bound of a slice, whose size has to be known."""
    if type(bound) is not Tracer:
        return bound
    if bound.dtype.kind not in "iu" or bound.shape:
        raise TypeError("slice indices must be integers or None or have an __index__ method")
    return bound.concrete(BOUND, int)


class _Truth(NamedTuple):
    """A single truth value: an array of the one place of a new axis, or of none."""

    holds: bool


class _Masked(NamedTuple):
    """The places along one axis at which a mask is true, and the size of the mask there."""

    places: np.ndarray
    size: int


def index_array(part: Any) -> Any:
    """An array or nested lists as an index: of integers or truth values, traced or not."""
    if type(part) is Tracer:
        array = part.builder.stands_for[part.atom] if part.atom in part.builder.constants else part
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
    return array


def axes_of(part: Any) -> int:
    """The number of axes that an array as an index takes."""
    array = index_array(part)
    return array.ndim if array.dtype.kind == "b" else 1


# --- Reading


def getitem(x: Tracer, index: Any) -> Tracer:
    """``x[index]``: a view, unless the index has arrays in it or names one element."""
    if type(index) is int and x.ndim:
        row = _row(x, index)
        return view(x, row) if row.atom.type.shape else row
    parts = parsed(index, x.shape)
    if not is_basic(parts):
        return _by_arrays(x, parts)
    window = window_of(parts, x.shape)
    found = _sliced(x, window, window.shape)
    is_element = not window.shape and not any([p is Ellipsis for p in (index if type(index) is tuple else (index,))])
    return own(found) if is_element else view(x, found)


def _row(x: Tracer, i: int) -> Tracer:
    """``x[i]``."""
    shape = x.atom.type.shape
    i = _bounded(i, 0, shape[0])
    rest = shape[1:]
    zeros = (0,) * len(rest)
    return reshaped(sliced(x, (i, *zeros), (i + 1, *rest), (1,) * len(shape)), rest)


def is_basic(parts: Sequence[Place]) -> bool:
    """Whether an index has slices, integers and new axes only."""
    return all([p.array is None or type(p.array) is int for p in parts])


def takes_first_axes(parts: Sequence[Place]) -> bool:
    """Whether an index has an array or integer for each of the first axes and leaves the others whole."""
    arrays = [p.array for p in parts if p.array is not None]
    return all([p == WHOLE for p in parts[len(arrays) :]]) and not any([type(a) is _Truth for a in arrays])


class Window(NamedTuple):
    """The window of slices and integers: a range along each axis, those that run backwards, the shape that is left."""

    starts: Shape
    stops: Shape
    steps: Shape
    flips: Shape
    shape: Shape


def window_of(parts: Sequence[Place], shape: Shape, keep_integers: bool = False) -> Window:
    """The window that an index names in an array; the integers may be left, where arrays settle those."""
    starts, stops, steps, flips, left = [], [], [], [], []
    axis = 0
    for part in parts:
        if part.is_new:
            left.append(1)
            continue
        n = shape[axis]
        if part.slice is not None:
            start, stop, step, size = _range(part.slice, n)
            flips += [axis] if step < 0 else []
            left.append(size)
        elif keep_integers:
            start, stop, step = 0, n, 1
        else:
            start = _bounded(part.array, axis, n)
            stop, step = start + 1, 1
        starts.append(start), stops.append(stop), steps.append(abs(step))
        axis += 1
    return Window(tuple(starts), tuple(stops), tuple(steps), tuple(flips), tuple(left))


def _sliced(x: Tracer, window: Window, shape: Shape | None) -> Tracer:
    """Apply the ranges and, if a shape is given, take the axes without one away and the new ones in."""
    starts, stops, steps, flips, _ = window
    if starts != (0,) * x.ndim or stops != x.shape or steps != (1,) * x.ndim:
        x = sliced(x, starts, stops, steps)
    x = ops.flip(x, axes=flips) if flips else x
    return x if shape is None else reshaped(x, shape)


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


def _by_arrays(x: Tracer, parts: Sequence[Place]) -> Tracer:
    """``x[index]`` for an index with arrays in it."""
    lead = _lead([p.array is not None for p in parts])
    parts = [p for p in parts if p is not _GAP]
    if any([type(p.array) is _Truth for p in parts]):
        x, parts = _with_axes_of_truths(x, parts)
    x = _sliced(x, window_of(parts, x.shape, keep_integers=True), None)
    return _gathered(_shown(x, [p.array for p in parts if not p.is_new]), parts, lead)


def _shown(x: Tracer, arrays: Sequence[Any]) -> Tracer:
    """The array, 0 where masks in the index are false, as `np.where` has it: slopes behind them do not count."""
    masks = [array if type(array) is _Masked else None for array in arrays]
    fits = all([mask is None or mask.size == n for mask, n in zip(masks, x.shape)])
    if not any(masks) or not fits or x.dtype.kind not in "fc" or x.builder.producer(x.atom) is None:
        return x
    shown = np.zeros([mask.size if mask else 1 for mask in masks], bool)
    shown[tuple([mask.places if mask else 0 for mask in masks])] = True
    return select(spread_to(traced(x.builder, shown), x.shape), x, 0.0)


def _with_axes_of_truths(x: Tracer, parts: Sequence[Place]) -> tuple[Tracer, list[Place]]:
    """The array with an axis of size 1 for each truth value, and the index with these as masks of it."""
    sizes = iter(x.shape)
    shape = [1 if type(p.array) is _Truth else next(sizes) for p in parts if not p.is_new]
    masks = [
        Place(array=_Masked(np.arange(int(p.array.holds)), 1)) if type(p.array) is _Truth else p for p in parts
    ]
    return reshaped(x, tuple(shape)), masks


def _gathered(x: Tracer, parts: Sequence[Place], lead: int) -> Tracer:
    """Apply the integers, arrays and new axes; the slices are done, and ``lead`` axes are to come first."""
    indexed = [p.array is not None for p in parts]
    axes = [i for i, p in enumerate(parts) if not p.is_new]
    own = {place: axis for axis, place in enumerate(axes)}
    places_of = [i for i, yes in enumerate(indexed) if yes]
    perm = (*[own[i] for i in places_of], *[own[i] for i in axes if not indexed[i]])
    indices, shape = index_rows([parts[i].array for i in places_of], [(own[i], x.shape[own[i]]) for i in places_of])
    builder = innermost([x, *traced_in(indices)])
    rows = places.gather(permuted(x, perm), *[builder.tracer(i) for i in indices])
    rest = [1 if p.is_new else x.shape[own[i]] for i, p in enumerate(parts) if p.array is None]
    result = reshaped(rows, (*shape, *rest))
    if lead == 0:
        return result
    k = len(shape)
    order = (*range(k, k + lead), *range(k), *range(k + lead, k + len(rest)))
    return permuted(result, order)


def _lead(indexed: Sequence[bool]) -> int:
    """The number of axes before those of the index arrays: none where these are apart, as NumPy has it."""
    first = indexed.index(True)
    together = all(indexed[first : first + sum(indexed)])
    return first if together else 0


def index_rows(arrays: Sequence[Any], axes: Sequence[tuple[int, int]]) -> tuple[list[Any], Shape]:
    """Index arrays as flat ones of one shape, and that shape; what is known of them is within bounds."""
    places = [_as_places(a, axis, n) for a, (axis, n) in zip(arrays, axes)]
    shape = _common([a.shape for a in places])
    for array, (axis, n) in zip(places, axes):
        # As in NumPy, nothing is wrong with arrays that name no element together.
        if type(array) is not Tracer and (size_of(shape) or not array.shape):
            _require_within(array, axis, n)
    return [_flat(a, shape) for a in places], shape


def _common(shapes: Sequence[Shape]) -> Shape:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        text = f"shape mismatch: indexing arrays could not be broadcast together with shapes {shapes_text(shapes)} "
        raise IndexError(text) from None


def _as_places(array: Any, axis: int, n: int) -> Any:
    """An index array as one of int64."""
    if type(array) is _Masked:
        if array.size != n:
            raise IndexError(
                f"boolean index did not match indexed array along axis {axis}; size of axis is {n} but size of "
                f"corresponding boolean axis is {array.size}"
            )
        return array.places
    return as_places(array if type(array) is Tracer else np.asarray(array))


def _require_within(array: np.ndarray, axis: int, n: int) -> None:
    beyond = array[(array < -n) | (array >= n)]
    if beyond.size:
        _bounded(int(beyond[0]), axis, n)


def _flat(array: Any, shape: Shape) -> Any:
    if type(array) is Tracer:
        return ravel(spread_to(array, shape))
    return array if array.shape == shape and array.ndim == 1 else np.broadcast_to(array, shape).reshape(-1)
