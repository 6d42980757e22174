"""The compiler: from a Program to something that runs, by a list of passes, `PASSES`.

What a pass makes is what the next one takes; `fnad.show(f, stage=name)` prints it. The Programs of loops and branches
go the same way, and are Plans inside of the Plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from fnad.compiler.cpu import target as cpu
from fnad.compiler.passes.accumulate import accumulate
from fnad.compiler.passes.control import plan_controls
from fnad.compiler.passes.lowering import lower
from fnad.compiler.passes.memory import Layout, plan_memory, plan_memory_of_body
from fnad.compiler.passes.rows import fuse_rows
from fnad.compiler.passes.schedule import make_schedule
from fnad.compiler.passes.simplify import simplify
from fnad.compiler.passes.sink import sink_updates
from fnad.compiler.steps import Schedule
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
    """The kernel cache's statistics for this Program."""
    runtime: CPURuntime | Runtime
    writable: Collection[int]
    """The inputs whose memory may be written."""
    donated: Mapping[int, int]
    """The outputs that are given the memory of an input."""

    def __call__(self, inputs: list[Any]) -> list[Any]:
        """The same; on a device the results may not be there yet."""
        return self.run(inputs)


class Placed(NamedTuple):
    """Steps, and where their storages lie."""

    schedule: Schedule
    layout: Layout


Place = Callable[[Schedule], Layout]
"""Gives the storages of a schedule their memory."""

PASSES: dict[str, Callable[[Any, Target, Place], Any]] = {
    "simplify": lambda program, target, place: simplify(program, target.has_code),
    "accumulate": lambda program, target, place: accumulate(program),
    "sink": lambda program, target, place: sink_updates(program),
    "schedule": lambda program, target, place: make_schedule(program, target.abilities),
    "prepare": lambda schedule, target, place: target.prepare(schedule),
    "rows": lambda schedule, target, place: fuse_rows(schedule, target.rows),
    "control": lambda schedule, target, place: plan_controls(schedule, partial(_inner_plan, target)),
    "divide": lambda schedule, target, place: target.divide(schedule),
    "memory": lambda schedule, target, place: Placed(schedule, place(schedule)),
    "lowering": lambda placed, target, place: lower(*placed, target.emitter),
}
"""The passes in order, by name: Program → Program as far as "sink", → Schedule as far as "divide", → Placed → Plan."""


def run_passes(
    program: Program, target: Target, place: Place = plan_memory, names: Iterable[str] = PASSES
) -> dict[str, Any]:
    """The results of the passes, by their names; ``names`` are neighbours in the list."""
    made: Any = program
    found = {}
    for name in names:
        made = found[name] = PASSES[name](made, target, place)
    return found


def passes_on_simplified(last: str = "lowering") -> list[str]:
    """The names of the passes that follow the first one, as far as ``last``."""
    names = list(PASSES)
    return names[1 : names.index(last) + 1]


def _inner_plan(target: Target, program: Program, carries: Mapping[int, int]) -> tuple[Plan, Collection[int]]:
    """The plan of a loop's body or of a branch, and the carries that it replaces where they lie."""
    made = run_passes(program, target, partial(plan_memory_of_body, carries=carries), passes_on_simplified())
    return made["lowering"], made["memory"].layout.donated.keys()


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
    made = run_passes(program, target_of(runtime), partial(plan_memory, donated=donated))
    (schedule, layout), plan = made["memory"], made["lowering"]
    types = [(t.shape, t.dtype) for t in program.input_types[len(program.inputs) - captured :]]
    results = [(view.shape, view.dtype) for view in schedule.outputs]
    run = link(plan, runtime, results, layout.donated, types)
    return Compiled(
        made["simplify"], plan, run, time.perf_counter() - started, statistics() - before, runtime, frozenset(donated),
        layout.donated,
    )
