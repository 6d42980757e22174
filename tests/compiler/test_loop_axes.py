"""Loops walk memory in its own order, and what the order is does not change what they compute."""

from __future__ import annotations

import numpy as np
import pytest

import fnad
from fnad.compiler.axes import in_memory_order, merge_axes
from fnad.compiler.compile import compile_program

ORDERS = {
    "rows": ([[40, 4], [40, 4]], [0, 1]),
    "both operands transposed": ([[4, 40], [4, 40]], [1, 0]),
    "as many one way as the other": ([[4, 40], [40, 4]], [0, 1]),
    "a sum of the rows of a transpose": ([[4, 40], [0, 4]], [1, 0]),
    "a sum of rows": ([[40, 4], [0, 4]], [0, 1]),
    "a long step is as dear as a longer one": ([[4000, 400], [4, 4]], [0, 1]),
}


@pytest.mark.parametrize(("strides", "order"), ORDERS.values(), ids=ORDERS.keys())
def test_order(strides: list[list[int]], order: list[int]) -> None:
    assert in_memory_order((10, 10), strides) == order


def test_axes_merge_where_every_operand_agrees() -> None:
    assert merge_axes((2, 3, 4), [[12, 4, 1], [12, 4, 1]]) == ([24], [[1], [1]])
    assert merge_axes((2, 3, 4), [[12, 4, 1], [4, 0, 1]]) == ([2, 3, 4], [[12, 4, 1], [4, 0, 1]])
    assert merge_axes((1, 1), [[5, 1]]) == ([1], [[1]])


@pytest.mark.parametrize("axis", [None, 0, 1, 2, (0, 2)])
def test_sums_of_transposed_arrays(axis: int | None | tuple[int, ...]) -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    y = x[:, ::-1]
    compiled = compile_program(fnad.make_program(lambda x: np.sum(x[:, ::-1].T, axis=axis))(x))
    assert len(compiled.plan.instructions) == 1
    np.testing.assert_array_equal(compiled([x])[0], np.sum(y.T, axis=axis))
