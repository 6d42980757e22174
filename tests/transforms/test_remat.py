"""Checkpoints: the same derivatives from less memory, in every transform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fnad import checkpoint, custom_vjp, grad, hessian, jit, jvp, make_program, tree, value_and_grad, vjp, vmap
from fnad.compiler.compile import compile_program
from fnad.testing import check_grads
from fnad.tracing.staging import call_program, stage
from fnad.tracing.tracer import value_type
from fnad.transforms.joint import split_joint
from fnad.transforms.vjp import vjp_program

X = np.array([0.5, 1.5, 2.5])
W = np.random.default_rng(0).normal(size=(64, 64)) / 8
ROWS = np.random.default_rng(1).normal(size=(512, 64))


def piece(w: Any, x: Any) -> Any:
    for _ in range(4):
        x = np.tanh(x @ w)
    return x


def chain(layer: Callable[..., Any], pieces: int = 4) -> Callable[..., Any]:
    def loss(w: Any, x: Any) -> Any:
        for _ in range(pieces):
            x = layer(w, x)
        return np.sum(x * x)

    return loss


def plan(loss: Callable[..., Any]) -> Any:
    return compile_program(make_program(grad(loss))(W, ROWS)).plan


def operations(function: Callable[..., Any], *args: Any) -> Counter[str]:
    return Counter([eqn.primitive.name for eqn in compile_program(make_program(function)(*args)).program.equations])


def test_the_compiled_gradient_takes_less_memory() -> None:
    plain, saving = plan(chain(piece)), plan(chain(checkpoint(piece)))
    # Kept are the inside of one piece of 4 layers and 3 values between pieces, instead of 16 values.
    assert saving.arena_bytes < 0.65 * plain.arena_bytes
    assert len(saving.instructions) > len(plain.instructions)
    # So for a batch, whose rows are here examples.
    plain, saving = plan(chain(vmap(piece, (None, 0)))), plan(chain(vmap(checkpoint(piece), (None, 0))))
    assert saving.arena_bytes < 0.65 * plain.arena_bytes


def test_the_compiled_gradient_computes_again() -> None:
    saving, plain = operations(grad(chain(checkpoint(piece))), W, ROWS), operations(grad(chain(piece)), W, ROWS)
    assert saving["matmul"] == plain["matmul"] + 16
    assert saving["barrier"] > 0 and plain["barrier"] == 0


def test_a_policy_keeps_what_it_names() -> None:
    loss, kept = chain(piece), chain(checkpoint(piece, policy=lambda name: name == "matmul"))
    saving, plain = operations(grad(kept), W, ROWS), operations(grad(loss), W, ROWS)
    assert saving["matmul"] == plain["matmul"]
    assert saving["tanh"] == plain["tanh"] + 12  # the backward pass reads no result of the last one in a piece
    np.testing.assert_allclose(grad(kept)(W, ROWS), grad(loss)(W, ROWS), rtol=1e-9, atol=1e-12)
    assert plan(kept).arena_bytes < 0.8 * plan(loss).arena_bytes


@pytest.mark.parametrize("policy", [None, lambda name: name == "tanh", lambda name: True], ids=["none", "tanh", "all"])
def test_derivatives_are_the_same(policy: Any) -> None:
    loss, saving = chain(piece), chain(checkpoint(piece, policy))
    expected = value_and_grad(loss, (0, 1))(W, ROWS)
    for got in (value_and_grad(saving, (0, 1)), jit(value_and_grad(saving, (0, 1))),
                value_and_grad(jit(saving), (0, 1)), value_and_grad(chain(jit(checkpoint(piece, policy))), (0, 1)),
                value_and_grad(chain(checkpoint(jit(piece), policy)), (0, 1))):
        for one, two in zip(tree.leaves(got(W, ROWS)), tree.leaves(expected)):
            np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)


def test_a_pullback_holds_the_inputs_only() -> None:
    def residuals(f: Callable[..., Any]) -> int:
        program = stage(f, [value_type(X)], [X], differentiated=True).program
        parts = split_joint(vjp_program(program, [0], 1), 1)
        return len(parts.forward.outputs) - 1

    def f(x: Any) -> Any:
        return np.sin(np.exp(np.tanh(np.sin(x))))

    assert residuals(checkpoint(f)) == 1 < residuals(f)
    assert residuals(checkpoint(f, lambda name: name == "exp")) == 2


def test_nested_checkpoints() -> None:
    def f(x: Any) -> Any:
        return np.sin(np.exp(np.tanh(x)))

    inner = checkpoint(f)
    outer = checkpoint(lambda x: inner(inner(x)) * x)
    np.testing.assert_array_equal(
        grad(lambda x: np.sum(outer(x)))(X), grad(lambda x: np.sum(f(f(x)) * x))(X)
    )
    # Forward, then the outer one again, then each inner one again.
    assert operations(value_and_grad(lambda x: np.sum(outer(x))), X)["exp"] == 2 + 2 + 2
    saving = chain(checkpoint(chain_of(checkpoint(piece), 2)), 2)
    np.testing.assert_allclose(jit(grad(saving))(W, ROWS), grad(chain(piece))(W, ROWS), rtol=1e-9, atol=1e-12)
    assert plan(saving).arena_bytes < plan(chain(piece)).arena_bytes


def chain_of(layer: Callable[..., Any], count: int) -> Callable[..., Any]:
    def f(w: Any, x: Any) -> Any:
        for _ in range(count):
            x = layer(w, x)
        return x

    return f


@checkpoint
def model(params: Any, x: Any, n: Any = 2, name: str = "sin") -> Any:
    return {"y": getattr(np, name)(params["w"] * x) * n, "n": n + 1, "x": x, "name": name}


def test_any_order_in_every_nesting() -> None:
    check_grads(lambda w, x: model({"w": w}, x)["y"] + model({"w": x}, w)["x"], (X, X + 1), order=3)
    f = checkpoint(lambda x: np.sum(np.exp(x) * x))
    np.testing.assert_allclose(jit(hessian(f))(X), np.diag(np.exp(X) * (X + 2)), rtol=1e-12)
    np.testing.assert_allclose(jit(lambda x: jvp(f, (x,), (X,))[1])(X), np.sum(np.exp(X) * (X + 1) * X))


@pytest.mark.parametrize("kept", ["tanh", "mul", "sin"])
def test_further_derivatives_flow_through_what_a_policy_keeps(kept: str) -> None:
    f = checkpoint(lambda x, w: np.sin(np.tanh(x) * w) * np.tanh(x), policy=lambda name: name == kept)
    check_grads(f, (X, X), order=3)


def test_pytrees_keywords_integers_and_constants() -> None:
    for run in (lambda f: f, jit):
        bars = run(grad(lambda p, x: np.sum(model(p, x, n=3, name="cos")["y"])))({"w": X}, X)
        np.testing.assert_allclose(bars["w"], -3 * X * np.sin(X * X))
    assert model({"w": X}, X)["name"] == "sin"
    out, pullback = vjp(lambda x: model({"w": x}, x), X)
    assert out["n"] == 3 and out["name"] == "sin"
    np.testing.assert_allclose(pullback({"y": X, "n": None, "x": X, "name": None} | {"n": 0, "name": 0})[0],
                               4 * X * X * np.cos(X * X) + X)


def test_closed_over_values_are_differentiated() -> None:
    def f(w: Any) -> Any:
        return checkpoint(lambda x: np.sin(w * x) * X)(X).sum() + checkpoint(lambda: np.exp(w).sum())()

    expected = np.cos(X * X) * X * X + np.exp(X)
    for got in (grad(f), jit(grad(f)), grad(jit(f))):
        np.testing.assert_allclose(got(X), expected)


def test_python_control_flow_works_without_jit() -> None:
    f = checkpoint(lambda x: x**2 if x > 1 else -x)
    assert grad(f)(2.0) == 4.0 and grad(f)(0.5) == -1.0


def test_custom_rules_inside() -> None:
    rule = custom_vjp(lambda x: x * 2)
    rule.defvjp(lambda x: (x * 2, None), lambda _, g: (g * 7,))
    f = checkpoint(lambda x: np.sum(np.sin(rule(x))))
    np.testing.assert_allclose(jit(grad(f))(X), 7 * np.cos(2 * X))
    np.testing.assert_allclose(grad(f)(X), 7 * np.cos(2 * X))


def test_the_program_shows_the_call() -> None:
    program = stage(lambda x: checkpoint(np.sin)(x), [value_type(X)]).program
    assert "checkpoint_call[kept=0]" in str(program)
    np.testing.assert_array_equal(call_program(program, [X])[0], np.sin(X))
    assert "barrier" in str(make_program(grad(lambda x: np.sum(checkpoint(np.sin)(x))))(X))


@pytest.mark.parametrize("policy", [None, lambda name: name == "tanh"], ids=["none", "tanh"])
def test_a_batch_is_checkpointed_as_well(policy: Any) -> None:
    def f(x: Any, w: Any) -> Any:
        return np.sin(np.tanh(x) * w) * np.arange(3.0)

    batched, plain = (vmap(vmap(g, (0, None)), (0, None)) for g in (checkpoint(f, policy), f))
    xs = np.random.default_rng(0).normal(size=(2, 4, 3))
    assert "checkpoint_call" in str(make_program(batched)(xs, X))
    loss, expected = (grad(lambda x, w, g=g: np.sum(g(x, w) ** 2), (0, 1)) for g in (batched, plain))
    for run in (loss, jit(loss)):
        for one, two in zip(run(xs, X), expected(xs, X)):
            np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-14)
    again = operations(loss, xs, X)
    assert again["barrier"] > 0 and again["tanh"] == (2 if policy is None else 1)
    check_grads(lambda x, w: batched(x, w), (xs[:, :2], X), order=2)


def test_what_is_no_function_is_an_error() -> None:
    with pytest.raises(TypeError, match="checkpoint: requires a function, got int"):
        checkpoint(3)
    with pytest.raises(TypeError, match="checkpoint: requires a policy that is a function, got str"):
        checkpoint(np.sin, policy="all")


def test_a_static_argument_is_given_as_it_is() -> None:
    f = checkpoint(lambda x, n, kind: x**n if kind == "power" and n > 2 else x, static_argnums=(1, -1))
    assert f(2.0, 3, "power") == 8 and grad(f)(2.0, 3, "power") == 12
    assert jit(grad(f), static_argnums=(1, 2))(2.0, 3, "power") == 12
    assert grad(checkpoint(np.sin, prevent_cse=False))(0.0) == 1
    with pytest.raises(ValueError, match="argnums"):
        grad(checkpoint(np.sin, static_argnums=3))(0.0)
