"""The words of kernel source for numba's simulator."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fnad.kernels.cuda import arithmetic, pointers, simulated, vector_math
from fnad.runtime.cpu import toolchain
from tests.kernels import words
from tests.kernels.words import DTYPES, PLACES, assert_same_bits, on_cpu, on_simulator, values


INEXACT = {"f": ("fma", "maximum", "minimum", "rmax", "rmin"), "c": ("multiply", "rmul", "maximum", "minimum", "r")}
"""Words that differ in the sign of a zero, or by a rounding."""


def test_every_word_has_its_twins():
    ours = [name for module in (arithmetic, vector_math, pointers) for name, value in vars(module).items()
            if type(value).__name__ == "_Intrinsic"]
    assert all(hasattr(simulated, name) for name in ours)
    cpus = {name for name, value in toolchain._WORDS.items() if value.__class__.__name__ == "_Intrinsic"
            if value._defn.__module__.removeprefix("fnad.kernels.").startswith(
                ("arithmetic", "division", "parts", "vector_math"))}
    assert len(cpus) > 70 and cpus <= set(ours)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_arithmetic_of_any_number(dtype, data):
    inputs = [data.draw(values(dtype)) for _ in range(3)]
    expressions = [text for text in words.arithmetic(dtype) if not text.startswith(INEXACT.get(dtype.kind, ()))]
    assert_same_bits(expressions, inputs, on_simulator(expressions, inputs))


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_extremes_are_equal_numbers(dtype):
    x, y = np.meshgrid([0, -0.0, 1, np.nan, -np.inf, 2, np.inf, 1], [-0.0, 0, np.nan, 3, -1, np.inf, 1, -np.inf])
    inputs = [x.ravel().astype(dtype), y.ravel().astype(dtype)]
    expressions = [f"{word}(a, b)" for word in ("maximum", "minimum", "rmax", "rmin")]
    np.testing.assert_array_equal(on_simulator(expressions, inputs), on_cpu(expressions, inputs))


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_elementary_functions_are_close(dtype):
    rng = np.random.default_rng(5)
    x, y = (np.append(rng.uniform(-3, 3, PLACES - 4), [0, np.nan, np.inf, -np.inf]).astype(dtype) for _ in range(2))
    expressions = [*words.elementary(dtype), "fma(a, b, b)"]
    near = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(on_simulator(expressions, [x, y]), on_cpu(expressions, [x, y]), near, near)


def test_memory_ends_and_has_places():
    memory = np.arange(8.0)
    pointer = simulated.Pointer(memory, 4)
    assert pointer[-4] == 0 and (pointer + 2)[1] == 7 and simulated.load_float64x2(pointer, 2) == (6, 7)
    simulated.store_vector(memory, 0, (9, 8))
    assert memory[:2].tolist() == [9, 8] and simulated.zero_of(pointer) == 0.0
    for wrong in (lambda: pointer[4], lambda: (pointer + -5)[0], lambda: simulated.load_float64x2(pointer, 1)):
        with pytest.raises(IndexError, match="memory: requires"):
            wrong()


PROGRAM = """
    import numpy as np
    from numba import cuda
    from fnad.kernels.cuda.arithmetic import select
    from fnad.kernels.cuda.pointers import load_float32x4, report, store_float32x4
    from fnad.kernels.cuda.simulated import Pointer
    from fnad.kernels.cuda.vector_math import exp_float32

    @cuda.jit
    def kernel(x, out, status, number):
        shared = cuda.shared.array(16, np.float32)
        i = cuda.threadIdx.x
        a, b, c, d = load_float32x4(x, 4 * i)
        store_float32x4(shared, 4 * i, d, c, b, a)
        cuda.syncthreads()
        for k in range(4):
            out[4 * i + k] = exp_float32(shared[12 - 4 * i + k])
        if select(i == 2, True, False):
            report(status, number, 30 + i)

    x, out, status = np.arange(16, dtype=np.float32), np.zeros(16, np.float32), np.zeros(2, np.int64)
    kernel[1, 4](Pointer(x), Pointer(out), Pointer(status), 6)
    np.testing.assert_array_equal(out, np.exp(x[::-1].astype(np.float64)).astype(np.float32))
    np.testing.assert_array_equal(status, [6, 32])
"""


def test_a_kernel_in_the_simulator():
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM)]
    run = subprocess.run(command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
