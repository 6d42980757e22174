"""``x.at[index]``: arrays with other values at some of their places, in a window or by scattering."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.errors import InPlaceError, boundary
from fnad.ir.types import ArrayType, Shape
from fnad.numpy.dispatch import evaluated
from fnad.numpy.indexing import (
    Place, axes_of, getitem, index_array, index_rows, is_basic, is_truth, parsed, takes_first_axes, window_of,
)
from fnad.numpy.modes import filling, within
from fnad.numpy.moves import Move, Moves, replaced, slice_move
from fnad.numpy.promotion import as_places, builder_of, constant, fit, is_traced, operand, size_of
from fnad.numpy.shaping import reshaped, stand_in
from fnad.ops import shaping
from fnad.ops.indexing import scatter
from fnad.tracing.builder import Builder
from fnad.tracing.state import innermost
from fnad.tracing.tracer import Tracer


INDEXED = "shape mismatch: value array of shape {} could not be broadcast to indexing result of shape {}"
ASSIGNED = "could not broadcast input array from shape {} into shape {}"


class At:
    """``x.at[index]``: the ways to have an array with other values at some of its places."""

    __slots__ = ("_x",)

    def __init__(self, x: Any) -> None:
        self._x = x if isinstance(x, Tracer) else np.asarray(x)

    def __getitem__(self, index: Any) -> Updates:
        return Updates(self._x, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise InPlaceError(
            "x.at[i] = v: requires a method of x.at[i], which returns a new array, got an assignment. "
            "Use x = x.at[i].set(v), or x[i] = v to write to x itself."
        )


class Updates:
    """The places of an array that are to change; each method returns a new array.

    Updates are applied one after the other, so an index that occurs twice counts twice, and of two values
    that are set the last one stays.

    With ``mode`` an index beyond the array is no error: "clip" takes the element at the end, "wrap" begins again at
    the other end, "drop" and "fill" leave it out, and read ``fill_value`` there. Whether indices are sorted or unique
    is a hint that nothing depends on.
    """

    __slots__ = ("_x", "_index")

    def __init__(self, x: Any, index: Any) -> None:
        self._x, self._index = x, index

    @boundary
    def get(
        self, mode: str | None = None, fill_value: Any = None, *, indices_are_sorted: bool = False,
        unique_indices: bool = False,
    ) -> Any:
        """The values there; where none is, by ``mode="fill"``, ``fill_value``, which is nan if it is not given."""
        return _at_get(self._x, index=self._index, mode=mode, fill_value=fill_value)

    @boundary
    def apply(self, func: Callable[[Any], Any], *, mode: str | None = None, **hints: bool) -> Any:
        """With a function of the values there, once for each place."""
        return self.set(func(self.get("clip" if mode in ("drop", "fill") else mode)), mode=mode, **hints)

    def _scatter(self, values: Any, combine: str, mode: str | None = None) -> Any:
        return _at(self._x, values, index=self._index, combine=combine, mode=mode)


def _update(name: str, text: str, change: Callable[..., Any]) -> Callable[..., Any]:
    """A method of `Updates`, of which ``change(updates, values, mode)`` is the work."""

    def method(
        self: Updates, values: Any, *, mode: str | None = None, indices_are_sorted: bool = False,
        unique_indices: bool = False,
    ) -> Any:
        return change(self, values, mode)

    method.__name__, method.__qualname__, method.__doc__ = name, f"Updates.{name}", text
    return boundary(method)


def _factors(updates: Updates, values: Any, mode: str | None) -> Any:
    """The product of the values at each place of the array, 1 elsewhere."""
    return _at(_ones_like(updates._x), values, index=updates._index, combine="mul", mode=mode)


for _name, _text, _change in (
    ("set", "With these values there.", lambda u, v, mode: u._scatter(v, "set", mode)),
    ("add", "With these values added.", lambda u, v, mode: u._scatter(v, "add", mode)),
    ("subtract", "With these values subtracted.", lambda u, v, mode: u._scatter(np.negative(v), "add", mode)),
    ("multiply", "With the values there multiplied by these.", lambda u, v, mode: u._scatter(v, "mul", mode)),
    ("divide", "With the values there divided by these.",
     lambda u, v, mode: np.true_divide(u._x, _factors(u, v, mode))),
    ("power", "With the values there to the power of these.", lambda u, v, mode: np.power(u._x, _factors(u, v, mode))),
    ("min", "With the smaller ones of the values there and these.", lambda u, v, mode: u._scatter(v, "min", mode)),
    ("max", "With the larger ones of the values there and these.", lambda u, v, mode: u._scatter(v, "max", mode)),
):
    setattr(Updates, _name, _update(_name, _text, _change))
Updates.mul = Updates.multiply  # type: ignore[attr-defined]


@boundary
def at(a: Any) -> At:
    """``at(a)[i].set(v)`` and its like: ``a`` with other values at some of its places, for any array.

    The methods are ``set add subtract multiply divide power min max apply`` and ``get``. A traced array has the same
    as an attribute, ``x.at[i].set(v)``.

    Args:
        a: an array or a traced value.

    Returns:
        An object that is indexed: ``at(a)[i]`` has these methods, each of which returns a new array.

    Raises:
        IndexError: from the methods, an index is out of bounds or none of NumPy's.

    Dtypes: all. Derivative: of the values that are set 1, and 0 of those that they replace.

    >>> at(np.zeros(3))[[0, 0, 2]].add(1.0)
    array([2., 0., 1.])
    """
    return At(a)


def _ones_like(x: Any) -> Any:
    return constant(x.builder, 1, x.shape, x.dtype) if type(x) is Tracer else np.ones_like(x)


@evaluated
def _at_get(x: Any, *, index: Any, mode: str | None, fill_value: Any) -> Any:
    parts = _as_tuple(index)
    given = builder_of(x, list(parts)).tracer(x)
    if mode is None:
        return getitem(given, index)
    return getitem(*within(given, parts, mode, filling(given.dtype) if fill_value is None else fill_value))


def _as_tuple(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


@evaluated
def _at(x: Any, values: Any, *, index: Any, combine: str, mode: str | None) -> Any:
    index = _as_tuple(index)
    builder = builder_of(x, values, list(index))
    x = builder.tracer(x)
    if mode is None:
        return _changed(x, values, index, combine)
    larger, held = within(x, index, mode)
    changed = _changed(larger, values, held, combine)
    return changed if larger is x else getitem(changed, tuple([slice(n) for n in x.shape]))


def _changed(x: Tracer, values: Any, index: tuple[Any, ...], mode: str) -> Tracer:
    """With other values at an index within bounds."""
    builder = builder_of(x, values, list(index))
    parts = parsed(index, x.shape)
    if is_basic(parts):
        if mode == "set":
            return _with_window(x, values, parts)
    elif takes_first_axes(parts):
        return _with_rows(x, values, [p.array for p in parts if p.array is not None], mode)
    lead = _lead_axes(index, x.shape)
    numbers = np.arange(size_of(x.shape[:lead])).reshape(x.shape[:lead])
    places = getitem(builder.tracer(numbers), index) if is_traced(list(index)) else numbers[_held(index)]
    rest = x.shape[lead:]
    rows = fitted(builder, values, x, (*places.shape, *rest))
    flat, rows = reshaped(x, (numbers.size, *rest)), reshaped(rows, (size_of(places.shape), *rest))
    return reshaped(scatter(flat, rows, places.reshape(-1), mode=mode), x.shape)


def _held(index: tuple[Any, ...]) -> tuple[Any, ...]:
    """A known index whose unsigned integers int64 can hold: NumPy takes 2**64 - 1 in an array for -1."""
    arrays = {i: index_array(part) for i, part in enumerate(index) if isinstance(part, (np.ndarray, list))}
    large = {i: as_places(array) for i, array in arrays.items() if array.dtype == np.uint64}
    return tuple([large.get(i, part) for i, part in enumerate(index)])


def _with_rows(x: Tracer, values: Any, arrays: Sequence[Any], mode: str) -> Tracer:
    """With other rows where indices of the first axes say."""
    lead = len(arrays)
    indices, shape = index_rows(arrays, list(enumerate(x.shape[:lead])))
    rest = x.shape[lead:]
    builder = innermost([x, *indices])
    rows = reshaped(fitted(builder, values, x, (*shape, *rest)), (size_of(shape), *rest))
    return scatter(x, rows, *[builder.tracer(i) for i in indices], mode=mode)


def _with_window(x: Tracer, values: Any, parts: Sequence[Place]) -> Tracer:
    moves, shape = moves_to(parts, x.type)
    value = fitted(x.builder, values, x, shape, mismatch=ASSIGNED)
    return Tracer(x.builder, replaced(x.builder, lambda: x.atom, moves, value.atom))


def moves_to(parts: Sequence[Place], given: ArrayType) -> tuple[Moves, Shape]:
    """The way from an array to what slices, integers and new axes name in it, and the shape of that."""
    window = window_of(parts, given.shape)
    moves = (slice_move(given, window.starts, window.stops, window.steps),)
    t = moves[0].type
    if window.flips:
        moves = (*moves, Move(shaping.flip, (), {"axes": window.flips}, t, t))
    if window.shape != t.shape:
        result = ArrayType(window.shape, t.dtype)
        moves = (*moves, Move(shaping.reshape, (), {"shape": window.shape}, t, result))
    return moves, window.shape


def fitted(
    builder: Builder, values: Any, x: Tracer, shape: Shape, what: str = "at", mismatch: str = INDEXED
) -> Tracer:
    """Values to be written, in the dtype of ``x`` and the shape of the places; the rest is for the errors."""
    given = operand(builder, values)
    if type(given) is Tracer:
        extra = max(given.ndim - len(shape), 0)
        if given.shape[:extra] == (1,) * extra:
            given = reshaped(given, given.shape[extra:])
        _require_fits(given.shape, shape, mismatch)
        if given.dtype.kind == "c" and x.dtype.kind != "c":
            raise TypeError(
                f"{what}: requires values that fit into {x.dtype}, got {given.dtype}. Write their real part, or make "
                "the array complex with astype."
            )
    return fit(builder, given, x.dtype, shape)


def _require_fits(given: Shape, shape: Shape, mismatch: str) -> None:
    try:
        np.broadcast_to(stand_in(given), shape)
    except ValueError:
        raise ValueError(mismatch.format(given, shape)) from None


def _lead_axes(index: tuple[Any, ...], shape: Shape) -> int:
    """The number of axes that an index touches, counted from the front: the others are written whole."""
    if any([part is Ellipsis for part in index]):
        return len(shape)
    arrays = (np.ndarray, Tracer, list)
    return sum([axes_of(p) if isinstance(p, arrays) else 1 for p in index if not (p is None or is_truth(p))])
