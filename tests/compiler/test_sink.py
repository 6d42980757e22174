"""Updates of an array come after what else reads it, and then need no copy of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from fnad import fori_loop, grad, jit, jvp, make_program, scan
from fnad.compiler.compile import compile_program
from fnad.compiler.passes.sink import sink_updates
from fnad.interpreter.evaluate import evaluate
from fnad.ir.check import check
from fnad.runtime.plan import Launch, walk


def test_what_reads_the_operand_comes_first() -> None:
    def f(x: Any, i: Any) -> Any:
        y = (x * 2.0).at[i].set(1.0)
        z = y.at[i].add(2.0)
        return np.sin(y)[0] + z, np.cos(x * 2.0)[1]

    program = compile_program(make_program(f)(np.arange(3.0), np.int64(1))).program
    sunk = check(sink_updates(program))
    names = [e.primitive.name for e in sunk.equations]
    assert sorted(names) == sorted([e.primitive.name for e in program.equations])
    reads_y = next(k for k, e in enumerate(sunk.equations) if e.primitive.name == "sin")
    adds_to_y = max(k for k, e in enumerate(sunk.equations) if e.primitive.name == "scatter")
    assert reads_y < adds_to_y
    args = [np.arange(3.0), np.int64(1), *[np.arange(3)] * (len(program.inputs) - 2)]
    for got, expected in zip(evaluate(sunk, args), evaluate(program, args)):
        np.testing.assert_array_equal(got, expected)


def filled(x: Any, n: int = 50) -> Any:
    return fori_loop(1, n, lambda i, y: y.at[i].set(y[i - 1] * x + 1.0), np.zeros(n))[-1]


def indexed(values: Any) -> Any:
    return scan(lambda c, i: (c + np.sin(values[i]) * c, ()), 0.1, np.arange(50))[0]


def test_derivatives_of_an_index_in_a_loop_touch_that_element_only() -> None:
    """No instruction in a loop goes over all 50 elements."""
    for transformed, x in (
        (filled, 0.5), (grad(filled), 0.5), (lambda x: jvp(filled, (x,), (1.0,)), 0.5),
        (grad(indexed), np.linspace(0, 0.01, 50)),
    ):
        plan = compile_program(make_program(transformed)(x)).plan
        inner = [i for i, _ in walk(plan) if isinstance(i, Launch) and i not in plan.instructions]
        assert inner and max(i.extent for i in inner) < 50
        for got, expected in zip(np.ravel(jit(transformed)(x)), np.ravel(transformed(x))):
            np.testing.assert_allclose(got, expected, rtol=1e-12)
