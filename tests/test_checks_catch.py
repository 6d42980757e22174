"""The checks find what they are there to find: each law fails for a primitive that breaks it.

Every row makes a primitive with one intended defect and runs the very test that must notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import fnad.tracing.staging
import fnad.transforms.vjp
import numpy as np
import pytest
from fnad import vjp
from fnad.ir.check import ProgramError
from fnad.ir.primitive import REGISTRY, Primitive
from fnad.ir.program import Equation, Program, Var
from fnad.ir.types import ArrayType
from fnad.ops.elementwise import add, convert, cos, div, mul, neg, sin, stop_gradient
from fnad.ops.families import elementwise
from fnad.ops.shaping import reduce_sum
from fnad.testing import check_grads
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.properties import test_compiled, test_derivatives, test_values
from tests.properties.cases import ANY, SECOND, Case, Sample
from tests.properties.running import needs_jit
from tests.transforms.test_vmap import test_vmap_is_the_stacked_loop as stacked_loop

X = np.array([0.3, 0.8, -1.1])
SAMPLES = (Sample(((2, 3),)), Sample(((),)))
PAIRS = (Sample(((2, 3), (2, 3))),)


@pytest.fixture(autouse=True)
def temporary_primitives() -> Iterator[None]:
    """What a test declares is forgotten after it."""
    known = set(REGISTRY)
    yield
    for name in REGISTRY.keys() - known:
        del REGISTRY[name]


def sine(partial: Callable[..., Any], evaluate: Callable[..., Any] = np.sin, text: str = "sin({0})") -> Primitive:
    return elementwise("test_sine", evaluate, text, [partial], "f")


# --- check_grads

WRONG_DERIVATIVES: dict[str, Callable[..., Any]] = {
    "a factor": lambda g, y, x: mul(g, mul(cos(x), 1.001)),
    "the sign": lambda g, y, x: neg(mul(g, cos(x))),
    "an offset": lambda g, y, x: mul(g, add(cos(x), 1e-4)),
    "nothing": lambda g, y, x: mul(g, 0.0),
    "nan": lambda g, y, x: mul(g, np.nan),
    "not linear": lambda g, y, x: mul(mul(g, g), cos(x)),
}


@pytest.mark.parametrize("mode", ["rev", "fwd"])
@pytest.mark.parametrize("name", WRONG_DERIVATIVES)
def test_check_grads_finds_a_wrong_derivative(name: str, mode: str) -> None:
    with pytest.raises(AssertionError, match=rf"of order 1 in mode {mode}, got -?\d.* by differences and (-?\d|nan)"):
        check_grads(sine(WRONG_DERIVATIVES[name]), (X,), modes=mode)


def test_check_grads_names_the_rule_first_where_both_modes_are_wrong() -> None:
    with pytest.raises(AssertionError, match="of order 1 in mode rev"):
        check_grads(sine(WRONG_DERIVATIVES["a factor"]), (X,))


def test_check_grads_finds_a_derivative_that_is_wrong_in_float32() -> None:
    with pytest.raises(AssertionError, match="order 1"):
        check_grads(sine(lambda g, y, x: mul(g, mul(cos(x), 1.03))), (X.astype(np.float32),))


def test_check_grads_finds_a_wrong_second_derivative() -> None:
    wrong = sine(lambda g, y, x: mul(g, cos(stop_gradient(x))))
    check_grads(wrong, (X,), order=1)
    with pytest.raises(AssertionError, match="order 2"):
        check_grads(wrong, (X,))


def test_check_grads_finds_a_missing_conjugate() -> None:
    z = np.array([0.3 + 0.5j, -0.2 + 0.1j])
    partials = [lambda g, z, x, y: mul(g, y), lambda g, z, x, y: mul(g, x)]
    wrong = elementwise("test_product", np.multiply, "{0} * {1}", partials, "c")
    with pytest.raises(AssertionError, match="order 1"):
        check_grads(wrong, (z, z + 1))


def test_check_grads_finds_gradients_of_another_type() -> None:
    narrow = sine(lambda g, y, x: convert(mul(g, cos(x)), dtype=np.dtype("float32")))
    with pytest.raises(AssertionError, match=r"of their argument's type, got f32\[3\] for f64\[3\]"):
        check_grads(narrow, (X,))


def test_check_grads_finds_gradients_of_another_shape() -> None:
    short = sine(lambda g, y, x: reduce_sum(g, axes=(0,)))
    with pytest.raises(AssertionError, match=r"of their argument's type, got f64\[\] for f64\[3\]"):
        check_grads(short, (X,))


# --- The laws


def law(test: Callable[..., None], case: Case, dtype: str = "float64", **more: Any) -> None:
    """Run a law on a case of its own; what it finds needs no simplest example."""
    if not hasattr(test, "hypothesis"):
        return test(case=case, dtype=dtype, **more)

    @settings(phases=[Phase.generate])
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        test.hypothesis.inner_test(case=case, dtype=dtype, data=data, **more)

    run()


def unary(primitive: Primitive, oracle: Callable[..., Any] = np.sin, **more: Any) -> Case:
    return Case(primitive.name, (more.pop("domain", ANY),), SAMPLES, oracle, **more)


def mutating(x: Any) -> Any:
    y = np.sin(x)
    if isinstance(x, np.ndarray) and x.ndim and x.flags.writeable:
        x[...] = 0.0
    return y


RIGHT = lambda g, y, x: mul(g, cos(x))
WRONG_VALUES = {
    "slightly wrong": lambda x: np.sin(x) * np.asarray(x).dtype.type(1 + 1e-6),
    "another dtype": lambda x: np.sin(x, dtype=np.float64),
    "another shape": lambda x: np.atleast_1d(np.sin(x)),
    "no nan": lambda x: np.nan_to_num(np.sin(x)),
}


@pytest.mark.parametrize("name", WRONG_VALUES)
def test_the_law_of_values_finds_wrong_ones(name: str) -> None:
    with pytest.raises(AssertionError):
        law(test_values.test_values_are_numpys, unary(sine(RIGHT, evaluate=WRONG_VALUES[name])), "float32")


WRONG_MEMORY = {
    "inputs change": mutating,
    "the layout counts": lambda x: np.sin(x) + (0.0 if np.asarray(x).flags.c_contiguous else 1.0),
}


@pytest.mark.parametrize("name", WRONG_MEMORY)
def test_the_law_of_layouts_finds_wrong_memory(name: str) -> None:
    with pytest.raises(AssertionError):
        law(test_values.test_layouts_change_nothing_and_inputs_stay, unary(sine(RIGHT, evaluate=WRONG_MEMORY[name])))


AGREE = test_derivatives.test_rules_agree_with_differences
LINEAR = test_derivatives.test_pullbacks_are_linear_and_make_arrays_of_their_own
ZERO = test_derivatives.test_a_zero_cotangent_stays_zero
SINGULAR = test_derivatives.test_a_zero_cotangent_stays_zero_at_infinite_slopes
SYMMETRIC = test_derivatives.test_hessians_are_symmetric
WRONG_LAWS = {
    "agree": (AGREE, lambda g, y, x: mul(g, mul(cos(x), 1.001))),
    "agree at order 2": (AGREE, lambda g, y, x: mul(g, cos(stop_gradient(x)))),
    "linear": (LINEAR, lambda g, y, x: mul(mul(g, g), cos(x))),
    "zero": (ZERO, lambda g, y, x: add(mul(g, cos(x)), 1e-9)),
}


def test_the_laws_pass_for_a_right_rule() -> None:
    case = unary(sine(RIGHT), ulp=4)
    law(test_values.test_values_are_numpys, case)
    law(test_values.test_layouts_change_nothing_and_inputs_stay, case)
    for test in (AGREE, LINEAR, ZERO, SYMMETRIC):
        law(test, case)


@pytest.mark.parametrize("name", WRONG_LAWS)
def test_the_laws_of_derivatives_find_wrong_ones(name: str) -> None:
    test, partial = WRONG_LAWS[name]
    with pytest.raises(AssertionError):
        law(test, unary(sine(partial)))


def test_the_law_of_zeros_finds_an_infinite_slope_that_wakes() -> None:
    root = elementwise("test_root", np.sqrt, "sqrt({0})", [lambda g, y, x: div(g, mul(y, 2.0))], "f")
    with pytest.raises(AssertionError):
        law(SINGULAR, unary(root, np.sqrt), point=(0.0,))


def test_the_law_of_symmetry_finds_an_asymmetric_hessian() -> None:
    product = elementwise(
        "test_product", np.multiply, "{0} * {1}",
        [lambda g, z, x, y: mul(g, stop_gradient(y)), lambda g, z, x, y: mul(g, x)], "f",
    )
    with pytest.raises(AssertionError):
        law(SYMMETRIC, Case(product.name, (ANY, SECOND), PAIRS, np.multiply))


WRONG_BATCHES = {
    "the axes of an example": lambda op, mapped, x, axes: op(x, axes=axes),
    "one example for all": lambda op, mapped, x, axes: op(reduce_sum(x, axes=(0,)), axes=axes),
    "none": None,
}


@pytest.mark.parametrize("name", WRONG_BATCHES)
def test_the_law_of_batches_finds_wrong_ones(name: str) -> None:
    total = Primitive("test_sum", reduce_sum.type_rule, reduce_sum.evaluate, batch=WRONG_BATCHES[name])
    case = Case(total.name, (ANY,), (Sample(((3, 3),), {"axes": (1,)}),), reduce_sum.evaluate)
    with pytest.raises((AssertionError, TypeError)):
        stacked_loop(case, "float64")


@needs_jit
@pytest.mark.parametrize("text", ["cos({0})", "sin({0}) * 1.00001", "sin(abs({0}))"])
def test_the_law_of_compiled_code_finds_another_meaning(text: str) -> None:
    with pytest.raises(AssertionError):
        law(test_compiled.test_compiled_values_are_the_interpreters, unary(sine(RIGHT, text=text), ulp=4))


# --- The checker of Programs, which runs in all tests


def identity_program(type: ArrayType, claimed: ArrayType) -> Program:
    x, y = Var(type), Var(claimed)
    return Program((x,), (Equation(sin, (x,), {}, (y,)),), (y,))


F64, F32 = (ArrayType((3,), np.dtype(d)) for d in ("float64", "float32"))


@pytest.mark.parametrize("use", [
    lambda program: fnad.tracing.staging.call_program(program, [X]),
    lambda program: fnad.transforms.vjp.vjp_program(program, [0], 1),
])
def test_no_test_runs_or_transforms_a_wrong_program(use: Callable[[Program], Any]) -> None:
    use(identity_program(F64, F64))
    with pytest.raises(ProgramError, match="sin: outputs should be"):
        use(identity_program(F64, F32))


def test_a_type_rule_that_changes_its_mind_is_found() -> None:
    answers = iter([F64, F32])
    fickle = Primitive("test_fickle", lambda x: next(answers), np.sin, differentiable=())
    with pytest.raises(ProgramError, match="test_fickle: outputs should be"):
        vjp(lambda x: fickle(x), X)
