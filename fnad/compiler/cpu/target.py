"""The CPU as a target of the compiler."""

from __future__ import annotations

from fnad.compiler.cpu.divide import divide_loops
from fnad.compiler.cpu.lower import ABILITIES, EMITTER, has_code
from fnad.compiler.passes.rows import RowRule
from fnad.compiler.target import Target

LARGE = 48 << 20
"""Bytes from which on rows are better touched once than in whole loops, which vectorize across rows too and need
not wait for a row's sum. Seen with 32 MB of cache."""

CPU = Target(
    has_code, ABILITIES, prepare=lambda schedule: schedule,
    rows=RowRule(accepts=lambda loop: True, shortest=64, widest=1, large=LARGE), divide=divide_loops, emitter=EMITTER,
)
