"""Reductions by the threads of a warp or a block: every dtype, every thread's result, many in one kernel."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from fnad.runtime.plan import GridKernel, GridLaunch

from tests.cuda.library_running import Device
from tests.cuda.requirements import needs_cuda_compiler
from tests.ptxsim import PtxError

pytestmark = needs_cuda_compiler

THREADS = 96
TEAMS = """\
def kernel(x, out, n):
    t = cuda.threadIdx.x
    value = x[t]
    out[t] = warp_reduce({op}, value, 8)
    out[t + n] = warp_reduce({op}, value, 32)
    out[t + 2 * n] = block_reduce({op}, value, {threads})
    out[t + 3 * n] = block_reduce({op}, out[t], {threads})
"""


def launched(source: str, x: np.ndarray, rows: int, order: str = "fwd") -> np.ndarray:
    """What a kernel of one block leaves in rows of as many numbers as there are threads."""
    word = "boolean" if x.dtype == bool else x.dtype.name
    device = Device(order=order)
    operands = device.array(x.shape, x.dtype, x), device.array((rows, len(x)), x.dtype)
    kernel = GridKernel("test", source, (word, word), 1, (len(x), 1, 1))
    device.run([GridLaunch(kernel, operands, (len(x),), (1, 1, 1), "test")])
    return device.read(operands[1])


CASES = {
    "float32": ("add", np.add), "float64": ("rmax", np.maximum), "int8": ("multiply", np.multiply),
    "uint16": ("rmin", np.minimum), "int64": ("add", np.add), "bool": ("maximum", np.maximum),
    "complex64": ("add", np.add),
}


@pytest.mark.parametrize("dtype", CASES)
def test_all_threads_get_what_all_values_make(dtype: str) -> None:
    op, ufunc = CASES[dtype]
    x = np.random.default_rng(0).integers(-3, 4, THREADS).astype(dtype)
    eights = np.repeat([ufunc.reduce(part, dtype=x.dtype) for part in x.reshape(-1, 8)], 8)
    warps = np.repeat([ufunc.reduce(part, dtype=x.dtype) for part in x.reshape(-1, 32)], 32)
    expected = eights, warps, *[np.full(THREADS, ufunc.reduce(part, dtype=x.dtype)) for part in (x, eights)]
    for order in ("fwd", "rand"):
        got = launched(TEAMS.format(op=op, threads=THREADS), x, 4, order)
        np.testing.assert_array_equal(got, np.array(expected, x.dtype))


@pytest.mark.parametrize("op", ["rmax", "rmin"])
def test_nan_is_the_extreme(op: str) -> None:
    x = np.zeros(THREADS, "float32")
    x[40] = np.nan
    got = launched(TEAMS.format(op=op, threads=THREADS), x, 4)
    assert np.isnan(got[2:]).all()
    assert np.isnan(got[1]).tolist() == [32 <= t < 64 for t in range(THREADS)]


WITHOUT_A_BARRIER = """\
def kernel(x, out, n):
    t = cuda.threadIdx.x
    partial = shared_like(x[t], 32)
    for _ in range(2):
        if lane_number() == 0:
            partial[warp_number()] = x[t]
        cuda.syncthreads()
        out[t] = add(partial[0], partial[1])
        {barrier}
"""


def test_memory_that_is_written_again_without_a_barrier_is_caught() -> None:
    x = np.ones(64, "float32")
    assert launched(WITHOUT_A_BARRIER.format(barrier="cuda.syncthreads()"), x, 1).tolist() == [[2] * 64]
    with pytest.raises(PtxError, match="race at"):
        launched(WITHOUT_A_BARRIER.format(barrier="pass"), x, 1)


SIMULATED = """\
import numpy as np
from numba import cuda
from fnad.kernels.cuda.arithmetic import add
from fnad.kernels.cuda.reductions import block_reduce, warp_reduce
from fnad.kernels.cuda.warps import ballot, lane_number, shuffle, shuffle_up, warp_barrier

@cuda.jit
def kernel(x, out):
    t = cuda.threadIdx.x
    out[0, t] = warp_reduce(add, x[t], 8)
    out[1, t] = block_reduce(add, block_reduce(add, x[t], 64), 64)
    out[2, t] = shuffle_up(shuffle(x[t], 3), 1) + ballot(lane_number() < 2)
    warp_barrier()
    out[3, t] = out[2, t ^ 1]

x, out = np.arange(64), np.zeros((4, 64), int)
kernel[1, 64](x, out)
eights, total = np.repeat(x.reshape(8, 8).sum(axis=1), 8), np.full(64, 64 * x.sum())
print(np.array_equal(out, [eights, total, *2 * [np.repeat([3, 35], 32) + 3]]))
"""


def test_threads_of_the_simulator_meet_too() -> None:
    environment, command = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}, [sys.executable, "-c", SIMULATED]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.stdout == "True\n", done.stderr


BY_WARPS = """\
def kernel(x, out, n):
    t, end = cuda.threadIdx.x, lane_number() == 31
    if end:
        out[t] = x[t]
    {barrier}
    value = out[t | 31]
    if not end:
        out[t] = value
"""


def test_what_a_lane_wrote_is_seen_past_the_barrier_of_its_warp() -> None:
    x = np.arange(64.0)
    for order in ("fwd", "rev", "rand"):
        assert launched(BY_WARPS.format(barrier="warp_barrier()"), x, 1, order).tolist() == [[31] * 32 + [63] * 32]
    with pytest.raises(PtxError, match="race at"):
        launched(BY_WARPS.format(barrier="pass"), x, 1)
