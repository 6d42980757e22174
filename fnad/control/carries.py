"""The values of a loop that have a property: one that spreads from step to step, or that of being read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fnad.ir.program import Atom, Program
from fnad.ir.types import is_inexact


def spread_over_carries(
    flags: Sequence[bool], constants: int, carries: int, outputs_of: Callable[[Sequence[bool]], Sequence[bool]]
) -> tuple[bool, ...]:
    """The flags of a body's inputs (constants, carries, slices) after as many steps as change something.

    ``outputs_of`` says which outputs, of which the carries come first, have the property where these inputs have it.
    """
    spread = list(flags)
    while True:
        made = outputs_of(tuple(spread))
        grown = [spread[constants + k] or made[k] for k in range(carries)]
        if grown == spread[constants : constants + carries]:
            return tuple(spread)
        spread[constants : constants + carries] = grown


def active_inputs(body: Program, flags: Sequence[bool], constants: int, carries: int) -> tuple[bool, ...]:
    """The inputs of a loop's body that a derivative flows to, from those that are differentiated."""
    spread = spread_over_carries(flags, constants, carries, lambda active: active_outputs(body, active))
    return tuple([a and is_inexact(t.dtype) for a, t in zip(spread, body.input_types)])


def read_by(program: Program) -> set[Atom]:
    """The values that a Program's equations and results read."""
    return {a for e in program.equations for a in e.inputs} | set(program.outputs)


def chosen(values: Sequence[Any], flags: Sequence[bool]) -> tuple[Any, ...]:
    """The values whose flag is set."""
    return tuple([v for v, flag in zip(values, flags) if flag])


def active_outputs(program: Program, active: Sequence[bool]) -> list[bool]:
    """The outputs that a derivative flows to from the active inputs."""
    reached: set[Atom] = {v for v, a in zip(program.inputs, active) if a}
    for eqn in program.equations:
        if any([a in reached and eqn.primitive.differentiates(i) for i, a in enumerate(eqn.inputs)]):
            reached.update([v for v in eqn.outputs if is_inexact(v.type.dtype)])
    return [a in reached for a in program.outputs]
