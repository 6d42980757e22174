"""Forward mode: transposed twice, dual to reverse mode for every operation, nested with every transform."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import grad, hvp, jit, jvp, linear_transpose, linearize, make_program, vjp
from fnad.interpreter.evaluate import evaluate
from fnad.ir.program import Program, prune
from fnad.ir.types import is_inexact
from fnad.testing import check_grads
from fnad.tracing.staging import stage
from fnad.tracing.tracer import value_type
from fnad.transforms.joint import split_joint
from fnad.transforms.jvp import jvp_program
from fnad.transforms.vjp import vjp_program
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.cases import CASES, Case

X = np.array([0.5, 1.5, 2.5])
V = np.array([1.0, -2.0, 0.5])
DTYPES = ("float64", "complex128", "float32")
DIFFERENTIABLE = [c for c in CASES.values() if any(c.is_smooth(d, s) for d in DTYPES for s in c.samples)]
few = settings(max_examples=max(settings.default.max_examples // 6, 1))


def dtype_of(case: Case) -> str:
    return next(d for d in DTYPES if any(case.is_smooth(d, s) for s in case.samples))


def drawn(case: Case, data: st.DataObject) -> tuple[Callable[..., Any], list[np.ndarray]]:
    dtype = dtype_of(case)
    sample = data.draw(st.sampled_from([s for s in case.samples if case.is_smooth(dtype, s)]))
    return lambda *xs: case.call(*xs, sample=sample), data.draw(case.inputs(sample, dtype))


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=lambda case: case.name)
@few
@given(data=st.data())
def test_an_operation_is_dual_to_its_pullback_and_agrees_with_differences(case: Case, data: st.DataObject) -> None:
    function, inputs = drawn(case, data)
    check_grads(function, inputs, order=1, modes="fwd")


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=lambda case: case.name)
@few
@given(data=st.data())
def test_an_operation_pulls_back_without_reading_the_cotangent_twice(case: Case, data: st.DataObject) -> None:
    function, inputs = drawn(case, data)
    staged = stage(function, [value_type(x) for x in inputs], inputs)
    wrt = [i for i, x in enumerate(inputs) if is_inexact(x.dtype)]
    count = len(staged.program.outputs)
    parts = split_joint(vjp_program(staged.program, wrt, count), count)
    first = len(parts.forward.outputs) - count
    cotangents = range(first, len(parts.backward.inputs))
    twice = vjp_program(parts.backward, cotangents, len(parts.backward.outputs)).program
    transposed = prune(Program(twice.inputs, twice.equations, twice.outputs[len(parts.backward.outputs) :]))
    read = {a for eqn in transposed.equations for a in eqn.inputs}
    assert read.isdisjoint([twice.inputs[i] for i in cotangents])


SAMPLE = {
    "product": lambda x, y: x * y, "quotient": lambda x, y: x / y, "power": lambda x, y: x**y,
    "matrix": lambda x, y: np.outer(x, y) @ np.sin(x), "maximum": lambda x, y: np.maximum(x * x, y),
    "sort": lambda x, y: np.sort(x * y) * x, "gather": lambda x, y: (x * y)[np.array([0, 0, 2])] ** 2,
    "sum": lambda x, y: np.sum(x * x) / np.mean(y), "prod": lambda x, y: np.prod(x) * y,
    "cumsum": lambda x, y: np.cumsum(x * x) * y, "norm": lambda x, y: np.linalg.norm(x) * y,
    "where": lambda x, y: np.where(x > 1, np.exp(x) * y, x), "jitted": jit(lambda x, y: np.tanh(x) * y**2),
}


@pytest.mark.parametrize("name", SAMPLE)
def test_order_two_in_four_nestings(name: str) -> None:
    check_grads(SAMPLE[name], (X, X + 0.3), order=2, modes=("fwd", "rev"))


@pytest.mark.parametrize("name", SAMPLE)
def test_compiled_tangents_are_the_interpreted_ones(name: str) -> None:
    f = SAMPLE[name]
    expected = jvp(f, (X, X + 0.3), (V, X))
    for got in (jit(lambda x, v: jvp(f, (x, x + 0.3), (v, X)))(X, V), jvp(jit(f), (X, X + 0.3), (V, X))):
        np.testing.assert_allclose(got[0], expected[0], rtol=1e-12)
        np.testing.assert_allclose(got[1], expected[1], rtol=1e-12)


def test_pytrees_in_and_out() -> None:
    def f(params: Any, n: int) -> Any:
        return {"y": params["w"] * n, "n": n + 1, "s": (params["b"] ** 2,), "name": "f"}

    out, tangent = jvp(f, ({"w": X, "b": 2.0}, 3), ({"w": V, "b": 1.0}, None))
    np.testing.assert_array_equal(out["y"], 3 * X)
    np.testing.assert_array_equal(tangent["y"], 3 * V)
    assert tangent["n"] is None and tangent["name"] is None and tangent["s"] == (4.0,)
    assert jvp(f, ({"w": X, "b": 2.0}, 3), ({"w": V, "b": 1.0}, 0))[1]["s"] == (4.0,)


def test_aux_is_passed_through() -> None:
    out, tangent, aux = jvp(lambda x: (x**2, {"x": x, "name": 1}), (3.0,), (1.0,), has_aux=True)
    assert (out, tangent, aux["x"], aux["name"]) == (9.0, 6.0, 3.0, 1)


def test_a_tangent_has_the_dtype_of_its_primal() -> None:
    out, tangent = jvp(lambda x: x * 2, (np.float32(3.0),), (1.0,))
    assert out.dtype == tangent.dtype == np.float32
    assert jvp(np.abs, (np.array(3 + 4j),), (np.array(1 + 0j),))[1] == pytest.approx(0.6)


def test_kinks_are_those_of_the_pullback() -> None:
    for f in (np.abs, np.sqrt, lambda x: np.maximum(x, 0.0), np.linalg.norm):
        assert jvp(f, (np.zeros(1),), (np.zeros(1),))[1] == vjp(f, np.zeros(1))[1](f(np.zeros(1)) * 0)[0]
    assert jvp(lambda x: np.maximum(x, 0.0), (0.0,), (1.0,))[1] == 0.5


def test_no_dependence_is_a_zero_tangent() -> None:
    np.testing.assert_array_equal(jvp(lambda x: np.ones(2), (X,), (V,))[1], np.zeros(2))
    np.testing.assert_array_equal(jvp(lambda x: x, (X,), (V,))[1], V)


def test_nothing_to_differentiate() -> None:
    assert jvp(lambda n: n + 1, (3,), (None,)) == (4, None)
    assert jvp(lambda: 1.0, (), ()) == (1.0, 0.0)
    assert jvp(lambda x: (3, "a"), (X,), (V,)) == ((3, "a"), (None, None))
    assert linearize(lambda n: n + 1, 3)[1](None) is None


def test_closed_over_values_are_constants_of_the_inner_derivative() -> None:
    # Siskind and Pearlmutter's test of perturbation confusion: d/dx (x * d/dy (x + y)) = 1.
    def inner(x: Any) -> Any:
        return x * jvp(lambda y: x + y, (1.0,), (1.0,))[1]

    assert jvp(inner, (1.0,), (1.0,))[1] == 1.0
    assert grad(inner)(1.0) == 1.0
    assert jvp(lambda x: x * grad(lambda y: x * y)(2.0), (3.0,), (1.0,))[1] == 6.0


def third(x: Any) -> Any:
    return np.sum(x**3 * np.cos(x))


def pushed(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: jvp(f, (x,), (V,))[1]


def pulled(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: np.sum(grad(f)(x) * V)


@pytest.mark.parametrize("first", [pushed, pulled, jit])
@pytest.mark.parametrize("second", [pushed, pulled, jit])
@pytest.mark.parametrize("third_one", [pushed, pulled, jit])
def test_transforms_nest_in_every_order(first: Any, second: Any, third_one: Any) -> None:
    order = sum(t is not jit for t in (first, second, third_one))
    expected = third
    for _ in range(order):
        expected = pulled(expected)
    got = third_one(second(first(third)))(X)
    np.testing.assert_allclose(got, expected(X), rtol=1e-10)


def test_python_control_flow_works() -> None:
    def newton(a: Any) -> Any:
        x = a
        while abs(x * x - a) > 1e-12:
            x = (x + a / x) / 2
        return x

    assert jvp(newton, (2.0,), (1.0,))[1] == pytest.approx(0.5 / np.sqrt(2))


def test_a_linearized_function_may_be_called_many_times() -> None:
    out, f_jvp = linearize(lambda x, n: (np.sin(x) * n, n), X, 2)
    np.testing.assert_array_equal(out[0], 2 * np.sin(X))
    for scale in (1.0, -2.0, 0.0):
        np.testing.assert_allclose(f_jvp(scale * V, None)[0], 2 * scale * V * np.cos(X))


def test_a_linearized_function_computes_nothing_twice() -> None:
    def f(x: Any, v: Any) -> Any:
        _, f_jvp = linearize(np.exp, x)
        return f_jvp(v), f_jvp(2 * v)

    names = [eqn.primitive.name for eqn in make_program(f)(X, V).equations]
    assert names.count("exp") == 1
    compiled = jit(f)(X, V)
    np.testing.assert_allclose(compiled[1], 2 * V * np.exp(X))


def test_hessian_vector_products() -> None:
    def f(x: Any, y: Any) -> Any:
        return np.sum(x**2 * y)

    hx, hy = hvp(f, (X, X + 1), (V, 0 * V))
    np.testing.assert_allclose(hx, 2 * (X + 1) * V)
    np.testing.assert_allclose(hy, 2 * X * V)
    np.testing.assert_allclose(jit(lambda v: hvp(third, (X,), (v,)))(V)[0], hvp(third, (X,), (V,))[0])
    np.testing.assert_allclose(grad(lambda x: hvp(third, (x,), (V,))[0][0])(X)[1:], 0, atol=1e-12)


def test_linear_functions_are_transposed() -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    transposed = linear_transpose(lambda x: {"y": matrix @ x, "x": 2 * x}, X)
    np.testing.assert_allclose(transposed({"y": np.ones(2), "x": V})[0], matrix.T @ np.ones(2) + 2 * V)
    both = linear_transpose(lambda x, y: x + y[:1], X, X)(V)
    np.testing.assert_allclose(both[1], [np.sum(V), 0, 0])
    assert linear_transpose(lambda z: 1j * z, 1j)(1.0 + 0j)[0] == -1j
    jitted = jit(lambda g: linear_transpose(jit(lambda x: matrix @ x), X)(g))
    np.testing.assert_allclose(jitted(np.ones(2))[0], [3, 5, 7])


def test_a_program_and_its_tangents_in_one() -> None:
    staged = stage(lambda x, y: [np.sin(x) * y, x + 1], [value_type(X)] * 2)
    joint = jvp_program(staged.program, [1], 1)
    assert len(joint.program.inputs) == 3 and len(joint.program.outputs) == 3 and len(joint.cotangents) == 1
    results = evaluate(joint.program, [X, X, V])
    np.testing.assert_allclose(results[2], np.sin(X) * V)
    assert jvp_program(staged.program, [1], 0).program.output_types == staged.program.output_types


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jvp(np.sin, X, V), TypeError, r"jvp: requires primals as a tuple .*, got ndarray. Write \(primal,\)"),
        (lambda: jvp(np.sin, (X,), V), TypeError, "jvp: requires tangents as a tuple"),
        (lambda: jvp(lambda p: p["a"], ({"a": X},), ({"b": V},)), ValueError, r"jvp: .*without tree\[0\]\['a'\]"),
        (lambda: jvp(lambda p: p["a"], ({"a": X},), ({"a": V[:2]},)), ValueError,
         r"jvp: requires a tangent like its primal, f64\[3\] at tangents\[0\]\['a'\], got f64\[2\]"),
        (lambda: jvp(np.sin, (X,), (1j * V,)), ValueError, r"f64\[3\] at tangents\[0\], got c128\[3\]"),
        (lambda: jvp(np.sin, (X,), (None,)), TypeError, r"jvp: requires arrays .*, got NoneType at tangents\[0\]"),
        (lambda: jvp(np.sin, ("a",), (V,)), TypeError, r"jvp: requires arrays or numbers, got str at primals\[0\]"),
        (lambda: jvp(lambda x, n: x * n, (X, 2), (V, 1)), ValueError, r"None or zero .* i64.* at tangents\[1\]"),
        (lambda: jvp(np.sin, (X,), (V,), has_aux=True), TypeError, r"jvp: requires .* returns \(out, aux\)"),
        (lambda: linearize(np.sin, X)[1](V, V), ValueError, "linearize: requires trees of equal structure"),
        (lambda: hvp(np.sum, X, V), TypeError, "hvp: requires primals as a tuple"),
        (lambda: linear_transpose(np.sin, X), ValueError, "linear_transpose: requires a linear function"),
        (lambda: linear_transpose(lambda n: n, 3), TypeError, r"got i64\[\]\* at example_args\[0\]"),
        (lambda: linear_transpose(lambda x: (x, "a"), X), TypeError, r"got str at result\[1\]"),
    ],
)
def test_wrong_use_is_an_error(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_conversion_that_cuts_a_tangent_is_an_error() -> None:
    with pytest.raises(fnad.CutGradientError):
        jvp(lambda x: float(x) * 2, (2.0,), (1.0,))
