"""Rules of the user's own: used in every transform, for any pytree, and refused where they do not fit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import (
    custom_jvp, custom_vjp, grad, hessian, jacfwd, jacrev, jit, jvp, make_program, value_and_grad, vjp, vmap,
)
from fnad.testing import check_grads

X = np.array([0.5, 1.5, 2.5])


@custom_vjp
def cube(x: Any) -> Any:
    return x**3


# Three times too much, so that it shows whether the rule is used.
cube.defvjp(lambda x: (x**3, {"x": x, "note": "any"}), lambda res, g: (9 * g * res["x"] ** 2,))


@custom_jvp
def wave(x: Any) -> Any:
    return np.sin(x)


@wave.defjvp
def wave_rule(primals: Any, tangents: Any) -> Any:
    return wave(primals[0]), 3 * tangents[0] * np.cos(primals[0])


def total(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: np.sum(f(x))


RULES = [pytest.param(cube, lambda x: x**3, lambda x: 9 * x**2, lambda x: 18 * x, id="vjp"),
         pytest.param(wave, np.sin, lambda x: 3 * np.cos(x), lambda x: -3 * np.sin(x), id="jvp")]


@pytest.mark.parametrize(("f", "plain", "first", "second"), RULES)
def test_the_rule_is_used_in_every_transform(f: Any, plain: Any, first: Any, second: Any) -> None:
    np.testing.assert_array_equal(f(X), plain(X))
    np.testing.assert_allclose(jit(f)(X), plain(X), rtol=1e-14)
    for got in (grad(total(f)), jit(grad(total(f))), grad(jit(total(f))), lambda x: vjp(f, x)[1](np.ones(3))[0],
                lambda x: jvp(f, (x,), (np.ones(3),))[1], jit(lambda x: jvp(jit(f), (x,), (np.ones(3),))[1])):
        np.testing.assert_allclose(got(X), first(X), rtol=1e-12)
    value, _ = jit(value_and_grad(total(f)))(X)
    np.testing.assert_allclose(value, np.sum(plain(X)))


@pytest.mark.parametrize(("f", "plain", "first", "second"), RULES)
def test_further_derivatives_are_those_of_the_rule(f: Any, plain: Any, first: Any, second: Any) -> None:
    for outer in (jacfwd, jacrev):
        for inner in (jacfwd, jacrev):
            np.testing.assert_allclose(np.diagonal(np.diagonal(outer(inner(f))(X))), second(X), rtol=1e-12)
    np.testing.assert_allclose(np.diagonal(jit(hessian(total(f)))(X)), second(X), rtol=1e-12)


def test_right_rules_pass_the_check_of_any_order() -> None:
    @custom_vjp
    def f(params: Any, x: Any) -> Any:
        return {"y": params["w"] * np.exp(x), "same": x, "n": 1}

    f.defvjp(
        lambda params, x: (f(params, x), (params["w"], np.exp(x))),
        lambda res, g: ({"w": g["y"] * res[1]}, g["y"] * res[0] * res[1] + g["same"]),
    )
    check_grads(lambda w, x: f({"w": w}, x), (X, X - 1), order=2)

    @custom_jvp
    def h(params: Any, x: Any) -> Any:
        return {"y": params["w"] * np.exp(x), "same": x, "n": 1}

    @h.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (params, x), (dparams, dx) = primals, tangents
        return h(params, x), {"y": (dparams["w"] + params["w"] * dx) * np.exp(x), "same": dx, "n": None}

    check_grads(lambda w, x: h({"w": w}, x), (X, X - 1), order=3)


def test_results_that_are_arguments_or_equal_get_their_own_cotangents() -> None:
    @custom_vjp
    def twice(x: Any) -> Any:
        return x, x

    twice.defvjp(lambda x: ((x, x), None), lambda _, g: (10 * g[0] + g[1],))
    np.testing.assert_array_equal(grad(lambda x: np.sum(twice(x)[0] + 2 * twice(x)[1] + x))(X), np.full(3, 13.0))


def test_none_is_zero() -> None:
    @custom_vjp
    def f(params: Any, x: Any, y: Any) -> Any:
        return params["a"] * params["b"] * x * y

    f.defvjp(lambda params, x, y: (f(params, x, y), None), lambda _, g: ({"a": None, "b": g}, None, 2 * g))
    bars = grad(lambda p, x, y: np.sum(f(p, x, y)), (0, 1, 2))({"a": X, "b": X}, X, X)
    np.testing.assert_array_equal(bars[0]["a"], 0 * X)
    np.testing.assert_array_equal(bars[0]["b"], np.ones(3))
    np.testing.assert_array_equal(bars[1], 0 * X)
    np.testing.assert_array_equal(bars[2], np.full(3, 2.0))

    zero = custom_jvp(lambda x: x**2)
    zero.defjvp(lambda primals, tangents: (primals[0] ** 2, None))
    np.testing.assert_array_equal(grad(total(zero))(X), 0 * X)


def test_arguments_without_derivative() -> None:
    @custom_vjp(nondiff_argnums=(0, 2))
    def apply(f: Any, x: Any, name: Any) -> Any:
        return f(x)

    apply.defvjp(lambda f, x, name: (f(x), x), lambda f, name, x, g: (g * {"a": 5.0, "b": 7.0}[name],))
    assert grad(lambda x: apply(np.sin, x, "a"))(1.0) == 5.0
    assert jit(grad(lambda x: apply(np.sin, x, name="b")))(1.0) == 7.0

    @custom_jvp(nondiff_argnums=-1)
    def scaled(x: Any, n: Any) -> Any:
        return x * n

    scaled.defjvp(lambda n, primals, tangents: (primals[0] * n, tangents[0] * n * 10))
    assert grad(lambda x: scaled(x, 3))(1.0) == 30.0


def test_integer_arguments_and_results() -> None:
    @custom_vjp
    def f(x: Any, n: Any) -> Any:
        return x * n, n + 1

    def bwd(res: Any, g: Any) -> Any:
        assert g[1] is None
        return 2 * g[0], None

    f.defvjp(lambda x, n: ((x * n, n + 1), None), bwd)
    assert grad(lambda x: f(x, 3)[0])(1.0) == 2.0
    assert jit(grad(lambda x, n: f(x, n)[0]))(1.0, 3) == 2.0

    @custom_jvp
    def g(x: Any, n: Any) -> Any:
        return x * n, n + 1

    @g.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        assert tangents[1] is None
        return g(*primals), (5 * tangents[0], None)

    assert jit(grad(lambda x, n: g(x, n)[0]))(1.0, 3) == 5.0


def test_closed_over_arrays_are_constants_and_read_anew() -> None:
    scale = np.full(3, 2.0)

    @custom_vjp
    def f(x: Any) -> Any:
        return x * scale

    f.defvjp(lambda x: (x * scale, None), lambda _, g: (g * scale * 10,))
    step = jit(grad(total(f)))
    np.testing.assert_array_equal(step(X), np.full(3, 20.0))
    np.testing.assert_array_equal(grad(jit(total(f)))(X), np.full(3, 20.0))
    scale = np.full(3, 3.0)
    np.testing.assert_array_equal(step(X), np.full(3, 30.0))
    np.testing.assert_array_equal(grad(total(f))(X), np.full(3, 30.0))


def test_a_closed_over_value_may_not_be_differentiated() -> None:
    def outer(x: Any) -> Any:
        f = custom_vjp(lambda y: y * x)
        f.defvjp(lambda y: (y, None), lambda _, g: (g,))
        return f(2.0 * x)

    with pytest.raises(TypeError, match="custom_vjp: requires what is differentiated to be an argument"):
        grad(outer)(1.0)


def test_methods_and_dtypes() -> None:
    class Model:
        @custom_vjp
        def apply(self, x: Any) -> Any:
            return x * 2

        apply.defvjp(lambda self, x: (x * 2, None), lambda _, g: (None, g * 4.0))

    got = grad(lambda x: Model().apply(x))(np.float32(1.0))
    assert got == 4.0 and got.dtype == np.float32
    assert cube.__name__ == "cube" and cube(2.0) == 8.0


def test_the_program_shows_the_call() -> None:
    text = str(make_program(lambda x: cube(x))(1.0))
    assert "custom_vjp_call[call=cube]" in text and "square a" in text


def with_vjp(fwd: Any, bwd: Any) -> Callable[[], Any]:
    f = custom_vjp(lambda x, p: {"y": x * p["a"]})
    f.defvjp(fwd, bwd)
    return lambda: grad(lambda x, p: np.sum(f(x, p)["y"]), (0, 1))(X, {"a": X})


def with_jvp(rule: Any) -> Callable[[], Any]:
    f = custom_jvp(lambda x: {"y": x * 2})
    f.defjvp(rule)
    return lambda: grad(lambda x: np.sum(f(x)["y"]))(X)


def right(x: Any, p: Any) -> Any:
    return {"y": x * p["a"]}, None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (with_vjp(lambda x, p: x, right), TypeError, r"requires fwd of .* to return \(out, residuals\), got Tracer"),
        (with_vjp(lambda x, p: (x, None), right), ValueError, r"custom_vjp: fwd's result: requires trees of equal"),
        (with_vjp(lambda x, p: ({"y": x[:2]}, None), right), ValueError,
         r"f64\[3\] at fwd's result\['y'\], got f64\[2\]"),
        (with_vjp(right, lambda res, g: g), TypeError, "requires bwd of .* to return a tuple of 2 cotangents"),
        (with_vjp(right, lambda res, g: (g["y"],)), TypeError, "tuple of 2 cotangents, .* got a tuple of 1"),
        (with_vjp(right, lambda res, g: (g["y"], {"b": g["y"]})), ValueError,
         r"custom_vjp: bwd's result\[1\]: .*without tree\['a'\]"),
        (with_vjp(right, lambda res, g: (g["y"], {"a": g["y"][:2]})), ValueError,
         r"requires a cotangent like its argument, f64\[3\] at bwd's result\[1\]\['a'\], got f64\[2\]"),
        (with_vjp(right, lambda res, g: ("a", None)), TypeError, r"got str at bwd's result\[0\]"),
        (with_jvp(lambda x, t: x), TypeError, r"requires the rule of .* to return \(out, tangent\)"),
        (with_jvp(lambda x, t: ({"y": x[0]}, t[0])), ValueError, "custom_jvp: the rule's tangent: requires trees"),
        (with_jvp(lambda x, t: ({"y": x[0]}, {"y": t[0][:1]})), ValueError,
         r"f64\[3\] at the rule's tangent\['y'\], got f64\[1\]"),
        (lambda: custom_vjp(np.sin)(X), TypeError, r"custom_vjp: requires a rule, .* f.defvjp\(fwd, bwd\)"),
        (lambda: custom_vjp(3), TypeError, "custom_vjp: requires a function, got int"),
        (lambda: cube.defvjp(1, 2), TypeError, "custom_vjp: requires a function, got int"),
        (lambda: custom_jvp(np.sin, nondiff_argnums="x"), TypeError, "requires nondiff_argnums to be integers"),
        (lambda: cube(y=2.0), TypeError, "missing a required argument: 'x'"),
    ],
)
def test_wrong_rules_are_errors(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_errors_name_the_users_line() -> None:
    with pytest.raises(ValueError, match="test_custom.py"):
        with_vjp(right, lambda res, g: (g["y"][:1], None))()
    assert fnad.custom_vjp is custom_vjp


# --- Batches


def each(f: Callable[..., Any]) -> Callable[..., Any]:
    """What `vmap` means: a loop over the examples."""
    return lambda xs: np.stack([f(x) for x in xs])


MATRIX = np.linspace(-1.0, 2.0, 6).reshape(2, 3)


@pytest.mark.parametrize(("f", "plain", "first", "second"), RULES)
def test_a_batch_keeps_the_rule_in_every_nesting(f: Any, plain: Any, first: Any, second: Any) -> None:
    for batched in (vmap(f), vmap(vmap(f)), vmap(vmap(f), 1, 1), vmap(jit(f)), jit(vmap(vmap(f)))):
        np.testing.assert_allclose(batched(MATRIX), plain(MATRIX), rtol=1e-14)
        ones = np.ones_like(MATRIX)
        for got in (grad(total(batched)), jit(grad(total(batched))), grad(jit(total(batched))),
                    lambda x: jvp(batched, (x,), (ones,))[1], lambda x: vjp(batched, x)[1](ones)[0],
                    vmap(grad(total(f))), each(grad(total(f)))):
            np.testing.assert_allclose(got(MATRIX), first(MATRIX), rtol=1e-12)
    for outer in (lambda x: grad(total(vmap(grad(total(vmap(f))))))(x), lambda x: vmap(grad(total(vmap(grad(f)))))(x),
                  jit(lambda x: grad(total(vmap(vmap(grad(f)))))(x)),
                  lambda x: jvp(grad(total(vmap(f))), (x,), (np.ones_like(x),))[1]):
        np.testing.assert_allclose(outer(MATRIX), second(MATRIX), rtol=1e-12)
    np.testing.assert_allclose(np.diagonal(hessian(total(vmap(f)))(X)), second(X), rtol=1e-12)


def weighted() -> Any:
    @custom_vjp(nondiff_argnums=(0,))
    def f(scale: Any, params: Any, x: Any, n: Any) -> Any:
        return {"y": scale * params["w"] * np.sin(x), "n": n + 1, "w": params["w"] * 1.0}

    def fwd(scale: Any, params: Any, x: Any, n: Any) -> Any:
        return f(scale, params, x, n), {"w": params["w"], "x": x, "name": "any", "ones": np.ones(3)}

    def bwd(scale: Any, res: Any, g: Any) -> Any:
        assert res["name"] == "any" and g["n"] is None
        bar = scale * res["ones"] * g["y"]
        return {"w": bar * np.sin(res["x"]) + g["w"], "unused": None}, bar * res["w"] * np.cos(res["x"]), None

    f.defvjp(fwd, bwd)
    return f


def tangents() -> Any:
    @custom_jvp(nondiff_argnums=(0,))
    def f(scale: Any, params: Any, x: Any, n: Any) -> Any:
        return {"y": scale * params["w"] * np.sin(x), "n": n + 1, "w": params["w"] * 1.0}

    @f.defjvp
    def rule(scale: Any, primals: Any, t: Any) -> Any:
        (params, x, n), (dparams, dx, _) = primals, t
        y = scale * (dparams["w"] * np.sin(x) + params["w"] * np.cos(x) * dx)
        return f(scale, params, x, n), {"y": y, "n": None, "w": dparams["w"]}

    return f


@pytest.mark.parametrize("made", [weighted, tangents])
@pytest.mark.parametrize("axes", [(0, 0), (None, 0), (0, None)])
def test_batches_with_shared_inputs_are_the_loop(made: Any, axes: Any) -> None:
    f, ns = made(), np.arange(4)

    def loss(w: Any, x: Any, unused: Any, over: Any) -> Any:
        got = over(lambda w, x, n: f(2.0, {"w": w, "unused": unused}, x, n))(w, x, ns)
        return np.sum(np.cos(got["y"]) * got["n"].reshape(-1, 1) + got["w"] ** 2)

    def loop(g: Any) -> Any:
        def run(w: Any, x: Any, n: Any) -> Any:
            rows = [g(w if axes[0] is None else w[i], x if axes[1] is None else x[i], n[i]) for i in range(4)]
            return {k: np.stack([row[k] for row in rows]) for k in rows[0]}

        return run

    values = np.random.default_rng(0).normal(size=(2, 4, 3))
    w, x = (v[0] if axis is None else v for v, axis in zip(values, axes))
    gradient = grad(lambda *args: loss(*args, lambda g: vmap(g, (*axes, 0))), (0, 1, 2))
    expected = grad(lambda *args: loss(*args, loop), (0, 1, 2))(w, x, X)
    for run in (gradient, jit(gradient)):
        for one, two in zip(run(w, x, X), expected):
            np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-14)
    check_grads(lambda w, x: loss(w, x, X, lambda g: vmap(g, (*axes, 0))), (w, x), order=2)


def test_a_rule_may_read_what_no_example_changes() -> None:
    f = custom_vjp(lambda x, y: (x * 2, y * 3.0))
    f.defvjp(lambda x, y: (f(x, y), None), lambda _, g: (10 * g[0], 5.0 * np.ones(3)))
    bars = grad(lambda x, y: np.sum(vmap(f, (0, None))(x, y)[0]), (0, 1))(MATRIX[0], X)
    np.testing.assert_array_equal(bars[0], np.full(3, 10.0))
    np.testing.assert_array_equal(bars[1], np.full(3, 15.0))


def test_a_value_that_differs_between_examples_is_unknown_in_a_rule() -> None:
    f = custom_vjp(lambda x: x * 2)
    f.defvjp(lambda x: (x * 2, x), lambda x, g: (g if x > 0 else -g,))
    with pytest.raises(fnad.ConcreteValueError, match="one for each example under vmap"):
        grad(total(vmap(f)))(X)


# --- Values that rules ask for


def by_newton(a):
    x = a
    while np.abs(x * x - a) > 1e-13 * a:
        x = 0.5 * (x + a / x)
    return x


def newtons_root():
    """A square root whose rules ask for values: of the argument, and of a residual in the backward pass."""
    root = fnad.custom_vjp(by_newton)

    def forward(a):
        x = by_newton(a)
        return x, x

    def backward(x, g):
        steps = 0
        while steps < x:
            steps += 1
        return (g / (2.0 * x) + 0.0 * steps,)

    root.defvjp(forward, backward)
    return root


POINTS = (4.0, 100.0, 4.0, 0.25, 2.0)


def test_rules_may_ask_for_values():
    root = newtons_root()
    for a in POINTS:  # the same Program each time, by other ways through the rules
        want = 0.5 / np.sqrt(a)
        found = [
            fnad.grad(root)(a), fnad.value_and_grad(lambda a: root(a) * 1.0)(a)[1], fnad.vjp(root, a)[1](1.0)[0],
            fnad.jvp(root, (a,), (1.0,))[1], fnad.linearize(root, a)[1](1.0), fnad.jacobian(root)(a),
            fnad.jacfwd(root)(a),
        ]
        np.testing.assert_allclose(found, [want] * len(found), rtol=1e-9)
        np.testing.assert_allclose(fnad.grad(fnad.grad(root))(a), -0.25 * a ** -1.5, rtol=1e-6)


def test_rules_that_ask_for_values_are_compiled_as_branches():
    gradient = fnad.jit(fnad.grad(newtons_root()))
    for a in (*POINTS, *POINTS):
        np.testing.assert_allclose(gradient(a), 0.5 / np.sqrt(a), rtol=1e-9)
    assert gradient.cache_info().branches > 1


def test_a_number_in_a_rule_does_not_cut_a_second_derivative():
    f = fnad.custom_vjp(lambda x: x ** 3)
    f.defvjp(lambda x: (x ** 3, x), lambda x, g: (g * 3.0 * float(x) ** 2,))
    assert fnad.grad(f)(2.0) == 12.0 and fnad.grad(f)(3.0) == 27.0
    with pytest.raises(fnad.errors.CutGradientError):
        fnad.grad(fnad.grad(f))(2.0)


@pytest.mark.parametrize("names", ["word", ("word",)])
def test_arguments_without_derivative_by_name(names: Any) -> None:
    @partial(fnad.custom_vjp, nondiff_argnames=names)
    def scaled(x: Any, word: str) -> Any:
        return x * len(word)

    scaled.defvjp(lambda x, word: (scaled(x, word), None), lambda word, _, g: (g * 10 * len(word),))
    assert fnad.grad(lambda x: scaled(x, "abc"))(1.0) == 30 and fnad.grad(lambda x: scaled(x, word="abc"))(1.0) == 30
    with pytest.raises(ValueError, match="nondiff_argnames of parameters, got .'other'"):
        fnad.custom_jvp(lambda x: x, nondiff_argnames="other")


def _writes(x: Any) -> Any:
    x[0] = 5.0
    return np.sum(x)


@pytest.mark.parametrize("kind", ["custom_vjp", "custom_jvp", "checkpoint"])
def test_what_a_function_writes_to_its_argument_stays_inside(kind: str) -> None:
    inside = getattr(fnad, kind)(_writes)
    if kind == "custom_vjp":
        inside.defvjp(lambda x: (_writes(x), None), lambda _, g: (g * np.ones(3),))
    elif kind == "custom_jvp":
        inside.defjvp(lambda x, t: (_writes(x[0]), np.sum(t[0])))

    def outer(x: Any) -> Any:
        y = x * 2.0
        return inside(y) + y

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(outer(x), [17.0, 19.0, 21.0])
    np.testing.assert_array_equal(fnad.jit(outer)(x), [17.0, 19.0, 21.0])
