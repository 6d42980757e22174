"""Work that several threads ask for at the same time: one of them does it, and nobody waits for ever."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from fnad.tracing.state import is_staging

Made = TypeVar("Made")
PATIENCE = 5.0
"""Seconds that a thread waits for what another one makes, before it makes it itself."""


class _Turn:
    """One thread that makes something; it is over when the lock is free."""

    __slots__ = ("lock", "process")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.process = os.getpid()

    def is_over(self) -> bool:
        """Wait for its end, for a time; whether it has come."""
        came = self.lock.acquire(timeout=PATIENCE)
        if came:
            self.lock.release()
        return came


class Turns:
    """Lets one thread make what others want too.

    What is made runs the user's code, which may wait for other threads, so this is no lock. Who makes something
    already waits for nobody: threads that make what calls what the other makes would wait for each other. The rest
    wait for a time. At worst, something is made twice.
    """

    __slots__ = ("_turns",)

    def __init__(self) -> None:
        self._turns: dict[Any, _Turn] = {}

    def take(self, key: Any, find: Callable[[], Made | None], make: Callable[[], Made]) -> Made:
        """What ``find`` gives once no other thread makes what belongs to the key, or else what ``make`` does."""
        mine = _Turn()
        try:
            waits = not is_staging()
            while True:
                theirs = self._turns.setdefault(key, mine)
                waits = waits and theirs is not mine and theirs.process == mine.process and theirs.is_over()
                found = find()
                if found is not None:
                    return found
                if not waits:
                    self._turns[key] = mine
                    return make()
                self._forget(key, theirs)  # and see who of those that have waited is the next
        finally:
            mine.lock.release()  # first of all: what an interrupt leaves behind here keeps nobody waiting
            self._forget(key, mine)

    def _forget(self, key: Any, turn: _Turn) -> None:
        if self._turns.get(key) is turn:
            self._turns.pop(key, None)
