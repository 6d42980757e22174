"""The numbers of a formula: which of them a kernel takes as parameters, so that another one compiles nothing."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest
from fnad.runtime.cache import statistics

X = np.linspace(-2.0, 3.0, 37)
SWEPT = [0.3, -7.25, 1e-30, 1e30, 3.0, 1.0 + 2**-20]


def compiled_by(function: Any, *args: Any) -> tuple[int, Any]:
    """How many kernels a call compiles or loads, and its result."""
    before = statistics()
    result = function(*args)
    asked = statistics() - before
    return asked.compiled + asked.disk_hits, result


FORMULAS = {
    "arithmetic": lambda x, c: c - x * c + x / c,
    "choice": lambda x, c: np.where(x > c, np.maximum(x, c), np.minimum(x, -c) == c),
    "filled": lambda x, c: np.concatenate([x, np.full_like(x, c)]),
    "reduced": lambda x, c: np.sum(x * c) + np.max(np.sin(x) * c),
    "scan": lambda x, c: fnad.scan(lambda a, y: (a * c + y, a), x[0], x)[1],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_another_number_compiles_nothing_and_gives_its_own_result(formula: Any, dtype: Any) -> None:
    x = X.astype(dtype)
    for k, c in enumerate(SWEPT):
        count, got = compiled_by(fnad.jit(lambda x, c=c: formula(x, c)), x)
        assert count == 0 or k == 0
        with np.errstate(all="ignore"):
            expected = formula(x, c)
        np.testing.assert_allclose(got, expected, rtol=40 * np.finfo(dtype).eps, atol=1e-30)


def test_the_derivative_of_another_number_compiles_nothing() -> None:
    for k, c in enumerate([0.3, 0.7, -11.0]):
        count, got = compiled_by(fnad.jit(fnad.grad(lambda x, c=c: np.sum(np.sin(x) * c))), X)
        assert count == 0 or k == 0
        np.testing.assert_allclose(got, np.cos(X) * c, rtol=1e-14, atol=1e-15)


def test_a_mean_over_another_number_of_rows_compiles_nothing() -> None:
    mean = fnad.jit(lambda x: np.mean(x, axis=0) + np.var(x))
    mean(np.ones((7, 5)))
    x = np.arange(65.0).reshape(13, 5)
    count, got = compiled_by(mean, x)
    assert count == 0
    np.testing.assert_allclose(got, np.mean(x, axis=0) + np.var(x))


@pytest.mark.parametrize("c", [0.0, -0.0, 1.0, -2.0, 0.125, np.inf, -np.inf, np.nan])
def test_numbers_that_stay_in_the_source(c: float) -> None:
    got = fnad.jit(lambda x: np.where(x * c > 0, x + c, x - c))(X)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(got, np.where(X * c > 0, X + c, X - c))


def test_exponents_stay_in_the_source() -> None:
    for c in (3.0, 3.5):
        count, got = compiled_by(fnad.jit(lambda x, c=c: np.abs(x) ** c), X)
        assert count == 1
        np.testing.assert_allclose(got, np.abs(X) ** c, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_root_is_a_root_whatever_kind_of_number_the_exponent_is(dtype: Any) -> None:
    x = np.array([-0.0, 4.0, -np.inf, 2.0, -1.0, np.nan], dtype)
    with np.errstate(all="ignore"):
        for c in (0.5, np.float64(0.5), np.float16(0.5)):
            got, expected = fnad.jit(lambda x, c=c: x**c)(x), x**c
            np.testing.assert_array_equal(got, expected)
            np.testing.assert_array_equal(np.signbit(got[:2]), np.signbit(expected[:2]))


def test_nan_has_its_sign() -> None:
    for c in (np.nan, -np.nan):
        got = fnad.jit(lambda x, c=c: [np.copysign(x, c), np.signbit(np.full_like(x, c))])(X)
        np.testing.assert_array_equal(got[0], np.copysign(X, c))
        np.testing.assert_array_equal(got[1], np.signbit(np.full_like(X, c)))
