"""A plan as the executor reads it: rows of words, see kernels/cpu/frame.py.

The tree of plans becomes one list of rows with jumps, and one table: each inner plan has a part of
it, where its kernels find its buffers under their own numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fnad.kernels.cpu import frame as words
from fnad.runtime.plan import (
    Copy, DoubleBuffer, HostStep, Inner, Instruction, Kernel, Launch, Place, Plan, Scan, Switch, While,
)

if TYPE_CHECKING:
    from fnad.runtime.cpu.loader import MachineCode


@dataclass(frozen=True)
class Code:
    """A plan's code for the executor, and a frame's needs.

    `origins` has the instruction of each row, and the slot where the table of its plan starts.
    `temporaries` pairs slots with offsets in the arena, `constants` slots with arrays. `kernels` keeps the machine
    code whose addresses are among the words.
    """

    words: np.ndarray
    origins: list[tuple[Instruction, int]]
    slots: int
    temporaries: np.ndarray
    constants: list[tuple[int, np.ndarray]]
    kernels: list[MachineCode]


def encode(plan: Plan, header: Sequence[int], load: Callable[[Kernel], MachineCode]) -> Code:
    """Lay out a plan; `load` gives a kernel's machine code."""
    assembler = _Assembler(load)
    assembler.add_plan(plan, assembler.new_table(plan, 0))
    rows, params = assembler.rows, [row.params for row in assembler.rows]
    starts = np.cumsum([words.ROWS + words.ROW_WORDS * len(rows), *map(len, params)])
    code = np.zeros(starts[-1], np.int64)
    code[: words.ROWS] = header
    code[words.INSTRUCTIONS] = len(rows)
    for number, (row, start) in enumerate(zip(rows, starts)):
        at = words.ROWS + words.ROW_WORDS * number
        code[at : at + words.ROW_WORDS] = (
            row.kernel, code.ctypes.data + 8 * start, row.extent, 8 * row.base, row.chunk
        )
        code[start : start + len(row.params)] = row.params
    return Code(
        code, [(row.instruction, row.base) for row in rows], assembler.slots,
        np.array(assembler.temporaries, np.int64).reshape(-1, 2), assembler.constants,
        list(assembler.kernels.values()),
    )


@dataclass
class _Row:
    """A row before it is laid out; jumps to rows that come later are filled in when these are there."""

    kernel: int
    params: list[int]
    extent: int
    base: int
    instruction: Instruction
    chunk: int = 0


class _Assembler:
    def __init__(self, load: Callable[[Kernel], MachineCode]) -> None:
        self.load = load
        self.kernels: dict[int, MachineCode] = {}  # by address
        self.rows: list[_Row] = []
        self.slots = 0
        self.temporaries: list[tuple[int, int]] = []
        self.constants: list[tuple[int, np.ndarray]] = []

    def new_slot(self) -> int:
        """A word of the table."""
        self.slots += 1
        return self.slots - 1

    def new_table(self, plan: Plan, arena: int) -> int:
        """A table for a plan whose arena starts so many bytes from the start of the whole one."""
        base = self.slots
        self.slots += len(plan.buffers)
        for number, buffer in enumerate(plan.buffers, base):
            if buffer.kind == "temporary":
                self.temporaries.append((number, arena + buffer.offset))
            elif buffer.value is not None:
                self.constants.append((number, buffer.value))
        return base

    def add_plan(self, plan: Plan, base: int, arena: int = 0) -> None:
        """Add the rows of a plan."""
        for instruction in plan.instructions:
            if isinstance(instruction, Launch):
                kernel, params = self.load(instruction.kernel), list(instruction.params)
                self.kernels[kernel.address] = kernel
                self.rows.append(_Row(kernel.address, params, instruction.extent, base, instruction, instruction.chunk))
            elif isinstance(instruction, HostStep):
                self.rows.append(_Row(words.HOST, [], 0, base, instruction))
            else:
                _Part(self, instruction, plan, base, arena).add()


