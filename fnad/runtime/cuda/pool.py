"""Memory that is kept for the next array: a driver takes long to give some, and waits for the device to take it back.

Everything on a device happens in the order of asking, so memory that nobody refers to any more can be given away at
once, though kernels still read it: those that write it come later.
"""

from __future__ import annotations

import gc
import threading
from collections import defaultdict, deque
from collections.abc import Callable

from fnad.errors import DeviceMemoryError
from fnad.runtime.cuda.runtime import ALIGNMENT
from fnad.shield import renewed

STEPS = 8
"""Sizes of pieces between a power of two and the next: at most an eighth of a piece is unused."""


class OutOfMemory(Exception):
    """The driver has no piece of memory of that size."""


class Piece:
    """Memory from a pool, which it goes back to when nothing refers to it any more."""

    __slots__ = ("address", "nbytes", "_size", "_returned", "__weakref__")

    def __init__(self, address: int, nbytes: int, size: int, returned: deque[tuple[int, int]]) -> None:
        self.address, self.nbytes = address, nbytes
        self._size, self._returned = size, returned

    def __del__(self) -> None:
        # Nothing but this: Python may collect garbage while any lock is held.
        self._returned.append((self._size, self.address))


class Pool:
    """Memory of a device, in pieces of few sizes.

    Args:
        allocate: bytes → address; raises `OutOfMemory`.
        free: takes an address back.
        available: the device's free and total bytes.
    """

    def __init__(
        self, allocate: Callable[[int], int], free: Callable[[int], None], available: Callable[[], tuple[int, int]]
    ) -> None:
        self._allocate, self._free, self._available = allocate, free, available
        self._returned: deque[tuple[int, int]] = deque()
        self._kept: dict[int, list[int]] = defaultdict(list)
        self._lock = renewed(threading.RLock())

    def take(self, nbytes: int) -> Piece:
        """A piece of at least so many bytes, of any content."""
        size = rounded(nbytes)
        with self._lock:
            self._sort()
            kept = self._kept.get(size)
            address = kept.pop() if kept else self._new(nbytes, size)
        return Piece(address, nbytes, size, self._returned)

    def _new(self, nbytes: int, size: int) -> int:
        try:
            return self._allocate(size)
        except OutOfMemory:
            pass
        gc.collect()  # arrays that refer to each other
        self.trim()
        try:
            return self._allocate(size)
        except OutOfMemory:
            free, total = self._available()
            raise DeviceMemoryError(
                f"device: requires {nbytes} more bytes of device memory, got {free} free of {total}. Use smaller "
                "batches, drop device arrays that are no longer needed, or give arguments away (donate_argnums)."
            ) from None

    def trim(self) -> None:
        """Give all memory that no array uses back to the driver."""
        with self._lock:
            self._sort()
            for addresses in self._kept.values():
                while addresses:
                    self._free(addresses.pop())
            self._kept.clear()

    def _sort(self) -> None:
        """Put what came back where it is found."""
        while self._returned:
            size, address = self._returned.popleft()
            self._kept[size].append(address)

    @property
    def kept(self) -> int:
        """Bytes that no array uses."""
        with self._lock:
            self._sort()
            return sum([size * len(addresses) for size, addresses in self._kept.items()])


def rounded(nbytes: int) -> int:
    """The size of the piece for so many bytes.

    >>> rounded(0), rounded(257), rounded(5000), rounded(1 << 20)
    (256, 512, 5120, 1048576)
    """
    step = max(ALIGNMENT, (1 << max(nbytes - 1, 0).bit_length()) // (2 * STEPS))
    return max(-(-nbytes // step), 1) * step
