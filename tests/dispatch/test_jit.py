"""Compiled functions: signatures, static and donated arguments, closures, nesting, threads, processes."""

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import fnad
import numpy as np
import pytest
from fnad.runtime.cache import statistics

X = np.array([1.0, 2.0, 3.0])


def counted(function: Callable[..., Any]) -> tuple[Callable[..., Any], list[int]]:
    """A function, and a list that grows each time Python runs it."""
    calls: list[int] = []

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return function(*args, **kwargs)

    return wrapper, calls


def test_is_staged_once_for_a_signature() -> None:
    function, calls = counted(lambda x: x * 2.0)
    jitted = fnad.jit(function)
    for x in (X, X + 1, X.astype(np.float32), X[:2], X.astype(np.float32)):
        np.testing.assert_array_equal(jitted(x), x * 2)
        assert jitted(x).dtype == x.dtype
    assert len(calls) == 3


def test_python_numbers_are_arguments_and_weak() -> None:
    function, calls = counted(lambda x, a: x * a)
    jitted = fnad.jit(function)
    x = X.astype(np.float32)
    for a in (2.0, 3.0, 0.5):
        assert jitted(x, a).dtype == np.float32
        np.testing.assert_array_equal(jitted(x, a), x * np.float32(a))
    assert len(calls) == 1 and jitted(x, 2).dtype == np.float32 and len(calls) == 2


@dataclasses.dataclass
class Model:
    w: Any
    name: str


def test_arguments_and_results_are_any_pytrees() -> None:
    @fnad.jit
    def function(model: Model, options: dict[str, Any]) -> Any:
        return Model(model.w + options["shift"], model.name), None, ["text", {"n": 3}]

    model, nothing, (text, numbers) = function(Model(X, "linear"), {"shift": 1.0, "mode": "fast"})
    np.testing.assert_array_equal(model.w, X + 1)
    assert (model.name, nothing, text, int(numbers["n"])) == ("linear", None, "text", 3)


def test_what_is_no_array_is_part_of_the_signature() -> None:
    jitted = fnad.jit(lambda x, mode: x + 1.0 if mode == "up" else x - 1.0)
    np.testing.assert_array_equal(jitted(X, "up"), X + 1)
    np.testing.assert_array_equal(jitted(X, "down"), X - 1)


@pytest.mark.parametrize("options", [{"static_argnums": 1}, {"static_argnames": "n"}, {"static_argnums": (-1,)}])
def test_static_arguments(options: dict[str, Any]) -> None:
    def power(x: Any, n: int) -> Any:
        result = x
        for _ in range(n - 1):
            result = result * x
        return result

    function, calls = counted(power)
    jitted = fnad.jit(function, **options)
    for n in (2, 3, 3, 2):
        result = jitted(X, n=n) if "static_argnames" in options else jitted(X, n)
        np.testing.assert_array_equal(result, X**n)
    assert len(calls) == 2


def test_jit_is_a_decorator_with_and_without_options() -> None:
    @fnad.jit(static_argnames=("sign",))
    def function(x: Any, sign: str = "+") -> Any:
        """Its text."""
        return x if sign == "+" else -x

    np.testing.assert_array_equal(function(X, sign="-"), -X)
    assert function.__doc__ == "Its text." and function.__name__ == "function"


class Scaled:
    def __init__(self, factor: np.ndarray) -> None:
        self.factor = factor

    @fnad.jit
    def method(self, x: Any) -> Any:
        return x * 2.0

    def scale(self, x: Any) -> Any:
        return x * self.factor


def test_methods() -> None:
    np.testing.assert_array_equal(Scaled(X).method(X), 2 * X)
    model = Scaled(np.array(2.0))
    jitted = fnad.jit(model.scale)
    np.testing.assert_array_equal(jitted(X), 2 * X)
    model.factor = np.array(5.0)
    np.testing.assert_array_equal(jitted(X), 5 * X)


SHIFT = np.array(1.0)


class Tagged(np.ndarray):
    """A class of arrays that means what NumPy means."""


