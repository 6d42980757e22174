"""Threads that stage at the same time: right values, most things once, and nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import fnad
import numpy as np
import pytest
from fnad.dispatch import single_flight

X = np.arange(3.0)


def together(*works: Callable[[], Any]) -> list[Any]:
    """The results of functions that run on threads of their own; those that hang are an error."""
    results: list[Any] = [None] * len(works)

    def run(k: int) -> None:
        try:
            results[k] = works[k]()
        except BaseException as error:
            results[k] = error

    threads = [threading.Thread(target=run, args=(k,), daemon=True) for k in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a thread waits for ever"
    return results


def met(barrier: threading.Barrier) -> Callable[[], None]:
    """What lets threads wait for each other, once."""

    def meet() -> None:
        try:
            barrier.wait(0.2)
        except threading.BrokenBarrierError:
            pass

    return meet


def test_functions_that_call_each_other_are_staged_on_two_threads() -> None:
    meet = met(threading.Barrier(2))

    @fnad.jit(static_argnums=1)
    def f(x: Any, depth: int) -> Any:
        meet()
        return x * 2.0 if depth == 0 else g(x, depth - 1) + 1.0

    @fnad.jit(static_argnums=1)
    def g(x: Any, depth: int) -> Any:
        meet()
        return x * 3.0 if depth == 0 else f(x, depth - 1) - 1.0

    found = together(lambda: f(X, 3), lambda: g(X, 3))
    np.testing.assert_array_equal(found, [X * 3.0 - 1.0 + 2.0, X * 2.0 + 1.0 - 2.0])
    np.testing.assert_array_equal([f(X, 3), g(X, 3)], found)


def test_branches_that_call_each_other_are_staged_on_two_threads() -> None:
    meet = met(threading.Barrier(2))

    @fnad.jit
    def f(x: Any, n: Any) -> Any:
        if n > 0:
            meet()
            return g(x, n - 1) + 1.0
        return x * 2.0

    @fnad.jit
    def g(x: Any, n: Any) -> Any:
        if n > 0:
            meet()
            return f(x, n - 1) - 1.0
        return x * 3.0

    f(X, 0), g(X, 0)  # so that the rest extends what is there
    found = together(lambda: f(X, 1), lambda: g(X, 1), lambda: f(X, 2), lambda: g(X, 2))
    expected = [X * 3.0 + 1.0, X * 2.0 - 1.0, X * 2.0, X * 3.0]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal([f(X, 1), g(X, 1), f(X, 2), g(X, 2)], expected)


@pytest.mark.filterwarnings("ignore:jit. requires a function that changes nothing outside, got calls")
def test_a_function_may_wait_for_threads_that_call_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_flight, "PATIENCE", 0.1)
    pool = ThreadPoolExecutor(2)
    calls = []

    @fnad.jit
    def f(x: Any) -> Any:
        calls.append(x)
        others = [pool.submit(f, X).result() for _ in range(2)] if len(calls) == 1 else [0.0]
        return x * 2.0 + sum(others)

    np.testing.assert_array_equal(together(lambda: f(X)), [X * 6.0])
    pool.shutdown()


def test_who_fails_does_not_keep_the_others_from_it() -> None:
    start = threading.Barrier(4)
    calls = []

    @fnad.jit
    def f(x: Any) -> Any:
        calls.append(x)
        if len(calls) < 3:
            raise ValueError("not yet")
        return x + 1.0

    def work() -> Any:
        start.wait()
        return f(X)

    found = together(*[work] * 4)
    assert sorted([isinstance(r, ValueError) for r in found]) == [False, False, True, True]
    np.testing.assert_array_equal(f(X), X + 1.0)


def test_trees_grow_by_several_threads_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_flight, "PATIENCE", 0.0)

    @fnad.jit
    def f(x: Any, n: Any) -> Any:
        total = np.exp(x)
        while np.sum(total) < 50.0 * n:
            total = total * 2.0 + x  # each question needs what the one before it has computed
        return total / 2.0 if n % 2 else total

    def expected(n: int) -> Any:
        total = np.exp(X)
        while np.sum(total) < 50.0 * n:
            total = total * 2.0 + X
        return total / 2.0 if n % 2 else total

    start = threading.Barrier(4)

    def work() -> list[Any]:
        start.wait()
        return [f(X, n) for n in range(9)]

    for results in together(*[work] * 4):
        np.testing.assert_allclose(results, [expected(n) for n in range(9)], rtol=1e-14)
    before = f.cache_info().stagings
    np.testing.assert_allclose([f(X, n) for n in range(9)], [expected(n) for n in range(9)], rtol=1e-14)
    again = f.cache_info().stagings
    assert again - before <= 9  # of ways that were staged twice and kept once, those that were lost
    [f(X, n) for n in range(9)]
    assert f.cache_info().stagings == again
