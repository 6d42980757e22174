"""Python's own control flow on values under ``jit``: each way it goes is a branch, staged once."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import tree
from fnad.errors import ConcreteValueError, CutGradientError
from fnad.runtime.cache import statistics

X = np.array([1.0, 2.0, 3.0])


def stagings(jitted: Any) -> int:
    return jitted.cache_info().stagings


def assert_same(jitted: Any, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], branches: int) -> None:
    """Both agree on all calls, twice, and the second time nothing is staged."""
    for known in (False, True):
        before = stagings(jitted)
        for args in calls:
            got, expected = jitted(*args), function(*args)
            tree.map(lambda g, e: np.testing.assert_allclose(g, e, rtol=1e-13, strict=False), got, expected)
        assert not known or stagings(jitted) == before
    assert jitted.cache_info().branches == branches


# --- What Python asks


def condition(x: Any) -> Any:
    return x * 2.0 if np.sum(x) > 0 else x - 1.0


def chain(x: Any) -> Any:
    if x[0] > 0 and x[1] > 0 or not x[2] > 0:
        return x * 3.0
    return -x


def any_of(x: Any) -> Any:
    if bool(np.any(x > 2.5)):
        return np.sqrt(np.abs(x))
    elif np.all(x < 0):
        return np.exp(x)
    return x


def asserting(x: Any) -> Any:
    assert np.sum(x) != 0.5
    return np.sin(x)


def truth_of_a_float(x: Any) -> Any:
    return x / x[0] if x[0] else x


def as_float(x: Any) -> Any:
    return x * float(np.sign(x[0])) if float(x[1]) == 2.0 else x


def as_item(x: Any) -> Any:
    return x * {True: 2.0, False: 3.0}[(x[0] > 0).item()]


def as_array(x: Any) -> Any:
    return x + sum(np.asarray(x > 1.0)) + len([v for v in (x > 0).tolist() if v])


def mask(x: Any) -> Any:
    return np.sum(x[x > 1.5]) + x[np.argmax(x)]


def static_result(x: Any) -> Any:
    return {"sum": np.sum(x), "n": 1.0 if x[0] > 0 else 2.0}


@pytest.mark.filterwarnings("ignore:jit. requires values to stay in arrays")
@pytest.mark.parametrize(
    ("function", "branches"),
    [(condition, 2), (chain, 4), (any_of, 3), (asserting, 1), (truth_of_a_float, 2), (as_float, 3), (as_item, 2),
     (as_array, 4), (mask, 2), (static_result, 2)],
)
def test_each_answer_is_a_branch(function: Callable[..., Any], branches: int) -> None:
    # Four ways in and out of the conditions above.
    calls = [(X,), (-X,), (X * [1, -1, 0.1],), (X * [0, 1, 1],)]
    assert_same(fnad.jit(function), function, calls, branches)


def test_loops_whose_length_is_a_value() -> None:
    def power(x: Any, n: Any) -> Any:
        result = x
        for _ in range(int(n) - 1):
            result = result * x
        return result

    calls = [(X, n) for n in (1, 2, 5, 2)] + [(X, np.int32(2)), (X, 2.25), (X, 2.75)]
    assert_same(fnad.jit(power), power, calls, 5)  # 2.25 and 2.75 are one integer
    indexed = fnad.jit(lambda x, n: sum(x[i] for i in range(n)))
    assert [float(indexed(X, n)) for n in (1, 3, 2)] == [1.0, 6.0, 3.0]


def test_collatz() -> None:
    def collatz(n: Any) -> Any:
        steps = 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        return n, steps

    assert_same(fnad.jit(collatz), collatz, [(n,) for n in (1, 2, 4, 5, 8)], 5)


@pytest.mark.filterwarnings("ignore:jit. requires values to stay in arrays")
def test_nan_is_an_answer_and_zeros_have_signs() -> None:
    function = lambda x: x * 0.0 + math.copysign(1.0, float(x)) if float(x) == float(x) else x * 0.0  # noqa: E731
    jitted = fnad.jit(function)
    assert np.isnan(jitted(np.nan)) and np.isnan(jitted(np.nan))
    assert (jitted(0.0), jitted(-0.0), jitted(0.0)) == (1.0, -1.0, 1.0)
    assert jitted.cache_info().branches == 3


def test_an_exception_of_a_conversion_reaches_the_function() -> None:
    def function(x: Any) -> Any:
        try:
            return x * int(x)
        except (ValueError, OverflowError):
            return x * 0.0 + 7.0

    jitted = fnad.jit(function)
    for _ in range(2):
        assert jitted(2.5) == 5.0 and np.isnan(jitted(np.nan)) and np.isnan(jitted(np.inf)) and jitted(2.0) == 4.0
    assert stagings(jitted) == jitted.cache_info().branches == 3


# --- Newton's method


def newton(a: Any) -> Any:
    x, step = a, a
    while abs(step) > 1e-9:
        step = (x * x - a) / (2.0 * x)
        x = x - step
    return x


def test_newtons_method_over_many_inputs() -> None:
    jitted = fnad.jit(newton)
    inputs = np.random.default_rng(0).uniform(0.1, 100.0, 1000)
    expected = np.sqrt(inputs)
    first = [jitted(a) for a in inputs]
    known = stagings(jitted)
    second = [jitted(a) for a in inputs]
    assert stagings(jitted) == known == jitted.cache_info().branches < 15
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, [newton(a) for a in inputs])
    np.testing.assert_allclose(first, expected, rtol=1e-12)


def test_newtons_method_with_its_derivative() -> None:
    def solve(a: Any) -> Any:
        x, step = 1.0, 1.0
        residual = fnad.value_and_grad(lambda x: np.exp(x) * x - a)
        while abs(step) > 1e-10:
            value, slope = residual(x)
            step = value / slope
            x = x - step
        return x

    assert_same(fnad.jit(solve), solve, [(a,) for a in (0.5, 1.0, 2.0, 3.0)], 3)


def growing(x: Any) -> Any:
    trips = 0
    while np.sum(x) < 60.0:
        x = x + np.tanh(x)
        trips += 1
    return x / trips if trips else x


def test_a_long_loop_compiles_one_trip() -> None:
    jitted, x = fnad.jit(growing), np.full(3, 0.5)
    before = statistics()
    np.testing.assert_allclose(jitted(x), growing(x), rtol=1e-13)
    counts = statistics() - before
    assert counts.compiled + counts.disk_hits < 8 < counts.memory_hits
    assert_same(jitted, growing, [(k * x,) for k in (1, 8, 3, 40, 2, 1)], 5)


def test_the_gradient_of_a_loop() -> None:
    gradient = fnad.jit(fnad.value_and_grad(newton))
    for a in (2.0, 5.0, 3.0):
        value, slope = gradient(a)
        np.testing.assert_allclose((value, slope), (a**0.5, 0.5 * a**-0.5), rtol=1e-12)
    assert_same(gradient, fnad.value_and_grad(newton), [(2.0,), (3.0,)], gradient.cache_info().branches)
    total = fnad.jit(fnad.grad(lambda x: np.sum(growing(x)) * newton(x[0])))
    for k in (1, 8, 1):
        x = k * np.array([0.5, 0.25, 0.75])
        expected = fnad.grad(lambda x: np.sum(growing(x)) * newton(x[0]))(x)
        np.testing.assert_allclose(total(x), expected, rtol=1e-11)


def test_conditions_in_turn_on_several_values() -> None:
    def function(x: Any, y: Any) -> Any:
        a, b = np.exp(-x), np.sin(y)
        for _ in range(2):
            if a[0] > 0.3:
                a = a * 0.7 + b
            elif b[1] > a[1]:
                b = b * a
            if np.sum(a * b) > np.sum(b):
                a, b = b, a
        return a, b

    rng = np.random.default_rng(1)
    jitted = fnad.jit(function, max_branches=1000)
    calls = [(rng.normal(size=2), rng.normal(size=2)) for _ in range(25)]
    for args in calls:
        jitted(*args)
    assert_same(jitted, function, calls, jitted.cache_info().branches)


# --- Arguments and what is closed over


def test_pytrees_static_arguments_and_keys() -> None:
    def function(params: Any, mode: str, key: Any, sign: int) -> Any:
        noise = fnad.random.normal(key, (3,))
        if noise[0] > 0:
            return {"w": params["w"] * sign + noise, "b": (params["b"], None)}
        return {"w": params["w"] - noise if mode == "down" else noise, "b": (params["b"] + 1.0, None)}

    jitted = fnad.jit(function, static_argnums=3)
    params = {"w": X, "b": 2.0}
    calls = [(params, mode, fnad.random.key(k), sign) for mode in ("up", "down") for k in range(6) for sign in (1, -1)]
    for args in calls + calls:
        got, expected = jitted(*args), function(*args)
        assert tree.structure(got) == tree.structure(expected)
        for g, e in zip(tree.leaves(got), tree.leaves(expected)):
            np.testing.assert_allclose(g, e, rtol=1e-6)
    info = jitted.cache_info()
    assert (info.signatures, info.branches, info.stagings) == (4, 8, 8)


def test_conditions_on_what_is_closed_over() -> None:
    scale, limit = np.array(2.0), np.array(10.0)
    jitted = fnad.jit(lambda x: x * scale if np.sum(x * scale) < limit else x / scale)
    np.testing.assert_array_equal(jitted(X), X / 2)
    scale = np.array(0.5)
    np.testing.assert_array_equal(jitted(X), X * 0.5)
    limit[...] = 1.0
    np.testing.assert_array_equal(jitted(X), X / 0.5)
    assert stagings(jitted) == 2
    scale = np.array([1.0, 1.0, 2.0])
    np.testing.assert_array_equal(jitted(X), X / scale)
    scale = np.array([0.1, 0.1, 0.1])
    np.testing.assert_array_equal(jitted(X), X * scale)
    assert jitted.cache_info().reasons[2] == "what is read from outside has changed: scale: f64[] became f64[3]"


def test_donated_memory_is_not_touched_by_a_condition() -> None:
    step = fnad.jit(lambda p, x: p - x if np.sum((p + x) * 2.0) > 0 else p + x, donate_argnums=0)
    for sign in (1, -1, 1, -1):
        p = sign * X
        memory, expected = p, p - 0.25 * X if sign > 0 else p + 0.25 * X
        result = step(p, 0.25 * X)
        np.testing.assert_array_equal(result, expected)
        assert result is memory


def test_arguments_of_any_layout_and_kind() -> None:
    jitted = fnad.jit(condition)
    for x in (X[::-1], X.astype(">f8"), np.broadcast_to(2.0, (3,)), -X.astype(np.float32), np.arange(-3, 0), 2.0, -1):
        np.testing.assert_array_equal(jitted(x), condition(np.asarray(x)))
        np.testing.assert_array_equal(jitted(x), condition(np.asarray(x)))


def test_a_function_that_asks_nothing_has_one_branch() -> None:
    jitted = fnad.jit(lambda x: x + 1.0)
    jitted(X)
    jitted(X)
    assert jitted.cache_info()[:4] == (1, 1, 1, ("new signature",))


def test_a_condition_on_constants_is_no_branch() -> None:
    jitted = fnad.jit(lambda x: x if fnad.numpy.zeros(2)[0] == 0 and np.sum(np.ones(2)) > 1 else -x)
    assert jitted(2.0) == 2.0 and jitted.cache_info().branches == 1


def test_large_arrays_are_refused() -> None:
    with pytest.raises(ConcreteValueError, match="65 elements"):
        fnad.jit(lambda x: x.__array__())(np.ones(65))
    assert len(fnad.jit(lambda x: x.__array__())(np.ones(64))) == 64


# --- Failures


def test_an_exception_on_one_branch_keeps_nothing() -> None:
    @fnad.jit
    def function(x: Any) -> Any:
        if np.sum(x) < 0:
            raise ValueError("negative")
        return np.sqrt(x)

    for _ in range(2):
        with pytest.raises(ValueError, match="negative"):
            function(-X)
        np.testing.assert_array_equal(function(X), np.sqrt(X))
    assert function.cache_info().branches == 1

    @fnad.jit
    def checked(x: Any) -> Any:
        assert np.all(x > 0), "positive"
        return x

    checked(X)
    with pytest.raises(AssertionError, match="positive"):
        checked(-X)


def test_a_runaway_warns_once_and_stays_right() -> None:
    jitted = fnad.jit(lambda x: x * int(x[0]) + 1.0, max_branches=4)
    with pytest.warns(RuntimeWarning, match=r"at most 4 branches .* int\(\.\.\.\) at .*test_guards.py") as caught:
        for _ in range(2):
            for k in range(10):
                x = np.array([k, 2.0])
                np.testing.assert_array_equal(jitted(x), x * k + 1.0)
    assert len(caught) == 1 and caught[0].filename == __file__
    info = jitted.cache_info()
    assert info.branches == 4 and info.stagings == 4 + 6 * 2 and "past the bound" in info.reasons[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jitted(np.array([3.0, 1.0])), jitted(np.array([30.0, 1.0]))


def test_a_loop_that_is_too_long_is_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fnad.dispatch.guards.MOST_GUARDS", 3)

    @fnad.jit
    def count(x: Any) -> Any:
        while x < 10.0:
            x = x + 1.0
        return x

    assert count(8.0) == 10.0
    with pytest.warns(RuntimeWarning, match="bool"):
        assert [float(count(x)) for x in (0.5, 8.0, 1.25)] == [10.5, 10.0, 10.25]
    assert count.cache_info().branches == 1
    with pytest.warns(RuntimeWarning, match=r"more: bool\(\.\.\.\)"):
        assert fnad.jit(count.function)(0.5) == 10.5


# --- Within other transforms


def piecewise(x: Any) -> Any:
    return np.sum(x**2) if np.sum(x) > 0 else np.sum(np.sin(x))


@pytest.mark.parametrize(
    "gradient",
    [fnad.jit(fnad.grad(piecewise)), fnad.grad(fnad.jit(piecewise)), fnad.jit(fnad.grad(fnad.jit(piecewise))),
     fnad.jit(lambda x: fnad.vjp(fnad.jit(piecewise), x)[1](1.0)[0]),
     fnad.jit(lambda x: fnad.value_and_grad(piecewise)(x)[1]),
     fnad.jit(fnad.jit(fnad.grad(lambda x: fnad.jit(fnad.jit(piecewise))(x * 1.0))))],
    ids=["jit-grad", "grad-jit", "jit-grad-jit", "vjp", "value_and_grad", "deep"],
)
def test_gradients(gradient: Any) -> None:
    for x in (X, -X, 2 * X, -2 * X):
        np.testing.assert_allclose(gradient(x), 2 * x if x[0] > 0 else np.cos(x), rtol=1e-13)
    if hasattr(gradient, "cache_info"):
        assert gradient.cache_info().branches == 2 and stagings(gradient) == 2


def test_second_derivatives() -> None:
    second = fnad.jit(fnad.grad(lambda x: fnad.grad(lambda y: y**3 if y > x - 1.0 else y**2)(x) if x > 0 else x * x))
    for x in (2.0, -2.0, 3.0, -3.0):
        np.testing.assert_allclose(second(x), 6 * x if x > 0 else 2 * x, rtol=1e-13)
    assert second.cache_info().branches == 2


def test_a_gradient_that_closes_over_what_is_asked_for() -> None:
    def outer(a: Any, x: Any) -> Any:
        return fnad.grad(lambda z: np.sum(z * a) if np.max(z * a) > 2.0 else np.sum(z * z))(x) * a

    assert_same(fnad.jit(outer), outer, [(a, x) for a in (0.5, 1.0, -1.0) for x in (X, -X)], 2)


def test_an_inner_jit_whose_conditions_become_the_outer_ones() -> None:
    inner = fnad.jit(lambda x, n: x * n if n > 2 else x + n)
    outer = fnad.jit(lambda x, n: inner(x, n) * inner(x, n + 1) if np.sum(x) > 0 else x)

    def plain(x: Any, n: Any) -> Any:
        f = lambda x, n: x * n if n > 2 else x + n  # noqa: E731
        return f(x, n) * f(x, n + 1) if np.sum(x) > 0 else x

    assert_same(outer, plain, [(x, n) for x in (X, -X) for n in (1, 2, 3, 4)], 4)
    for n in (1, 3):  # by itself it is compiled as ever
        np.testing.assert_array_equal(inner(X, n), X * n if n > 2 else X + n)


def test_a_compiled_function_that_closes_over_traced_values_asks_for_them() -> None:
    cell = [0.0]
    inner = fnad.jit(lambda x: np.sum(x * cell[0]) if cell[0] > 0 else np.sum(x))

    def outer(a: Any) -> Any:
        cell[0] = a
        return inner(X) * a

    for transform in (fnad.grad, lambda f: fnad.jit(fnad.grad(f))):
        gradient = transform(outer)
        for a in (2.0, -2.0, 3.0):
            np.testing.assert_allclose(gradient(a), 12.0 * a if a > 0 else 6.0, rtol=1e-13)


def test_a_function_that_catches_everything_is_still_right() -> None:
    def caught(x: Any) -> Any:
        try:
            return x * 2.0 if x > 0 else x * 3.0
        except BaseException:  # noqa: BLE001
            return x * 0.0

    inner = fnad.jit(caught)
    for transform in (fnad.grad, lambda f: fnad.jit(fnad.grad(f))):
        gradient = transform(inner)
        assert [float(gradient(x)) for x in (1.0, -1.0, 2.0)] == [2.0, 3.0, 2.0]


def steered(w: Any, x: Any) -> Any:
    return np.sum(w * x**3) if w > 1.0 else np.sum(w * x)


DERIVATIVES: dict[str, Callable[..., Any]] = {
    "grad": lambda f: fnad.grad(f, (0, 1)),
    "of an expression": lambda f: fnad.value_and_grad(lambda w, x: f(w + 0.5, np.sin(x))),
    "grad of grad": lambda f: fnad.grad(lambda w, x: np.sum(fnad.grad(f, 1)(w, x) ** 2), (0, 1)),
    "jvp": lambda f: lambda w, x: fnad.jvp(f, (w, x), (1.0, x)),
    "checkpoint": lambda f: fnad.grad(fnad.checkpoint(f)),
    "in turn": lambda f: fnad.grad(lambda w, x: f(f(w, x), x)),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_derivative_without_jit_takes_the_compiled_branch(name: str) -> None:
    calls = []

    def f(w: Any, x: Any) -> Any:
        calls.append(w)
        return steered(w, x)

    derivative, expected = DERIVATIVES[name](fnad.jit(f)), DERIVATIVES[name](steered)
    for known in (False, True):
        count = len(calls)
        for w in (0.25, 2.0, np.array(2.0), np.float32(0.25)):
            for x in (X, X.astype(np.float32)):
                for one, two in zip(tree.leaves(derivative(w, x)), tree.leaves(expected(w, x))):
                    assert one.dtype == two.dtype
                    np.testing.assert_allclose(one, two, rtol=1e-5)
        assert not known or len(calls) == count
    assert "jit_call" in str(fnad.make_program(fnad.grad(fnad.jit(f)))(2.0, X))


def test_a_derivative_without_jit_runs_python_where_no_branch_will_do() -> None:
    rows, jitted = np.stack([X, 2 * X]), fnad.jit(steered, max_branches=1)
    expected = np.stack([fnad.grad(steered, 1)(2.0, x) for x in rows])
    np.testing.assert_allclose(fnad.vmap(fnad.grad(jitted, 1), (None, 0))(2.0, rows), expected)
    with pytest.raises(ConcreteValueError, match="one for each example under vmap"):
        fnad.vmap(fnad.grad(jitted))(np.array([0.0, 2.0]), rows)
    assert fnad.grad(jitted)(0.25, X) == np.sum(X)
    with pytest.warns(RuntimeWarning, match="at most 1 branches"):
        assert fnad.grad(jitted)(2.0, X) == np.sum(X**3)


def test_conversions_that_cut_a_gradient_stay_errors() -> None:
    jitted = fnad.jit(lambda x: x * float(x))
    assert jitted(3.0) == 9.0
    for gradient in (fnad.grad(jitted), fnad.jit(fnad.grad(jitted)), fnad.grad(fnad.jit(lambda x: x * x.item()))):
        with pytest.raises(CutGradientError):
            gradient(3.0)
    assert fnad.jit(fnad.grad(lambda x: x * float(fnad.stop_gradient(x))))(3.0) == 3.0


# --- Threads, and what is shown


def test_many_threads_take_all_branches() -> None:
    jitted, loop = fnad.jit(lambda x, n: x * 2.0 if n < 1 else x * n if n < 3 else x - n), fnad.jit(growing)
    expected = {n: growing(X * (n + 0.5)) for n in range(5)}
    results: list[Any] = []
    done: list[int] = []
    start = threading.Barrier(8)

    def work(k: int) -> None:
        start.wait()
        for i in range(30):
            n = (k + i) % 5
            results.append((n, jitted(X, n)))
            np.testing.assert_allclose(loop(X * (n + 0.5)), expected[n], rtol=1e-13)
            done.append(n)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == len(done) == 240 and stagings(jitted) == jitted.cache_info().branches == 3
    for n, result in results:
        np.testing.assert_array_equal(result, X * 2.0 if n < 1 else X * n if n < 3 else X - n)


def test_explain_and_cache_info_show_the_branches(capsys: pytest.CaptureFixture[str]) -> None:
    jitted = fnad.jit(condition)
    jitted(X)
    fnad.explain(jitted)(-X)
    printed = capsys.readouterr().out
    for words in ("branch 0:", "branch 1:", "Python condition at", "is True", "is False", "test_guards.py:"):
        assert words in printed
    info = jitted.cache_info()
    assert info[:3] == (1, 2, 2) and info.compile_seconds > 0
    assert info.reasons[0] == "new signature"
    assert "test_guards.py" in info.reasons[1] and info.reasons[1].endswith("was False for the first time")
