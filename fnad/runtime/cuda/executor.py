"""Running a plan on a device: one launch after another, without waiting for any.

A plan has a table of addresses, one for each of its buffers. The arguments of all its launches are one array of
int64 words, which is reckoned from the table at once when the plan starts: per launch, nothing is left to do but to
launch. Plans of loops and branches have tables of their own, in which a step of a loop moves addresses on; no state
of a loop is copied. Only the answer of a condition and the index of a switch come back to the host, and what a host
step works on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from fnad.errors import DeviceError, place_at
from fnad.lazy import LazyModule
from fnad.ops.strides import is_contiguous
from fnad.runtime.cuda.arrays import DeviceArray, empty, uploaded
from fnad.runtime.cuda.runtime import Memory, Runtime, fetch
from fnad.runtime.plan import (
    Copy, DoubleBuffer, GridLaunch, HostStep, Inner, Instruction, Multiply, Place, Plan, Scan, Switch, View, While,
    kernels_of,
)
from fnad.sources import Source

logging = LazyModule("logging")

Table = np.ndarray
"""Addresses of a plan's buffers, then a 0, then the address of the status words."""
Step = Callable[[Table, np.ndarray], None]
"""Does an instruction, given the table and all words of arguments of its plan."""
Describe = Callable[[GridLaunch, Any, int], Exception]
"""The error that a kernel's code means."""


