"""The facts about a machine that the compiler's passes need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fnad.compiler.passes.lowering import Emitter
from fnad.compiler.passes.rows import RowRule
from fnad.compiler.passes.schedule import Abilities
from fnad.compiler.steps import Schedule
from fnad.ir.program import Equation


@dataclass(frozen=True)
class Target:
    """A kind of machine."""

    has_code: Callable[[Equation], bool]
    """Whether an equation runs as its code without being written in simpler primitives."""
    abilities: Abilities
    prepare: Callable[[Schedule], Schedule]
    """Rearranges loops before those that share rows are put together."""
    rows: RowRule
    divide: Callable[[Schedule], Schedule]
    """Divides loops that take long among what can run at the same time."""
    emitter: Emitter
