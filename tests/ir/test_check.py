"""The checker finds every way in which a Program can break its rules."""

from __future__ import annotations

import numpy as np
import pytest
from fnad.ir.check import ProgramError, check
from fnad.ir.program import Equation, Literal, Program, Var
from fnad.ir.types import ArrayType
from fnad.ops.elementwise import add, gt, sin

F64 = ArrayType((3,), np.dtype("float64"))
F32 = ArrayType((3,), np.dtype("float32"))
BOOL = ArrayType((3,), np.dtype("bool"))
X, Y, Z = Var(F64), Var(F64), Var(F64)
ONE = Literal(np.float64(1), F64)


def equation(primitive, inputs, *outputs):
    return Equation(primitive, tuple(inputs), {}, outputs)


GOOD = {
    "identity": Program((X,), (), (X,)),
    "literal": Program((), (), (ONE,)),
    "chain": Program((X,), (equation(sin, [X], Y), equation(add, [Y, ONE], Z)), (Z, Y, Z)),
    "weak": Program((X,), (equation(sin, [X], Var(F64._replace(weak=True))),), ()),
}

BAD = {
    "input twice": (Program((X, X), (), ()), "assigned twice"),
    "output twice": (Program((X,), (equation(sin, [X], Y), equation(sin, [X], Y)), (Y,)), "assigned twice"),
    "output is an input": (Program((X,), (equation(sin, [X], X),), (X,)), "assigned twice"),
    "early use": (Program((X,), (equation(sin, [Y], Z), equation(sin, [X], Y)), (Z,)), "before it is assigned"),
    "free output": (Program((X,), (), (Y,)), "before it is assigned"),
    "wrong dtype": (Program((X,), (equation(sin, [X], Var(F32)),), ()), "sin: outputs should be"),
    "wrong shape": (Program((X,), (equation(sin, [X], Var(F64._replace(shape=(4,)))),), ()), "sin: outputs should be"),
    "wrong dtype of a comparison": (Program((X, Y), (equation(gt, [X, Y], Z),), ()), "gt: outputs should be"),
    "too many outputs": (Program((X,), (equation(sin, [X], Y, Z),), ()), "sin: outputs should be"),
    "literal of another dtype": (Program((), (), (Literal(np.float32(1), F64),)), "a literal holds one scalar"),
    "literal of many elements": (Program((), (), (Literal(np.ones(3), F64),)), "a literal holds one scalar"),
    "no variable": (Program((ONE,), (), ()), "requires a typed variable"),
    "untyped variable": (Program((Var(None),), (), ()), "requires a typed variable"),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_programs_pass(name: str) -> None:
    assert check(GOOD[name]) is GOOD[name]


@pytest.mark.parametrize("name", BAD)
def test_bad_programs_are_found(name: str) -> None:
    program, message = BAD[name]
    with pytest.raises(ProgramError, match=message):
        check(program)


@pytest.mark.parametrize("second", [F32, BOOL, F64._replace(shape=(1,))])
def test_operands_that_the_type_rule_refuses_are_found(second: ArrayType) -> None:
    inputs = Var(F64), Var(second)
    with pytest.raises(TypeError, match="add: requires"):
        check(Program(inputs, (equation(add, inputs, Var(F64)),), ()))
