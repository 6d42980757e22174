"""`while_loop`: a loop that goes on as long as a condition holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.evaluate import evaluate
from fnad.ir.primitive import Primitive
from fnad.ir.program import Program
from fnad.ir.types import ArrayType
from fnad.transforms.calls import bare


def _type(*types: ArrayType, condition: Program, body: Program, condition_constants: int, body_constants: int) -> Any:
    first = condition_constants + body_constants
    carries = [t[:2] for t in types[first:]]
    for program, own in ((condition, types[:condition_constants]), (body, types[condition_constants:first])):
        if [*[t[:2] for t in own], *carries] != [t[:2] for t in program.input_types]:
            raise TypeError(f"while_loop: requires operands as its Programs take them, {program.input_types}, got {types}.")
    if [t[:2] for t in body.output_types] != carries:
        raise TypeError(f"while_loop: requires a carry of one type, got {carries} and {body.output_types}.")
    if [t[:2] for t in condition.output_types] != [((), np.dtype(bool))]:
        raise TypeError(f"while_loop: requires a condition that is one boolean, got {condition.output_types}.")
    return bare([ArrayType(*t) for t in carries])


def _evaluate(*args: Any, condition: Program, body: Program, condition_constants: int, body_constants: int) -> Any:
    args = [np.asarray(a) for a in args]
    first = condition_constants + body_constants
    asked, fixed, carry = args[:condition_constants], args[condition_constants:first], args[first:]
    while evaluate(condition, [*asked, *carry])[0]:
        carry = evaluate(body, [*fixed, *carry])
    return bare(carry)


while_p = Primitive("while_loop", _type, _evaluate)
"""Inputs: ``condition_constants`` values that the condition reads, ``body_constants`` values that the body reads, and
the carries. The ``condition`` takes its constants and the carries and gives one boolean; the ``body`` takes its
constants and the carries and gives the new carries. Outputs: the last carries."""
