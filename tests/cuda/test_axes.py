"""What runs along an axis on a GPU: NumPy's results, whatever the order of threads."""

from __future__ import annotations

import numpy as np
import pytest
from fnad.compiler.cuda.lower import LAUNCHES
from fnad.ir.types import ArrayType
from fnad.ops import reductions

from tests.cuda.library_running import ONE, check, evaluated, results, run, whole_numbers
from tests.cuda.requirements import needs_cuda_compiler

pytestmark = needs_cuda_compiler

PRIMITIVES = {name: getattr(reductions, name) for name in ("cumsum", "cumprod", "recurrence", "argmax", "argmin")}
LINES = [((5,), 0), ((3, 33), 1), ((2, 40, 5), 1), ((3, 7, 300), 1), ((0, 3), 1), ((3, 1), 1), ((1, 257), 1)]


@pytest.mark.parametrize("name", PRIMITIVES)
def test_what_runs_along_an_axis_is_numpys(name: str) -> None:
    for shape, axis in LINES:
        x = whole_numbers(shape, "float32")
        check(PRIMITIVES[name], [x, x] if name == "recurrence" else [x], axis=axis)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "complex128"])
@pytest.mark.parametrize("name", PRIMITIVES)
def test_every_dtype(name: str, dtype: str) -> None:
    x = whole_numbers((2, 35), dtype)
    check(PRIMITIVES[name], [x, x] if name == "recurrence" else [x], ONE, axis=1)


def test_floats_are_accumulated_in_the_order_of_the_axis() -> None:
    x = np.random.default_rng(0).normal(size=(2, 100)).astype("float32")
    check(reductions.cumsum, [x], axis=1)
    # Composed, the steps of each would be inf and 0 * inf.
    steep = np.array([0, 1e30, 1e30, 1e-30, 1e-30] * 7, "float32")
    check(reductions.cumprod, [steep], ONE, axis=0)
    check(reductions.recurrence, [steep, np.zeros(35, "float32")], ONE, axis=0)


@pytest.mark.parametrize(("name", "dtype"), [("cumsum", "float32"), ("cumprod", "uint8"), ("argmin", "int16")])
def test_long_lines(name: str, dtype: str) -> None:
    x = whole_numbers((2, 20001), dtype)
    got = run(PRIMITIVES[name], [x], [((8, 0), "rand")], axis=1)
    np.testing.assert_allclose(got, evaluated(PRIMITIVES[name], [x], axis=1), rtol=0, atol=0)


def test_a_long_line_of_floats_is_accumulated_as_exactly_as_in_order() -> None:
    x = np.random.default_rng(0).normal(size=(20001, 2)).astype("float32")
    got = run(reductions.cumsum, [x], ONE, axis=0)
    exact = np.cumsum(x.astype("float64"), axis=0)
    in_order = np.cumsum(x, axis=0, dtype="float32")
    assert np.abs(got - exact).max() <= np.abs(in_order - exact).max()


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("shape", [(2, 8), (2, 70), (2, 16400)])
def test_the_first_of_equals_and_the_first_nan_win(name: str, shape: tuple[int, int]) -> None:
    x = np.zeros(shape, "float32")
    sign = 1 if name == "argmax" else -1
    x[0, [3, 5, -1]] = sign
    x[1, [4, 6]], x[1, [2, -2]] = np.nan, np.inf * sign
    got = results(LAUNCHES[PRIMITIVES[name]], [x], [ArrayType((2,), np.dtype("int64"))], axis=1)[0]
    assert got.tolist() == [3, 4]
