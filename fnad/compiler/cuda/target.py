"""The GPU as a target of the compiler."""

from __future__ import annotations

from fnad.compiler.cuda.divide import ROWS, divide_loops, prepare_loops
from fnad.compiler.cuda.lower import EMITTER, has_code
from fnad.compiler.passes.lowering import ABILITIES
from fnad.compiler.target import Target

CUDA = Target(has_code, ABILITIES, prepare=prepare_loops, rows=ROWS, divide=divide_loops, emitter=EMITTER)
