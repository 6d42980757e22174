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
from functools import wraps
from types import CodeType, FrameType
from typing import Any, TypeVar
from weakref import WeakSet

import optree  # noqa: F401 - so that it forgets its classes after `_end`, and not before

Result = TypeVar("Result")
Function = TypeVar("Function", bound=Callable[..., Any])
Lock = TypeVar("Lock")

_gate = threading.Lock()
"""Held while the process forks or ends: who wants to begin such work waits, or it would never be over."""
_exclusive = threading.RLock()
"""Held where compilers work: one thread at a time, and none while the process forks or when it ends."""


class _Here(threading.local):
    """The work of a thread for another one."""

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
    """The result of a function that no interrupt reaches; one that arrives meanwhile is raised, but not in there."""
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
    if _is_exempt():
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
    if _is_exempt():
        return function(*args)
    while True:
        is_patient = _gate.acquire(timeout=PATIENCE)
        if is_patient:
            _gate.release()
        with _exclusive:
            if not (is_patient and stopping):  # else who stops the others would wait for all that stand in line
                return function(*args)


def _is_exempt() -> bool:
    """Whether this thread holds what another one would wait for."""
    if threading.get_ident() in stopping:
        return True
    return any([lock._is_owned() for lock in (_exclusive, *[other._lock for other in _others()])])  # type: ignore


def _others() -> list[Any]:
    """The holder of the locks of numba's compiler and of LLVM, which the user's own functions take, as its `_lock`."""
    numba, llvm = sys.modules.get("numba.core.compiler_lock"), sys.modules.get("llvmlite.binding.ffi")
    found = [getattr(numba, "global_compiler_lock", None), getattr(getattr(llvm, "lib", None), "_lock", None)]
    return [other for other in found if hasattr(other, "_lock")]


# --- Native code that takes and drops Python's lock

stopping: list[int] = []
"""The thread that forks or ends the process, while it does."""


def native(function: Function) -> Function:
    """A function that calls C++ which drops Python's lock and takes it again, as optree does for every node of a tree.

    No thread may be in there when the process ends: Python ends the others where they next take its lock, for which
    C++ aborts the process, and optree forgets its classes. Nor when it forks: the child would find C++'s own locks
    held for ever. So who wants to begin such a call meanwhile waits.
    """

    @wraps(function)
    def enter(*args: Any, **kwargs: Any) -> Any:
        while stopping and _rests():
            pass  # and look again, now that this frame can be seen to be in there
        return function(*args, **kwargs)

    _entries.add(enter.__code__)  # the same one for all
    return enter  # type: ignore[return-value]


_entries: set[CodeType] = set()


def _rests() -> bool:
    """Wait for the end of a fork; at the end of the process for long, but not for ever, since that may wait for us.

    False where the thread is to go on: who is in native code already, or holds what the other one waits for.
    """
    if _is_exempt() or _is_inside(sys._getframe(2)):
        return False
    end = time.monotonic() + PATIENCE
    while stopping and time.monotonic() < end:
        time.sleep(0.001)
    return not stopping


def _is_inside(frame: FrameType | None) -> bool:
    """Whether a thread that has come to this frame is in native code; one that rests before it is not."""
    if frame is not None and frame.f_code is _rests.__code__:
        return False
    while frame is not None and frame.f_code not in _entries:
        frame = frame.f_back
    return frame is not None


def _let_others_leave() -> None:
    """Wait until no other thread is in native code."""
    end, own = time.monotonic() + GRACE, threading.get_ident()
    while any([_is_inside(frame) for thread, frame in sys._current_frames().items() if thread != own]):
        if time.monotonic() > end:
            return
        time.sleep(0.0005)


PATIENCE = 30.0
"""Seconds that a fork and the end of the process wait for compilers, and these for them."""
GRACE = 5.0
"""Seconds that they wait for threads in other native code, which may call what waits for them."""


# --- Forks, and the end

_held: list[Any] = []
_renewed: WeakSet[Any] = WeakSet()


def renewed(lock: Lock) -> Lock:
    """A lock that every forked child finds free, though a thread that is not there may have held it."""
    _renewed.add(lock)
    return lock


def _stop() -> None:
    """Before a fork: the child is to find no lock held by a thread that it has not, nor anything half done."""
    end = time.monotonic() + PATIENCE
    if not _is_exempt():
        if not _gate.acquire(timeout=PATIENCE):
            return
        _held.append(_gate)
    stopping.append(threading.get_ident())
    least, wanted = len(_held), [_exclusive, *[other._lock for other in _others()]]
    while len(_held) < least + len(wanted) and time.monotonic() < end:
        lock = wanted[len(_held) - least]
        if lock.acquire(timeout=1.0):
            _held.append(lock)
        else:
            _let_go(least)  # who has the next one may wait for one before it
    _let_others_leave()


def _let_go(least: int = 0) -> None:
    while len(_held) > least:
        _held.pop().release()


def _go_on() -> None:
    """In the process that has forked."""
    if threading.get_ident() in stopping:
        _let_go()
        stopping.remove(threading.get_ident())


def _begin_again() -> None:
    """In the child, where what could not be held is held by nobody: it seems to wait for what other libraries hold."""
    global _gate, _exclusive
    if threading.get_ident() not in stopping:
        _held.clear()
    held = list(_held)
    _let_go()
    stopping.clear()
    if _gate not in held:
        _gate = threading.Lock()
    if _exclusive not in held:
        _exclusive = threading.RLock()
    for other in _others():
        if other._lock not in held:
            other._lock = threading.RLock()
    for lock in _renewed:
        lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_stop, after_in_parent=_go_on, after_in_child=_begin_again)


@atexit.register
def _end() -> None:
    """Let other threads finish what they must not be ended in, and begin no more of it: LLVM is taken down next."""
    stopping.append(threading.get_ident())
    _gate.acquire(timeout=PATIENCE)
    if _exclusive.acquire(timeout=PATIENCE):
        _exclusive.release()
    _let_others_leave()
