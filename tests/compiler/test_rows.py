"""Loops that share rows run together where their arrays are large, and compute what they computed apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fnad
from fnad.compiler.compile import compile_program, run_passes
from fnad.compiler.cpu import target
from fnad.compiler.steps import Loop, Rows
from fnad.interpreter.evaluate import evaluate
from fnad.ir.program import Program
from fnad.runtime import views

from tests.compiler.random_programs import SHAPE, functions, numbers

X = np.random.default_rng(0).normal(size=(5, 70))
Y = np.random.default_rng(1).normal(size=(5, 70))


def let_every_row_pay(patch: pytest.MonkeyPatch, **also: int) -> None:
    patch.setattr(target, "CPU", replace(target.CPU, rows=replace(target.CPU.rows, large=0, **also)))


@pytest.fixture
def every_row_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    let_every_row_pay(monkeypatch)


def softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def normalised(x: Any, y: Any) -> Any:
    d = x - np.mean(x, axis=1, keepdims=True)
    z = d / np.sqrt(np.mean(d * d, axis=1, keepdims=True) + 1e-5)
    return np.sum(z * y, axis=0), np.sum(z * y)


def steps(function: Callable[..., Any], *args: np.ndarray) -> list[int]:
    """How many loops each step has; 0 is a call."""
    found = run_passes(fnad.make_program(function)(*args), target.CPU)["divide"].steps
    return [len(step.loops) if isinstance(step, Rows) else int(isinstance(step, Loop)) for step in found]


CASES = {
    "softmax": (softmax, (X,), [3]),
    "sums of columns go along": (normalised, (X, Y), None),
    "its gradient": (fnad.grad(lambda x, y: np.sum(softmax(x) * y)), (X, Y), None),
    "rows of three axes": (lambda x: x - np.sum(x, axis=(1, 2), keepdims=True), (X.reshape(5, 7, 10),), [2]),
    "a last loop with one step a row is apart": (
        lambda x: np.log(np.sum(np.exp(x - np.max(x, axis=1, keepdims=True)), axis=1)), (X,), [2, 1],
    ),
    "what needs all rows waits": (lambda x: x - np.sum(x, axis=0), (X,), [1, 1]),
    "what needs another row waits": (
        lambda x: (lambda y: y - np.sum(y[::-1], axis=1, keepdims=True))(np.max(x, axis=1, keepdims=True) * x),
        (X,), None,
    ),
    "short rows are apart": (softmax, (X[:, :3],), [1, 1, 1]),
}


@pytest.mark.usefixtures("every_row_pays")
@pytest.mark.parametrize(("function", "args", "expected"), CASES.values(), ids=CASES.keys())
def test_steps_and_values(function: Callable[..., Any], args: tuple, expected: list[int] | None) -> None:
    found = steps(function, *args)
    assert found == expected or expected is None
    got, want = fnad.jit(function)(*args), function(*args)
    for a, b in zip(fnad.tree.leaves(got), fnad.tree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("every_row_pays")
@pytest.mark.parametrize("function", [normalised, fnad.grad(lambda x, y: np.sum(softmax(x) * y))])
def test_all_of_a_norm_is_one_step(function: Callable[..., Any]) -> None:
    assert len(steps(function, X, Y)) == 1


def test_small_arrays_are_left_alone() -> None:
    assert steps(softmax, X) == [1, 1, 1]


def test_a_donated_array_is_written_over_only_where_no_later_row_reads_it() -> None:
    def shifted(x: Any) -> Any:
        y = x - np.max(x, axis=1, keepdims=True)
        return y + np.sum(y, axis=1, keepdims=True) * x[0, 0]

    want = shifted(X)
    with pytest.MonkeyPatch.context() as patch:
        let_every_row_pay(patch)
        (got,) = compile_program(fnad.make_program(shifted)(X), (0,))([X.copy()])
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.usefixtures("every_row_pays")
def test_loops_that_were_put_together_wrongly_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    function = CASES["what needs all rows waits"][0]
    program = fnad.make_program(function)(X)
    np.testing.assert_allclose(compile_program(program)([X])[0], function(X))
    monkeypatch.setattr(views, "is_by_rows", lambda view, nbytes: True)
    assert not np.allclose(compile_program(program)([X])[0], function(X))


@st.composite
def programs(draw: Any) -> Program:
    """A Program of a few random operations on two arguments, with some of its values as results."""
    function = draw(functions(results=draw(st.integers(1, 3))))
    return fnad.make_program(lambda x, y: function([x, y]))(np.ones(SHAPE), np.ones(SHAPE))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(programs(), st.sets(st.integers(0, 1)), st.integers(0, 2**32 - 1))
def test_random_programs_by_rows(
    monkeypatch: pytest.MonkeyPatch, program: Program, donated: set[int], seed: int
) -> None:
    let_every_row_pay(monkeypatch, shortest=1)
    inputs = list(numbers(seed, 2, *SHAPE))
    expected = evaluate(program, inputs)
    found = compile_program(program, donated)([x.copy() for x in inputs])
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, want)
