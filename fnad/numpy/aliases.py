"""Traced arrays that share memory in NumPy's meaning: a write to one of them reaches the others.

A function whose result is a view in NumPy notes so (`view`). Only when an array is written to are the notes
sorted out: which arrays are windows of which. The write gives the array at the root of a window a new value, and
those of its windows that are still in use are read anew from there. What is not noted owns its memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import ref

import numpy as np
from numpy.lib.stride_tricks import as_strided

from fnad.errors import InPlaceError
from fnad.ir.program import Atom, Equation
from fnad.ir.types import ArrayType, Shape
from fnad.numpy.moves import Move, Moves, are_apart, as_move, in_order, read_through, replaced
from fnad.ops import elementwise, indexing, shaping
from fnad.ops.strides import contiguous_strides
from fnad.tracing.builder import Builder
from fnad.tracing.errors import escaped
from fnad.tracing.state import current_builder
from fnad.tracing.tracer import Tracer

# --- Noting views


def view(base: Tracer, result: Tracer, contiguous: bool = False, readonly: bool = False) -> Tracer:
    """Note that ``result`` is what NumPy would give as a view of ``base``, by moves that follow from its equations.

    Args:
        contiguous: only where it lies in memory as a contiguous array; else NumPy copies.
        readonly: NumPy refuses to write to it.
    """
    if result is not base:
        result.builder.views.append((ref(result), base, contiguous, readonly))
    return result


def own(x: Tracer) -> Tracer:
    """The same value as an array of its own, which the function being staged can write to: NumPy's copy."""
    builder = current_builder()
    return Tracer(x.builder, x.atom) if builder is x.builder or builder is None else builder.tracer(x)


# --- Who is a view of whom


class Alias(NamedTuple):
    """An array as a window of the family's root; ``layout`` lies in memory as NumPy's array would."""

    handle: ref[Tracer]
    family: Family
    moves: Moves
    layout: np.ndarray
    readonly: bool


class Family:
    """An array that owns its memory, and its views."""

    def __init__(self, root: Tracer) -> None:
        self.root = root
        self.views: list[Alias] = []


class Aliases:
    """The families of one builder's arrays."""

    def __init__(self) -> None:
        self.known: dict[int, Alias] = {}

    def of(self, x: Tracer) -> Alias:
        """An array as a window; one that is no view is the root of a family."""
        known = self.known.get(id(x))
        if known is not None and known.handle() is x:
            return known
        t = x.type
        layout = as_strided(np.zeros(1, t.dtype), t.shape, contiguous_strides(t.shape, t.dtype.itemsize))
        made = self.known[id(x)] = Alias(ref(x), Family(x), (), layout, False)
        return made

    def sort_out(self, builder: Builder) -> None:
        """Take in the views that were noted since."""
        for handle, base, contiguous, readonly in builder.views:
            x = handle()
            if x is None:
                continue
            parent = self.of(base)
            path = _path(builder, x, base)
            layout = _layout(parent.layout, path, contiguous)
            if layout is _COPIED:
                continue
            readonly = readonly or parent.readonly or any([m.primitive in _READ_ONLY for m in path])
            moves = in_order((*parent.moves, *path))
            made = self.known[id(x)] = Alias(handle, parent.family, moves, layout, readonly)
            parent.family.views.append(made)
        builder.views.clear()


_READ_ONLY = {shaping.broadcast, indexing.gather}
_COPIED: Any = object()


def _path(builder: Builder, x: Tracer, base: Tracer) -> Moves:
    """The moves from one array to another that was made of it."""
    moves: list[Move] = []
    atom: Any = x.atom
    while atom is not base.atom:
        equation: Equation = builder.producer(atom)
        moves.append(as_move(equation))
        atom = equation.inputs[0]
    return tuple(reversed(moves))


def _layout(layout: np.ndarray, path: Moves, contiguous: bool) -> Any:
    """Where NumPy's view would lie; whether it has to be a copy is NumPy's own answer."""
    for move in path:
        if move.primitive is indexing.gather:
            layout = _diagonal(layout, move.type.shape)
            continue
        try:
            layout = _LAYOUTS[move.primitive](layout, **move.params)
        except ValueError:
            return _COPIED
    return _COPIED if contiguous and not layout.flags.c_contiguous else layout


def _diagonal(x: np.ndarray, shape: Shape) -> np.ndarray:
    """The layout of a diagonal along the first two axes, wherever it starts."""
    return as_strided(x, shape, (x.strides[0] + x.strides[1], *x.strides[2:]))


_LAYOUTS: dict[Any, Callable[..., np.ndarray]] = {
    shaping.slice_: shaping.slice_.evaluate, shaping.transpose: shaping.transpose.evaluate,
    shaping.flip: shaping.flip.evaluate, shaping.reshape: lambda x, shape: np.reshape(x, shape, copy=False),
    shaping.broadcast: shaping.broadcast.evaluate, elementwise.real: lambda x: x.real,
    elementwise.imag: lambda x: x.imag,
}

# --- Writing


