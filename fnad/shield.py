"""Work that is not to be broken off halfway: that of compilers, imports, threads that start.

An interrupt (Ctrl-C, the handler of a signal, an exception that another thread sends) is raised in the middle of
whatever its thread does; numba, LLVM and a module that is being imported are of no use afterwards. So such work is done
on a thread of its own, where none arrives. Who has asked for it waits, and may be interrupted: the work is finished
beside him, and is there at the next call.
"""

from __future__ import annotations

import atexit
import logging  # noqa: F401 - so that a fork takes its lock after ours, which compilers hold when they log
import os
import sys
import threading
import time
from _thread import start_new_thread
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")

_gate = threading.Lock()
"""Held while the process forks or ends: who wants to begin such work waits, or it would never be over."""
_exclusive = threading.RLock()
"""Held where compilers work: one thread at a time, and none while the process forks or when it ends."""


class _Here(threading.local):
    """What a thread does for another one."""

    asked_by: FrameType | None = None


_here = _Here()


class _Job:
    """A call on a thread of its own."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.function, self.args = function, args
        self.asked_by = sys._getframe(2)
        self.result: Any = None
        self.error: BaseException | None = None
        self.over = threading.Lock()
        self.over.acquire()

    def run(self) -> None:
        """Make the call, and note what it comes to."""
        _here.asked_by = self.asked_by
        try:
            self.result = self.function(*self.args)
        except BaseException as error:
            self.error = error
        finally:
            _here.asked_by = self.asked_by = None
            self.over.release()


def shielded(function: Callable[..., Result], *args: Any) -> Result:
    """What a function comes to where no interrupt arrives; one that arrives meanwhile is raised, but not in there."""
    if _here.asked_by is not None:
        return function(*args)
    job = _Job(function, args)
    try:
        start_new_thread(job.run, ())
    except RuntimeError:  # the process ends, or the system gives no more threads
        return function(*args)
    job.over.acquire()
    if job.error is None:
        return job.result
    try:
        raise job.error
    finally:
        del job  # which the error's traceback refers to


def undisturbed(function: Callable[..., Result], *args: Any) -> Result:
    """The same, while no other thread does such work; a fork waits for it, and so does the end of the process."""
    if _is_held():
        return _alone(function, *args)
    return shielded(_alone, function, *args)


def soon(function: Callable[[], Any]) -> None:
    """Make a call on another thread when no other one does such work."""
    with suppress(RuntimeError):  # no more threads: the process ends
        start_new_thread(_alone, (function,))


def asked_by() -> FrameType | None:
    """The frame that waits for what this thread does, if it works for another one."""
    return _here.asked_by


def _alone(function: Callable[..., Result], *args: Any) -> Result:
    if not _is_held() and _gate.acquire(timeout=PATIENCE):
        _gate.release()
    with _exclusive:
        return function(*args)


def _is_held() -> bool:
    """Whether this thread holds what another one would wait for."""
    if ends and ends[0] == threading.get_ident():
        return True
    return any([lock._is_owned() for lock in (_exclusive, *[other._lock for other in _others()])])  # type: ignore


def _others() -> list[Any]:
    """What has the locks of numba's compiler and of LLVM, which the user's own functions take, as its `_lock`."""
    numba, llvm = sys.modules.get("numba.core.compiler_lock"), sys.modules.get("llvmlite.binding.ffi")
    found = [getattr(numba, "global_compiler_lock", None), getattr(getattr(llvm, "lib", None), "_lock", None)]
    return [other for other in found if hasattr(other, "_lock")]


PATIENCE = 30.0
"""Seconds that a fork and the end of the process wait for compilers, and these for them."""
_held: list[Any] = []


def _hold() -> None:
    """Before a fork: the child is to find no lock held by a thread that it has not, nor anything half done."""
    end = time.monotonic() + PATIENCE
    wanted = [*([] if _is_held() else [_gate]), _exclusive, *[other._lock for other in _others()]]
    while len(_held) < len(wanted) and time.monotonic() < end:
        if wanted[len(_held)].acquire(timeout=1.0):
            _held.append(wanted[len(_held)])
        else:
            _let_go()  # who has the next one may wait for one before it


def _let_go() -> None:
    while _held:
        _held.pop().release()


def _begin_again() -> None:
    """In a child that was forked although a compiler is at work: it seems to wait for what other libraries hold."""
    global _gate, _exclusive
    if _held:
        _let_go()
        return
    _gate, _exclusive = threading.Lock(), threading.RLock()
    for other in _others():
        other._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_begin_again)
GRACE = 0.1
"""Seconds that other threads get, at the end of the process, to come to where they can wait for it."""
ends: list[int] = []
"""The thread that ends the process, from then on."""


def await_end() -> None:
    """Wait for the end of the process, unless this thread is the one that ends it.

    Python ends the other threads wherever they next take its lock; in the middle of libraries in C++ that aborts the
    process.
    """
    if ends[0] != threading.get_ident():
        time.sleep(PATIENCE)  # not for ever, since the other one may wait for this one


@atexit.register
def _end() -> None:
    """Let compilers finish what they are at, and let nobody begin anew: LLVM is taken down next."""
    ends.append(threading.get_ident())
    if threading.active_count() > 1:
        time.sleep(GRACE)
    _gate.acquire(timeout=PATIENCE)
    if _exclusive.acquire(timeout=PATIENCE):
        _exclusive.release()
