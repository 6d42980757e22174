"""Compilation beside the work: a Program is interpreted until its compiled code is there."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import numpy as np

from fnad.compiler.compile import Compiled, compile_program
from fnad.interpreter.evaluate import evaluate
from fnad.ir.program import Program
from fnad.runtime.cpu.runtime import CPU


class Pending:
    """A Program that waits for its turn on the thread that compiles, where it comes once its first call is answered.

    Not before: the compiler is Python for the most part, so the call would wait for it at every turn.
    """

    def __init__(self, program: Program, donated: Collection[int], runtime: Any = CPU, captured: int = 0) -> None:
        self.program, self.donated, self.runtime, self.captured = program, donated, runtime, captured
        self.made: Compiled | None = None
        self._thread: threading.Thread | None = None
        """The one that is to compile it."""
        self._is_begun = self._is_over = False
        """Whether that has come to it, and whether it is done with it."""

    def __call__(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        return self.run(inputs)

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Run on arrays of the Program's input types."""
        if self.made is not None:
            return self.made.run(inputs)
        if self._thread is not None and (self._is_over or not self._thread.is_alive()):
            # It has just ended, with an error that is to be raised here, or a fork has left it behind, or an
            # interrupt has come in its place.
            return self.finished().run(inputs)
        results = evaluate(self.program, inputs)
        if self._thread is None:
            self._thread = _hand_over(self)
        return results

    @property
    def seconds(self) -> float:
        """The compilation's time, if it is over."""
        return self.made.seconds if self.made is not None else 0.0

    def finished(self) -> Compiled:
        """The compiled Program: waited for where its turn has come, else made now."""
        while self._is_elsewhere():
            self._thread.join(0.01)  # by no lock, which a fork would leave held
        if self.made is None:
            self.made = compile_program(self.program, self.donated, self.runtime, self.captured)
        return self.made

    def _is_elsewhere(self) -> bool:
        """Whether another thread is at it."""
        thread = self._thread
        is_here = thread is None or thread is threading.current_thread()
        return self._is_begun and not self._is_over and not is_here and thread.is_alive()

    def compile(self) -> None:
        """Compile it on this thread; the next call meets an error again."""
        self._thread, self._is_begun = threading.current_thread(), True
        try:
            with suppress(Exception):
                self.finished()
        finally:
            self._is_over = True


_waiting: deque[weakref.ref[Pending]] = deque()
"""The compilations to come, each if it is still used by then."""
_workers: dict[int, threading.Thread] = {}
"""The thread that compiles, by process: a fork leaves it behind."""


def _hand_over(pending: Pending) -> threading.Thread:
    """Let a Program be compiled after those that wait; gives the thread that is to do it."""
    _waiting.append(weakref.ref(pending))
    # The process need not wait for its end: the compiler itself sees to it that nothing is broken off.
    thread = threading.Thread(target=_work, name="fnad compiler", daemon=True)
    worker = _workers.setdefault(os.getpid(), thread)  # one step, also for threads that do the same
    if worker is thread:
        try:
            thread.start()
        except BaseException:
            _workers.pop(os.getpid(), None)
            raise
    return worker


def _work() -> None:
    """Compile what waits, one after the other, until there is nothing."""
    own, process = threading.current_thread(), os.getpid()
    # What is handed over when nothing was left, but before this one is gone, is this one's too.
    while _waiting and _workers.setdefault(process, own) is own:
        try:
            while _waiting:
                pending = _waiting.popleft()()
                if pending is not None:
                    pending.compile()
        finally:
            _workers.pop(process, None)