def test_arrays_that_are_closed_over_are_read_anew() -> None:
    scale, weights = np.array(2.0), {"w": [np.array(3.0)]}
    function, calls = counted(lambda x: x * scale + weights["w"][0] * x + SHIFT)
    jitted = fnad.jit(function)
    np.testing.assert_array_equal(jitted(X), X * 5 + 1)
    scale[...] = 4.0
    np.testing.assert_array_equal(jitted(X), X * 7 + 1)
    scale = np.array(5.0)
    weights["w"][0] = np.array(6.0)
    np.testing.assert_array_equal(jitted(X), X * 11 + 1)
    globals()["SHIFT"] = np.array(2.0)
    np.testing.assert_array_equal(jitted(X), X * 11 + 2)
    assert len(calls) == 1
    scale = np.array([1.0, 1.0, 2.0])
    np.testing.assert_array_equal(jitted(X), X * (scale + 6) + 2)
    assert len(calls) == 2


def test_closed_over_arrays_of_partials_and_inner_functions() -> None:
    jitted = fnad.jit(partial(lambda w, x: w * x, np.array(2.0)))
    np.testing.assert_array_equal(jitted(X), 2 * X)
    w = np.array(3.0)

    def outer(x: Any) -> Any:
        def inner(y: Any) -> Any:
            return w * y

        return fnad.grad(lambda z: np.sum(inner(z)))(x)

    jitted = fnad.jit(outer)
    np.testing.assert_array_equal(jitted(X), [3.0, 3.0, 3.0])
    w = np.array(4.0)
    np.testing.assert_array_equal(jitted(X), [4.0, 4.0, 4.0])


def test_donated_memory_comes_back() -> None:
    step = fnad.jit(lambda params, x: {"w": params["w"] - 0.5 * x}, donate_argnums=0)
    params = {"w": X.copy()}
    memory = params["w"]
    result = step(params, X)
    assert result["w"] is memory
    np.testing.assert_array_equal(memory, 0.5 * X)


@pytest.mark.parametrize(
    "given", [np.broadcast_to(1.0, (3,)), np.arange(6.0)[::2], np.arange(6.0)[:3], np.arange(3), X.astype(">f8")],
)
def test_what_cannot_be_donated_is_left_alone(given: np.ndarray) -> None:
    kept = given.copy()
    result = fnad.jit(lambda p, x: p - 0.5 * x, donate_argnums=0)(given, X)
    np.testing.assert_array_equal(result, kept - 0.5 * X)
    np.testing.assert_array_equal(given, kept)


def test_an_array_donated_twice_is_copied() -> None:
    step = fnad.jit(lambda a, b: (a + 1.0, b * 2.0), donate_argnums=(0, 1))
    shared = X.copy()
    a, b = step(shared, shared)
    np.testing.assert_array_equal(a, X + 1)
    np.testing.assert_array_equal(b, X * 2)


def test_nests_with_grad_in_both_orders() -> None:
    def loss(x: Any) -> Any:
        return np.sum(np.sin(x) * x)

    expected = np.sin(X) + X * np.cos(X)
    for gradient in (fnad.jit(fnad.grad(loss)), fnad.grad(fnad.jit(loss)), fnad.jit(fnad.grad(fnad.jit(loss)))):
        np.testing.assert_allclose(gradient(X), expected, rtol=1e-14)
    second = 2 * np.cos(X) - X * np.sin(X)
    for jit in (fnad.jit, lambda f: f):
        hessian_diagonal = fnad.grad(lambda x: np.sum(fnad.grad(jit(loss))(x)))
        np.testing.assert_allclose(jit(hessian_diagonal)(X), second, rtol=1e-14)


def test_grad_of_a_compiled_function_runs_compiled() -> None:
    function, calls = counted(lambda x: np.sum(np.sin(x) * x))
    gradient = fnad.grad(fnad.jit(function))
    gradient(X)
    before = statistics()
    np.testing.assert_allclose(gradient(X + 1), np.sin(X + 1) + (X + 1) * np.cos(X + 1), rtol=1e-14)
    assert len(calls) == 1 and (statistics() - before).compiled == 0


