"""What a loop computes anew at each step though it is always the same."""

from __future__ import annotations

from typing import NamedTuple

from fnad.ir.program import Equation, Program, Var, has_effect, subprograms

HARMLESS = {
    "broadcast", "transpose", "slice", "flip", "reshape", "concatenate", "pad", "set_slice", "reduce_sum",
    "reduce_prod", "reduce_max", "reduce_min", "reduce_and", "reduce_or", "matmul", "dense", "cumsum", "cumprod",
    "argsort",
}
"""Operations beside elementwise ones that cannot fail, so that they may run though a loop would make no step."""


def is_harmless(eqn: Equation) -> bool:
    """Whether an equation cannot fail, nor run for ever."""
    return eqn.primitive.is_elementwise or eqn.primitive.name in HARMLESS


_TOTAL = HARMLESS | {
    "barrier", "argmax", "argmin", "recurrence", "reduce_norm", "reduce_logsumexp", "relu_backward_sum", "mse",
    "mse_with_gradient", "random_bits", "normal_noise", "gumbel_noise", "array",
}
_RUNNING = {"scan", "switch", "checkpoint_call", "jit_call"}


def is_total(eqn: Equation) -> bool:
    """Whether nobody can tell if an equation was run: it gives a result for any operands, and does nothing else."""
    if eqn.primitive.name in _RUNNING:
        return all([is_total(inner) for program in subprograms(eqn.params) for inner in program.equations])
    return eqn.primitive.is_elementwise or eqn.primitive.name in _TOTAL


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
        if own and invariant.issuperset(own) and not has_effect(eqn) and (is_run or is_harmless(eqn)):
            before.append(eqn)
            invariant.update(eqn.outputs)
        else:
            rest.append(eqn)
    made = {v for eqn in before for v in eqn.outputs}
    read = [a for eqn in rest for a in eqn.inputs] + list(body.outputs)
    values = tuple(dict.fromkeys([a for a in read if a in made]))
    inputs = (*fixed, *values, *body.inputs[constants:])
    return Hoisted(Program(fixed, tuple(before), values), Program(inputs, tuple(rest), body.outputs))