class LinkedPlan:
    """A plan whose kernels are loaded on a device; any number of threads may run it."""

    def __init__(self, plan: Plan, runtime: Runtime, describe: Describe) -> None:
        self.plan, self.runtime, self.describe = plan, runtime, describe
        self._constants: list[tuple[int, Memory]] = []
        self._slots: list[int] = []
        self._offsets: list[int] = []
        self._numbers: list[int] = []
        self._zero = len(plan.buffers)
        self.reports = any([kernel.reports for kernel in kernels_of(plan)])
        """Whether any of its kernels may fail."""
        for number, buffer in enumerate(plan.buffers):
            if buffer.value is not None:
                memory = runtime.allocate(buffer.nbytes)
                runtime.upload(memory.address, np.ascontiguousarray(buffer.value))
                self._constants.append((number, memory))
        sources = plan.sources or [None] * len(plan.instructions)
        self.steps: list[Step] = [self._step(i, source) for i, source in zip(plan.instructions, sources)]
        self.slots, self.offsets = np.array(self._slots, np.int64), np.array(self._offsets, np.int64)

    def table(self, bound: Sequence[int], arena: int) -> Table:
        """The table for inputs and outputs at these addresses and temporaries from ``arena`` on."""
        table = np.zeros(self._zero + 2, np.int64)
        table[: len(bound)] = bound
        for number, buffer in enumerate(self.plan.buffers):
            if buffer.kind == "temporary":
                table[number] = arena + buffer.offset
        for number, memory in self._constants:
            table[number] = memory.address
        if self.reports:
            table[self._zero + 1] = self.runtime.failures.expect(self.runtime)
        return table

    def run(self, table: Table) -> None:
        """Launch all that the plan holds."""
        words = table[self.slots] + self.offsets
        for step in self.steps:
            step(table, words)

    def __del__(self) -> None:
        for number in getattr(self, "_numbers", ()):
            self.runtime.failures.forget(number)

    # Instructions as functions

    def _step(self, instruction: Instruction, source: Any) -> Step:
        return _STEPS[type(instruction)](self, instruction, source)

    def _launch(self, launch: GridLaunch, source: Any) -> Step:
        first = len(self._slots)
        for view in launch.operands:
            self._word(view.buffer, view.offset)
        for param in launch.params:
            self._word(self._zero, param)
        if launch.kernel.reports:
            self._word(self._zero + 1, 0)
            number = self.runtime.failures.register(partial(self.describe, launch, source))
            self._numbers.append(number)
            self._word(self._zero, number)
        last, run = len(self._slots), self.runtime.launcher(self.runtime.load(launch.kernel), launch)
        if not launch.kernel.reports:
            return lambda table, words: run(words[first:last])

        def step(table: Table, words: np.ndarray) -> None:
            run(words[first:last])
            # After it: what is asked for in a loop's condition may have been looked at since the table was made.
            self.runtime.failures.expect(self.runtime)

        return step

    def _multiply(self, multiply: Multiply, source: Any) -> Step:
        if self.runtime.blas is None:
            steps = [self._launch(launch, source) for launch in multiply.launches]
            return lambda table, words: [step(table, words) for step in steps]
        first, run = len(self._slots), partial(self.runtime.blas.multiply, multiply.product)
        for view in multiply.product.operands:
            self._word(view.buffer, view.offset)
        last = len(self._slots)
        return lambda table, words: run(words[first:last])

    def _word(self, slot: int, offset: int) -> None:
        self._slots.append(slot)
        self._offsets.append(offset)

    def _copy(self, copy: Copy, source: Any) -> Step:
        def step(table: Table, words: np.ndarray) -> None:
            target, given = _at(table, copy.target), _at(table, copy.source)
            if target != given:
                self.runtime.copy(target, given, copy.nbytes)

        return step

    def _host_step(self, host: HostStep, source: Any) -> Step:
        def step(table: Table, words: np.ndarray) -> None:
            results = host.function(*[self._fetched(view, table) for view in host.inputs])
            for view, result in zip(host.outputs, results, strict=True):
                if np.shape(result) != view.shape:
                    raise ValueError(
                        f"{host.name}: requires a result of shape {view.shape}, got {np.shape(result)}."
                    )
                assert is_contiguous(view)
                array = np.asarray(result).astype(view.dtype, "C", "equiv", copy=False)
                self.runtime.upload(int(table[view.buffer]) + view.offset, np.ascontiguousarray(array))

        return step

    def _fetched(self, view: View, table: Table) -> np.ndarray:
        """A view's elements, copied to the host."""
        return fetch_view(self.runtime, view, int(table[view.buffer]))

    # Loops and branches

    def _inner(self, inner: Inner) -> LinkedPlan:
        return LinkedPlan(inner.plan, self.runtime, self.describe)

    def _scan(self, scan: Scan, source: Any) -> Step:
        body = self._inner(scan.body)
        moved = np.array([number for number, _ in scan.advances], np.int64)
        nbytes = np.array([n for _, n in scan.advances], np.int64)

        def step(table: Table, words: np.ndarray) -> None:
            inner, buffers = _entered(body, scan.body, table), _DoubleBuffers(scan.double_buffers, scan.body, table)
            for k in range(scan.length):
                body.run(inner)
                if k + 1 < scan.length:
                    inner[moved] += nbytes
                    buffers.swap(inner)

        return step

    def _while(self, loop: While, source: Any) -> Step:
        condition, body = self._inner(loop.condition), self._inner(loop.body)
        answer = len(loop.condition.plan.inputs)

        def step(table: Table, words: np.ndarray) -> None:
            asking, inner = _entered(condition, loop.condition, table), _entered(body, loop.body, table)
            buffers = _DoubleBuffers(loop.double_buffers, loop.body, table)
            while True:
                for watching, watched in loop.watched:
                    asking[watching] = inner[watched]
                condition.run(asking)
                if not _fetched_scalar(self.runtime, int(asking[answer]), np.dtype(bool)):
                    break
                body.run(inner)
                buffers.swap(inner)
            for number, place, nbytes in loop.results:
                if nbytes and inner[number] != _at(table, place):
                    self.runtime.copy(_at(table, place), int(inner[number]), nbytes)

        return step

    def _switch(self, switch: Switch, source: Any) -> Step:
        branches = [self._inner(branch) for branch in switch.branches]

        def step(table: Table, words: np.ndarray) -> None:
            address = int(table[switch.index.buffer]) + switch.index.offset
            index = int(_fetched_scalar(self.runtime, address, switch.index.dtype))
            number = min(max(index, 0), len(branches) - 1)
            branches[number].run(_entered(branches[number], switch.branches[number], table))

        return step


_STEPS: dict[type, Callable[[LinkedPlan, Any, Any], Step]] = {
    GridLaunch: LinkedPlan._launch, Multiply: LinkedPlan._multiply, Copy: LinkedPlan._copy,
    HostStep: LinkedPlan._host_step, Scan: LinkedPlan._scan, While: LinkedPlan._while, Switch: LinkedPlan._switch,
}


class _DoubleBuffers:
    """The carries of a loop that change between two pieces of memory; the first spare one lies in the outer plan."""

    def __init__(self, buffers: Sequence[DoubleBuffer], inner: Inner, outer: Table) -> None:
        inputs = len(inner.plan.inputs)
        self.pairs = [(buffer.input, inputs + buffer.output) for buffer in buffers]
        self.others = [_at(outer, buffer.other) for buffer in buffers]

    def swap(self, table: Table) -> None:
        """Go on to the next step."""
        for k, (given, made) in enumerate(self.pairs):
            table[given], table[made] = table[made], self.others[k]
            self.others[k] = int(table[given])


