"""Programs that do nothing where a flag says so: what the examples of a batch run whose loop is over.

Examples of a batch go through a loop together, though each has its own number of steps. What an example computes
beyond its last step is thrown away, so it may compute anything, as long as nobody can tell: no index is checked, no
function of Python called, no inner loop run for ever. Operations that can do nothing of the kind stay as they are and
run for all examples at once; the others are made conditional, each by its own rule or by a branch around it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.control.bodies import apply
from fnad.control.switch import switch_p
from fnad.ir.program import Atom, Equation, Program, Var, filled, is_total, structure
from fnad.ir.types import ArrayType
from fnad.memo import Memo
from fnad.tracing.builder import Builder, build
from fnad.tracing.tracer import Tracer
from fnad.transforms.calls import interned, listed

FLAG = ArrayType((), np.dtype(bool))


def conditional(program: Program) -> Program:
    """The Program with a flag as its first input: where it is false, nothing happens and the outputs are arbitrary."""
    return _made.get(structure(program), lambda: _conditional(program))


_made = Memo()


def _conditional(program: Program) -> Program:
    builder = Builder()

    def body() -> Program:
        flag = builder.input(FLAG)
        atoms: dict[Atom, Atom] = {v: builder.input(v.type).atom for v in program.inputs}
        for eqn in program.equations:
            builder.source = eqn.source
            results = _results(builder, flag, eqn, [Tracer(builder, atoms.get(a, a)) for a in eqn.inputs])
            atoms.update(zip(eqn.outputs, [builder.tracer(y).atom for y in results]))
        return builder.finish([atoms.get(a, a) for a in program.outputs])[0]

    return interned(build(builder, body))


def _results(builder: Builder, flag: Tracer, eqn: Equation, operands: list[Tracer]) -> list[Any]:
    """The outputs of an equation that does nothing where the flag is false."""
    primitive, params = eqn.primitive, eqn.params
    if is_total(eqn):
        return listed(builder.apply(primitive, operands, params))
    results = NotImplemented
    if primitive.conditional is not None:
        results = primitive.conditional(primitive, flag, conditional, *operands, **params)
    return _branch(flag, eqn, operands) if results is NotImplemented else listed(results)


def _branch(flag: Tracer, eqn: Equation, operands: list[Tracer]) -> list[Any]:
    """A choice between zeros and the equation; of a batch each example makes its own."""
    inputs = tuple([Var(x.type.strong) for x in operands])
    outputs = tuple([Var(v.type.strong) for v in eqn.outputs])
    nothing = Program(inputs, (), tuple([filled(0, v.type) for v in outputs]))
    run = Program(inputs, (eqn._replace(inputs=inputs, outputs=outputs),), outputs)
    return apply(switch_p, [flag, *operands], branches=(interned(nothing), interned(run)))
