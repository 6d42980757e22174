"""What runs along an axis in order equals NumPy, for each dtype, axis and extent, NaN included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
from fnad.compiler.compile import compile_program
from fnad.ops.reductions import argmax, argmin, cumprod, cumsum, recurrence
from fnad.runtime.plan import Launch


SHAPES = [((5,), 0), ((3, 4), 0), ((3, 4), 1), ((2, 3, 4), 1), ((1, 1), 0), ((0, 3), 1), ((3, 0), 0)]
CASES: dict[str, Callable[..., Any]] = {
    "cumsum": cumsum, "cumprod": cumprod, "argmax": argmax, "argmin": argmin,
    "recurrence": lambda x, axis: recurrence(x, x, axis=axis),
}


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "c16"])
@pytest.mark.parametrize("name", CASES)
def test_equals_numpy(name: str, dtype: str) -> None:
    generator = np.random.default_rng(0)
    for shape, axis in SHAPES:
        x = generator.integers(-3, 4, shape).astype(dtype)
        compiled = compile_program(fnad.make_program(lambda x: CASES[name](x, axis=axis))(x))
        assert all(isinstance(i, Launch) for i in compiled.plan.instructions)
        (got,) = compiled([x])
        expected = CASES[name](x, axis=axis)
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == np.asarray(expected).dtype


@pytest.mark.parametrize("find", [argmax, argmin])
def test_the_first_nan_is_the_extreme(find: Callable[..., Any]) -> None:
    x = np.array([[1.0, np.nan, 3.0, np.nan], [2.0, 2.0, 1.0, 1.0]])
    for values in (x, x.T.copy().T, x + 1j, np.stack([x * 1j, 1 + x, x.conj() * 1j], -1)):
        (got,) = compile_program(fnad.make_program(lambda x: find(x, axis=1))(values))([values])
        np.testing.assert_array_equal(got, find(values, axis=1))


def test_booleans() -> None:
    x = np.array([[False, True, True], [False, False, False]])
    (got,) = compile_program(fnad.make_program(lambda x: argmax(x, axis=1))(x))([x])
    np.testing.assert_array_equal(got, [1, 0])
