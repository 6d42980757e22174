"""The checker: what must hold of every Program, whoever made it."""

from __future__ import annotations

from fnad.ir.program import Atom, Equation, Literal, Program, Var, subprograms
from fnad.ir.types import ArrayType


class ProgramError(AssertionError):
    """A Program that breaks its own rules: always a defect of the pass that made it."""


def check(program: Program) -> Program:
    """Check single assignment, definition before use, and every equation's types; return the Program."""
    defined: set[Var] = set()
    for v in program.inputs:
        _define(v, defined)
    for equation in program.equations:
        for atom in equation.inputs:
            _use(atom, defined)
        _check_types(equation)
        for inner in subprograms(equation.params):
            check(inner)
        for v in equation.outputs:
            _define(v, defined)
    for atom in program.outputs:
        _use(atom, defined)
    return program


def _define(v: Var, defined: set[Var]) -> None:
    if not isinstance(v, Var) or not isinstance(v.type, ArrayType):
        raise ProgramError(f"requires a typed variable, got {v!r}")
    if v in defined:
        raise ProgramError(f"{v} is assigned twice")
    defined.add(v)


def _use(atom: Atom, defined: set[Var]) -> None:
    if isinstance(atom, Literal):
        if atom.value.dtype != atom.type.dtype or atom.value.shape != ():
            raise ProgramError(f"{atom}: a literal holds one scalar of its own dtype")
    elif atom not in defined:
        raise ProgramError(f"{atom} is used before it is assigned")


def _check_types(equation: Equation) -> None:
    expected = equation.primitive.type_rule(*(a.type for a in equation.inputs), **equation.params)
    expected = (expected,) if isinstance(expected, ArrayType) else tuple(expected)
    got = tuple(v.type for v in equation.outputs)
    if [t.strong for t in expected] != [t.strong for t in got]:
        raise ProgramError(f"{equation.primitive}: outputs should be {expected}, are {got}")