def alias_of(x: Tracer, what: str) -> Alias:
    """An array that is to be written to, as a window; an error where it cannot be.

    Raises:
        InPlaceError: ``x`` belongs to a function around the one that is being staged.
        ValueError: it is a read-only view.
    """
    found = _own_alias(x, what)
    if found.readonly:
        raise ValueError(
            f"{what}: requires an array that can be written to, got a read-only view, as broadcast_to and diagonal "
            "give. Write to a copy, x.copy(), or to the array that it is a view of."
        )
    return found


def _own_alias(x: Tracer, what: str) -> Alias:
    """An array of the function that is being staged, as a window."""
    if x.builder is not current_builder():
        _bring_in(x, what)
    return _sorted_out(x.builder).of(x)


def set_shape(x: Tracer, shape: Any) -> None:
    """``x.shape = shape``: the array becomes another view of the same memory."""
    alias, builder = _own_alias(x, "x.shape = s"), x.builder
    family, known = alias.family, builder.aliases.known
    shape = np.reshape(alias.layout, shape).shape
    try:
        layout = np.reshape(alias.layout, shape, copy=False)
    except ValueError:
        raise AttributeError(
            f"x.shape = s: requires a view of the same memory, got {shape} for shape {x.shape}, which needs a copy. "
            "Use x.reshape(s)."
        ) from None
    if family.root is x:
        family.root = Tracer(builder, x.atom)
        known[id(family.root)] = alias._replace(handle=ref(family.root))
    move = Move(shaping.reshape, (), {"shape": shape}, x.type, ArrayType(shape, x.dtype))
    made = Alias(ref(x), family, in_order((*alias.moves, move)), layout, alias.readonly)
    known[id(x)], x.atom = made, move.apply(builder, x.atom)
    family.views = [*[view for view in family.views if view.handle() is not x], made]


def layout_of(x: Tracer) -> np.ndarray:
    """An array that lies in memory as NumPy's would, if what is no view lies in C order."""
    return _sorted_out(x.builder).of(x).layout


def has_flags(x: Tracer, flags: set[str]) -> bool:
    """Whether NumPy's array would own its memory ("O") and could be written to ("W")."""
    alias = _sorted_out(x.builder).of(x)
    return not ("O" in flags and alias.family.root is not x or "W" in flags and alias.readonly)


def share_memory(x: Tracer, y: Tracer) -> bool:
    """Whether two arrays would have an element in common."""
    if x.builder is not y.builder or not x.size or not y.size:
        return False
    one, other = [_sorted_out(z.builder).of(z) for z in (x, y)]
    return one.family is other.family and not are_apart(one.moves, other.moves)


def _sorted_out(builder: Builder) -> Aliases:
    """The families of a builder's arrays as they are now."""
    if builder.aliases is None:
        builder.aliases = Aliases()
    builder.aliases.sort_out(builder)
    return builder.aliases


def _bring_in(x: Tracer, what: str) -> None:
    """Let the function that is being staged have an array that it made, with its views, of values around it alone.

    What is made of the values of one builder is staged by that one, wherever it happens.
    """
    outer, builder = x.builder, current_builder()
    if builder is None or not outer.alive:
        raise escaped()
    family = _sorted_out(outer).of(x).family
    made = [v for equation in outer.equations[builder.began :] for v in equation.outputs]
    if builder.outer is not outer or not any([family.root.atom is v for v in made]):
        raise InPlaceError(
            f"{what}: requires an array of the function that is being staged, got a traced {x.type} of a function "
            "around it. Write to a copy, x.copy(), or pass the array as an argument, and return the new one."
        )
    known = _sorted_out(builder).known
    family.root.builder, family.root.atom = builder, builder.atom(family.root)
    known[id(family.root)] = outer.aliases.known[id(family.root)]
    views, family.views = family.views, []
    for alias in views:
        handle = alias.handle()
        if handle is not None:
            alias = alias._replace(moves=tuple([move.captured(outer, builder) for move in alias.moves]))
            handle.builder, handle.atom = builder, read_through(builder, family.root.atom, alias.moves)
            known[id(handle)] = alias
            family.views.append(alias)


def write(x: Tracer, what: str, value: Atom, moves: Moves = ()) -> None:
    """Put a value of the right type into an array, or into a window of it, and into all that share its memory."""
    alias, builder = alias_of(x, what), x.builder
    family, window = alias.family, in_order((*alias.moves, *moves))
    root = family.root
    root.atom = replaced(builder, lambda: root.atom, window, value)
    kept = []
    for other in family.views:
        handle = other.handle()
        if handle is not None:
            kept.append(other)
            if handle is x and not moves:
                handle.atom = value
            elif not are_apart(other.moves, window):
                handle.atom = read_through(builder, root.atom, other.moves)
    family.views = kept


def is_window(value: Any, x: Tracer, moves: Moves) -> bool:
    """Whether a value is a view of just this window of an array: writing it there changes nothing."""
    aliases = x.builder.aliases
    if aliases is None or type(value) is not Tracer:
        return False
    known, target = aliases.known.get(id(value)), aliases.of(x)
    same = known is not None and known.handle() is value and known.family is target.family
    return same and known.moves == in_order((*target.moves, *moves))
