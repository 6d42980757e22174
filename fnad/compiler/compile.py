"""The compiler: from a Program to something that runs, by a list of passes.

    Program → simplify → accumulate → sink_updates → Program → make_schedule → fuse_rows → divide_loops → Schedule
    → plan_memory → Layout → lower → Plan → link → Executable

The Programs of loops and branches go the same way, and are Plans inside of the Plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fnad.compiler.cpu.target import CPU
from fnad.compiler.passes.accumulate import accumulate
from fnad.compiler.passes.control import plan_controls
from fnad.compiler.passes.lowering import lower
from fnad.compiler.passes.memory import plan_memory, plan_memory_of_body
from fnad.compiler.passes.rows import fuse_rows
from fnad.compiler.passes.schedule import Schedule, make_schedule
from fnad.compiler.passes.simplify import simplify
from fnad.compiler.passes.sink import sink_updates
from fnad.compiler.target import Target
from fnad.errors import place_at
from fnad.ir.program import Program
from fnad.lazy import LazyModule
from fnad.memo import kept
from fnad.runtime.cache import Statistics, statistics
from fnad.runtime.cpu.executor import KernelError, link
from fnad.runtime.plan import Plan, walk
from fnad.runtime.results import allocator

if TYPE_CHECKING:
    from fnad.runtime.cuda.runtime import Runtime

device = LazyModule("fnad.compiler.cuda.target")


@dataclass(frozen=True)
class Compiled:
    """A compiled Program, and what became of it on the way."""

    program: Program
    plan: Plan
    executable: Any
    """What runs the plan."""
    results: tuple[tuple[tuple[int, ...], np.dtype], ...]
    """Shape and dtype of each output."""
    donated: dict[int, int]
    """The outputs that are given the memory of an input."""
    seconds: float
    kernels: Statistics
    """What was asked of the kernel cache for this Program."""
    runtime: Runtime | None = None
    """The device that it is for; ``None`` is the CPU."""

    @property
    def target(self) -> Target:
        """The kind of machine that it is for."""
        return _target(self.runtime)


class CompiledForCPU(Compiled):
    """A Program compiled for the CPU, on NumPy arrays."""

    def __call__(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Run on arrays of the Program's input types; donated ones must own their memory and be writable."""
        outputs = self._outputs(inputs)
        try:
            self.executable(inputs, outputs)
        except KernelError as error:
            raise self._placed(error) from None
        return outputs

    @kept
    def _outputs(self) -> Callable[[Sequence[np.ndarray]], list[np.ndarray]]:
        """Memory for the outputs: that of donated inputs, or new one."""
        return allocator(self.results, self.donated)

    def _placed(self, error: KernelError) -> Exception:
        """What a kernel's failure means, at the line that its instruction comes from."""
        source = next(source for instruction, source in walk(self.plan) if instruction is error.instruction)
        found = error.instruction.fails.error(error.status)
        return found if source is None else place_at(found, source)


class CompiledForDevice(Compiled):
    """A Program compiled for a device, on arrays that are there, or on NumPy arrays, which are copied there."""

    def __call__(self, inputs: list[Any]) -> list[Any]:
        """Start it; its results are arrays on the device, of which donated ones are inputs."""
        return self.executable(inputs, self.results, self.donated)


def schedule_of(simplified: Program, target: Target = CPU) -> Schedule:
    """The steps of a simplified Program, with plans for those of loops and branches."""

    def inner_plan(program: Program, carries: Mapping[int, int]) -> tuple[Plan, Collection[int]]:
        """The plan of a loop's body or of a branch, and the carries that it replaces where they lie."""
        inner = schedule_of(program, target)
        layout = plan_memory_of_body(inner, carries)
        return lower(inner, layout, target.emitter), layout.donated.keys()

    schedule = make_schedule(sink_updates(accumulate(simplified)), target.abilities)
    target.prepare(schedule)
    schedule = fuse_rows(schedule, target.rows)
    plan_controls(schedule, inner_plan)
    target.divide(schedule)
    return schedule


def _target(runtime: Runtime | None) -> Target:
    return CPU if runtime is None else device.CUDA


def compile_program(
    program: Program, donated: Collection[int] = (), runtime: Runtime | None = None, captured: int = 0
) -> Compiled:
    """Compile a Program for a device, or the CPU; the memory of the inputs ``donated`` may be written.

    The types of the last inputs, those ``captured``, are looked at in each call, for they may have become others.
    """
    started, before = time.perf_counter(), statistics()
    target = _target(runtime)
    simplified = simplify(program, target.has_code)
    schedule = schedule_of(simplified, target)
    layout = plan_memory(schedule, donated)
    plan = lower(schedule, layout, target.emitter)
    types = [(t.shape, t.dtype) for t in program.input_types[len(program.inputs) - captured :]]
    executable = link(plan, types) if runtime is None else device.link(plan, runtime)
    kind = CompiledForCPU if runtime is None else CompiledForDevice
    results = tuple([(view.shape, view.dtype) for view in schedule.outputs])
    return kind(
        simplified, plan, executable, results, layout.donated, time.perf_counter() - started,
        statistics() - before, runtime,
    )
