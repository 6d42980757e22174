"""Windows of an array as chains of moves: reading an array through one, and replacing what it shows.

A move is an operation that a view stands for: slice, transpose, flip, reshape, or the real or imaginary part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fnad.ir.primitive import Primitive
from fnad.ir.program import Atom, Equation
from fnad.ir.types import ArrayType, Shape
from fnad.ops import elementwise, shaping
from fnad.ops.complexes import complex_
from fnad.tracing.builder import Builder
from fnad.tracing.tracer import Tracer


class Move(NamedTuple):
    """An operation on an array, what else it takes, and the types of the array before and after."""

    primitive: Primitive
    rest: tuple[Atom, ...]
    params: dict[str, Any]
    given: ArrayType
    type: ArrayType

    def apply(self, builder: Builder, atom: Atom) -> Atom:
        """Stage it."""
        return builder.emit(self.primitive, (atom, *self.rest), self.params, self.type).atom

    def captured(self, outer: Builder, builder: Builder) -> Move:
        """A move of an outer builder as one of another's."""
        return self._replace(rest=tuple([builder.atom(Tracer(outer, atom)) for atom in self.rest]))


Moves = tuple[Move, ...]


def as_move(equation: Equation) -> Move:
    """An equation as a move of its first operand."""
    first, *rest = equation.inputs
    return Move(equation.primitive, tuple(rest), equation.params, first.type, equation.outputs[0].type)


def read_through(builder: Builder, atom: Atom, moves: Moves) -> Atom:
    """The elements of an array within a window."""
    for move in moves:
        atom = move.apply(builder, atom)
    return atom


def replaced(builder: Builder, read: Callable[[], Atom], moves: Moves, value: Atom) -> Atom:
    """An array with ``value`` in a window; ``read`` gives the array, where anything of it stays."""
    if not moves:
        return value
    first, rest = moves[0], moves[1:]
    inner = replaced(builder, lambda: first.apply(builder, read()), rest, value)
    return _RESTORED[first.primitive](builder, read, first, inner)


def _slice_restored(builder: Builder, read: Callable[[], Atom], move: Move, value: Atom) -> Atom:
    if move.type.shape == move.given.shape:
        return value
    return builder.emit(shaping.set_slice, (read(), value), move.params, move.given).atom


def _transpose_restored(builder: Builder, read: Callable[[], Atom], move: Move, value: Atom) -> Atom:
    perm = shaping.inverse_permutation(move.params["perm"])
    return builder.emit(shaping.transpose, (value,), {"perm": perm}, move.given).atom


def _flip_restored(builder: Builder, read: Callable[[], Atom], move: Move, value: Atom) -> Atom:
    return builder.emit(shaping.flip, (value,), move.params, move.given).atom


def _reshape_restored(builder: Builder, read: Callable[[], Atom], move: Move, value: Atom) -> Atom:
    return builder.emit(shaping.reshape, (value,), {"shape": move.given.shape}, move.given).atom


def _real_restored(builder: Builder, read: Callable[[], Atom], move: Move, value: Atom) -> Atom:
    return complex_(Tracer(builder, value), elementwise.imag(Tracer(builder, read()))).atom


def _imag_restored(builder: Builder, read: Callable[[], Atom], move: Move, value: Atom) -> Atom:
    return complex_(elementwise.real(Tracer(builder, read())), Tracer(builder, value)).atom


_RESTORED: dict[Primitive, Callable[..., Atom]] = {
    shaping.slice_: _slice_restored, shaping.transpose: _transpose_restored, shaping.flip: _flip_restored,
    shaping.reshape: _reshape_restored, elementwise.real: _real_restored, elementwise.imag: _imag_restored,
}

# --- The same window with its slices in front, and as few of them as can be: what is written is then a small part
# of the array itself.


def in_order(moves: Sequence[Move]) -> Moves:
    """A chain of moves that shows the same, its slices in front where they can be."""
    ordered: Moves = ()
    for move in moves:
        ordered = _with(ordered, move)
    return ordered


