"""Compiled, a write to an array that dies is done in place: the window alone is touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad.numpy as fnp
import numpy as np
from fnad.compiler.compile import Compiled, compile_program
from fnad.ir.types import type_of
from fnad.runtime.plan import Launch
from fnad.tracing.staging import stage

X = np.arange(1.0, 13.0).reshape(3, 4)
Function = Callable[..., Any]


def _compiled(function: Function, donated: tuple[int, ...] = ()) -> Compiled:
    staged = stage(function, [type_of(X)], [X])
    return compile_program(staged.program, donated)


def _elements(compiled: Compiled) -> list[int]:
    """How many elements each instruction writes."""
    assert all([isinstance(i, Launch) for i in compiled.plan.instructions])
    return [i.extent for i in compiled.plan.instructions]


def _write_a_row(x: Any) -> Any:
    x[1] = 5.0
    return x


def test_a_write_to_a_donated_argument_touches_the_window_only() -> None:
    compiled = _compiled(_write_a_row, (0,))
    assert _elements(compiled) == [4] and compiled.donated == {0: 0}
    given_ = X.copy()
    (found,) = compiled([given_])
    assert found is given_
    np.testing.assert_array_equal(found, [X[0], [5.0] * 4, X[2]])


def test_an_argument_that_is_not_donated_is_copied_once() -> None:
    assert _elements(_compiled(_write_a_row)) == [12, 4]


def test_a_chain_of_writes_makes_one_array() -> None:
    def f(x: Any) -> Any:
        y = fnp.zeros((3, 4))
        y[0], y[1], y[2] = x[2], x[1], x[0]
        y[:, 1] = y[:, 2]
        return y

    compiled = _compiled(f)
    assert _elements(compiled) == [12, 4, 4, 4, 3, 3]
    assert sum([b.nbytes for b in compiled.plan.buffers if b.kind == "temporary"]) == 3 * 8
    np.testing.assert_array_equal(compiled([X])[0], f(X))


def test_a_temporary_that_dies_is_written_in_place() -> None:
    def f(x: Any) -> Any:
        y = x * 2.0
        y.T[0] = 0.0
        y.reshape(-1)[4:6] = 7.0
        return y.sum()

    compiled = _compiled(f)
    assert _elements(compiled) == [12, 3, 2, 12]
    assert [b.nbytes for b in compiled.plan.buffers if b.kind == "temporary"] == [96]
    np.testing.assert_allclose(compiled([X])[0], f(X))


def test_an_array_that_is_needed_later_is_not_written_over() -> None:
    def f(x: Any) -> Any:
        y = x * 2.0
        old = y.copy()
        y[0] = old[1]
        return y, old

    y, old = _compiled(f)([X])
    np.testing.assert_array_equal(old, X * 2)
    np.testing.assert_array_equal(y, (X * 2)[[1, 1, 2]])
