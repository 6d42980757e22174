"""Functions as words of a GPU's kernel source."""

from collections.abc import Callable
from typing import Any

from numba import cuda
from numba.cuda import config
from numba.cuda.extending import intrinsic

from fnad.kernels.cuda import simulated


def word(resolve: Callable, name: str = "") -> Any:
    """An intrinsic; in numba's simulator, which has none, the Python function of the name that does the same."""
    return getattr(simulated, name or resolve.__name__) if config.ENABLE_CUDASIM else intrinsic(resolve)


def inlined(function: Callable) -> Any:
    """A function that kernels call and that becomes part of them, so that memory and constants stay known."""
    options = {} if config.ENABLE_CUDASIM else {"forceinline": True}
    return cuda.jit(device=True, **options)(function)
