""""sink", Program → Program: what may write over its operand comes as late as it can.

Invariant: the equations are the same, each behind those that make what it reads.

What else reads the operand then comes before it, so that no copy is needed.
"""

from __future__ import annotations

from fnad.ir.program import Atom, Equation, Program


def sink_updates(program: Program) -> Program:
    """Move each update of an array to just before the first equation that reads its result."""
    waiting: dict[Atom, Equation] = {}
    placed: list[Equation] = []
    for eqn in program.equations:
        placed += [waiting.pop(atom) for atom in dict.fromkeys(eqn.inputs) if atom in waiting]
        if eqn.primitive.overwrites is not None:
            waiting[eqn.outputs[0]] = eqn
        else:
            placed.append(eqn)
    return Program(program.inputs, (*placed, *waiting.values()), program.outputs)