def test_a_compiled_function_may_close_over_traced_values() -> None:
    def outer(a: Any) -> Any:
        return np.sum(fnad.jit(lambda x: x * a * a)(X))

    np.testing.assert_allclose(fnad.grad(outer)(3.0), 6 * X.sum())
    np.testing.assert_allclose(fnad.jit(fnad.grad(outer))(3.0), 6 * X.sum())


def test_integers_and_booleans_pass_through_gradients() -> None:
    @fnad.jit
    def function(x: Any, n: Any) -> Any:
        return np.sum(x * n), n + 1

    gradient, aux = fnad.grad(function, has_aux=True)(X, np.arange(3))
    np.testing.assert_array_equal(gradient, [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(aux, [1, 2, 3])


@pytest.mark.parametrize(
    "x",
    [X[::-1], np.asfortranarray(np.ones((2, 3))), np.arange(6.0)[::2], np.broadcast_to(2.0, (2, 2)), X.astype(">f8"),
     np.float64(2.0), np.array([1.0, 2.0]).view(Tagged), np.ones((0, 2)), np.ones((1, 1))],
    ids=["reversed", "fortran", "strided", "broadcast", "byte-swapped", "scalar", "subclass", "empty", "one"],
)
def test_arguments_of_any_layout(x: Any) -> None:
    kept = np.array(x, copy=True)
    np.testing.assert_array_equal(fnad.jit(lambda x: x + 1.0)(x), np.asarray(x) + 1)
    np.testing.assert_array_equal(x, kept)


def test_an_index_out_of_bounds_is_found_in_compiled_code() -> None:
    jitted = fnad.jit(lambda x, i: x[i])
    np.testing.assert_array_equal(jitted(X, np.array([0, -1])), X[[0, -1]])
    with pytest.raises(IndexError, match=r"index 3 is out of bounds for axis 0 with size 3[\s\S]*test_jit.py"):
        jitted(X, np.array([0, 3]))
    np.testing.assert_array_equal(jitted(X, np.array([1])), X[[1]])


def test_nothing_traced_in_the_result() -> None:
    assert fnad.jit(lambda x: (3, "a"))(X)[1] == "a"
    assert fnad.jit(lambda: np.ones(2))().tolist() == [1.0, 1.0]


def test_an_error_while_staging_keeps_nothing() -> None:
    fail = [True]

    @fnad.jit
    def function(x: Any) -> Any:
        if fail[0]:
            raise ValueError("not now")
        return x + 1.0

    with pytest.raises(ValueError, match="not now"):
        function(X)
    fail[0] = False
    np.testing.assert_array_equal(function(X), X + 1)


def test_many_threads_call_a_function_that_is_cold() -> None:
    function, calls = counted(lambda x: np.sum(np.exp(x) * x))
    jitted = fnad.jit(function)
    results: list[Any] = []
    start = threading.Barrier(8)

    def work(k: int) -> None:
        start.wait()
        for _ in range(20):
            results.append((k, jitted(np.full(4, float(k)))))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 160 and len(calls) == 1
    for k, result in results:
        np.testing.assert_allclose(result, 4 * np.exp(k) * k, rtol=1e-13)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_runs_and_compiles() -> None:
    jitted = fnad.jit(lambda x: np.sum(x * 3.0))
    jitted(X)
    child = os.fork()
    if child == 0:
        good = jitted(X) == 18.0 and fnad.jit(lambda x: np.sum(x * 5.0 - 1.0))(X) == 27.0
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_another_process_compiles_nothing() -> None:
    script = textwrap.dedent("""
        import numpy as np, fnad, sys
        from fnad.runtime.cache import statistics
        step = fnad.jit(fnad.value_and_grad(lambda w, x: np.mean(np.tanh(x @ w) ** 2)))
        step(np.ones((3, 2), np.float32), np.ones((5, 3), np.float32))
        print(statistics().compiled, "numba" in sys.modules)
    """)
    command = [sys.executable, "-c", script]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)]
    assert runs[1].stdout.split() == ["0", "False"]


