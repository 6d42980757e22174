""""memory", Schedule → Layout: where storages lie; one piece of memory serves many, one after another.

Invariant: two storages share memory only where no step between touches the one after the other is written, or where
a step reads each element of the one before it writes it as the other's.

A result is written over an operand that dies with the step that makes it. Temporaries whose lives do not overlap
share the arena.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from fnad.compiler.steps import Call, Control, Loop, Rows, Schedule
from fnad.ir.primitive import Kind
from fnad.ops.strides import is_contiguous
from fnad.runtime import views
from fnad.runtime.plan import ARENA_ALIGNMENT, Buffer, View


@dataclass
class _Allocation:
    """A piece of memory: the storages in it, and the steps from the first to the last that touches them."""

    nbytes: int
    storages: list[int] = field(default_factory=list)
    first: int = -1
    last: int = -1
    input: int | None = None
    output: int | None = None
    value: np.ndarray | None = None


@dataclass(frozen=True)
class _Stage:
    """A step, or a loop of those that run row by row, which are the stages from ``first`` to ``last``.

    ``around`` are the views of all these loops.
    """

    step: Loop | Call
    first: int
    last: int
    around: tuple[View, ...] = ()


@dataclass(frozen=True)
class Layout:
    """Buffers, the buffer of each storage, and the input whose memory an output was given."""

    buffers: tuple[Buffer, ...]
    buffer_of: tuple[int, ...]
    donated: dict[int, int]
    arena_bytes: int
    is_inner: bool
    """Whether it is that of a loop's body or a branch, whose inputs and outputs lie anywhere in the outer plan's."""

    def view(self, view: View) -> View:
        """A view of a storage as a view of its buffer."""
        number = self.buffer_of[view.buffer]
        is_outer = self.is_inner and self.buffers[number].kind in ("input", "output")
        return replace(view, buffer=number, alignment=view.dtype.itemsize if is_outer else ARENA_ALIGNMENT)


def plan_memory(schedule: Schedule, donated: Collection[int] = ()) -> Layout:
    """Give every storage a buffer.

    Args:
        schedule: its storages 0, 1, ... are the Program's inputs.
        donated: the inputs whose memory may be written.
    """
    return _Planner(schedule, frozenset(donated), None).plan()


def plan_memory_of_body(schedule: Schedule, carries: Mapping[int, int]) -> Layout:
    """Give every storage of a loop's body, or of a branch, a buffer.

    Args:
        carries: the output that is the next value of each of these inputs. It may be written over that input,
            which nothing else is: an input that is not given up so still lies where the caller may need it.
    """
    while True:
        layout = _Planner(schedule, frozenset(carries), carries).plan()
        kept = {i: k for k, i in layout.donated.items()}
        if len(kept) == len(carries):
            return layout
        carries = kept


class _Planner:
    def __init__(self, schedule: Schedule, donated: frozenset[int], carries: Mapping[int, int] | None) -> None:
        self.schedule = schedule
        self.donated = donated
        self.carries = carries
        self.output_of = {view.buffer: k for k, view in enumerate(schedule.outputs)}
        self.stages = _stages(schedule)
        self.last_use = self._last_uses()
        self.allocations: list[_Allocation | None] = [None] * len(schedule.nbytes)
        for storage in range(len(schedule.inputs)):
            self.allocations[storage] = _Allocation(schedule.nbytes[storage], [storage], input=storage)
        for storage, value in schedule.arrays.items():
            self.allocations[storage] = _Allocation(schedule.nbytes[storage], [storage], value=value)

    def plan(self) -> Layout:
        """Go through the steps in order."""
        for number, stage in enumerate(self.stages):
            self.visit(number, stage)
        return self.layout()

    def _last_uses(self) -> list[int]:
        last = [-1] * len(self.schedule.nbytes)
        for number, stage in enumerate(self.stages):
            for view in [*stage.step.inputs, *_written(stage.step)]:
                last[view.buffer] = number
        for storage in self.output_of:
            last[storage] = len(self.stages)
        return last

    def visit(self, number: int, stage: _Stage) -> None:
        """Give memory to the storages that a stage writes first, and to those it reads that nothing has written."""
        for view in stage.step.inputs:
            if self.allocations[view.buffer] is None:
                self._allocate(view.buffer, _Allocation(self.schedule.nbytes[view.buffer], first=stage.first))
        operands = Counter([view.buffer for view in stage.step.inputs])
        for output, view in enumerate(_written(stage.step)):
            storage = view.buffer
            if self.allocations[storage] is None:
                allocation = self._overwritten(number, stage, output, view, operands) or _Allocation(
                    self.schedule.nbytes[storage], first=stage.first
                )
                self._allocate(storage, allocation)

    def _allocate(self, storage: int, allocation: _Allocation) -> None:
        allocation.storages.append(storage)
        last = self.last_use[storage]
        allocation.last = self.stages[last].last if last < len(self.stages) else last
        if storage in self.output_of:
            allocation.output = self.output_of[storage]
        self.allocations[storage] = allocation

    def _overwritten(
        self, number: int, stage: _Stage, output: int, view: View, operands: Counter[int]
    ) -> _Allocation | None:
        """The allocation of an operand that a result may be written over."""
        for candidate in _pointwise_operands(stage.step, output, view, operands):
            allocation = self.allocations[candidate.buffer]
            assert allocation is not None
            # Loops that run row by row: the next row may not need what is written over.
            touched = [v for v in stage.around if v.buffer == candidate.buffer]
            if not all([views.is_by_rows(v, allocation.nbytes) for v in touched]):
                continue
            if self._dies(candidate.buffer, allocation, number) and self._fits(view, allocation):
                return allocation
        return None

    def _dies(self, storage: int, allocation: _Allocation, number: int) -> bool:
        writable = allocation.value is None and (allocation.input is None or allocation.input in self.donated)
        is_last = allocation.storages[-1] == storage and self.last_use[storage] == number
        return writable and is_last and allocation.output is None

    def _fits(self, view: View, allocation: _Allocation) -> bool:
        same_bytes = self.schedule.nbytes[view.buffer] == allocation.nbytes
        if not same_bytes or allocation.input is None or view.buffer not in self.output_of:
            return same_bytes
        output = self.output_of[view.buffer]
        if self.carries is not None and self.carries[allocation.input] != output:
            return False
        # The caller gets the donated array itself back, so it must be of the result's type.
        given, result = self.schedule.inputs[allocation.input], self.schedule.outputs[output]
        return (given.shape, given.dtype) == (result.shape, result.dtype)

    def layout(self) -> Layout:
        """Number the allocations: inputs, outputs, temporaries, the latter placed in the arena."""
        schedule, inputs = self.schedule, len(self.schedule.inputs)
        buffers = [Buffer(schedule.nbytes[view.buffer], "input") for view in schedule.inputs]
        buffers += [Buffer(schedule.nbytes[view.buffer], "output") for view in schedule.outputs]
        allocations = list({id(a): a for a in self.allocations if a is not None}.values())
        temporaries = [a for a in allocations if a.input is None and a.output is None and a.value is None]
        offsets, arena_bytes = _place(temporaries)
        number_of = {id(a): inputs + a.output for a in allocations if a.output is not None}
        number_of.update((id(a), a.input) for a in allocations if a.input is not None)
        for allocation, offset in zip(temporaries, offsets):
            number_of[id(allocation)] = len(buffers)
            buffers.append(Buffer(allocation.nbytes, "temporary", offset))
        for allocation in allocations:
            if allocation.value is not None:
                number_of[id(allocation)] = len(buffers)
                buffers.append(Buffer(allocation.nbytes, "constant", value=allocation.value))
        donated = {a.output: a.input for a in allocations if a.input is not None and a.output is not None}
        buffer_of = tuple([number_of[id(a)] if a is not None else -1 for a in self.allocations])
        return Layout(tuple(buffers), buffer_of, donated, arena_bytes, self.carries is not None)


def _stages(schedule: Schedule) -> list[_Stage]:
    stages: list[_Stage] = []
    for step in schedule.steps:
        first = len(stages)
        if isinstance(step, Rows):
            last = first + len(step.loops) - 1
            around = tuple(step.views) if last > first else ()
            stages += [_Stage(loop, first, last, around) for loop in step.loops]
        else:
            stages.append(_Stage(step, first, first))
    return stages


def _written(step: Loop | Call) -> list[View]:
    return [*step.outputs, *step.workspace] if isinstance(step, Control) else step.outputs


def _replaced(step: Call, output: int) -> int | None:
    """The number of the operand that an output starts as."""
    if isinstance(step, Control):
        return step.replaced.get(output)
    return step.equation.primitive.overwrites if output == 0 else None


def _pointwise_operands(step: Loop | Call, output: int, view: View, operands: Counter[int]) -> list[View]:
    """The operands of a step that it reads, element by element, just before it writes the same place of ``view``.

    That is its output of that number; ``operands`` counts how often the step reads each storage.
    """
    if isinstance(step, Call):
        operand = _replaced(step, output)
        return [] if operand is None or operands[step.inputs[operand].buffer] > 1 else [step.inputs[operand]]
    if any([v in _written_by_reduction(step) for v, w in step.writes.items() if w is view]):
        return []
    found = []
    for read in step.inputs:
        others = [r for r in step.inputs if r.buffer == read.buffer]
        if all([_same_place(r, view) for r in others]) and is_contiguous(view):
            found.append(read)
    return found


def _written_by_reduction(loop: Loop) -> set:
    """The variables of a loop that are reductions."""
    return {eqn.outputs[0] for eqn in loop.equations if eqn.primitive.kind is Kind.REDUCTION}


def _same_place(read: View, written: View) -> bool:
    return (read.offset, read.shape, read.strides, read.dtype) == (
        written.offset, written.shape, written.strides, written.dtype,
    )


def _place(allocations: list[_Allocation]) -> tuple[list[int], int]:
    """Offsets in the arena, the largest first, each at the lowest place that is free during its life."""
    order = sorted(range(len(allocations)), key=lambda k: -allocations[k].nbytes)
    lives = np.array([(allocations[k].first, allocations[k].last) for k in order], np.int64).reshape(-1, 2)
    offsets, ends = np.zeros((2, len(allocations)), np.int64)  # in that order
    for n, k in enumerate(order):
        alive = np.flatnonzero((lives[:n, 0] <= lives[n, 1]) & (lives[:n, 1] >= lives[n, 0]))
        alive = alive[np.argsort(offsets[alive], kind="stable")]
        starts = np.maximum.accumulate(np.append(0, ends[alive]))  # where there may be room, and before what
        room = np.flatnonzero(starts[:-1] + allocations[k].nbytes <= offsets[alive])
        offsets[n] = starts[room[0] if len(room) else -1]
        ends[n] = offsets[n] + aligned(allocations[k].nbytes)
    placed = dict(zip(order, offsets.tolist()))
    return [placed[k] for k in range(len(allocations))], int(max(ends, default=0))


def aligned(nbytes: int) -> int:
    """So many bytes, rounded up to where the next piece may start."""
    return -(-nbytes // ARENA_ALIGNMENT) * ARENA_ALIGNMENT
