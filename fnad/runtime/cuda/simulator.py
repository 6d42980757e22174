"""numba's simulator in the place of a GPU: kernels run as the Python functions that their source is.

It is chosen by numba's environment variable ``NUMBA_ENABLE_CUDASIM=1``, which must be set when the process starts. It
is slow, a fraction of a millisecond for a thread, and has no shuffles; it is there to look into kernels.
"""

from __future__ import annotations

import ctypes
import importlib
import pkgutil
import sys
import threading
import weakref
from bisect import bisect_right, insort
from typing import Any

import numpy as np

import fnad.kernels.cuda
from fnad.errors import DeviceError
from fnad.kernels.dtypes import NUMBERS, dtype_of
from fnad.runtime.cuda.host import HostMemory, HostRuntime
from fnad.runtime.cuda.runtime import Memory, Unusable
from fnad.runtime.definitions import defined
from fnad.runtime.plan import GridKernel, GridLaunch
from fnad.shield import renewed

CAPABILITY = 8, 0


def open_runtime() -> SimulatorRuntime:
    """The simulator, ready to work.

    Raises:
        Unusable: numba-cuda is not installed, or was loaded before the variable was set.
    """
    try:
        from numba import cuda
        from numba.cuda import config
    except ImportError:
        raise Unusable("the package numba-cuda is not installed. Try: pip install 'fnad[cuda13]'.") from None
    if not config.ENABLE_CUDASIM:
        raise Unusable(
            "numba was loaded before NUMBA_ENABLE_CUDASIM was set. Set the variable before the process starts."
        )
    return SimulatorRuntime(cuda)


class SimulatorRuntime(HostRuntime):
    """The simulator of a GPU; one kernel runs at a time."""

    def __init__(self, cuda: Any) -> None:
        super().__init__("numba simulator", CAPABILITY)
        self._cuda = cuda
        self._words = words(cuda)
        self._starts: list[int] = []
        self._memory: weakref.WeakValueDictionary[int, Memory] = weakref.WeakValueDictionary()
        self._lock = renewed(threading.RLock())

    def allocate(self, nbytes: int) -> HostMemory:
        """A piece of memory, of any content."""
        memory = super().allocate(nbytes)
        self.adopt(memory)
        return memory

    def adopt(self, memory: Memory) -> None:
        """Know memory, so that kernels find it by its address."""
        with self._lock:
            self._starts = [start for start in self._starts if start in self._memory]
            if memory.address not in self._memory:
                insort(self._starts, memory.address)
            self._memory[memory.address] = memory

    def load(self, kernel: GridKernel) -> Any:
        """The function that a kernel's source defines, run by each thread of a grid."""
        source = kernel.source.replace(", alignment=16", "")  # which the simulator refuses
        with defined(kernel.name, source, self._words) as function:
            return self._cuda.jit(function)

    def launch(self, function: Any, launch: GridLaunch, words: np.ndarray) -> None:
        """Run a kernel."""
        kernel, pointer = launch.kernel, self._words["Pointer"]
        dtypes = [dtype_of(word) for word in kernel.pointers]
        count = len(dtypes)
        arguments = [pointer(*self.element(int(address), dtype)) for address, dtype in zip(words, dtypes)]
        arguments += list(words[count : count + kernel.numbers])
        if kernel.reports:
            status, number = words[-2:]
            arguments += [pointer(*self.element(int(status), np.dtype(np.int64))), number]
        with self._lock, np.errstate(all="ignore"):
            try:
                function[launch.grid, kernel.block](*arguments)
            except Exception as error:
                raise DeviceError(
                    f"device: requires a kernel that the simulator can run, got {type(error).__name__} in "
                    f"{kernel.name}: {error}. Use device='cpu'."
                ) from error

    def element(self, address: int, dtype: np.dtype) -> tuple[np.ndarray, int]:
        """The memory that an address lies in, as elements of a dtype, and which of them is there."""
        with self._lock:
            place = bisect_right(self._starts, address) - 1
            memory = self._memory.get(self._starts[place]) if place >= 0 else None
        if memory is None or address > memory.address + memory.nbytes:
            raise DeviceError(f"device: requires addresses of its own memory, got {address:#x}.")
        number, first = divmod(address - memory.address, dtype.itemsize)
        count = max(memory.nbytes - first, 0) // dtype.itemsize
        whole = (ctypes.c_uint8 * (count * dtype.itemsize)).from_address(memory.address + first)
        return np.frombuffer(whole, dtype), number


def words(cuda: Any) -> dict[str, Any]:
    """The names for kernel source: `cuda`, dtypes, the simulated words, and the functions of the kernel modules."""
    found: dict[str, Any] = {name: getattr(np, name) for name in (*NUMBERS, "float16")}
    found |= {"boolean": np.bool_, "cuda": cuda}
    device_function = type(cuda.jit(device=True)(lambda: None))
    for module in pkgutil.walk_packages(fnad.kernels.cuda.__path__, "fnad.kernels.cuda."):
        imported = importlib.import_module(module.name)
        for name, value in vars(imported).items():
            is_simulated = getattr(value, "__module__", None) == "fnad.kernels.cuda.simulated"
            if not name.startswith("_") and (isinstance(value, device_function) or is_simulated):
                found[name] = value
    simulated = vars(sys.modules["fnad.kernels.cuda.simulated"])
    return found | {name: value for name, value in simulated.items() if not name.startswith("_") and callable(value)}
