"""Products that are only added to an array are accumulated into it, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fnad
from fnad.compiler.compile import compile_program
from fnad.compiler.cpu.lower import has_code
from fnad.compiler.passes.accumulate import accumulate
from fnad.compiler.passes.simplify import simplify
from fnad.interpreter.evaluate import evaluate
from fnad.ir.check import check
from fnad.ops.contractions import matmul_add
from fnad.runtime.plan import Launch

GENERATOR = np.random.default_rng(0)
P, A, B = (GENERATOR.normal(size=shape) for shape in ((20, 30), (20, 40), (40, 30)))

CASES = {
    "added": (lambda p, a, b: p + a @ b, 1),
    "added to": (lambda p, a, b: a @ b + p, 1),
    "subtracted": (lambda p, a, b: p - a @ b, 1),
    "a step": (lambda p, a, b: p - 0.1 * (a @ b), 1),
    "a step with the rate behind": (lambda p, a, b: p - (a @ b) * 0.1, 1),
    "two products": (lambda p, a, b: a @ b - 0.1 * (p @ b.T @ b), 1),
    "subtracted from": (lambda p, a, b: a @ b - p, 0),
    "needed elsewhere": (lambda p, a, b: (lambda g: (p - 0.1 * g, np.sum(g)))(a @ b), 0),
    "the scaled product needed elsewhere": (lambda p, a, b: (lambda g: (p - g, np.sum(g)))(0.1 * (a @ b)), 0),
    "a result": (lambda p, a, b: (lambda g: (p - 0.1 * g, g))(a @ b), 0),
    "added to itself": (lambda p, a, b: (lambda g: g + g)(a @ b), 0),
    "a row": (lambda p, a, b: a @ b + p[0], 0),
    "times zero": (lambda p, a, b: p - 0.0 * (a @ b), 0),
    "an array as the rate": (lambda p, a, b: p - p * (a @ b), 0),
}


@pytest.mark.parametrize(("function", "count"), CASES.values(), ids=CASES.keys())
def test_where_it_happens_and_that_it_is_equal(function: Callable[..., Any], count: int) -> None:
    simplified = simplify(fnad.make_program(function)(P, A, B), has_code)
    program = check(accumulate(simplified))
    assert [eqn.primitive for eqn in program.equations].count(matmul_add) == count
    wanted = evaluate(simplified, [P, A, B])
    for donated in ((), (0,)):
        found = compile_program(simplified, donated)([P.copy(), A, B])
        for got, want in zip(found, wanted, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    for got, want in zip(evaluate(program, [P, A, B]), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_a_step_over_a_donated_weight_is_one_product() -> None:
    program = fnad.make_program(CASES["a step"][0])(P, A, B)
    launches = compile_program(program, (0,)).plan.instructions
    assert [i.label for i in launches if isinstance(i, Launch)] == ["matmul"] == [i.label for i in launches]
    kept = compile_program(program).plan.instructions
    assert [i.label for i in kept] == ["copy", "matmul"]


def test_integers_are_left_alone() -> None:
    x = np.arange(4).reshape(2, 2)
    program = accumulate(fnad.make_program(lambda x: x + x @ x)(x))
    assert matmul_add not in [eqn.primitive for eqn in program.equations]


def test_what_is_read_for_the_product_is_not_written_over_before() -> None:
    x = GENERATOR.normal(size=(10, 10))
    program = fnad.make_program(lambda x: x - 0.5 * (x @ x))(x)
    (got,) = compile_program(program, (0,))([x.copy()])
    np.testing.assert_allclose(got, x - 0.5 * (x @ x), rtol=1e-12)


def test_its_derivatives_and_batches() -> None:
    def total(c: Any, a: Any, b: Any) -> Any:
        return np.sum(np.sin(matmul_add(c, a, b, alpha=-0.5)))

    def plain(c: Any, a: Any, b: Any) -> Any:
        return np.sum(np.sin(c - 0.5 * (a @ b)))

    for got, want in zip(fnad.grad(total, (0, 1, 2))(P, A, B), fnad.grad(plain, (0, 1, 2))(P, A, B), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)
    stacked = np.stack([P, 2 * P])
    got = fnad.vmap(lambda c: matmul_add(c, A, B, alpha=2.0))(stacked)
    np.testing.assert_allclose(got, stacked + 2 * (A @ B), rtol=1e-12)