def test_explain_prints_what_was_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    fnad.explain(lambda x: np.sum(np.tanh(x) * 2.0))(X)
    printed = capsys.readouterr().out
    for words in ("instructions:", "buffers:", "def kernel(", "kernels compiled in", "host steps", "test_jit.py:"):
        assert words in printed


def test_options_are_checked() -> None:
    with pytest.raises(TypeError, match="static_argnums"):
        fnad.jit(lambda x: x, static_argnums="x")
    with pytest.raises(ValueError, match="static and donated"):
        fnad.jit(lambda x: x, static_argnums=0, donate_argnums=0)
    with pytest.raises(TypeError, match="requires a function"):
        fnad.jit(X)
    with pytest.raises(TypeError, match="hashable"):
        fnad.jit(lambda x, n: x, static_argnums=1)(X, [1])


@pytest.mark.parametrize("array", [np.ma.masked_array([1.0, 2.0], [False, True])], ids=["masked"])
def test_arrays_that_mean_something_else_are_refused(array: np.ndarray) -> None:
    with pytest.raises(TypeError, match=r"jit: requires NumPy arrays of numbers, got a MaskedArray, whose"):
        fnad.jit(np.sum)(array)


def test_static_arguments_that_do_not_exist_are_errors() -> None:
    with pytest.raises(ValueError, match=r"static_argnames of parameters, got \['m'\]"):
        fnad.jit(lambda x, n: x, static_argnames="m")
    with pytest.raises(ValueError, match=r"static_argnums of parameters, got \[4\] of 2"):
        fnad.jit(lambda x, n: x, static_argnums=4)
    fnad.jit(lambda *args, **kwargs: args[0], static_argnums=4, static_argnames="m")


def test_an_axis_is_a_branch_or_static() -> None:
    x = np.arange(6.0).reshape(2, 3)
    jitted = fnad.jit(np.sum)
    for axis in (0, 1, 0):
        np.testing.assert_array_equal(jitted(x, axis=axis), x.sum(axis))
    assert jitted.cache_info().branches == 2
    assert fnad.jit(np.sum, static_argnames="axis")(X, axis=0) == 6


def test_python_numbers_stay_weak_beside_traced_arguments() -> None:
    scaled = fnad.jit(lambda x, a: np.sum(x * a))
    x = X.astype(np.float32)
    gradient = fnad.grad(lambda x: scaled(x, 2.0))(x)
    np.testing.assert_array_equal(gradient, np.full(3, 2, np.float32))
    assert gradient.dtype == np.float32


def test_a_call_like_an_earlier_one_is_neither_flattened_nor_staged(monkeypatch):
    stagings = []
    f = fnad.jit(lambda params, scale: stagings.append(1) or [params["w"] * scale, params["b"] + 1.0])
    small, large = ({"w": np.arange(n) / 2, "b": np.zeros(n)} for n in (3, 5))
    expected = [[small["w"] * 2, small["b"] + 1.0], [large["w"] * 2, large["b"] + 1.0]]
    for _ in range(2):  # the second call of each is looked up, and later ones are compared with it
        f(small, 2.0), f(large, 2.0)
    monkeypatch.setattr(fnad.tree, "flatten", None)
    for params, results in zip([small, large, small], [*expected, expected[0]]):
        for got, wanted in zip(f(params, 2.0), results):
            np.testing.assert_array_equal(got, wanted)
    monkeypatch.undo()
    np.testing.assert_array_equal(f(small, 2)[0], small["w"] * 2)  # an integer is another signature
    assert len(stagings) == 3


@pytest.mark.parametrize("change", [lambda x: x[::-1], lambda x: np.asfortranarray(x), lambda x: x.view()])
def test_arrays_that_lie_otherwise_need_no_second_compilation(change):
    f = fnad.jit(lambda x: x * 2.0 + 1.0)
    x = np.arange(6.0).reshape(2, 3)
    for _ in range(3):
        f(x)
    other = change(x)
    other.flags.writeable = False
    np.testing.assert_array_equal(f(other), other * 2.0 + 1.0)
    assert f.cache_info().stagings == 1


