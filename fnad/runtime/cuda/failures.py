"""Kernels that failed: what they leave in a device's memory, and the errors that it becomes on the host.

A launch does not wait for its kernel, so a failure is seen when data is next brought to the host.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from fnad.errors import DeviceError
from fnad.shield import renewed

MOST = 1 << 16
"""Launches whose errors are known; the oldest goes first."""


class Holder(Protocol):
    """The abilities of a device that holds reports; see `fnad.runtime.cuda.runtime.Runtime`."""

    def allocate(self, nbytes: int) -> Any:
        """A piece of memory, which has an ``address``."""

    def upload(self, address: int, array: np.ndarray) -> None:
        """Copy an array to the device."""

    def download(self, address: int, array: np.ndarray) -> None:
        """Fill an array from the device, when all that was asked before is done."""


class Failures:
    """The report of a device's kernels: two int64 of its memory, the number of a launch and the code of a failure.

    A kernel that fails writes them where the number is still 0, so the first failure stays.
    """

    def __init__(self) -> None:
        self._describe: dict[int, Callable[[int], Exception]] = {}
        self._count = 0
        self._memory: Any = None
        self._awaited = False
        self._leaving: list[int] = []
        self._lock = renewed(threading.RLock())

    def register(self, describe: Callable[[int], Exception]) -> int:
        """The number of a launch, from 1 on; ``describe`` makes the error of a code."""
        with self._lock:
            self._count += 1
            self._describe[self._count] = describe
            if len(self._describe) > MOST:
                del self._describe[next(iter(self._describe))]
            return self._count

    def forget(self, number: int) -> None:
        """Drop a launch that will not be made again, when it is known whether it failed."""
        if self._awaited:
            self._leaving.append(number)
        else:
            self._describe.pop(number, None)

    def expect(self, runtime: Holder) -> int:
        """The address of the two words, and a note that a failure may be there: made after each launch that may fail.

        It is made after the launch, since who looks before it is made does not see it.
        """
        self._awaited = True
        return self._memory.address if self._memory is not None else self._make(runtime)

    def _make(self, runtime: Holder) -> int:
        with self._lock:
            if self._memory is None:
                memory = runtime.allocate(_WORDS.nbytes)
                runtime.upload(memory.address, _WORDS)
                self._memory = memory
        return self._memory.address

    def raise_if_any(self, runtime: Holder) -> None:
        """Raise the error of the first kernel that failed since this was last asked.

        It waits for what was launched before, unless no launch was made that may fail.
        """
        if not self._awaited or self._memory is None:
            return
        words = np.empty_like(_WORDS)
        with self._lock:
            self._awaited = False
            runtime.download(self._memory.address, words)
            number, code = map(int, words)
            if number:
                runtime.upload(self._memory.address, _WORDS)
            describe = self._describe.get(number)
            while self._leaving:
                self._describe.pop(self._leaving.pop(), None)
        if number:
            raise describe(code) if describe is not None else _unknown(code)


def _unknown(code: int) -> DeviceError:
    return DeviceError(
        f"device: requires kernels that do not fail, got failure {code} of a function that is gone. "
        "Look at each result before the next call."
    )


_WORDS = np.zeros(2, np.int64)
