"""`switch` and `cond`: one of several functions, chosen by a value."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.evaluate import evaluate
from fnad.ir.primitive import Primitive
from fnad.ir.program import Program
from fnad.ir.types import ArrayType
from fnad.transforms.calls import bare


def _type(index: ArrayType, *types: ArrayType, branches: tuple[Program, ...]) -> Any:
    if index.shape != () or index.dtype.kind not in "biu":
        raise TypeError(f"switch: requires an integer or boolean scalar as index, got {index}.")
    results = [[t[:2] for t in branch.output_types] for branch in branches]
    for branch, made in zip(branches, results):
        if [t[:2] for t in branch.input_types] != [t[:2] for t in types]:
            raise TypeError(f"switch: requires operands as its branches take them, {branch.input_types}, got {types}.")
        if made != results[0]:
            raise TypeError(f"switch: requires branches with results of the same types, got {results[0]} and {made}.")
    return bare([ArrayType(*t) for t in results[0]])


def _evaluate(index: Any, *args: Any, branches: tuple[Program, ...]) -> Any:
    chosen = min(max(int(index), 0), len(branches) - 1)
    return bare(evaluate(branches[chosen], [np.asarray(a) for a in args]))


switch_p = Primitive("switch", _type, _evaluate)
"""Inputs: an index, a boolean or integer scalar, and the operands that each of the ``branches`` takes. Outputs: those of
the branch number ``index``, of the first one where it is negative, of the last where it is too large."""
