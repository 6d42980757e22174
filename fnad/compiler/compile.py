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

from fnad.compiler.cpu import target as cpu
from fnad.compiler.passes.accumulate import accumulate
from fnad.compiler.passes.control import plan_controls
from fnad.compiler.passes.lowering import lower
from fnad.compiler.passes.memory import plan_memory, plan_memory_of_body
from fnad.compiler.passes.rows import fuse_rows
from fnad.compiler.passes.schedule import Schedule, make_schedule
from fnad.compiler.passes.simplify import simplify
from fnad.compiler.passes.sink import sink_updates
from fnad.compiler.target import Target
from fnad.ir.program import Program
from fnad.lazy import LazyModule
from fnad.runtime.cache import Statistics, statistics
from fnad.runtime.cpu.runtime import CPU, CPURuntime
from fnad.runtime.link import link
from fnad.runtime.plan import Plan

if TYPE_CHECKING:
    from fnad.runtime.cuda.runtime import Runtime

cuda = LazyModule("fnad.compiler.cuda.target")


@dataclass(frozen=True)
class Compiled:
    """A compiled Program, and what became of it on the way."""

    program: Program
    plan: Plan
    run: Callable[[list[Any]], list[Any]]
    """Runs the plan on arrays of the Program's input types."""
    seconds: float
    kernels: Statistics
    """What was asked of the kernel cache for this Program."""
    runtime: CPURuntime | Runtime

    def __call__(self, inputs: list[Any]) -> list[Any]:
        """The same; on a device the results may not be there yet."""
        return self.run(inputs)


def schedule_of(simplified: Program, target: Target = cpu.CPU) -> Schedule:
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


def target_of(runtime: CPURuntime | Runtime) -> Target:
    """The kind of machine that a runtime is."""
    return cpu.CPU if runtime is CPU else cuda.CUDA


def compile_program(
    program: Program, donated: Collection[int] = (), runtime: CPURuntime | Runtime = CPU, captured: int = 0
) -> Compiled:
    """Compile a Program for a runtime; the memory of the inputs ``donated`` may be written.

    The types of the last inputs, those ``captured``, are looked at in each call, for they may have become others.
    """
    started, before = time.perf_counter(), statistics()
    target = target_of(runtime)
    simplified = simplify(program, target.has_code)
    schedule = schedule_of(simplified, target)
    layout = plan_memory(schedule, donated)
    plan = lower(schedule, layout, target.emitter)
    types = [(t.shape, t.dtype) for t in program.input_types[len(program.inputs) - captured :]]
    results = [(view.shape, view.dtype) for view in schedule.outputs]
    run = link(plan, runtime, results, layout.donated, types)
    return Compiled(simplified, plan, run, time.perf_counter() - started, statistics() - before, runtime)
