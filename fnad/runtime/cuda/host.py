"""Memory of the host in the place of a device's: what machines that only act as a GPU have in common."""

from __future__ import annotations

import ctypes

import numpy as np

from fnad.runtime.cuda.failures import Failures
from fnad.runtime.cuda.runtime import ALIGNMENT, Runtime


class HostMemory:
    """Bytes of the host, aligned as a device's are."""

    __slots__ = ("address", "nbytes", "bytes", "__weakref__")

    def __init__(self, nbytes: int) -> None:
        whole = np.empty(nbytes + ALIGNMENT, np.uint8)
        start = -whole.ctypes.data % ALIGNMENT
        self.bytes = whole[start : start + nbytes]
        self.address = whole.ctypes.data + start
        self.nbytes = nbytes


class HostRuntime(Runtime):
    """A device whose memory is the host's; what happens, happens at once."""

    is_host = True

    def __init__(self, name: str, capability: tuple[int, int]) -> None:
        self.name, self.capability = name, capability
        self.failures = Failures()

    def allocate(self, nbytes: int) -> HostMemory:
        """A piece of memory, of any content."""
        return HostMemory(nbytes)

    def upload(self, address: int, array: np.ndarray) -> None:
        """Copy a C-contiguous array to the address."""
        ctypes.memmove(address, array.ctypes.data, array.nbytes)

    def download(self, address: int, array: np.ndarray) -> None:
        """Fill a C-contiguous array from the address."""
        ctypes.memmove(array.ctypes.data, address, array.nbytes)

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Copy bytes."""
        ctypes.memmove(target, source, nbytes)

    def synchronize(self) -> None:
        """Everything is done already."""

    def wait_for(self, stream: int) -> None:
        """There are no streams."""
