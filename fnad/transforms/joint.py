"""A function and its pullback as one Program, and that Program in two parts."""

from __future__ import annotations

from typing import Any, NamedTuple

from fnad.ir.program import Program, Var, has_effect, prune


class Joint(NamedTuple):
    """A function and its pullback in one Program.

    Its inputs are those of the function, the ``cotangents`` of its differentiated outputs that are
    inexact (none where the cotangent is known), and ``constants``; its outputs are those of the
    function, then a cotangent for every input in question. The first ``forward`` of its equations are the
    function's own.
    """

    program: Program
    cotangents: tuple[Var, ...]
    constants: list[Any]
    forward: int = 0
    is_general: bool = True
    """Whether it is right for all values: no rule has asked for one."""


class Split(NamedTuple):
    """A joint Program in two: forward to the outputs and the residuals, and back from there.

    ``forward`` takes what the joint Program takes but the cotangents; ``backward`` takes the
    residuals and then the cotangents.
    """

    forward: Program
    backward: Program


def split_joint(joint: Joint, outputs: int) -> Split:
    """Split a joint Program after its first ``outputs`` outputs."""
    program, cotangents = joint.program, joint.cotangents
    given_back = set(cotangents)
    inputs = tuple([v for v in program.inputs if v not in given_back])
    own = [eqn for i, eqn in enumerate(program.equations) if i < joint.forward or not has_effect(eqn)]
    # An operation of which only some outputs are needed runs forward as a whole: the backward pass may read the others.
    forward = prune(Program(inputs, tuple(own), program.outputs[:outputs]), whole=True).equations
    known = set(inputs).union(*[eqn.outputs for eqn in forward])
    # What has no outputs is there for its effect, where the function or the backward pass has put it.
    backward = [
        eqn for i, eqn in enumerate(program.equations)
        if (known.isdisjoint(eqn.outputs) if eqn.outputs else i >= joint.forward)
    ]
    needed = [a for eqn in backward for a in eqn.inputs] + list(program.outputs[outputs:])
    residuals = tuple(dict.fromkeys([a for a in needed if type(a) is Var and a in known]))
    return Split(
        prune(Program(inputs, forward, (*program.outputs[:outputs], *residuals))),
        Program((*residuals, *cotangents), tuple(backward), program.outputs[outputs:]),
    )
