"""The interface of a device: hold memory, copy, load a kernel, run it.

Whatever is asked of a device happens in the order of asking. Three kinds of device do so: a GPU by its driver
(hardware.py), numba's simulator of one (simulator.py), and, in the tests, a machine that executes PTX on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np

from fnad.runtime.cuda.failures import Failures
from fnad.runtime.plan import GridKernel, GridLaunch


class Memory(Protocol):
    """A piece of a device's memory, given back when nothing refers to it any more."""

    address: int
    """Of its first byte; a multiple of `ALIGNMENT`."""
    nbytes: int


ALIGNMENT = 256


class Unusable(Exception):
    """The reason that no GPU works, and what to do about it, in words."""


class Runtime(Protocol):
    """A device."""

    name: str
    """For people."""
    capability: tuple[int, int]
    """The compute capability, as (8, 0)."""
    failures: Failures
    """Its kernels' reports."""
    ordinal: int = 0
    """Its number among GPUs."""
    stream: int = 0
    """The driver's handle of the stream that everything happens on."""
    blas: Any = None
    """The library that multiplies matrices in place of our own kernels, where the device has one."""
    records: bool = False
    """Whether launches can be recorded, to be made again by a single one."""
    is_host: bool = False
    """Whether its memory is the host's, so that other libraries read it as such."""

    def allocate(self, nbytes: int) -> Memory:
        """A piece of memory, of any content."""

    def adopt(self, memory: Memory) -> None:
        """Know memory of another library, which kernels will work on; it is not given back."""

    def upload(self, address: int, array: np.ndarray) -> None:
        """Copy a C-contiguous array of the host to the device."""

    def download(self, address: int, array: np.ndarray) -> None:
        """Fill a C-contiguous array of the host from the device, when all that was asked before is done."""

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Copy bytes within the device."""

    def load(self, kernel: GridKernel) -> Any:
        """A kernel, compiled for the device, as `launch` takes it."""

    def launch(self, function: Any, launch: GridLaunch, words: np.ndarray) -> None:
        """Run a kernel with its arguments, int64 words, which the caller may change right after."""

    def launcher(self, function: Any, launch: GridLaunch) -> Callable[[np.ndarray], None]:
        """`launch` for a function and a launch that are known, as a function of the words."""
        return partial(self.launch, function, launch)

    def begin_capture(self) -> None:
        """Record what is launched and copied on the device from now on, in place of doing it."""

    def end_capture(self) -> Any:
        """The record; its ``launch()`` repeats it on the same memory."""

    def synchronize(self) -> None:
        """Wait until all that was asked before is done."""

    def wait_for(self, stream: int) -> None:
        """Let what is asked from now on happen after what another stream of the driver's was given."""


def fetch(runtime: Runtime, address: int, array: np.ndarray) -> None:
    """Fill a C-contiguous array of the host from a device, unless a kernel before failed: that is raised."""
    runtime.failures.raise_if_any(runtime)
    runtime.download(address, array)


def settle(runtime: Runtime) -> None:
    """Wait until all is done that was asked of a device, and raise what failed."""
    runtime.failures.raise_if_any(runtime)
    runtime.synchronize()
