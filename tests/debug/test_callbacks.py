"""Printing and calling Python from inside functions: once for each run, in order, in every transform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import checkpoint, debug, grad, jit, jvp, vjp, vmap
from fnad.arguments import make_program
from fnad.debug import callbacks
from fnad.ir.primitive import REGISTRY
from fnad.ir.program import without_effects
from fnad.runtime.plan import HostStep

X = np.array([1.0, 2.0, 3.0])


def printing(x: Any) -> Any:
    y = np.sum(x * x)
    debug.print("y = {:.1f}", y)
    return y


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


RUNS: dict[str, Callable[[], Any]] = {
    "as it is": lambda: printing(X),
    "jit": lambda: jit(printing)(X),
    "grad": lambda: grad(printing)(X),
    "jit of grad": lambda: jit(grad(printing))(X),
    "grad of jit": lambda: grad(jit(printing))(X),
    "jit of grad of jit": lambda: jit(grad(jit(printing)))(X),
    "grad of grad": lambda: grad(lambda x: np.sum(grad(printing)(x)))(X),
    "vjp": lambda: vjp(printing, X)[1](1.0),
    "jvp": lambda: jvp(printing, (X,), (X,)),
    "jvp of jit": lambda: jvp(jit(printing), (X,), (X,)),
    "linearize": lambda: [push(X) for push in fnad.linearize(printing, X)[1:] * 2],
    "hvp": lambda: fnad.hvp(printing, (X,), (X,)),
    "hessian": lambda: fnad.hessian(printing)(X),
    "jacrev": lambda: fnad.jacrev(printing)(X),
    "jacfwd": lambda: jit(fnad.jacfwd(printing))(X),
    "checkpoint": lambda: grad(lambda x: np.sin(checkpoint(printing)(x)))(X),
    "jit of checkpoint": lambda: jit(grad(lambda x: np.sin(checkpoint(printing)(x))))(X),
    "checkpoint of jit": lambda: jit(grad(lambda x: np.sin(checkpoint(jit(printing))(x))))(X),
    "nested checkpoints": lambda: grad(lambda x: checkpoint(lambda y: np.sin(checkpoint(printing)(y)))(x))(X),
    "unmapped": lambda: vmap(lambda a, x: a * printing(x), in_axes=(0, None))(X, X),
    "jit in jit of a constant": lambda: jit(lambda a: a * jit(printing)(X))(2.0),
    "grad of a constant in jit": lambda: jit(lambda a: a * grad(printing)(X))(2.0),
}


@pytest.mark.parametrize("name", RUNS)
def test_prints_once_whatever_the_transform(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    RUNS[name]()
    assert lines(capsys) == ["y = 14.0"]


def test_prints_at_every_call_and_not_while_it_is_staged(capsys: pytest.CaptureFixture[str]) -> None:
    jitted = jit(grad(printing))
    for k in range(3):
        jitted(X + k)
    assert lines(capsys) == ["y = 14.0", "y = 29.0", "y = 50.0"] and jitted.cache_info().stagings == 1
    make_program(printing)(X)
    assert lines(capsys) == []
    constant = jit(lambda x: (debug.print("here"), x)[1])
    constant(X), constant(X)
    assert lines(capsys) == ["here", "here"]


def test_a_function_that_only_prints_runs(capsys: pytest.CaptureFixture[str]) -> None:
    only = jit(lambda x: debug.print("x = {}", x))
    assert only(X) is None and only(-X) is None
    jit(lambda x: only(x))(X)
    jit(lambda: debug.print("no arrays at all"))()
    vmap(only)(X[:2])
    assert lines(capsys) == [
        "x = [1. 2. 3.]", "x = [-1. -2. -3.]", "x = [1. 2. 3.]", "no arrays at all", "x = 1.0", "x = 2.0",
    ]


def test_under_vmap_once_for_each_example(capsys: pytest.CaptureFixture[str]) -> None:
    rows = np.array([[1.0, 2.0], [3.0, 4.0]])

    def row(x: Any, a: Any) -> Any:
        debug.print("{} {}", x, a)
        return np.sum(x * x * a)

    expected = ["[1. 2.] 2.0", "[3. 4.] 2.0"]
    for mapped in (vmap(row, (0, None)), jit(vmap(row, (0, None))), vmap(jit(row), (0, None)),
                   jit(vmap(grad(row), (0, None))), grad(lambda x, a: np.sum(vmap(row, (0, None))(x, a))),
                   vmap(lambda x, a: checkpoint(row)(x, a), (0, None))):
        mapped(rows, 2.0)
        assert lines(capsys) == expected
    vmap(vmap(lambda x: debug.print("{}", x)))(rows)
    assert lines(capsys) == ["1.0", "2.0", "3.0", "4.0"]


def test_the_order_is_that_of_the_calls(capsys: pytest.CaptureFixture[str]) -> None:
    def function(x: Any) -> Any:
        debug.print("first")
        y = jit(lambda z: (debug.print("second {}", z), np.tanh(z))[1])(x)
        slope = grad(lambda z: (debug.print("third"), debug.print("fourth {}", x[0]), np.sum(z * y))[2])(x)
        debug.print("fifth {}", 1)
        debug.print("fifth {}", 1)  # a second one that says the same is not the same
        return slope

    for run in (function, jit(function), jit(grad(lambda x: np.sum(function(x))))):
        run(X)
        assert lines(capsys) == ["first", "second [1. 2. 3.]", "third", "fourth 1.0", "fifth 1", "fifth 1"]


def test_branches_print_once_each_in_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    def function(x: Any) -> Any:
        total = jit(printing)(x)  # asked for below, so that a guard computes it too
        if total > 10:
            debug.print("large")
        elif total > 1:
            debug.print("middle {}", x[0])
        return total * x

    scales = [1.0, 1.0, 0.5, 0.1, 0.5, 1.0]
    for run in (function, jit(function), grad(lambda x: np.sum(function(x))), jit(grad(lambda x: np.sum(function(x))))):
        for scale in scales:
            run(X * scale)
        assert lines(capsys) == [
            "y = 14.0", "large", "y = 14.0", "large", "y = 3.5", "middle 0.5", "y = 0.1", "y = 3.5", "middle 0.5",
            "y = 14.0", "large",
        ]


def test_past_the_bound_of_branches_it_prints_once_too(capsys: pytest.CaptureFixture[str]) -> None:
    jitted = jit(lambda n: (debug.print("n = {}", n), n * int(n))[1], max_branches=1)
    jitted(1)
    with pytest.warns(RuntimeWarning, match="branches"):
        jitted(2)
    assert lines(capsys) == ["n = 1", "n = 2"]


def test_rules_of_the_users_own_print_where_they_run(capsys: pytest.CaptureFixture[str]) -> None:
    @fnad.custom_vjp
    def identity(x: Any) -> Any:
        debug.print("function")
        return x * 1.0

    def backward(residuals: Any, g: Any) -> Any:
        debug.print("back")
        debug.print("g = {}", g)
        return (g,)

    identity.defvjp(lambda x: (x * 1.0, None), backward)
    _, pullback = vjp(lambda x: 3.0 * identity(x), 1.0)
    assert lines(capsys) == []
    pullback(1.0)
    pullback(2.0)
    assert lines(capsys) == ["back", "g = 3.0", "back", "g = 6.0"]
    for run in (jit(grad(identity)), grad(jit(identity)), grad(checkpoint(identity))):
        run(1.0)
        assert lines(capsys)[-2:] == ["back", "g = 1.0"]
    jvp(identity, (1.0,), (1.0,))
    assert lines(capsys) == []
    jit(vmap(grad(lambda x: identity(x) * x)))(X[:2])
    assert lines(capsys) == ["back", "g = 1.0", "g = 2.0"]


def test_what_is_printed_is_any_pytree_and_constants(capsys: pytest.CaptureFixture[str]) -> None:
    def function(params: Any, name: str) -> Any:
        debug.print("{} {p[w]} {p[b]:>6.2f} {{}} {n:0{width}d} {}", name, None, p=params, n=7, width=3)
        return params["w"]

    params = {"w": np.arange(3), "b": 0.5}
    for run in (function, jit(function)):
        run(params, "layer")
        assert lines(capsys) == ["layer [0 1 2]   0.50 {} 007 None"]


def test_constants_that_are_equal_but_of_other_types_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    for constant in (1, 1.0, True):
        grad(checkpoint(lambda x: (debug.print("{}", constant), x * x)[1]))(2.0)
    assert lines(capsys) == ["1", "1.0", "True"]


def test_callbacks_get_arrays_of_their_own() -> None:
    seen: list[Any] = []

    @jit
    def function(x: Any) -> Any:
        y = x * 2.0
        debug.callback(lambda a, *, b: (seen.append((a, b)), a.fill(0.0)), y, b=[x, "text"])
        return y + 1.0

    np.testing.assert_array_equal(function(X), X * 2 + 1)
    np.testing.assert_array_equal(function(X), X * 2 + 1)
    (a, (b, text)), _ = seen
    assert type(a) is np.ndarray and text == "text"
    np.testing.assert_array_equal(b, X)


def test_errors_of_a_callback_reach_the_caller_and_the_next_call_is_right() -> None:
    def picky(x: Any) -> None:
        if x > 1:
            raise KeyError("too large")

    function = jit(lambda x: (debug.callback(picky, x), x + 1.0)[1])
    with pytest.raises(KeyError, match="too large"):
        function(2.0)
    assert function(0.5) == 1.5


@pytest.mark.parametrize(("fmt", "args", "kwargs", "error", "words"), [
    ("{} {}", (X,), {}, ValueError, "fits its arguments, got '{} {}' for f64[3]"),
    ("{", (), {}, ValueError, "Single '{'"),
    ("{x}", (X,), {}, ValueError, "KeyError: 'x'"),
    ("{0} {}", (X,), {}, ValueError, "manual field"),
    ("{:.2f}", (X,), {}, ValueError, "a format such as .3f for scalars only"),
    ("nothing", (X,), {}, ValueError, "without one for argument 0"),
    ("{0[0]} {2}", (X, X, X), {}, ValueError, "without one for argument 1"),
    ("{}", (X,), {"y": X}, ValueError, "without one for argument y"),
    (X, (), {}, TypeError, "a format string first, got ndarray"),
])
def test_a_format_that_does_not_fit_is_an_error_at_the_line(
    fmt: Any, args: Any, kwargs: Any, error: type, words: str
) -> None:
    for run in (lambda f: f(*args, **kwargs), lambda f: jit(f)(*args, **kwargs)):
        with pytest.raises(error) as caught:
            run(lambda *a, **k: debug.print(fmt, *a, **k))
        assert words in str(caught.value) and f'at "{__file__}", line' in str(caught.value)
    with pytest.raises(TypeError, match="requires a function, got str"):
        debug.callback("text")


def test_loops_print_at_every_step(repeat: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    def doubled(x: Any) -> Any:
        return repeat(lambda y: (debug.print("at {:g}", y[0]), y * 2.0)[1], x, 3)

    expected = ["at 1", "at 2", "at 4"]
    for run in (doubled, jit(doubled), jit(lambda x: (doubled(x), x)[1])):
        run(X)
        assert lines(capsys) == expected  # also where nothing uses the result
    jit(lambda x: doubled(x) * doubled(x))(X)
    assert lines(capsys) == expected * 2  # and two loops that are equal are two
    jit(lambda x: x * 2.0 if doubled(x)[0] > 0 else x)(X)
    assert lines(capsys) == expected  # the condition is computed without the print


def test_it_is_one_host_step_that_no_pass_drops() -> None:
    def function(x: Any) -> Any:
        debug.print("{}", x[:1])
        debug.print("{}", x[:1])
        return x * 2.0

    leaf = jit(function).inspect(X)[0][1]
    host = [step.name for step in leaf.compiled.plan.instructions if isinstance(step, HostStep)]
    assert host == ["debug_callback"] * 2
    assert "  debug_callback[" in str(leaf.staged.program)
    quiet = without_effects(leaf.staged.program)
    assert [e.primitive.name for e in quiet.equations] == ["slice", "slice", "mul"]
    assert without_effects(quiet) is quiet and without_effects(leaf.staged.program) is quiet


def test_without_the_mark_it_would_be_lost(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delitem(REGISTRY, "debug_callback")
    monkeypatch.setattr(callbacks, "debug_callback", replace(callbacks.debug_callback, effect=False))
    jit(printing)(X)
    assert lines(capsys) == []
