"""The process's pool of threads: how many there are, and when they start and end.

Its memory is described in kernels/cpu/pool.py. The workers are Python threads that stay in native code,
without the interpreter's lock: they start when a plan first divides a launch, and look for work for some
microseconds before they sleep. A forked child starts its own.
"""

from __future__ import annotations

import atexit
import ctypes
import operator
import os
import sys
import threading
from functools import cache

import numpy as np

from fnad.errors import boundary
from fnad.kernels.cpu import pool as words
from fnad.lazy import LazyModule
from fnad.runtime.plan import Kernel
from fnad.shield import shielded, undisturbed

loading = LazyModule("fnad.runtime.cpu.loader")

POOL = Kernel(
    "pool",
    """\
def kernel(buffers, params, lo, hi):
    if hi == 0:
        return run_divided(lo, address_of(buffers), params)
    return serve(address_of(buffers), lo) if hi == 1 else stop_workers(address_of(buffers), lo)
""",
)
"""Divide a launch, be the worker number `lo`, or stop the first `lo` workers, as `hi` says.

The first worker compiles it; until then, launches run on one thread, and nobody waits."""

PATIENCE = 100
"""Times a thread gives way to others before it sleeps: about a microsecond each. To wake it costs some ten."""

_KERNEL_TYPE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_LINE_BYTES = 8 * words.LINE


@boundary
def set_num_threads(n: int) -> None:
    """Set how many threads run the large operations of compiled functions, matrix products among them.

    The results are the same to the last bit for any number. Calls that run meanwhile are not disturbed.

    Args:
        n: from 1, the calling thread alone, to 256. The default is what the environment variable
            ``FNAD_NUM_THREADS`` says, or else the number of processors that this process may use, at most
            ``OMP_NUM_THREADS`` if that is set.

    Raises:
        TypeError: ``n`` is not an integer.
        ValueError: ``n`` is out of range.

    >>> import fnad
    >>> before = fnad.get_num_threads()
    >>> fnad.set_num_threads(2)
    >>> fnad.get_num_threads()
    2
    >>> fnad.set_num_threads(before)
    """
    try:
        number = operator.index(n)
    except TypeError:
        number = None
    if number is None or isinstance(n, bool):
        raise TypeError(f"set_num_threads: requires an integer, got {n!r:.60}. Pass one such as 2.")
    if not 1 <= number <= words.MOST_THREADS:
        raise ValueError(
            f"set_num_threads: requires a number from 1 to {words.MOST_THREADS}, got {number}. Pass one such as 2."
        )
    shielded(_pool().resize, number)


def get_num_threads() -> int:
    """The number of threads that run the large operations of compiled functions; see `set_num_threads`.

    Returns:
        An integer from 1 to 256.

    >>> import fnad
    >>> fnad.get_num_threads() >= 1
    True
    """
    return int(_pool().words[words.THREADS])


def start() -> None:
    """Start the workers, unless they run."""
    shielded(_pool().start)


def pool_address() -> int:
    """The address of the pool's memory, which stays the same."""
    return _pool().words.ctypes.data


class _Pool:
    """The memory that the threads share, and the workers."""

    def __init__(self, threads: int) -> None:
        memory = np.zeros(words.WORDS + words.LINE, np.int64)
        start = -memory.ctypes.data % _LINE_BYTES // memory.itemsize
        self.words = memory[start : start + words.WORDS]
        self.words[words.THREADS] = threads
        self.words[words.PATIENCE] = PATIENCE
        self.words[words.ACQUIRE] = _address(ctypes.pythonapi.PyThread_acquire_lock)
        self.words[words.RELEASE] = _address(ctypes.pythonapi.PyThread_release_lock)
        self.words[words.YIELD] = _address(_yield_function())
        self.reset()

    def reset(self) -> None:
        """Begin without workers and without a launch."""
        self.lock = threading.Lock()
        self.workers: list[threading.Thread] = []
        for word in (words.OWNED, words.TICKET, words.FINISHED, words.OWNER_SLEEPS, words.STARTED, words.STOPPING):
            self.words[word] = 0
        self.words[words.OWNER_LOCK] = _locked()
        self.words[words.WORKERS :] = 0

    def start(self) -> None:
        """Start as many workers as there shall be; where the system gives no more threads, those are enough."""
        with self.lock:
            if self.words[words.STARTED]:
                return
            for number in range(int(self.words[words.THREADS]) - 1):
                place = words.WORKERS + words.WORKER_WORDS * number
                self.words[place + words.LOCK] = self.words[place + words.LOCK] or _locked()
                worker = threading.Thread(target=self._serve, args=(number,), name=f"fnad-{number + 1}", daemon=True)
                try:
                    worker.start()
                except RuntimeError:
                    break
                self.workers.append(worker)
            self.words[words.STARTED] = 1

    def _serve(self, number: int) -> None:
        run = _kernel()
        self.words[words.DIVIDE] = _address(run)
        run(self.words.ctypes.data, None, number, words.TO_SERVE)

    def resize(self, threads: int) -> None:
        """Go on with another number of threads."""
        with self.lock:
            if threads != self.words[words.THREADS]:
                self._stop()
                self.words[words.THREADS] = threads

    def _stop(self) -> None:
        """End the workers, and wait until they have."""
        if self.workers:
            _kernel()(self.words.ctypes.data, None, len(self.workers), words.TO_STOP)
            for worker in self.workers:
                worker.join()
            self.workers.clear()
        self.words[words.STARTED] = self.words[words.STOPPING] = 0


def _address(function: ctypes._CFuncPtr) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value


def _yield_function() -> ctypes._CFuncPtr:
    """The yield to another thread: a function that takes nothing and gives an int."""
    return ctypes.windll.kernel32.SwitchToThread if sys.platform == "win32" else ctypes.CDLL(None).sched_yield


def _locked() -> int:
    """The address of a new lock that is locked already."""
    allocate, acquire = ctypes.pythonapi.PyThread_allocate_lock, ctypes.pythonapi.PyThread_acquire_lock
    allocate.restype, acquire.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]
    lock = allocate()
    acquire(lock, 1)
    return lock


@cache
def _kernel() -> ctypes._CFuncPtr:
    return _KERNEL_TYPE(loading.loader().address(POOL))


_made: list[_Pool] = []


def _pool() -> _Pool:
    """The process's pool, made when it is first asked for."""
    if not _made:
        undisturbed(_make)
    return _made[0]


def _make() -> None:
    if not _made:
        _made.append(_Pool(default_threads()))


def _begin_again() -> None:
    """In a forked child: the workers are not here."""
    for pool in _made:
        pool.reset()


@atexit.register
def _end() -> None:
    for pool in _made:
        shielded(pool.resize, 1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)


def default_threads() -> int:
    """The number of threads that the environment asks for."""
    if chosen := os.environ.get("FNAD_NUM_THREADS"):
        if not chosen.isdecimal() or not 1 <= int(chosen) <= words.MOST_THREADS:
            raise ValueError(
                f"FNAD_NUM_THREADS: requires a number from 1 to {words.MOST_THREADS}, got {chosen!r}."
            )
        return int(chosen)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # OpenMP's variable may have a number for each level of nesting.
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    limit = int(asked) if asked.isdecimal() and int(asked) > 0 else usable
    return min(usable, limit, words.MOST_THREADS)