def _with(moves: Moves, move: Move) -> Moves:
    if move.primitive is not shaping.slice_ or not moves:
        return (*moves, move)
    *before, last = moves
    if last.primitive is shaping.slice_:
        return (*before, _one_slice(last, move))
    swap = _SWAPS.get(last.primitive)
    window = swap(last, **move.params) if swap is not None else None
    if window is None:
        return (*moves, move)
    sliced = slice_move(last.given, *window)
    params = last.params if last.primitive is not shaping.reshape else {"shape": move.type.shape}
    return (*_with(tuple(before), sliced), last._replace(params=params, given=sliced.type, type=move.type))


def slice_move(given: ArrayType, starts: Shape, stops: Shape, steps: Shape) -> Move:
    """A slice as a move."""
    shape = tuple([-((start - stop) // step) for start, stop, step in zip(starts, stops, steps)])
    params = {"starts": starts, "stops": stops, "steps": steps}
    return Move(shaping.slice_, (), params, given, ArrayType(shape, given.dtype))


def _ends(starts: Sequence[int], steps: Sequence[int], sizes: Sequence[int]) -> Shape:
    return tuple([start + (n - 1) * step + 1 if n else start for start, step, n in zip(starts, steps, sizes)])


def _one_slice(first: Move, second: Move) -> Move:
    a, b, sizes = first.params, second.params, second.type.shape
    starts = [s + t * step if n else 0 for s, t, step, n in zip(a["starts"], b["starts"], a["steps"], sizes)]
    steps = [s * t for s, t in zip(a["steps"], b["steps"])]
    return slice_move(first.given, tuple(starts), _ends(starts, steps, sizes), tuple(steps))


def _before_transpose(move: Move, **window: Shape) -> list[Shape]:
    order = shaping.inverse_permutation(move.params["perm"])
    return [tuple([window[name][p] for p in order]) for name in ("starts", "stops", "steps")]


def _before_flip(move: Move, starts: Shape, stops: Shape, steps: Shape) -> list[Shape]:
    sizes = [-((start - stop) // step) for start, stop, step in zip(starts, stops, steps)]
    turned = [
        n - 1 - (start + (m - 1) * step) if m and axis in move.params["axes"] else start if m else 0
        for axis, (n, start, step, m) in enumerate(zip(move.given.shape, starts, steps, sizes))
    ]
    return [tuple(turned), _ends(turned, steps, sizes), steps]


def _before_reshape(move: Move, starts: Shape, stops: Shape, steps: Shape) -> list[Shape] | None:
    """Where the reshape adds and drops axes of size 1 only, and these stay whole."""
    ranges = list(zip(starts, stops, steps))
    kept = [r for n, r in zip(move.type.shape, ranges) if n != 1]
    sizes = [n for n in move.type.shape if n != 1]
    whole = all([r == (0, 1, 1) for n, r in zip(move.type.shape, ranges) if n == 1])
    if not whole or [n for n in move.given.shape if n != 1] != sizes:
        return None
    own = iter(kept)
    before = [(0, 1, 1) if n == 1 else next(own) for n in move.given.shape]
    return [tuple([r[i] for r in before]) for i in range(3)]


_SWAPS: dict[Primitive, Callable[..., list[Shape] | None]] = {
    shaping.transpose: _before_transpose, shaping.flip: _before_flip, shaping.reshape: _before_reshape,
}


def are_apart(first: Moves, second: Moves) -> bool:
    """Whether two windows of one array have no element in common, as far as their first slices tell."""
    if not (first and second and first[0].primitive is second[0].primitive is shaping.slice_):
        return False
    a, b = first[0].params, second[0].params
    pairs = zip(a["starts"], a["stops"], b["starts"], b["stops"])
    return any([stop <= other or end <= start for start, stop, other, end in pairs])
