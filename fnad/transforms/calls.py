"""The common part of primitives whose parameter is a Program: a function staged as one operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fnad.interpreter.evaluate import evaluate
from fnad.ir.primitive import Primitive
from fnad.ir.program import Program, Var, structure
from fnad.ir.types import ArrayType
from fnad.memo import Memo
from fnad.ops.elementwise import convert
from fnad.tracing.staging import stager
from fnad.tracing.tracer import Tracer


def bare(results: Sequence[Any]) -> Any:
    """The one result, or a tuple of several."""
    return results[0] if len(results) == 1 else tuple(results)


def listed(results: Any) -> list[Any]:
    """One result, or a tuple of several, as a list."""
    return list(results) if isinstance(results, (tuple, list)) else [results]


def call_type(*types: ArrayType, program: Program, **rest: Any) -> Any:
    """The type rule: that of the Program's outputs."""
    return bare(program.output_types)


def call_evaluate(*args: Any, program: Program, **rest: Any) -> Any:
    """The NumPy meaning: that of the Program."""
    return bare(evaluate(program, args))


def call_expand(*args: Tracer, program: Program, **rest: Any) -> Any:
    """The Program's own equations in the place of the call."""
    return bare(stager(program, args).inline(program, args))


def call_conditional(primitive: Primitive, flag: Any, only_if: Any, *args: Any, program: Program, **rest: Any) -> Any:
    """The conditional rule: a call of the Program that does nothing where the flag is false."""
    return bare(call_primitive(primitive, [flag, *args], program=only_if(program), **rest))


def call_primitive(primitive: Primitive, args: Sequence[Any], **params: Any) -> list[Any]:
    """Stage a call of ``params["program"]``, or run it where no argument is traced."""
    program = params["program"]
    if not program.outputs and not program.is_effectful:
        return []
    builder = stager(program, args)
    if builder is None:
        return listed(primitive(*args, **params))
    # A Python number stays what it is: `apply` would give it the shape of its neighbour.
    return listed(builder.apply(primitive, [builder.tracer(a) for a in args], params))


def fresh(values: Sequence[Tracer], inputs: Sequence[Tracer]) -> list[Tracer]:
    """The values as variables of their own: none is an input, a literal, or another one of them."""
    taken = {t.atom for t in inputs}
    results = []
    for value in values:
        if type(value.atom) is not Var or value.atom in taken:
            value = convert(value, dtype=value.dtype)
        if type(value.atom) is Var:
            taken.add(value.atom)
        results.append(value)
    return results


def interned(program: Program) -> Program:
    """The first Program that said the same, so that what was made of it is found again."""
    return _programs.get(structure(program), lambda: program)


_programs = Memo()
