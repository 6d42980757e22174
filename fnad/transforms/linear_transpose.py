"""The transpose of a function that is linear as a whole, which is seen from its derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad import tree
from fnad.arguments import as_like, require_inexact
from fnad.errors import boundary
from fnad.interpreter.evaluate import evaluate
from fnad.ir.program import Atom, Program, Var, filled, prune, without_effects
from fnad.tracing.builder import Builder, build
from fnad.tracing.staging import Staged, call_program
from fnad.tracing.tracer import Tracer
from fnad.transforms.jvp import transpose_program
from fnad.transforms.point import stage_at
from fnad.transforms.vjp import vjp_program


@boundary
def linear_transpose(function: Callable[..., Any], *example_args: Any) -> Callable[[Any], tuple[Any, ...]]:
    """The transpose of a linear function, with respect to the real inner product (so it conjugates complex factors).

    Args:
        function: a function that is linear in all its arguments together.
        example_args: arguments of the right shapes and dtypes; their values do not matter.

    Returns:
        A function from a pytree like the result to a tuple of pytrees like the arguments.

    Raises:
        TypeError: a leaf is no float or complex array.
        ValueError: the function is not linear: its derivative depends on the arguments, or it is not 0 at 0.

    >>> import numpy as np
    >>> linear_transpose(lambda x: 2.0 * x[1:], np.zeros(3))(np.ones(2))[0]
    array([0., 2., 2.])
    """
    point = stage_at("linear_transpose", function, example_args, False)
    staged = point.staged
    require_inexact("linear_transpose", point.leaves, point.treedef, "example_args")
    example = staged.restore([filled(0, t) for t in staged.program.output_types])[0]
    out_tree = tree.structure(example)
    require_inexact("linear_transpose", tree.leaves(example), out_tree, "result")
    transposed = transpose_program(staged.program, range(len(point.wrt)))
    inputs = staged.program.inputs[: len(point.wrt)]
    _require_linear(staged.program, inputs)
    _require_no_constant_part(staged, len(point.wrt))
    types = staged.program.output_types

    @boundary
    def transpose(cotangent: Any) -> tuple[Any, ...]:
        leaves = tree.flatten_like("linear_transpose", out_tree, cotangent)
        paths = tree.paths(out_tree, "cotangent")
        given = [
            as_like("linear_transpose", "a cotangent like the result", *row) for row in zip(leaves, types, paths)
        ]
        return point.like_primals(call_program(transposed.program, [*staged.captured, *given, *transposed.constants]))

    return transpose


def _opened(program: Program) -> Program:
    """The Program with the Programs that its equations call in their places."""
    builder = Builder()

    def body() -> Program:
        atoms: dict[Atom, Tracer] = {v: builder.input(v.type) for v in program.inputs}
        for eqn in program.equations:
            args = [atoms.get(a, a) for a in eqn.inputs]
            inner = eqn.params.get("program")
            called = (builder.apply(eqn.primitive, args, eqn.params) if inner is None
                      else builder.inline(_opened(inner), args))
            atoms.update(zip(eqn.outputs, called if isinstance(called, (tuple, list)) else (called,)))
        return builder.finish([builder.tracer(atoms.get(a, a)).atom for a in program.outputs])[0]

    return build(builder, body)


def _require_linear(program: Program, inputs: Sequence[Var]) -> None:
    """Raise if the derivative of a Program in these inputs reads one of them."""
    program = _opened(program)
    joint = vjp_program(program, range(len(inputs)), len(program.outputs))
    bars = prune(Program(joint.program.inputs, joint.program.equations, joint.program.outputs[len(program.outputs) :]))
    read = {a for eqn in bars.equations for a in eqn.inputs}
    if not read.isdisjoint(joint.program.inputs[: len(inputs)]):
        raise ValueError(
            "linear_transpose: requires a linear function, got one whose derivative depends on its arguments. "
            "Use fnad.vjp."
        )


def _require_no_constant_part(staged: Staged, count: int) -> None:
    """Raise if a Program whose derivative is constant is not zero where its first inputs are."""
    program = without_effects(staged.program)
    types = program.input_types
    # Of what is closed over and traced as well no value is known: any will do.
    others = [np.ones(t.shape, t.dtype) if isinstance(x, Tracer) else np.asarray(x, t.dtype)
              for x, t in zip(staged.captured, types[count:])]
    try:
        results = evaluate(program, [*[np.zeros(t.shape, t.dtype) for t in types[:count]], *others])
    except (IndexError, ValueError):
        if Tracer in map(type, staged.captured):
            return
        raise
    for i, y in enumerate(results):
        if np.any(np.asarray(y) != 0) and not np.any(np.isnan(y)):
            raise ValueError(
                f"linear_transpose: requires a function that is 0 at 0, got one whose output {i} has a constant part. "
                "Leave out what is added, or use fnad.vjp, which does."
            )
