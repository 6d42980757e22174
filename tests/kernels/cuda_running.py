"""Running kernel source of the GPU's on arrays, for the tests of this folder."""

from functools import cache

import numpy as np

from fnad.kernels.dtypes import dtype_word
from fnad.runtime.cuda.toolchain import ptx_of
from fnad.runtime.plan import GridKernel
from tests.ptxsim import Kernel

CAPABILITIES = [(8, 0), (10, 0)]


def ptx(source: str, pointers: tuple[str, ...], numbers: int = 0, capability: tuple[int, int] = (8, 0)) -> str:
    return ptx_of(GridKernel("test", source, pointers, numbers, (64, 1, 1)), capability)


@cache
def _executable(source: str, pointers: tuple[str, ...], numbers: int, capability: tuple[int, int]) -> Kernel:
    return Kernel(ptx(source, pointers, numbers, capability), check=True)


def run_threads(
    source: str, arrays: list[np.ndarray], numbers: tuple[int, ...] = (), threads: int = 32,
    capability: tuple[int, int] = (8, 0),
) -> None:
    """Run `kernel(*pointers, *numbers)` on flat arrays, which it may change, in one block of threads."""
    pointers = tuple(dtype_word(array.dtype) for array in arrays)
    kernel = _executable(source, pointers, len(numbers), capability)
    kernel[1, threads](*arrays, *map(np.int64, numbers))
