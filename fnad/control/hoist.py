"""The equations that a loop computes anew at each step though they are always the same."""

from __future__ import annotations

from typing import NamedTuple

from fnad.ir.program import Equation, Program, Var, has_effect, is_total


class Hoisted(NamedTuple):
    """A loop's body in two: what depends on its constants only, and the rest.

    ``before`` takes the constants and gives values that ``body`` takes after the constants, as further ones.
    """

    before: Program
    body: Program


def hoist(body: Program, constants: int, is_run: bool) -> Hoisted:
    """Split the body of a loop, whose first inputs are constants; ``is_run`` says that it makes a step at least."""
    fixed = body.inputs[:constants]
    invariant: set[Var] = set(fixed)
    before, rest = [], []
    for eqn in body.equations:
        # Without operands an equation is a constant, which needs no memory where it is.
        own = [a for a in eqn.inputs if type(a) is Var]
        if own and invariant.issuperset(own) and not has_effect(eqn) and (is_run or _may_run(eqn)):
            before.append(eqn)
            invariant.update(eqn.outputs)
        else:
            rest.append(eqn)
    made = {v for eqn in before for v in eqn.outputs}
    read = [a for eqn in rest for a in eqn.inputs] + list(body.outputs)
    values = tuple(dict.fromkeys([a for a in read if a in made]))
    inputs = (*fixed, *values, *body.inputs[constants:])
    return Hoisted(Program(fixed, tuple(before), values), Program(inputs, tuple(rest), body.outputs))


def _may_run(eqn: Equation) -> bool:
    """Whether an equation can come before a loop that may make no step."""
    return is_total(eqn) and not eqn.primitive.pinned
