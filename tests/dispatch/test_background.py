"""Calls that do not wait for the compiler: interpreted until the code is there, compiled from then on."""

from __future__ import annotations

import os
import threading
from typing import Any

import fnad
import numpy as np
import pytest
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

    compile_program = background.compile_program
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
