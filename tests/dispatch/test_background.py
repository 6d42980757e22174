"""Calls that do not wait for the compiler: interpreted until the code is there, compiled from then on."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from typing import Any

import fnad
import numpy as np
import pytest
from fnad.compiler.compile import compile_program
from fnad.dispatch import background
from fnad.dispatch.background import Pending

X = np.arange(4.0)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Compilation waits until this is set."""
    opened = threading.Event()

    def late(*args: Any) -> Any:
        assert opened.wait(60)
        return compile_program(*args)

    monkeypatch.setattr(background, "compile_program", late)
    return opened


def pending(function: Any) -> Pending:
    (entry,) = function.entries.values()
    return entry.compiled


def test_calls_are_answered_before_and_after_the_code_is_there(gate):
    f = fnad.jit(lambda x: {"y": x * 2.0 + 1.0}, background=True)
    for _ in range(3):
        np.testing.assert_array_equal(f(X)["y"], X * 2.0 + 1.0)
    assert pending(f).made is None and f.cache_info().compile_seconds == 0
    gate.set()
    pending(f)._thread.join()
    assert pending(f).made is not None
    np.testing.assert_array_equal(f(X)["y"], X * 2.0 + 1.0)
    assert f.cache_info().compile_seconds > 0 and f.cache_info().stagings == 1


def test_many_functions_are_compiled_on_one_thread_one_after_the_other(gate):
    functions = [fnad.jit(lambda x, k=k: x * 2.0 + k, background=True) for k in range(30)]
    for _ in range(2):
        for k, f in enumerate(functions):
            np.testing.assert_array_equal(f(X), X * 2.0 + k)
    assert sum([thread.name == "fnad compiler" for thread in threading.enumerate()]) == 1
    dropped = weakref.ref(pending(functions.pop()))
    del f
    gc.collect()
    assert dropped() is None
    gate.set()
    for f in functions:
        pending(f)._thread.join()
    for k, f in enumerate(functions):
        assert pending(f).made is not None and pending(f).seconds > 0
        np.testing.assert_array_equal(f(X), X * 2.0 + k)


def test_what_is_asked_for_does_not_wait_for_its_turn(gate, monkeypatch):
    first, second = [fnad.jit(lambda x, k=k: x * 3.0 + k, background=True) for k in range(2)]
    first(X), second(X)
    monkeypatch.setattr(background, "compile_program", compile_program)
    assert second.inspect(X)[0][1].compiled.plan.instructions
    assert pending(first).made is None
    gate.set()
    pending(first)._thread.join()
    assert pending(first).made is not None


def test_an_interrupted_thread_is_followed_by_another(monkeypatch):
    class Alarm(BaseException):
        pass

    def refuse(*args: Any) -> Any:
        raise Alarm

    with monkeypatch.context() as patch:
        patch.setattr(background, "compile_program", refuse)
        patch.setattr(threading, "excepthook", lambda args: None)
        first = fnad.jit(lambda x: x * 5.0, background=True)
        first(X)
        pending(first)._thread.join()
    second = fnad.jit(lambda x: x * 6.0, background=True)
    for _ in range(2):
        np.testing.assert_array_equal(first(X), X * 5.0)
        np.testing.assert_array_equal(second(X), X * 6.0)
        pending(second)._thread.join()
    assert pending(first).made is not None and pending(second).made is not None


def test_what_is_given_away_or_closed_over_is_right_at_any_time(gate):
    weight = np.ones(4)
    f = fnad.jit(lambda x: x + weight, background=True, donate_argnums=0)
    np.testing.assert_array_equal(f(X.copy()), X + 1)
    weight[:] = 3.0
    np.testing.assert_array_equal(f(X.copy()), X + 3)
    gate.set()
    pending(f)._thread.join()
    weight[:] = 5.0
    given = X.copy()
    assert f(given) is given
    np.testing.assert_array_equal(given, X + 5)


def test_explain_waits_for_the_code(gate):
    f = fnad.jit(lambda x: x * 2.0, background=True)
    f(X)
    gate.set()
    assert f.inspect(X)[0][1].compiled.plan.instructions


def test_an_error_of_the_compiler_reaches_the_next_call(monkeypatch):
    def refuse(*args: Any) -> Any:
        raise RuntimeError("no code for this")

    monkeypatch.setattr(background, "compile_program", refuse)
    f = fnad.jit(lambda x: x * 2.0, background=True)
    np.testing.assert_array_equal(f(X), X * 2.0)
    pending(f)._thread.join()
    with pytest.raises(RuntimeError, match="no code for this"):
        f(X)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_has_lost_the_thread_compiles_itself(gate):
    f = fnad.jit(lambda x: x * 2.0, background=True)
    f(X)
    child = os.fork()
    if child == 0:
        gate.set()
        made = pending(f)
        good = np.array_equal(made([X])[0], X * 2.0) and made.made is not None
        os._exit(0 if good else 1)
    gate.set()
    assert os.waitpid(child, 0)[1] == 0


def test_an_option_is_kept_by_the_decorator():
    @fnad.jit(background=True, max_branches=3)
    def f(x):
        return x + 1.0

    assert f.background and f.max_branches == 3
