"""What a compiled function keeps, why it was staged each time, and what that took."""

from __future__ import annotations

from typing import NamedTuple

from fnad.runtime.cache import Statistics


class Staging(NamedTuple):
    """One staging of a function and the compilation after it."""

    reason: str
    seconds: float = 0.0
    """Of running Python, also of staging and compiling the functions that it calls."""
    compile_seconds: float = 0.0
    kernels: Statistics = Statistics()
    """What was asked of the kernel cache."""

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
    """What a compiled function keeps, and why it was staged; ``print`` shows all of it."""

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
    """What was compiled where the function was called inside ``grad``, ``vmap`` and their like."""

    def __str__(self) -> str:
        lines = [
            f"{self.signatures} signatures, {self.branches} branches, compiled in {self.compile_seconds:.3f} s; "
            f"{self.stagings} stagings:"
        ]
        first = self.stagings - len(self.history) + 1
        lines += [f"  {k}. {staging}" for k, staging in enumerate(self.history, first)]
        return "\n".join([*lines, *[f"  {compilation}" for compilation in self.derived]])
