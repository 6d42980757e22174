"""Source text to PTX: what brings numba-cuda in. No GPU and no driver are needed."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from types import SimpleNamespace
from typing import Any

import numpy as np
from numba import cuda, types
from numba.cuda import compiler, dispatcher
from numba.cuda.dispatcher import CUDADispatcher
from numba.cuda.extending import _Intrinsic

import fnad.kernels.cuda
from fnad.kernels.dtypes import NUMBERS, dtype_of
from fnad.runtime.cuda import passes
from fnad.runtime.definitions import defined
from fnad.runtime.plan import GridKernel
from fnad.shield import renewed

_lock = renewed(threading.RLock())


def _words() -> dict[str, Any]:
    """The names for kernel source: `cuda`, dtypes, and the public functions of the kernel modules."""
    words: dict[str, Any] = {name: getattr(np, name) for name in NUMBERS}
    words |= {"boolean": np.bool_, "cuda": cuda}
    for found in pkgutil.walk_packages(fnad.kernels.cuda.__path__, "fnad.kernels.cuda."):
        for name, value in vars(importlib.import_module(found.name)).items():
            if not name.startswith("_") and isinstance(value, CUDADispatcher | _Intrinsic):
                words[name] = value
    return words


_WORDS = _words()


def ptx_of(kernel: GridKernel, capability: tuple[int, int]) -> str:
    """A kernel as PTX for devices of a compute capability; products and sums are not contracted."""
    with (
        _lock, _compiling_for(capability), passes.only_what_kernels_use(),
        defined(kernel.name, kernel.source, _WORDS) as function,
    ):
        library, _ = compiler._compile_pyfunc_with_fixup(
            function, _arguments(kernel), debug=None, lineinfo=False, device=False, fastmath=False,
            cc=capability, opt=None, abi="numba", abi_info=None, forceinline=False, launch_bounds=_bounds(kernel),
            lto=False,
        )
        return _named(passes.ptx(library.llvm_strs, capability), kernel)


def _named(ptx: str, kernel: GridKernel) -> str:
    """PTX whose kernel has a name that people know it by, as tools that measure time show it."""
    mangled = re.search(r"\.entry\s+([\w$]+)", ptx)[1]
    digest = hashlib.sha256(kernel.source.encode()).hexdigest()
    return ptx.replace(mangled, re.sub(r"\W", "_", f"{kernel.name}_{digest[:8]}"))


@contextmanager
def _compiling_for(capability: tuple[int, int]) -> Iterator[None]:
    """Device functions ask the present GPU, which may not be there, what they are compiled for, and nothing else."""
    asked = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=capability)
    try:
        yield
    finally:
        dispatcher.get_current_device = asked


def _arguments(kernel: GridKernel) -> tuple[types.Type, ...]:
    pointers = [types.CPointer(_pointee(word)) for word in kernel.pointers]
    reporting = [types.CPointer(types.int64), types.int64] if kernel.reports else []
    return (*pointers, *[types.int64] * kernel.numbers, *reporting)


def _pointee(word: str) -> types.Type:
    dtype = dtype_of(word)
    return types.UniTuple(types.uint64, dtype.itemsize // 8) if dtype.kind == "V" else getattr(types, word)


def _bounds(kernel: GridKernel) -> tuple[int, ...]:
    threads = prod(kernel.block)
    return (threads, kernel.min_blocks) if kernel.min_blocks else (threads,)
