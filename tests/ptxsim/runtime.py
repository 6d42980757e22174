"""A device of the CUDA target that runs the emitted PTX on the CPU, and checks all that is asked of it."""

from __future__ import annotations

import bisect
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from fnad.runtime.cuda import loader
from fnad.runtime.cuda.host import HostRuntime
from fnad.runtime.cuda.runtime import ALIGNMENT
from fnad.runtime.plan import GridKernel, GridLaunch, View

from tests.ptxsim.kernel import Kernel, aligned_bytes, kernel_of
from tests.ptxsim.parse import PtxError
from tests.ptxsim.shadows import Range

STATUS_BYTES = 16


class PtxMemory:
    """Memory of the host that stands for a device's; its bytes are those of nan."""

    def __init__(self, nbytes: int) -> None:
        self._bytes = aligned_bytes(max(nbytes, 1), ALIGNMENT)
        self._bytes[:] = 0xFF
        self.address, self.nbytes = self._bytes.ctypes.data, nbytes


class PtxRuntime(HostRuntime):
    """A device of a compute capability, on the CPU.

    `order` is that in which threads run: "fwd", "rev" or "rand", in which each launch has a seed of its own, the
    same in every process. `launches`, `uploaded`, `downloaded` and `copied` count launches and bytes.
    """

    def __init__(self, capability: tuple[int, int] = (8, 0), order: str = "fwd", check: bool = True) -> None:
        super().__init__("ptxsim sm_{}{}".format(*capability), capability)
        self.order, self.check = order, check
        self.launches = self.uploaded = self.downloaded = self.copied = 0
        self._starts: list[int] = []
        self._sizes: dict[int, int] = {}

    def allocate(self, nbytes: int) -> PtxMemory:
        memory = PtxMemory(nbytes)
        self.adopt(memory)
        return memory

    def adopt(self, memory: Any) -> None:
        bisect.insort(self._starts, memory.address)
        self._sizes[memory.address] = memory.nbytes
        weakref.finalize(memory, self._forget, memory.address).atexit = False

    def _forget(self, address: int) -> None:
        del self._sizes[address]
        del self._starts[bisect.bisect_left(self._starts, address)]

    def upload(self, address: int, array: np.ndarray) -> None:
        self.uploaded += array.nbytes
        self._host_bytes(address, array)[:] = flat_bytes(array)

    def download(self, address: int, array: np.ndarray) -> None:
        self.downloaded += array.nbytes
        flat_bytes(array)[:] = self._host_bytes(address, array)

    def copy(self, target: int, source: int, nbytes: int) -> None:
        self.copied += nbytes
        self._require(target, target + nbytes, "the target of a copy")
        self._require(source, source + nbytes, "the source of a copy")
        bytes_at(target, nbytes)[:] = bytes_at(source, nbytes).copy()

    def load(self, kernel: GridKernel) -> Kernel:
        return kernel_of(loader.ptx_of(kernel, self.capability), self.check)

    def launch(self, function: Kernel, launch: GridLaunch, words: np.ndarray) -> None:
        self.launches += 1
        expected = len(launch.operands) + len(launch.params) + 2 * launch.kernel.reports
        if words.dtype != np.int64 or len(words) != expected:
            raise PtxError(f"{launch.label}: {len(words)} argument words of {words.dtype}, not {expected} of int64")
        ranges = self._ranges(launch, [int(word) for word in words])
        try:
            function.launch(launch.grid, launch.kernel.block, words, ranges, self.order, self.launches)
        except PtxError as error:
            raise PtxError(f"{launch.kernel.name} {launch.label}: {error}\n{launch.kernel.source}") from None

    def synchronize(self) -> None:
        """Everything is done when it is asked."""

    def _ranges(self, launch: GridLaunch, words: Sequence[int]) -> list[Range]:
        """What the kernel may touch: the extent of each operand, and the status words."""
        ranges = [extent(view, address) for view, address in zip(launch.operands, words)]
        for k, (start, end, _) in enumerate(ranges):
            if end > start:
                self._require(start, end, f"operand {k} of {launch.label or launch.kernel.name}")
        if launch.kernel.reports:
            status = words[-2]
            self._require(status, status + STATUS_BYTES, "the status words")
            ranges.append((status, status + STATUS_BYTES, 4))
        return ranges

    def _host_bytes(self, address: int, array: np.ndarray) -> np.ndarray:
        if not array.flags.c_contiguous:
            raise PtxError(f"an array of strides {array.strides} is copied; it must be C-contiguous")
        self._require(address, address + array.nbytes, "what is copied from or to the host")
        return bytes_at(address, array.nbytes)

    def _require(self, start: int, end: int, what: str) -> None:
        """Bytes must lie inside of one live allocation; no bytes may lie anywhere."""
        if start == end:
            return
        k = bisect.bisect_right(self._starts, start) - 1
        if k < 0 or end > self._starts[k] + self._sizes[self._starts[k]]:
            raise PtxError(f"{what}, {end - start} bytes at {start:#x}, lies outside of allocated memory")


def bytes_at(address: int, nbytes: int) -> np.ndarray:
    """The bytes of the host's memory at an address."""
    return np.ctypeslib.as_array((np.ctypeslib.ctypes.c_uint8 * nbytes).from_address(address))


def flat_bytes(array: np.ndarray) -> np.ndarray:
    """A contiguous array's own bytes."""
    return array.reshape(-1).view(np.uint8)


def extent(view: View, address: int) -> Range:
    """First byte and end of a view whose first element lies at an address, and the granule of its elements."""
    granule = min(view.dtype.itemsize, 4)
    if 0 in view.shape:
        return address, address, granule
    reaches = [(size - 1) * stride for size, stride in zip(view.shape, view.strides)]
    start = address + sum(min(reach, 0) for reach in reaches)
    return start, address + sum(max(reach, 0) for reach in reaches) + view.dtype.itemsize, granule
