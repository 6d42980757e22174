"""The axes of a loop, in the order that a kernel walks them, and which threads make a result together.

A loop's axes are those that its reductions keep, then those that they run over; where there are no reductions, all
are kept. Each of both is walked as the operands lie in memory, with neighbours made one where every operand allows.
A *team* does what belongs to one index of the kept axes: one thread, a warp or a block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import gcd, prod
from typing import NamedTuple

from fnad.compiler.axes import in_memory_order, merge_axes
from fnad.compiler.expressions import is_reduction
from fnad.compiler.steps import Loop
from fnad.ir.program import Equation, Var
from fnad.kernels.cuda.sizes import THREADS, WARP
from fnad.kernels.dtypes import storage_dtype
from fnad.runtime.plan import View

FEW, SMALL = 64, 1 << 16
"""Results, and elements of a loop, that are too few to keep a GPU busy by a thread for each result."""


class Signature:
    """The arguments of a kernel: pointers to the first elements of views, then numbers."""

    def __init__(self) -> None:
        self.views: list[View] = []
        self.params: list[int] = []
        self._pointers: dict[tuple, str] = {}
        self._numbers: list[str] = []

    @property
    def names(self) -> list[str]:
        return [*self._pointers.values(), *self._numbers]

    def local(self, prefix: str, value: int) -> str:
        """The name of a number."""
        self._numbers.append(f"{prefix}{len(self.params)}")
        self.params.append(int(value))
        return self._numbers[-1]

    def pointer(self, view: View) -> str:
        """The name of a pointer to a view's first element."""
        key = view.buffer, view.offset, view.shape, view.strides, storage_dtype(view.dtype)
        if key not in self._pointers:
            self._pointers[key] = f"x{len(self._pointers)}"
            self.views.append(view)
        return self._pointers[key]


class Operand(NamedTuple):
    """An array of the loop, and its strides along the kept and the reduced axes, in elements.

    A stride is 0, 1, or the name of a number. ``apart`` divides those along the kept axes.
    """

    pointer: str
    view: View
    kept: tuple[int | str, ...]
    reduced: tuple[int | str, ...]
    apart: int


class Axes(NamedTuple):
    """Extents, and their names."""

    extents: list[int]
    names: list[str]


class Nest(NamedTuple):
    """A loop with its axes in order.

    ``team`` are the threads that do what belongs to an index of the kept axes. ``chunk`` are the terms of a part of a
    reduction, of which there are ``parts``. ``mark`` keeps the names of loops of one kernel apart.
    """

    loop: Loop
    kept: Axes
    reduced: Axes
    operand_of: dict[Var, Operand]
    reductions: list[Equation]
    team: int
    chunk: int
    parts: int
    mark: str


def reductions_of(loop: Loop) -> list[Equation]:
    """The reductions of a loop."""
    return [eqn for eqn in loop.equations if is_reduction(eqn)]


def reduced_axes(loop: Loop) -> tuple[int, ...]:
    """The axes that the reductions of a loop run over, the same for all of them."""
    found = reductions_of(loop)
    return tuple(found[0].params["axes"]) if found else ()


def make_nest(
    loop: Loop, place: Callable[[View], View], signature: Signature, by_rows: bool = False, mark: str = "",
) -> Nest:
    """Order and merge the axes of a loop; names go to the signature. By rows, its first axis is the one kept."""
    reduced = set(range(1, len(loop.space))) if by_rows else set(reduced_axes(loop))
    views = {v: place(view) for v, view in (loop.reads | loop.writes).items()}
    kept_axes = [a for a in range(len(loop.space)) if a not in reduced]
    kept, kept_strides = _merged(loop.space, kept_axes, list(views.values()))
    others, other_strides = _merged(loop.space, sorted(reduced), list(views.values()))
    axes = [Axes(extents, [signature.local("n", n) for n in extents]) for extents in (kept, others)]
    strides: dict[tuple, tuple] = {}
    operands = {}
    parts = -(-prod(others) // loop.chunk) if loop.chunk else 1
    results = {v for eqn in reductions_of(loop) for v in eqn.outputs}
    for (v, view), *rows in zip(views.items(), kept_strides, other_strides):
        pointer = signature.pointer(_whole(view, parts * prod(kept)) if v in results else view)
        key = pointer, *map(tuple, rows)
        if key not in strides:
            strides[key] = tuple([_named(row, signature) for row in rows])
        operands[v] = Operand(pointer, view, *strides[key], gcd(*rows[0]))
    team = 1 if by_rows or not reduced else team_of(loop)
    return Nest(loop, *axes, operands, reductions_of(loop), team, loop.chunk, parts, mark)


def _whole(view: View, count: int) -> View:
    """The view of all parts of all results, by that of one which is repeated along the reduced axes."""
    return replace(view, shape=(count,), strides=(view.dtype.itemsize,))


def _named(strides: Sequence[int], signature: Signature) -> tuple[int | str, ...]:
    return tuple([s if s in (0, 1) else signature.local("s", s) for s in strides])


def _merged(space: Sequence[int], axes: list[int], views: list[View]) -> tuple[list[int], list[list[int]]]:
    """Extents, and each operand's strides in elements, of some of the axes, ordered and merged."""
    if all([space[a] == 1 for a in axes]):
        return [], [[] for _ in views]
    steps = [[view.strides[a] // view.dtype.itemsize for a in axes] for view in views]
    sizes = [view.dtype.itemsize for view in views]
    extents = [space[a] for a in axes]
    order = in_memory_order(extents, [[s * size for s in row] for row, size in zip(steps, sizes)])
    return merge_axes([extents[k] for k in order], [[row[k] for k in order] for row in steps])


def team_of(loop: Loop) -> int:
    """The threads that make a result: one where neighbours in memory belong to different ones, else a warp or more.

    One thread adds its terms one after the other, and waits for memory each time, so a few results are a warp's each.
    """
    reduced = set(reduced_axes(loop))
    terms = prod([loop.space[a] for a in reduced])
    results = prod([n for a, n in enumerate(loop.space) if a not in reduced])
    order = in_memory_order(loop.space, [view.strides for view in (*loop.reads.values(), *loop.writes.values())])
    wide = [a for a in order if loop.space[a] > 1]
    if terms <= 8:
        return 1
    if wide and wide[-1] not in reduced:
        return WARP if terms > 2 * WARP and (results < FEW or results * terms <= SMALL) else 1
    return WARP if min(terms, loop.chunk or terms) <= 1024 else THREADS
