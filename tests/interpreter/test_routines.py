"""A Program written out as a function gives the interpreter's results to the bit, and lets arrays go."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from fnad import make_program
from fnad.interpreter.evaluate import evaluate, watched
from fnad.interpreter.routines import write_routine
from fnad.interpreter import evaluate as evaluating
from fnad.ir.primitive import Primitive
from fnad.ir.program import Program
from fnad.ir.types import ArrayType
from fnad.ops.elementwise import add, mul, select, sin
from fnad.ops.shaping import broadcast, reduce_sum
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compiler.random_programs import SHAPE, functions


def results(program: Program, inputs: list[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """By the interpreter, and by the function."""
    interpreted = evaluate(program, inputs)
    written = write_routine(program)(*inputs)
    return interpreted, [np.asarray(value, atom.type.dtype) for value, atom in zip(written, program.outputs)]


@settings(max_examples=60, deadline=None)
@given(functions(3), st.integers(0, 2**32 - 1))
def test_a_routine_is_the_interpreter(function, seed):
    inputs = list(np.random.default_rng(seed).integers(-4, 5, (2, *SHAPE)).astype(float))
    program = make_program(lambda *arrays: tuple(function(arrays)))(*inputs)
    for interpreted, written in zip(*results(program, inputs)):
        np.testing.assert_array_equal(interpreted, written)
        np.testing.assert_array_equal(np.signbit(interpreted), np.signbit(written))


ROW, COLUMN, FULL = np.arange(3.0), np.arange(2.0), np.arange(6.0).reshape(2, 3)
SPREADS = {
    "beside an array": lambda row, column, full: add(broadcast(row, shape=(2, 3), dims=(1,)), full),
    "of columns": lambda row, column, full: mul(full, broadcast(column, shape=(2, 3), dims=(0,))),
    "of a number": lambda row, column, full: mul(broadcast(reduce_sum(row, axes=(0,)), shape=(2, 3), dims=()), full),
    "beside another": lambda row, column, full: add(
        broadcast(row, shape=(2, 3), dims=(1,)), broadcast(column, shape=(2, 3), dims=(0,))
    ),
    "alone": lambda row, column, full: sin(broadcast(row, shape=(2, 3), dims=(1,))),
    "beside a literal": lambda row, column, full: add(broadcast(row, shape=(2, 3), dims=(1,)), 2.0),
    "as a result": lambda row, column, full: broadcast(row, shape=(2, 3), dims=(1,)),
    "used by no ufunc": lambda row, column, full: reduce_sum(broadcast(row, shape=(2, 3), dims=(1,)), axes=(0,)),
    "used in a choice": lambda row, column, full: select(full > 1, broadcast(row, shape=(2, 3), dims=(1,)), full),
    "used twice": lambda row, column, full: (lambda x: (mul(x, full), reduce_sum(x, axes=(0, 1))))(
        broadcast(row, shape=(2, 3), dims=(1,))
    ),
}


@pytest.mark.parametrize("name", SPREADS)
def test_a_broadcast(name):
    inputs = [ROW, COLUMN, FULL]
    for interpreted, written in zip(*results(make_program(SPREADS[name])(*inputs), inputs)):
        assert interpreted.shape == written.shape
        np.testing.assert_array_equal(interpreted, written)


def test_a_program_that_is_evaluated_often_is_written_out_once(monkeypatch):
    written = []
    monkeypatch.setattr(evaluating, "write_routine", lambda p: written.append(p) or write_routine(p))
    program = make_program(lambda x: (x, add(x, x), x))(ROW)
    for _ in range(3 * evaluating.OFTEN):
        same, double, again = evaluate(program, [ROW])
        assert same is not ROW and same is not again
        np.testing.assert_array_equal(double, 2 * ROW)
    assert written == [program]


def test_what_is_watched_is_interpreted():
    program = make_program(lambda x: add(mul(x, 2.0), 1.0))(ROW)
    for _ in range(2 * evaluating.OFTEN):
        evaluate(program, [ROW])
    seen = []
    watched(lambda equation, values: seen.append(equation.primitive), lambda: evaluate(program, [ROW]))
    assert seen == [mul, add]


def test_an_array_is_let_go_after_its_last_use():
    alive: list[int] = []
    made: list[weakref.ref] = []

    def fresh(x):
        gc.collect()
        alive.append(sum(ref() is not None for ref in made))
        y = np.array(x)
        made.append(weakref.ref(y))
        return y

    probe = Primitive("probe of a test", lambda t: ArrayType(t.shape, t.dtype), fresh)
    program = make_program(lambda x: probe(probe(probe(probe(x)))))(ROW)
    write_routine(program)(ROW)
    assert alive == [0, 1, 1, 1]
