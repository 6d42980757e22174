"""Compilation beside the work: a Program is interpreted until its compiled code is there."""

from __future__ import annotations

import threading
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import numpy as np

from fnad.compiler.compile import Compiled, compile_program
from fnad.ir.evaluate import evaluate
from fnad.ir.program import Program
from fnad.runtime.cpu.runtime import CPU


class Pending:
    """A Program that is compiled on a thread of its own, which starts when the first call has been answered.

    Not before: the compiler is Python for the most part, so the call would wait for it at every turn.
    """

    def __init__(self, program: Program, donated: Collection[int], runtime: Any = CPU, captured: int = 0) -> None:
        self.program, self.donated, self.runtime, self.captured = program, donated, runtime, captured
        self.made: Compiled | None = None
        self._threads: dict[str, threading.Thread] = {}

    def __call__(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        return self.run(inputs)

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Run on arrays of the Program's input types."""
        if self.made is not None:
            return self.made.run(inputs)
        if self._thread is not None and not self._thread.is_alive():
            # It has just ended, with an error that is to be raised here, or a fork has left it behind, or an
            # interrupt has come in its place.
            return self.finished().run(inputs)
        results = evaluate(self.program, inputs)
        self._start()
        return results

    @property
    def _thread(self) -> threading.Thread | None:
        return self._threads.get("compiler")

    @property
    def seconds(self) -> float:
        """What the compilation took, if it is over."""
        return self.made.seconds if self.made is not None else 0.0

    def finished(self) -> Compiled:
        """The compiled Program: waited for, or made now."""
        thread = self._thread
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join()  # by no lock, which a fork would leave held
        if self.made is None:
            self.made = compile_program(self.program, self.donated, self.runtime, self.captured)
        return self.made

    def _start(self) -> None:
        if self._thread is None:
            # The process need not wait for its end: the compiler itself sees to it that nothing is broken off.
            thread = threading.Thread(target=self._compile, name="fnad compiler", daemon=True)
            if self._threads.setdefault("compiler", thread) is thread:  # one step, also for threads that do the same
                thread.start()

    def _compile(self) -> None:
        with suppress(Exception):  # the next call meets it again
            self.finished()
