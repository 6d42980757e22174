"""A compiled function's entries, the reason of each staging, and the time it took."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from fnad.errors import warn
from fnad.runtime.cache import Statistics, statistics

MOST_REASONS = 256
"""Stagings whose reasons are kept."""
MANY_SIGNATURES = 32
"""Stagings for new signatures after which the user is told."""


class Staging(NamedTuple):
    """One staging of a function and the compilation after it."""

    reason: str
    seconds: float = 0.0
    """Of running Python, also of staging and compiling the functions that it calls."""
    compile_seconds: float = 0.0
    kernels: Statistics = Statistics()
    """The requests to the kernel cache."""

    def __str__(self) -> str:
        took = f"staged in {self.seconds:.3f} s, compiled in {self.compile_seconds:.3f} s: {self.kernels}"
        return f"{self.reason} ({took})"


class Compilation(NamedTuple):
    """A compilation of what a transform has made of a compiled function."""

    what: str
    seconds: float
    kernels: Statistics

    def __str__(self) -> str:
        return f"{self.what} (compiled in {self.seconds:.3f} s: {self.kernels})"


class CacheInfo(NamedTuple):
    """A compiled function's entries, and why it was staged; ``print`` shows all of it."""

    signatures: int
    branches: int
    stagings: int
    reasons: tuple[str, ...]
    """Of the last stagings."""
    compile_seconds: float
    """Of what is kept."""
    history: tuple[Staging, ...]
    """The last stagings, with their reasons and what they took."""
    derived: tuple[Compilation, ...]
    """The compilations where the function was called inside ``grad``, ``vmap`` and their like."""

    def __str__(self) -> str:
        lines = [
            f"{self.signatures} signatures, {self.branches} branches, compiled in {self.compile_seconds:.3f} s; "
            f"{self.stagings} stagings:"
        ]
        first = self.stagings - len(self.history) + 1
        lines += [f"  {k}. {staging}" for k, staging in enumerate(self.history, first)]
        return "\n".join([*lines, *[f"  {compilation}" for compilation in self.derived]])


class Timer:
    """The time that a staging takes, and of that the part of compiling, which is added to it."""

    def __init__(self) -> None:
        self.compiling = 0.0
        self._started, self._before = time.perf_counter(), statistics()

    def staging(self, reason: str) -> Staging:
        """The record of a staging that is over."""
        seconds = time.perf_counter() - self._started - self.compiling
        return Staging(reason, seconds, self.compiling, statistics() - self._before)


class History:
    """The stagings of a function, and what its user is told of them, once each."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._signatures = 0
        self._stagings: deque[tuple[int, Staging]] = deque(maxlen=MOST_REASONS)  # with their numbers
        self._told: set[str] = set()

    def note(self, staging: Staging) -> None:
        """Keep the record of a staging."""
        self._stagings.append((next(self._numbers), staging))

    def stagings(self) -> tuple[int, tuple[Staging, ...]]:
        """Their number, and the last ones."""
        numbered = tuple(self._stagings)
        return numbered[-1][0] if numbered else 0, tuple([staging for _, staging in numbered])

    def note_signature(self, function: Callable[..., Any], what: str) -> None:
        """Count a signature, in which ``what`` is new; a warning where this goes on and on."""
        self._signatures += 1
        if self._signatures == MANY_SIGNATURES + 1:
            warn(
                f"jit: requires few different signatures, got {self._signatures} for "
                f"{getattr(function, '__name__', 'a function')}, each of which is staged and compiled"
                f"{f'; the last one since {what}' if what else ''}. Pad arrays to a few sizes, or make numbers "
                "arguments that are not static. cache_info() has all the reasons."
            )

    def tell_of_branches(self, reason: str, most: int, guards: int) -> None:
        """Warn that there are more branches than are compiled."""
        self._tell("branches", (
            f"jit: requires at most {most} branches for a signature and {guards} conditions in "
            f"each to be compiled, got more: {reason}. Results stay right, but other branches are interpreted at "
            "every call. Use np.where for a choice, raise max_branches, or leave jit off here."
        ))

    def tell_of_values(self, guards: Sequence[Any]) -> None:
        """Warn of the first of these guards, which reads one of many values."""
        if guards:
            self._tell("values", (
                f"jit: requires values to stay in arrays, got {guards[0]}, which reads one: the function is staged "
                "anew for every other value. Use functions of fnad.numpy in the place of float(...), np.array(...) and "
                "SciPy's, wrap what has none by fnad.primitive, or leave jit off here."
            ))

    def _tell(self, subject: str, message: str) -> None:
        if subject not in self._told:
            self._told.add(subject)
            warn(message)

    def summary(
        self, signatures: int, branches: Sequence[float], guards: float, derived: Iterable[tuple[str, Any]]
    ) -> CacheInfo:
        """All of it, with the seconds of each branch and of the guards, and what is compiled of transforms."""
        stagings, history = self.stagings()
        compilations = tuple([Compilation(what, c.seconds, c.kernels) for what, c in derived])
        return CacheInfo(
            signatures, len(branches), stagings, tuple([staging.reason for staging in history]),
            guards + sum(branches), history, compilations,
        )