def test_a_new_batch_size_compiles_no_kernel() -> None:
    optimizer = fnad.optim.adam(1e-2)

    def loss(params: Any, x: Any, labels: Any) -> Any:
        hidden = np.maximum(x @ params["w"] + params["b"], 0)
        return fnad.nn.softmax_cross_entropy(hidden @ params["v"], labels)

    @fnad.jit
    def step(params: Any, state: Any, x: Any, labels: Any) -> Any:
        value, grads = fnad.value_and_grad(loss)(params, x, labels)
        return optimizer.update(grads, state, params), value

    random = np.random.default_rng(0)
    params = {"w": random.normal(size=(6, 5)), "b": np.zeros(5), "v": random.normal(size=(5, 3))}
    for size in (8, 13, 300):
        step(params, optimizer.init(params), random.normal(size=(size, 6)), random.integers(0, 3, size))
    first, *later = step.cache_info().history
    assert first.kernels.compiled + first.kernels.disk_hits + first.kernels.memory_hits > 0
    assert [(staging.kernels.compiled, staging.kernels.disk_hits) for staging in later] == [(0, 0), (0, 0)]


@pytest.mark.parametrize("one, other", [(1, True), (2, 2.0), (0.0, -0.0), ((1, 2), (1.0, 2.0))])
def test_static_arguments_that_are_equal_but_not_the_same(one: Any, other: Any) -> None:
    told = fnad.jit(lambda x, n: x + len(repr(n)), static_argnums=1)
    named = fnad.jit(lambda x, n: x + len(repr(n)), static_argnames="n")
    for n in (one, other, one):
        assert told(0, n) == named(0, n=n) == len(repr(n))


def test_a_jitted_function_is_pickled_and_copied() -> None:
    jitted = fnad.jit(np.linalg.norm, static_argnames="ord")
    for same in (pickle.loads(pickle.dumps(jitted)), copy.deepcopy(jitted)):
        assert same(np.array([3.0, 4.0])) == 5.0 and same.static_argnames == ("ord",)


def test_a_jitted_function_inside_of_another_is_compiled_with_it() -> None:
    inner = fnad.jit(lambda x: np.sin(x) * 3.25 + 0.625)
    outer = fnad.jit(lambda x: inner(x) * 2.0)
    outer(1.0)
    assert inner.cache_info().compile_seconds == 0.0 and outer.cache_info().compile_seconds > 0.0
    assert inner(1.0) * 2.0 == outer(1.0)


@pytest.mark.parametrize("options", [{"donate_argnums": 0}, {"donate_argnames": "x"}, {"donate_argnums": -2}], ids=str)
def test_an_argument_is_donated_however_it_is_passed(options: Any) -> None:
    f = fnad.jit(lambda x, y: x + y, **options)
    for call in (lambda a: f(a, np.ones(3)), lambda a: f(y=np.ones(3), x=a), lambda a: f(a, y=np.ones(3))):
        given = np.zeros(3)
        assert np.shares_memory(call(given), given)


def test_an_argument_is_static_however_it_is_passed() -> None:
    for options in ({"static_argnums": 1}, {"static_argnames": "n"}):
        f = fnad.jit(lambda x, n: x * len(range(n)), **options)
        assert f(2.0, 3) == 6 and f(2.0, n=4) == 8 and f.cache_info().signatures == 2


def test_names_of_donated_arguments_are_checked() -> None:
    for options, error, words in (
        ({"donate_argnames": "z"}, ValueError, "donate_argnames of parameters"),
        ({"donate_argnames": "x", "static_argnums": 0}, ValueError, "differ"),
        ({"donate_argnames": 3}, TypeError, "donate_argnames to be names"),
    ):
        with pytest.raises(error, match=words):
            fnad.jit(lambda x: x, **options)
    given = np.ones(3)
    assert np.shares_memory(fnad.jit(lambda **kw: kw["q"] * 2.0, donate_argnames="q")(q=given), given)
