"""The steps that a schedule consists of, over storages of memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from fnad.ir.program import Equation, Var
from fnad.ir.types import ArrayType
from fnad.ops.strides import broadcast
from fnad.runtime import views
from fnad.runtime.plan import Plan, View
from fnad.sources import Source


@dataclass
class Loop:
    """Elementwise equations, and reductions of what they make, over one space of indices.

    Views of ``reads`` and ``writes`` have the shape ``space``, and so has that of a reduction, which
    has stride 0 along the reduced axes. ``chunk`` is how much of its outermost axis a thread takes at a time;
    0: all of it.
    """

    space: tuple[int, ...]
    equations: list[Equation] = field(default_factory=list)
    reads: dict[Var, View] = field(default_factory=dict)
    writes: dict[Var, View] = field(default_factory=dict)
    chunk: int = 0

    @property
    def inputs(self) -> list[View]:
        return list(self.reads.values())

    @property
    def outputs(self) -> list[View]:
        return list(self.writes.values())

    @property
    def source(self) -> Source | None:
        return self.equations[-1].source


@dataclass
class Rows:
    """Loops that run together: all of them for one index of their common first axis, then all for the next.

    ``chunk`` is how much of that axis a thread takes at a time; 0: all of it.
    """

    loops: list[Loop]
    chunk: int = 0

    @property
    def inputs(self) -> list[View]:
        return [view for loop in self.loops for view in loop.inputs]

    @property
    def outputs(self) -> list[View]:
        return [view for loop in self.loops for view in loop.outputs]

    @property
    def views(self) -> list[View]:
        return [*self.inputs, *self.outputs]

    @property
    def source(self) -> Source | None:
        return self.loops[-1].source


@dataclass
class Call:
    """One equation that is no loop, on views of its operands."""

    equation: Equation
    inputs: list[View]
    outputs: list[View]

    @property
    def source(self) -> Source | None:
        return self.equation.source


@dataclass
class Control(Call):
    """A call that runs plans, which are made already.

    ``workspace`` are storages that it alone uses. ``replaced`` are outputs that start as a copy of an input, by
    its number, so that they may be written over one that dies.
    """

    plans: tuple[Plan, ...]
    workspace: list[View]
    replaced: dict[int, int]


Step = Loop | Rows | Call


@dataclass
class Schedule:
    """Steps over storages; a view's buffer is the number of its storage.

    ``nbytes`` holds the size of each storage, those of ``inputs`` first; each output is a storage of its own.
    ``arrays`` are the values of storages that are there from the start.
    """

    steps: list[Step]
    nbytes: list[int]
    inputs: list[View]
    outputs: list[View]
    arrays: dict[int, np.ndarray]

    def new_storage(self, nbytes: int) -> View:
        """Memory for so many bytes."""
        self.nbytes.append(nbytes)
        return views.whole(len(self.nbytes) - 1, (nbytes,), np.dtype(np.uint8))

    def in_parts(self, loop: Loop, eqn: Equation, count: int) -> Loop:
        """Let a loop leave so many parts of each result of a reduction; gives the loop that joins them in order."""
        (result,) = eqn.outputs
        parts = Var(ArrayType((count, *result.type.shape), result.type.dtype))
        room = self.new_storage(parts.type.nbytes).buffer
        written, part = loop.writes.pop(result), Var(result.type)
        loop.writes[part] = replace(written, buffer=room)
        loop.equations[loop.equations.index(eqn)] = eqn._replace(outputs=(part,))
        target = views.whole(written.buffer, result.type.shape, result.type.dtype)
        axes = tuple(range(1, parts.type.ndim))
        return Loop(
            parts.type.shape, [eqn._replace(inputs=(parts,), params=eqn.params | {"axes": (0,)})],
            {parts: views.whole(room, parts.type.shape, parts.type.dtype)},
            {result: broadcast(target, parts.type.shape, axes)},
        )
