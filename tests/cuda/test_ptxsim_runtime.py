"""The device that runs PTX on the CPU: its memory, its launches, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fnad.runtime.plan import GridKernel, GridLaunch, View

from tests.cuda.requirements import needs_cuda_compiler
from tests.ptxsim import PtxError
from tests.ptxsim.runtime import PtxMemory, PtxRuntime

F4, I8 = np.dtype(np.float32), np.dtype(np.int64)
X = np.arange(100, dtype=np.float32)

REVERSE = """
def kernel(x, y, n):
    i = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if i < n:
        y[i] = x[-i] + float32(1)
"""
REPORTING = """
def kernel(x, status, number):
    if x[0] > float32(0):
        status[0] = number
        status[1] = 7
"""
KERNEL = GridKernel("reverse", REVERSE, ("float32", "float32"), 1, (64, 1, 1))


def uploaded(runtime: PtxRuntime, array: np.ndarray) -> PtxMemory:
    memory = runtime.allocate(array.nbytes)
    runtime.upload(memory.address, array)
    return memory


def downloaded(runtime: PtxRuntime, address: int, shape: Any, dtype: Any = np.float32) -> np.ndarray:
    array = np.zeros(shape, dtype)
    runtime.download(address, array)
    return array


def reverse(runtime: PtxRuntime, x: int, y: int, n: int = 100, reach: int = 100) -> None:
    """y[i] = x[-i] + 1 for i < n, where x is said to be a view of so many elements, from the last one backwards."""
    views = View(0, 4 * (reach - 1), (reach,), (-4,), F4), View(1, 0, (n,), (4,), F4)
    launch = GridLaunch(KERNEL, views, (n,), (-(-n // 64), 1, 1), "reversing")
    runtime.launch(runtime.load(KERNEL), launch, np.array([x + 4 * (reach - 1), y, n]))


@needs_cuda_compiler
@pytest.mark.parametrize("order", ["fwd", "rev", "rand"])
@pytest.mark.parametrize("capability", [(8, 0), (10, 0)])
def test_launches(order: str, capability: tuple[int, int]) -> None:
    runtime = PtxRuntime(capability, order)
    x, y = uploaded(runtime, X), runtime.allocate(400)
    reverse(runtime, x.address, y.address)
    runtime.synchronize()
    np.testing.assert_array_equal(downloaded(runtime, y.address, 100), X[::-1] + 1)
    assert (runtime.launches, runtime.uploaded, runtime.downloaded, runtime.copied) == (1, 400, 400, 0)


@needs_cuda_compiler
def test_a_kernel_that_leaves_its_view_is_refused() -> None:
    runtime = PtxRuntime()
    x, y = uploaded(runtime, X), runtime.allocate(400)
    with pytest.raises(PtxError, match="reverse reversing: out-of-bounds load of 4 bytes, byte -4 of operand 0"):
        reverse(runtime, x.address + 40, y.address, n=91, reach=90)


@needs_cuda_compiler
def test_operands_outside_of_allocations_are_refused() -> None:
    runtime = PtxRuntime()
    x, y = uploaded(runtime, X), runtime.allocate(200)
    with pytest.raises(PtxError, match="operand 1 of reversing, 400 bytes at .* lies outside of allocated memory"):
        reverse(runtime, x.address, y.address)


@needs_cuda_compiler
def test_memory_that_was_given_back_is_refused() -> None:
    runtime = PtxRuntime()
    x, y = uploaded(runtime, X), runtime.allocate(400)
    address = x.address
    del x
    with pytest.raises(PtxError, match="operand 0 of reversing"):
        reverse(runtime, address, y.address)
    with pytest.raises(PtxError, match="outside of allocated memory"):
        downloaded(runtime, address, 100)


@needs_cuda_compiler
def test_words_of_another_number_or_type_are_refused() -> None:
    runtime = PtxRuntime()
    launch = GridLaunch(KERNEL, (), (1,), (1, 1, 1))
    for words in (np.zeros(2, I8), np.zeros(1, np.int32)):
        with pytest.raises(PtxError, match="argument words"):
            runtime.launch(runtime.load(KERNEL), launch, words)


@needs_cuda_compiler
def test_empty_operands_may_lie_anywhere() -> None:
    runtime = PtxRuntime()
    launch = GridLaunch(KERNEL, (View(0, 0, (0,), (4,), F4),) * 2, (0,), (1, 1, 1))
    runtime.launch(runtime.load(KERNEL), launch, np.zeros(3, I8))


@needs_cuda_compiler
def test_kernels_are_compiled_once() -> None:
    first = PtxRuntime().load(KERNEL)
    assert PtxRuntime(order="rand").load(GridKernel("other name", *list(vars(KERNEL).values())[1:])) is first
    assert PtxRuntime((10, 0)).load(KERNEL) is not first


@needs_cuda_compiler
def test_reports_are_written_to_the_status_words() -> None:
    kernel = GridKernel("reporting", REPORTING, ("float32",), 0, (1, 1, 1), reports=True)
    runtime = PtxRuntime()
    x, status = uploaded(runtime, np.ones(1, np.float32)), uploaded(runtime, np.zeros(2, np.int64))
    launch = GridLaunch(kernel, (View(0, 0, (1,), (4,), F4),), (), (1, 1, 1))
    runtime.launch(runtime.load(kernel), launch, np.array([x.address, status.address, 5]))
    assert downloaded(runtime, status.address, 2, np.int64).tolist() == [5, 7]


def test_memory_is_aligned_and_starts_as_nan() -> None:
    runtime = PtxRuntime()
    memories = [runtime.allocate(n) for n in (0, 1, 40, 1000)]
    assert all(memory.address % 256 == 0 for memory in memories)
    assert np.isnan(downloaded(runtime, memories[2].address, 10)).all()


def test_copies() -> None:
    runtime = PtxRuntime()
    x, y = uploaded(runtime, X), runtime.allocate(400)
    runtime.copy(y.address + 40, x.address, 360)
    got = downloaded(runtime, y.address, 100)
    assert np.isnan(got[:10]).all() and (got[10:] == X[:90]).all() and runtime.copied == 360
    runtime.copy(y.address, y.address + 40, 360)
    assert (downloaded(runtime, y.address, 90) == X[:90]).all()
    with pytest.raises(PtxError, match="the target of a copy"):
        runtime.copy(y.address + 44, x.address, 360)
    with pytest.raises(PtxError, match="the source of a copy"):
        runtime.copy(y.address, x.address + 44, 360)


def test_only_contiguous_arrays_are_copied_to_the_host() -> None:
    runtime = PtxRuntime()
    x = uploaded(runtime, X)
    with pytest.raises(PtxError, match="must be C-contiguous"):
        runtime.download(x.address, np.zeros((10, 10), np.float32).T)
    runtime.download(x.address, np.zeros((), np.float32))
    runtime.download(x.address, np.zeros((0, 3), np.float32))