class _Part:
    """The rows of one instruction that is neither a kernel nor a host step."""

    def __init__(self, assembler: _Assembler, instruction: Instruction, plan: Plan, base: int, arena: int) -> None:
        self.assembler = assembler
        self.instruction = instruction
        self.outer, self.base, self.arena = plan, base, arena

    def add(self) -> None:
        """Add all of them."""
        _PARTS[type(self.instruction)](self, self.instruction)

    def row(self, operation: int, *params: int, extent: int = 0) -> _Row:
        """Add a row."""
        row = _Row(operation, list(params), extent, self.base, self.instruction)
        self.assembler.rows.append(row)
        return row

    def place(self, entries: Iterable[tuple[int, int, int]]) -> None:
        """Add the row that lets slots point into others."""
        flat = [word for entry in entries for word in entry]
        if flat:
            self.row(words.PLACE, *flat, extent=len(flat) // 3)

    @property
    def here(self) -> int:
        """The number of the next row."""
        return len(self.assembler.rows)

    # Inner plans

    def table(self, inner: Inner) -> int:
        """A table for an inner plan."""
        return self.assembler.new_table(inner.plan, self._arena_of(inner))

    def _arena_of(self, inner: Inner) -> int:
        return self.arena + self.outer.buffers[inner.arena].offset

    def entries(self, inner: Inner, base: int) -> list[tuple[int, int, int]]:
        """Entries for an inner plan's inputs and outputs."""
        return [self.entry(base + k, place) for k, place in enumerate(inner.places)]

    def entry(self, slot: int, place: Place) -> tuple[int, int, int]:
        """A slot's entry for a place of the outer plan."""
        return slot, self.base + place.buffer, place.offset

    def body(self, inner: Inner, base: int) -> None:
        """The rows of an inner plan."""
        self.assembler.add_plan(inner.plan, base, self._arena_of(inner))

    def double_buffers(
        self, buffers: Sequence[DoubleBuffer], inner: Inner, base: int,
    ) -> tuple[list[int], list[tuple[int, int, int]]]:
        """The slots of carries in two pieces of memory, three each, and what places the third."""
        slots, entries = [], []
        for buffer in buffers:
            other = self.assembler.new_slot()
            slots += [base + buffer.input, base + len(inner.plan.inputs) + buffer.output, other]
            entries.append(self.entry(other, buffer.other))
        return slots, entries


def _add_copy(part: _Part, copy: Copy) -> None:
    to, source = copy.target, copy.source
    part.row(words.COPY, part.base + to.buffer, to.offset, part.base + source.buffer, source.offset, copy.nbytes)


def _add_scan(part: _Part, scan: Scan) -> None:
    base = part.table(scan.body)
    counter = part.assembler.new_slot()
    slots, others = part.double_buffers(scan.double_buffers, scan.body, base)
    part.place([*part.entries(scan.body, base), *others])
    part.row(words.CLEAR, counter)
    top = part.here
    part.body(scan.body, base)
    advances = [word for number, nbytes in scan.advances for word in (base + number, nbytes)]
    part.row(
        words.NEXT, counter, scan.length, top, len(scan.advances), *advances, *slots, extent=len(scan.double_buffers)
    )


def _add_while(part: _Part, loop: While) -> None:
    asking, base = part.table(loop.condition), part.table(loop.body)
    counter = part.assembler.new_slot()
    slots, others = part.double_buffers(loop.double_buffers, loop.body, base)
    part.place([*part.entries(loop.condition, asking), *part.entries(loop.body, base), *others])
    part.row(words.CLEAR, counter)
    top = part.here
    part.place([(asking + watching, base + watched, 0) for watching, watched in loop.watched])
    part.body(loop.condition, asking)
    leave = part.row(words.SKIP, asking + len(loop.condition.plan.inputs), 0)
    part.body(loop.body, base)
    part.row(words.NEXT, counter, words.LARGEST, top, 0, *slots, extent=len(loop.double_buffers))
    leave.params[1] = part.here
    for number, to, nbytes in loop.results:
        part.row(words.COPY, part.base + to.buffer, to.offset, base + number, 0, nbytes)


def _add_switch(part: _Part, switch: Switch) -> None:
    kind, count = words.INDEX_KINDS.index(switch.index.dtype.name), len(switch.branches)
    index = (part.base + switch.index.buffer, switch.index.offset, kind)
    choose = part.row(words.CHOOSE, *index, *[0] * count, extent=count)
    leaves = []
    for k, branch in enumerate(switch.branches):
        choose.params[len(index) + k] = part.here
        base = part.table(branch)
        part.place(part.entries(branch, base))
        part.body(branch, base)
        leaves.append(part.row(words.SKIP, -1, 0))
    for leave in leaves:
        leave.params[1] = part.here


_PARTS: dict[type, Callable[[_Part, Instruction], None]] = {
    Copy: _add_copy, Scan: _add_scan, While: _add_while, Switch: _add_switch,
}