def _entered(linked: LinkedPlan, inner: Inner, outer: Table) -> Table:
    """The table of an inner plan when it starts."""
    return linked.table([_at(outer, place) for place in inner.places], int(outer[inner.arena]))


def _at(table: Table, place: Place) -> int:
    return int(table[place.buffer]) + place.offset


def _fetched_scalar(runtime: Runtime, address: int, dtype: np.dtype) -> Any:
    array = np.empty((), dtype)
    fetch(runtime, address, array)
    return array[()]


def fetch_view(runtime: Runtime, view: View, address: int) -> np.ndarray:
    """The elements of a view of a buffer at an address, as a C-contiguous host array."""
    if is_contiguous(view):
        array = np.empty(view.shape, view.dtype)
        if array.size:
            fetch(runtime, address + view.offset, array)
        return array
    low = sum([min(0, (n - 1) * s) for n, s in zip(view.shape, view.strides)])
    high = sum([max(0, (n - 1) * s) for n, s in zip(view.shape, view.strides)]) + view.dtype.itemsize
    memory = np.empty(high - low, np.uint8)
    fetch(runtime, address + view.offset + low, memory)
    return np.ndarray(view.shape, view.dtype, memory, -low, view.strides).copy()


# --- Called with arrays


FEWEST, MOST = 3, 4096
"""Launches that are worth a recording, and that one may hold."""

MOST_RECORDINGS = 8
"""Recordings of a plan that are kept: a loop that trains goes between a few pieces of memory."""

_UNSEEN = object()


class OnDevice:
    """A plan on a device, to be called with arrays; any number of threads may do so.

    A plan of launches alone that is called again on the same memory, as happens in a loop, is recorded, where the
    device can do so, and is a single launch from then on.
    """

    def __init__(self, plan: Plan, runtime: Runtime, results: Sequence[Any], donated: Mapping[int, int]) -> None:
        self.plan, self.runtime, self._results, self._donated = plan, runtime, results, donated
        self.linked = LinkedPlan(plan, runtime, _placed)
        self._is_recorded = runtime.records and FEWEST <= (launches_of(plan) or 0) <= MOST
        self._recordings: dict[bytes, Any] = {}  # by all addresses; None: seen once

    def __call__(self, inputs: Sequence[Any]) -> list[DeviceArray]:
        """Start the plan and give its results, which may not be there yet; some are inputs that are donated."""
        runtime, donated = self.runtime, self._donated
        arrays = [x if type(x) is DeviceArray and x.runtime is runtime else uploaded(runtime, x) for x in inputs]
        outputs = [
            arrays[donated[k]] if k in donated else empty(runtime, *result) for k, result in enumerate(self._results)
        ]
        arena = runtime.allocate(self.plan.arena_bytes)
        table = self.linked.table([x.address for x in (*arrays, *outputs)], arena.address)
        if self._is_recorded:
            self._run_recorded(table)
        else:
            self.linked.run(table)
        return outputs

    def _run_recorded(self, table: Table) -> None:
        """Run the plan, by what was recorded of it for the same memory."""
        key = table.tobytes()
        recording = self._recordings.get(key, _UNSEEN)
        if recording is _UNSEEN:
            if len(self._recordings) >= MOST_RECORDINGS:
                self._recordings.clear()
            self._recordings[key] = None
            self.linked.run(table)
            return
        if recording is None:
            try:
                recording = self._recorded(table)
            except DeviceError as error:  # the launches are worth as much one by one
                logging.getLogger("fnad").warning("launches are not recorded, since %s", error)
                self._is_recorded = False
                self.linked.run(table)
                return
            self._recordings[key] = recording
        recording.launch()
        if self.linked.reports:
            self.runtime.failures.expect(self.runtime)

    def _recorded(self, table: Table) -> Any:
        self.runtime.begin_capture()
        try:
            self.linked.run(table)
        finally:
            recording = self.runtime.end_capture()
        return recording


def launches_of(plan: Plan) -> int | None:
    """A plan's number of launches and copies; ``None`` where the host has to look at values."""
    count = 0
    for instruction in plan.instructions:
        if isinstance(instruction, (GridLaunch, Copy, Multiply)):
            count += 1
        elif isinstance(instruction, Scan) and (each := launches_of(instruction.body.plan)) is not None:
            count += instruction.length * each
        else:
            return None
    return count


def _placed(launch: GridLaunch, source: Source | None, code: int) -> Exception:
    """The error of a code, at the line that its launch comes from."""
    found = launch.fails.error(code)
    return found if source is None else place_at(found, source)
