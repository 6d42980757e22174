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


class _Flight:
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


class SingleFlight:
    """Lets one thread make what others want too.

    What is made runs the user's code, which may wait for other threads, so this is no lock. Who makes something
    already waits for nobody: threads that make what calls what the other makes would wait for each other. The rest
    wait for a time. At worst, something is made twice.
    """

    __slots__ = ("_flights",)

    def __init__(self) -> None:
        self._flights: dict[Any, _Flight] = {}

    def do(self, key: Any, find: Callable[[], Made | None], make: Callable[[], Made]) -> Made:
        """The result of ``find`` once no other thread makes what belongs to the key, or else of ``make``."""
        mine = _Flight()
        try:
            waits = not is_staging()
            while True:
                theirs = self._flights.setdefault(key, mine)
                waits = waits and theirs is not mine and theirs.process == mine.process and theirs.is_over()
                found = find()
                if found is not None:
                    return found
                if not waits:
                    self._flights[key] = mine
                    return make()
                self._forget(key, theirs)  # and see who of those that have waited is the next
        finally:
            mine.lock.release()  # first of all: what an interrupt leaves behind here keeps nobody waiting
            self._forget(key, mine)

    def _forget(self, key: Any, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            self._flights.pop(key, None)
