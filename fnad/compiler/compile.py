"""The compiler: from a Program to something that runs, by a list of passes.

    Program → simplify → Program → make_schedule → Schedule → plan_memory → Layout → lower → Plan → link → Executable
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from fnad.compiler.cache import Statistics, statistics
from fnad.compiler.cpu.executor import Executable, KernelError, link
from fnad.compiler.cpu.lower import ABILITIES, describe_failure, has_code, lower
from fnad.compiler.memory import plan_memory
from fnad.compiler.plan import Plan
from fnad.compiler.schedule import Schedule, make_schedule
from fnad.compiler.simplify import simplify
from fnad.errors import place_at
from fnad.ir.program import Program, Source


@dataclass(frozen=True)
class Compiled:
    """A Program compiled for the CPU, and what became of it on the way."""

    program: Program
    plan: Plan
    sources: list[Source | None]
    executable: Executable
    results: tuple[tuple[tuple[int, ...], np.dtype], ...]
    """Shape and dtype of each output."""
    donated: dict[int, int]
    """The outputs that are given the memory of an input."""
    seconds: float
    kernels: Statistics
    """What was asked of the kernel cache for this Program."""

    def __call__(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Run on arrays of the Program's input types; donated ones must own their memory and be writable."""
        if self.donated:
            outputs = [
                inputs[self.donated[k]] if k in self.donated else np.empty(*result)
                for k, result in enumerate(self.results)
            ]
        else:
            outputs = [np.empty(shape, dtype) for shape, dtype in self.results]
        try:
            self.executable(inputs, outputs)
        except KernelError as error:
            raise self._index_error(error) from None
        return outputs

    def _index_error(self, error: KernelError) -> Exception:
        """A kernel's only failure: an index out of bounds."""
        position = next(k for k, i in enumerate(self.plan.instructions) if i is error.instruction)
        found, source = IndexError(describe_failure(error.instruction, error.status)), self.sources[position]
        return found if source is None else place_at(found, source)


def schedule_of(simplified: Program) -> Schedule:
    """The steps of a simplified Program on this target."""
    return make_schedule(simplified, ABILITIES)


def compile_program(program: Program, donated: Collection[int] = ()) -> Compiled:
    """Compile a Program; the memory of the inputs ``donated`` may be written."""
    started, before = time.perf_counter(), statistics()
    simplified = simplify(program, has_code)
    schedule = schedule_of(simplified)
    layout = plan_memory(schedule, donated)
    plan, sources = lower(schedule, layout)
    executable = link(plan)
    results = tuple([(view.shape, view.dtype) for view in schedule.outputs])
    return Compiled(
        simplified, plan, sources, executable, results, layout.donated, time.perf_counter() - started,
        statistics() - before,
    )
