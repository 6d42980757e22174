"""What the CPU target compiles is compiled for a GPU too: nothing goes to the host for want of a kernel."""

from __future__ import annotations

import pytest
from fnad.compiler.compile import schedule_of
from fnad.compiler.cpu.target import CPU
from fnad.compiler.cuda.target import CUDA
from fnad.compiler.passes.lowering import lower
from fnad.compiler.passes.memory import plan_memory
from fnad.compiler.passes.simplify import simplify
from fnad.compiler.target import Target
from fnad.ir.program import Program
from fnad.ir.types import ArrayType
from fnad.runtime.plan import HostStep, walk
from fnad.tracing.staging import stage

from tests.properties.cases import CASES, DTYPES, Case


def host_steps(program: Program, target: Target) -> list[str]:
    schedule = schedule_of(simplify(program, target.has_code), target)
    plan = lower(schedule, plan_memory(schedule, ()), target.emitter)
    return [i.name for i, _ in walk(plan) if isinstance(i, HostStep)]


@pytest.mark.parametrize("case", CASES.values(), ids=str)
def test_an_operation_leaves_the_device_only_where_the_cpu_leaves_native_code(case: Case) -> None:
    for dtype in DTYPES:
        for sample in case.samples:
            if case.takes(dtype, sample):
                types = [ArrayType(*t[:2]) for t in case.input_types(sample, dtype)]
                program = stage(lambda *xs: case.call(*xs, sample=sample), types).program
                assert set(host_steps(program, CUDA)) <= set(host_steps(program, CPU)), (dtype, sample)
