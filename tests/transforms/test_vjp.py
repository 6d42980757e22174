"""Pullbacks: of any pytree, callable many times, differentiable themselves, and without a second forward pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fnad import grad, jit, make_program, vjp
from fnad.ir.primitive import REGISTRY, Primitive
from fnad.ops.elementwise import cos, mul
from fnad.testing import check_grads
from fnad.transforms.joint import split_joint
from fnad.transforms.vjp import vjp_program

X = np.array([1.0, 2.0, 3.0])


def test_a_pullback_gives_a_tree_for_each_primal() -> None:
    def f(params: Any, x: Any) -> Any:
        return {"sum": params["w"] * x, "both": (params["w"] + x, params["b"])}

    out, pullback = vjp(f, {"w": X, "b": 2.0}, 10 * X)
    np.testing.assert_array_equal(out["sum"], 10 * X**2)
    params_bar, x_bar = pullback({"sum": X, "both": (np.ones(3), 5.0)})
    np.testing.assert_array_equal(params_bar["w"], 10 * X**2 + 1)
    np.testing.assert_array_equal(x_bar, X**2 + 1)
    assert params_bar["b"] == 5.0


def test_a_pullback_may_be_called_many_times() -> None:
    _, pullback = vjp(np.sin, X)
    for scale in (1.0, -2.0, 0.0):
        np.testing.assert_allclose(pullback(np.full(3, scale))[0], scale * np.cos(X))


def test_integer_leaves_have_no_cotangent() -> None:
    out, pullback = vjp(lambda x, n, flag: (x * n, n + 1, flag), X, 3, np.array([True, False, True]))
    assert out[1] == 4
    bars = pullback((np.ones(3), 0, np.zeros(3, bool)))
    np.testing.assert_array_equal(bars[0], np.full(3, 3.0))
    assert bars[1:] == (None, None)


def test_a_cotangent_may_be_given_in_a_narrower_dtype_or_as_a_number() -> None:
    _, pullback = vjp(lambda x: x**2, 3.0)
    for g in (1, 1.0, np.float32(1), np.array(1.0)):
        (bar,) = pullback(g)
        assert bar == 6.0 and bar.dtype == np.float64
    _, pullback = vjp(lambda x: x**2, np.float32(3.0))
    assert pullback(1.0)[0].dtype == np.float32


def test_aux_is_passed_through() -> None:
    out, pullback, aux = vjp(lambda x: (x**2, {"twice": 2 * x, "name": "n"}), X, has_aux=True)
    np.testing.assert_array_equal(out, X**2)
    np.testing.assert_array_equal(aux["twice"], 2 * X)
    assert aux["name"] == "n"
    np.testing.assert_array_equal(pullback(np.ones(3))[0], 2 * X)


def test_functions_without_arguments_results_or_dependence() -> None:
    assert vjp(lambda: 1.0)[1](1.0) == ()
    out, pullback = vjp(lambda x: None, X)
    assert out is None and not pullback(None)[0].any()
    out, pullback = vjp(lambda x: "text", X)
    assert out == "text" and not pullback("anything")[0].any()
    np.testing.assert_array_equal(vjp(lambda x: np.ones(2), X)[1](np.ones(2))[0], np.zeros(3))


def test_a_pullback_is_differentiable() -> None:
    check_grads(lambda x, g: vjp(np.tanh, x)[1](g)[0], (X, X - 1))
    second = grad(lambda x: np.sum(vjp(lambda y: y**3, x)[1](np.ones(3))[0]))(X)
    np.testing.assert_allclose(second, 6 * X)


def test_a_pullback_of_closed_over_tracers() -> None:
    def f(x: Any) -> Any:
        _, pullback = vjp(lambda y: y * x, x)
        return np.sum(pullback(x)[0])

    np.testing.assert_array_equal(grad(f)(X), 2 * X)


def test_a_pullback_leaves_jit_and_enters_it() -> None:
    got = jit(lambda x, g: vjp(lambda y: np.sin(y) * y, x)[1](g)[0])(X, X)
    np.testing.assert_allclose(got, X * (np.cos(X) * X + np.sin(X)))
    _, pullback = vjp(jit(lambda y: np.sin(y) * y), X)
    np.testing.assert_allclose(pullback(X)[0], got)
    np.testing.assert_allclose(jit(pullback)(X)[0], got)


# --- What runs, and how often


@pytest.fixture
def counted() -> Iterator[tuple[Primitive, list[str]]]:
    """A sine that notes when it runs."""
    ran: list[str] = []

    def evaluate(x: Any) -> Any:
        ran.append("sine")
        return np.sin(x)

    sine = Primitive("test_sine", lambda x: x, evaluate, vjp=lambda i, g, y, x: mul(g, cos(x)))
    yield sine, ran
    del REGISTRY["test_sine"]


def test_the_function_runs_once_and_the_forward_work_is_not_repeated(counted: tuple[Primitive, list[str]]) -> None:
    sine, ran = counted
    calls: list[int] = []
    _, pullback = vjp(lambda x: calls.append(1) or sine(sine(x)), X)
    assert (len(calls), len(ran)) == (1, 2)
    pullback(X)
    pullback(X)
    assert (len(calls), len(ran)) == (1, 2)


def test_the_backward_program_holds_no_forward_equation() -> None:
    program = make_program(lambda x: np.tanh(x) * np.exp(x))(X)
    joint = vjp_program(program, [0], 1)
    parts = split_joint(joint, 1)
    assert [e.primitive.name for e in parts.forward.equations] == ["tanh", "exp", "mul"]
    names = [e.primitive.name for e in parts.backward.equations]
    assert not {"tanh", "exp"} & set(names) and len(names) == len(joint.program.equations) - 3


def test_a_rule_that_is_never_needed_is_not_asked_for() -> None:
    opaque = Primitive("test_opaque", lambda x: x, lambda x: x + 1)
    try:
        assert grad(lambda x, y: np.sum(x) * np.sum(opaque(y)))(X, X) is not None
        with pytest.raises(TypeError, match="test_opaque: requires a derivative rule to be differentiated, got none"):
            grad(lambda x: np.sum(opaque(x)))(X)
    finally:
        del REGISTRY["test_opaque"]


def test_forward_rules_replace_what_runs_and_hand_over_residuals() -> None:
    ran: list[str] = []

    def forward(active: Any, x: Any) -> tuple[Any, Any]:
        ran.append("forward")
        return mul(x, x), (x,)

    def backward(residuals: Any, g: Any) -> list[Any]:
        return [mul(mul(g, residuals[0]), 2.0)]

    square = Primitive("test_square", lambda x: x, lambda x: x * x, vjp_forward=forward, vjp_backward=backward)
    try:
        np.testing.assert_array_equal(grad(lambda x: np.sum(square(x)))(X), 2 * X)
        assert ran == ["forward"]
        np.testing.assert_array_equal(square(X), X * X)
        assert ran == ["forward"]
        check_grads(square, (X,))
    finally:
        del REGISTRY["test_square"]


def test_results_and_aux_may_hold_what_is_no_array() -> None:
    x = np.ones(3)
    out, pullback, aux = vjp(lambda x: (("name", x * 2.0), {"k": x * 3.0, "s": "text"}), x, has_aux=True)
    assert out[0] == "name" and aux["s"] == "text"
    np.testing.assert_array_equal(pullback(("name", x))[0], 2 * x)
