"""A kernel of each kind that the compiler writes itself, from the functions of which they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
from fnad.compiler.compile import run_passes
from fnad.compiler.cuda.target import CUDA
from fnad.runtime.plan import GridKernel, GridLaunch


def kernels_of(function: Callable[..., Any], *shapes: tuple[int, ...], dtype: str = "float32") -> list[GridKernel]:
    """The kernels that a function of arrays of these shapes is compiled to."""
    program = fnad.make_program(function)(*[np.ones(shape, dtype) for shape in shapes])
    return [i.kernel for i in run_passes(program, CUDA)["lowering"].instructions if isinstance(i, GridLaunch)]


def softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def layer_norm(x: Any, scale: Any) -> Any:
    d = x - np.mean(x, axis=-1, keepdims=True)
    return d / np.sqrt(np.mean(d * d, axis=-1, keepdims=True) + 1e-5) * scale


def momentum(p: Any, v: Any, g: Any) -> Any:
    v = 0.9 * v + g
    return p - 0.01 * v, v


KERNELS: dict[str, GridKernel] = {
    "flat loop": kernels_of(momentum, (50_000,), (50_000,), (50_000,))[0],
    "flat loop, float64": kernels_of(momentum, (50_000,), (50_000,), (50_000,), dtype="float64")[0],
    "elementary functions": kernels_of(lambda x: np.tanh(x) + np.log1p(np.exp(x)), (1000,))[0],
    "loop over two axes": kernels_of(lambda x, b: np.maximum(x + b, 0), (64, 50), (50,))[0],
    "results of threads": kernels_of(lambda x: np.sum(x * x, axis=0), (30, 500))[0],
    "results of warps": kernels_of(lambda x: np.sum(x * x, axis=1), (64, 500))[0],
    "results of blocks": kernels_of(lambda x: np.max(x, axis=1), (3, 5000))[0],
    "parts of a result": kernels_of(lambda x: np.sum(x * x), (100_000,))[0],
    "parts joined": kernels_of(lambda x: np.sum(x * x), (100_000,))[1],
    "parts of columns": kernels_of(lambda x: np.sum(x, axis=0), (5000, 70))[0],
    "rows, softmax": kernels_of(softmax, (128, 1000))[0],
    "rows, layer norm": kernels_of(layer_norm, (8, 64, 256), (256,))[0],
}
