"""What the CPU target compiles is compiled for a GPU too: nothing goes to the host for want of a kernel."""

from __future__ import annotations

import pytest
from fnad.compiler.compile import run_passes
from fnad.compiler.cpu.target import CPU
from fnad.compiler.cuda.target import CUDA
from fnad.compiler.target import Target
from fnad.ir.program import Program
from fnad.ir.types import ArrayType
from fnad.ops.foreign import UFUNCS
from fnad.runtime.plan import HostStep, walk
from fnad.tracing.staging import stage

from tests.properties.cases import CASES, DTYPES, Case
from tests.properties.families import linalg


# What the CPU has code for and a GPU has none, with the reason.
HOST_ON_CUDA = {
    **dict.fromkeys([primitive.name for primitive in UFUNCS], "SciPy's loops are not on a GPU"),
    "all_pole": "a recurrence of any order is one thread's work",
    **dict.fromkeys(("fft", "rfft", "irfft"), "NumPy's pocketfft is not on a GPU"),
    **dict.fromkeys([*[case.primitive.name for case in linalg.ROWS], *linalg.OTHERWISE], "LAPACK is not on a GPU"),
    "argsort": "a merge sort is one thread's work",
    **dict.fromkeys(("real", "imag"), "searching among complex numbers is written with their parts"),
}


def host_steps(program: Program, target: Target) -> list[str]:
    return [i.name for i, _ in walk(run_passes(program, target)["lowering"]) if isinstance(i, HostStep)]


@pytest.mark.parametrize("case", CASES.values(), ids=str)
def test_an_operation_leaves_the_device_only_where_the_cpu_leaves_native_code(case: Case) -> None:
    for dtype in DTYPES:
        for sample in case.samples:
            if case.takes(dtype, sample):
                types = [ArrayType(*t[:2]) for t in case.input_types(sample, dtype)]
                program = stage(lambda *xs: case.call(*xs, sample=sample), types).program
                assert set(host_steps(program, CUDA)) <= {*host_steps(program, CPU), *HOST_ON_CUDA}, (dtype, sample)
