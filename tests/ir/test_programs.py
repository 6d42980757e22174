"""Programs as values: how they print, what they compute, and what pruning leaves of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from fnad import make_program
from fnad.interpreter.evaluate import evaluate
from fnad.ir.primitive import REGISTRY, Primitive
from fnad.ir.program import Equation, Program, Var, _letters, prune, structure
from fnad.ir.types import ArrayType, short_dtype, type_of
from fnad.ops.elementwise import add, convert, cos, mul, sin
from fnad.ops.shaping import broadcast, reduce_sum

F64 = ArrayType((3,), np.dtype("float64"))
X = np.array([0.0, 1.0, 2.0])

# --- Printing


def test_a_program_prints_one_typed_line_for_each_equation() -> None:
    def f(x, y):
        z = mul(add(x, 2.0), convert(y, dtype=np.dtype("float64")))
        return broadcast(reduce_sum(z, axes=(0,)), shape=(2, 1), dims=()), z

    assert str(make_program(f)(X, np.ones(3, np.int32))) == """\
program(a: f64[3], b: i32[3]):
  c: f64[3] = add a 2.0[3]
  d: f64[3] = convert[dtype=float64] b
  e: f64[3] = mul c d
  f: f64[] = reduce_sum[axes=(0,)] e
  g: f64[2,1] = broadcast[shape=(2,1), dims=()] f
  return g, e"""


def test_programs_without_inputs_or_equations_print() -> None:
    assert str(make_program(lambda: 1.0)()) == "program():\n  return 1.0"
    assert str(make_program(lambda x: x)(True)) == "program(a: bool[]):\n  return a"


def test_a_program_in_a_program_is_indented() -> None:
    inner = make_program(sin)(X)
    outer = Program((Var(F64),), (), ())
    call = Equation(_Named("call"), outer.inputs, {"program": inner, "times": 2}, (Var(F64),))
    assert str(Program(outer.inputs, (call,), call.outputs)) == """\
program(a: f64[3]):
  b: f64[3] = call[times=2] a
    program:
      program(a: f64[3]):
        b: f64[3] = sin a
        return b
  return b"""


class _Named:
    """Something with the name of a primitive, which is not registered."""

    effect = False

    def __init__(self, name: str) -> None:
        self.name = name


def test_names_go_on_after_z() -> None:
    assert [_letters(n) for n in (0, 25, 26, 27, 51, 52, 701, 702)] == ["a", "z", "aa", "ab", "az", "ba", "zz", "aaa"]
    assert len({_letters(n) for n in range(2000)}) == 2000


@pytest.mark.parametrize(("dtype", "short"), [("float32", "f32"), ("int64", "i64"), ("uint8", "u8"), ("bool", "bool"),
                                              ("complex128", "c128"), ("float16", "f16")])
def test_dtypes_have_short_names(dtype: str, short: str) -> None:
    assert short_dtype(np.dtype(dtype)) == short


# --- Evaluation


def test_outputs_are_arrays_of_their_own() -> None:
    x = X.copy()
    program = make_program(lambda x: [x, x, reduce_sum(x, axes=()), broadcast(x, shape=(2, 3), dims=(1,)), 5.0])(x)
    outputs = evaluate(program, [x])
    for a, b in itertools.combinations([x, *outputs], 2):
        assert not np.shares_memory(a, b)
    for y in outputs:
        y[...] = 7.0
    np.testing.assert_array_equal(x, X)


def test_a_wrong_number_of_inputs_is_an_error() -> None:
    with pytest.raises(TypeError, match="evaluate: requires 1 inputs, got 2"):
        evaluate(make_program(sin)(X), [X, X])


def test_what_numpy_would_warn_about_is_a_value() -> None:
    program = make_program(lambda x: REGISTRY["log"](mul(x, 1e300)))(np.array([-1.0, 0.0, 1e300]))
    np.testing.assert_array_equal(evaluate(program, [np.array([-1.0, 0.0, 1e300])])[0], [np.nan, -np.inf, np.inf])


# --- Pruning


def test_pruning_drops_what_no_output_needs_and_nothing_else() -> None:
    def f(x):
        unused = cos(sin(x))
        return mul(x, 2.0), None, unused if False else x

    program = make_program(f)(X)
    assert [e.primitive.name for e in program.equations] == ["sin", "cos", "mul"]
    assert [e.primitive.name for e in prune(program).equations] == ["mul"]
    assert prune(program).inputs == program.inputs and prune(program).outputs == program.outputs


def test_pruning_keeps_effects_and_what_they_need() -> None:
    shout = Primitive("test_shout", lambda x: x, lambda x: x, differentiable=(), effect=True)
    try:
        program = make_program(lambda x: [shout(sin(x)), x][1])(X)
        assert [e.primitive.name for e in prune(program).equations] == ["sin", "test_shout"]
    finally:
        del REGISTRY["test_shout"]


def test_structure_tells_programs_apart_by_what_they_say() -> None:
    def make(number, x):
        return make_program(lambda x: add(sin(x), number))(x)

    assert structure(make(1.0, X)) == structure(make(1.0, X + 1))
    assert len({structure(make(n, x)) for n in (1.0, 2.0) for x in (X, X[:2], X.astype("float32"))}) == 6
    assert structure(make(0.0, X)) != structure(make(-0.0, X))


# --- Types


@pytest.mark.parametrize(("value", "text"), [(True, "bool[]"), (1, "i64[]*"), (1.0, "f64[]*"), (1j, "c128[]*"),
                                             (np.float32(1), "f32[]"), (np.ones((2, 3)), "f64[2,3]")])
def test_only_python_numbers_are_weak(value: object, text: str) -> None:
    assert str(type_of(value)) == text


def test_a_primitive_has_a_name_of_its_own() -> None:
    with pytest.raises(ValueError, match="Primitive: requires a new name, got 'sin' a second time"):
        Primitive("sin", lambda x: x, np.sin)
