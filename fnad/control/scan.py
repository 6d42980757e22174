"""`scan`: a loop of a known number of steps, over the slices of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.evaluate import evaluate
from fnad.ir.primitive import Primitive
from fnad.ir.program import Program
from fnad.ir.types import ArrayType
from fnad.transforms.calls import bare


def _type(*types: ArrayType, body: Program, constants: int, carries: int, length: int, reverse: bool) -> Any:
    first = constants + carries
    given = [*types[:first], *[ArrayType(t.shape[1:], t.dtype) for t in types[first:]]]
    if [t[:2] for t in given] != [t[:2] for t in body.input_types]:
        raise TypeError(f"scan: requires operands as its body takes them, {body.input_types}, got {given}.")
    if any([t.shape[:1] != (length,) for t in types[first:]]):
        raise ValueError(f"scan: requires arrays of {length} slices, got {types[first:]}.")
    made = [ArrayType(*t[:2]) for t in body.output_types]
    if [t[:2] for t in made[:carries]] != [t[:2] for t in types[constants:first]]:
        raise TypeError(f"scan: requires a carry of one type, got {types[constants:first]} and {made[:carries]}.")
    return bare([*made[:carries], *[ArrayType((length, *t.shape), t.dtype) for t in made[carries:]]])


def _evaluate(*args: Any, body: Program, constants: int, carries: int, length: int, reverse: bool) -> Any:
    fixed, carry, sequences = args[:constants], list(args[constants : constants + carries]), args[constants + carries :]
    made = [np.empty((length, *t.shape), t.dtype) for t in body.output_types[carries:]]
    for i in reversed(range(length)) if reverse else range(length):
        results = evaluate(body, [*map(np.asarray, fixed), *map(np.asarray, carry), *[np.asarray(x[i]) for x in sequences]])
        carry = results[:carries]
        for array, value in zip(made, results[carries:]):
            array[i] = value
    return bare([*carry, *made])


scan_p = Primitive("scan", _type, _evaluate)
"""Inputs: ``constants`` values that every step reads, ``carries`` values that go from step to step, and arrays of
``length`` slices. The ``body`` takes the constants, the carries and a slice of each array; it gives the new carries
and a slice of each stacked output. ``reverse`` goes from the last slice to the first. Outputs: the last carries, and
the stacked arrays, each slice where that of the inputs was."""
