"""Values of a function that is being staged, where Python asks for them: concretization, as a guard or at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from fnad.interpreter.evaluate import QUIET, evaluate_equation, read
from fnad.ir.primitive import Traced
from fnad.ir.program import Atom, Equation, Literal, Program, Var, quiet_equation
from fnad.ir.types import is_inexact
from fnad.sources import Source, current_source, own_source
from fnad.tracing.errors import LookedInto, NotConcrete, escaped, unknown_value
from fnad.tracing.state import Builder, innermost, recording

MOST_RECORDED = 64
"""Elements of an array that Python may ask for where the value is recorded."""


class Concretization(NamedTuple):
    """A value that Python asked for while a function was staged, as what computes it."""

    program: Program
    """From the function's inputs, and then ``captured``, to the value."""
    captured: list[Any]
    what: str
    convert: Callable[[np.ndarray], Any]
    """The conversion of the value by Python: the path taken depends on its result alone."""
    source: Source | None
    asked_at: Source | None
    """The user's own line that led to it."""

    def __str__(self) -> str:
        return f"{self.what} at {self.asked_at}"


def concrete(builder: Builder, atom: Atom, what: str, convert: Callable[[np.ndarray], Any]) -> Any:
    """The value of an atom as Python takes it; while a function is recorded, its recorder gives it, as a guard."""
    builder.concretized = True
    recorder = recording()
    if not builder.alive and (recorder is not None or builder.concretize is not None):
        raise escaped()
    if recorder is None or type(atom) is Literal:
        return convert(np.asarray(_evaluated(builder, atom, what)))
    if builder.level < recorder.level:
        raise refusal(recorder)
    inputs, equations = _slice(builder, atom)
    values = [builder.outer_values.get(v, builder.stands_for.get(v)) for v in inputs]
    if any([v is None for v in values]):
        raise unknown_value(atom.type, what, builder.unknown)
    outer = innermost(values)
    if builder is recorder:
        let_look_into(builder, inputs)
    if builder is recorder and not builder.constants.issuperset(inputs):
        if outer is not None or innermost([builder.stands_for[v] for v in builder.inputs]) is not None:
            raise refusal(builder)
        return builder.concretize(_concretization(builder, atom, what, convert, inputs, equations))
    if outer is None:
        return convert(np.asarray(_evaluated(builder, atom, what)))
    outputs = tuple([v for e in equations for v in e.outputs])
    builder.outer_values.update(zip(inputs, values))
    builder.outer_values.update(zip(outputs, outer.inline(Program(tuple(inputs), tuple(equations), outputs), values)))
    return concrete(outer, outer.tracer(builder.outer_values[atom]).atom, what, convert)


def let_look_into(builder: Builder, inputs: Iterable[Var]) -> None:
    """End the staging if these inputs are read from outside: then Python is to have their values."""
    if is_from_outside(builder, inputs):
        builder.looked_into |= builder.handed.intersection(inputs)
        raise LookedInto(builder.looked_into)


def is_from_outside(builder: Builder, inputs: Iterable[Var]) -> bool:
    """Whether what follows from these inputs is read from outside the function."""
    return not builder.handed.isdisjoint(inputs) and (builder.handed | builder.constants).issuperset(inputs)


def inputs_of(builder: Builder, atom: Var) -> list[Var]:
    """The inputs that an atom follows from."""
    return _slice(builder, atom)[0]


def refusal(builder: Builder) -> NotConcrete:
    """The error that ends a staging for a value that its arguments do not decide."""
    builder.refused = True
    return NotConcrete()


def _concretization(
    builder: Builder, atom: Var, what: str, convert: Callable[..., Any], inputs: list[Var], equations: list[Equation],
) -> Concretization:
    if atom.type.size > MOST_RECORDED:
        raise unknown_value(atom.type, what, "large")
    read = set(inputs)
    captures = [v for v in builder.captures.values() if v in read]
    program = Program((*builder.inputs, *captures), tuple(equations), (atom,))
    captured = [builder.stands_for[v] for v in captures]
    return Concretization(program, captured, what, convert, current_source(), own_source())


def _slice(builder: Builder, atom: Var) -> tuple[list[Var], list[Equation]]:
    """The inputs that an atom depends on, and the equations between, in order."""
    inputs: dict[Var, None] = {}
    needed: dict[int, Equation] = {}
    pending, seen = [atom], {atom}
    while pending:
        v = pending.pop()
        equation = None if v in builder.outer_values else builder.producer(v)
        if equation is None:
            inputs[v] = None
        elif id(equation) not in needed:
            needed[id(equation)] = equation
            fresh = {a for a in equation.inputs if type(a) is Var} - seen
            seen |= fresh
            pending.extend(fresh)
    # The whole function runs as well, so what only a value needs has no effect a second time.
    return list(inputs), [quiet_equation(e) for e in builder.equations if id(e) in needed]


def _evaluated(builder: Builder, atom: Atom, what: str) -> np.ndarray:
    """Evaluate the slice of the Program that leads to an atom on the real arguments."""
    pending = [atom] if type(atom) is Var else []
    while pending:
        v = pending[-1]
        equation = None if v in builder.known else builder.producer(v)
        missing = [a for a in equation.inputs if type(a) is Var and a not in builder.known] if equation else []
        if missing:
            pending.extend(missing)
            continue
        if equation is not None:
            with np.errstate(**QUIET):
                evaluate_equation(quiet_equation(equation), builder.known)
        elif v not in builder.known:
            builder.known[v] = _outer_value(builder, v, what, atom)
        pending.pop()
    return read(atom, builder.known)


def _outer_value(builder: Builder, v: Var, what: str, wanted: Atom) -> np.ndarray:
    value = builder.stands_for.get(v)
    if value is None:
        raise unknown_value(wanted.type, what, builder.unknown)
    return value.concrete(what) if isinstance(value, Traced) else np.asarray(value, v.type.dtype)


def is_differentiated(builder: Builder, atom: Atom) -> bool:
    """Whether a derivative, here or in an outer transform, flows through an atom."""
    seen: set[Var] = set()
    pending = [atom]
    while pending:
        v = pending.pop()
        if type(v) is Literal or v in seen or not is_inexact(v.type.dtype):
            continue
        seen.add(v)
        equation = builder.producer(v)
        if equation is not None:
            pending.extend(a for i, a in enumerate(equation.inputs) if equation.primitive.differentiates(i))
        elif v in builder.differentiated or _is_differentiated_outside(builder, v):
            return True
    return False


def _is_differentiated_outside(builder: Builder, v: Var) -> bool:
    value = builder.stands_for.get(v)
    return isinstance(value, Traced) and is_differentiated(value.builder, value.atom)
