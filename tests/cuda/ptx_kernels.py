"""Small kernels as PTX: from source text by the compiler, and written by hand."""

from __future__ import annotations

from functools import cache

import numpy as np
from fnad.runtime.cuda import loader
from fnad.runtime.plan import GridKernel

from tests.ptxsim import Kernel

INDEX = "cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x"


@cache
def compiled(
    arguments: str, pointers: tuple[str, ...], body: str, block: int = 64, capability: tuple[int, int] = (8, 0)
) -> str:
    """PTX of a kernel of a body, with pointers and then numbers as arguments.

    Its threads have a number in the block, `t`, and in the grid, `i`.
    """
    lines = [f"    {line}" for line in body.strip("\n").splitlines()]
    head = ["import math", f"def kernel({arguments}):", "    t = cuda.threadIdx.x", f"    i = {INDEX}"]
    numbers = len(arguments.split(",")) - len(pointers)
    kernel = GridKernel("test", "\n".join([*head, *lines, ""]), pointers, numbers, (block, 1, 1))
    return loader.ptx_of(kernel, capability)


def handwritten(registers: str, code: str, parameters: int = 3, declarations: str = "") -> str:
    """PTX whose first three parameters are arrays in %rd0, %rd1, %rd2, of which %r0 is the thread's number."""
    named = [f".param .u64 p{k}" for k in range(parameters)]
    loads = "\n".join(f"ld.param.u64 %rd{k}, [p{k}];" for k in range(parameters))
    return f""".version 8.0
.target sm_80
.address_size 64
{declarations}
.visible .entry kernel({', '.join(named)})
{{
.reg .pred %p<8>; .reg .b16 %rs<16>; .reg .b32 %r<32>; .reg .b64 %rd<32>; .reg .f32 %f<16>; .reg .f64 %fd<16>;
{registers}
{loads}
mov.u32 %r0, %tid.x;
{code}
ret;
}}
"""


def run(ptx: str, grid: object, block: object, *arguments: object, order: str = "fwd") -> Kernel:
    """Run a kernel once, with all checks; arrays are changed."""
    kernel = Kernel(ptx, order=order)
    kernel[grid, block](*arguments)
    return kernel


def random_floats(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
