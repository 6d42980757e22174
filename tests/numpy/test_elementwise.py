"""Elementwise functions that are no ufuncs are NumPy's; derivatives are as the conventions say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fnad import grad, jit
from fnad.errors import ConcreteValueError

from tests.numpy.comparing import assert_like_numpy, run_traced

X = np.array([[-2.5, -0.5, 0.0], [1.5, 2.5, 13.25]])
SPECIAL = np.array([np.nan, np.inf, -np.inf, -0.0, 1.0])
CALLS = [
    lambda x: np.where(x > 0, x, 0), lambda x: np.where(x, 1, 2), lambda x: np.where([True, False, True], x, -x),
    lambda x: np.where(x > 0, x, X.astype("f4")), lambda x: np.where(x[0] > 0, x[:, :1], 2.0),
    lambda x: np.select([x > 1, x > 0], [x, 2 * x], 7), lambda x: np.clip(x, -1, 1), lambda x: np.clip(x, None, 1),
    lambda x: np.clip(x, 0, None), lambda x: np.clip(x, x[0], 2), lambda x: x.clip(-1, 1), lambda x: x.clip(max=1),
    lambda x: np.clip(x, min=0), lambda x: np.clip(x, 0.5, 1.5), lambda x: np.clip(x, np.float64(0), 1),
    lambda x: np.round(x), lambda x: np.round(x, 1), lambda x: np.around(x, -1), lambda x: x.round(1),
    lambda x: np.fix(x), lambda x: np.nan_to_num(x), lambda x: np.isclose(x, X),
    lambda x: np.isclose(x, 2.5, atol=1.1), lambda x: np.allclose(x, x), lambda x: np.array_equal(x, X),
    lambda x: np.sinc(x), lambda x: np.real(x), lambda x: np.imag(x), lambda x: x.real, lambda x: x.imag,
    lambda x: np.angle(x), lambda x: np.angle(x, deg=True), lambda x: x.conj(), lambda x: x.conjugate(),
    lambda x: np.result_type(x, np.float32) == np.float64, lambda x: np.iscomplexobj(x), lambda x: np.isrealobj(x),
]


@pytest.mark.parametrize("f", CALLS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "complex128"])
def test_calls_are_numpys(f: Any, dtype: str) -> None:
    if dtype == "complex128" and any(name in f.__code__.co_names for name in ("clip", "sinc", "fix", "nan_to_num")):
        pytest.skip("NumPy orders and rounds complex numbers in its own way")
    assert_like_numpy(f, X.astype(dtype))


@pytest.mark.parametrize("f", [
    np.nan_to_num, lambda x: np.nan_to_num(x, nan=1, posinf=2, neginf=3), lambda x: np.isclose(x, x),
    lambda x: np.isclose(x, x, equal_nan=True), lambda x: np.clip(x, -1, 1), lambda x: np.where(x > 0, x, 0),
    lambda x: np.array_equal(x, x, equal_nan=True), np.round, np.sinc,
])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_special_values(f: Any, dtype: str) -> None:
    assert_like_numpy(f, SPECIAL.astype(dtype))


SMALL = np.array([1, 200], np.uint8)
FLAGS = np.array([True, False])


@pytest.mark.parametrize("f", [
    lambda x: np.select([FLAGS], [x], FLAGS), lambda x: np.select([FLAGS, ~FLAGS], [x, FLAGS]),
    lambda x: np.select([x > 1, FLAGS], [x, 1.5]), lambda x: np.select([FLAGS], [x], 300),
    lambda x: np.select([x], [x]),
    lambda x: np.select([FLAGS], [x.astype(bool)]), lambda x: np.select([FLAGS[:1]], [x[:1]], x),
    lambda x: np.where(FLAGS, x, 300), lambda x: np.where(x > 5, -1, x), lambda x: np.clip(x, -1, 300),
    lambda x: np.clip(x, 300, 400), lambda x: np.clip(x, None, -1), lambda x: np.clip(x, 2, 2**70),
    lambda x: np.maximum(x, 300), lambda x: x + 300, lambda x: x - 1, lambda x: x + -1, lambda x: x < 300,
    lambda x: (x > 1) ** 2, lambda x: np.power(x > 1, 2), lambda x: np.square(x > 1), lambda x: (x > 1) ** 3,
    lambda x: np.mean(x, dtype=int), lambda x: np.reciprocal(x - x), lambda x: np.full_like(x, 7) + x,
])
@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_promotion_is_numpys(f: Any, dtype: str) -> None:
    assert_like_numpy(f, SMALL.astype(dtype))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_clip_keeps_the_sign_of_zero_and_medians_of_zeros_are_positive(dtype: str) -> None:
    zeros = np.array([0.0, -0.0] * 20, dtype)
    for low, high in (0.0, 1.0), (-1.0, -0.0), (-0.0, 0.0), (0.0, None), (None, np.full(40, -0.0, dtype)):
        for run in (lambda f: lambda x: run_traced(f, x)), jit:
            np.testing.assert_array_equal(np.signbit(run(lambda x: np.clip(x, low, high))(zeros)), np.signbit(zeros))
    for n in range(1, 5):
        for f in np.median, lambda x: np.median(x, axis=0), lambda x: np.median(x[None], axis=1):
            assert not np.signbit(jit(f)(np.full(n, -0.0, dtype))).any()


def test_where_of_a_condition_alone_needs_a_known_value() -> None:
    assert_like_numpy(lambda x: x[np.where(x > 0)], X, known=True)
    assert_like_numpy(lambda x: np.nonzero(x), X, known=True)
    with pytest.raises(ConcreteValueError):
        run_traced(lambda x: np.where(x > 0), X)


# The derivative with respect to the first argument.
CONVENTIONS = [
    (lambda x: np.maximum(x, 0), 0.0, 0.5), (lambda x: np.clip(x, 0, 1), 0.0, 0.5),
    (lambda x: np.clip(x, 0, 1), 1.0, 0.5), (abs, 0.0, 0.0), (np.sqrt, 0.0, np.inf),
    (lambda x: np.hypot(x, 0.0), 0.0, 0.0), (lambda x: np.arctan2(x, 0.0), 0.0, 0.0), (np.sinc, 0.0, 0.0),
    (lambda x: x**0, 0.0, 0.0), (lambda x: np.power(x, 0), 0.0, 0.0),
    (lambda x: np.power(x, np.float64(0)), 0.0, 0.0), (lambda x: 0.0**x, 0.0, 0.0),
    (lambda x: np.power(0.0, x), 2.0, 0.0), (lambda x: (-2.0) ** x, 2.0, np.nan), (lambda x: x**1.0, 0.0, 1.0),
    (grad(lambda x: x**1.0), 0.0, 0.0), (lambda x: x**2, 0.0, 0.0), (grad(lambda x: x**2), 0.0, 2.0),
    (lambda x: x**3, 2.0, 12.0), (lambda x: x**-1, 2.0, -0.25), (lambda x: np.where(x > 0, np.sqrt(x), 0), 0.0, 0.0),
    (lambda x: np.where(x > 0, 1 / x, 0), 0.0, 0.0), (lambda x: np.where(x > 0, np.log(x), 0), -1.0, 0.0),
    (lambda x: np.where(x > 0, np.log(x), 0), 0.0, 0.0), (lambda x: np.logaddexp(x, 0), 1000.0, 1.0),
    (lambda x: np.logaddexp(x, -np.inf), -np.inf, 0.0), (np.log, 0.0, np.inf), (np.arcsin, 1.0, np.inf),
    (np.arccos, 1.0, -np.inf), (lambda x: np.maximum(x, 1), np.nan, 1.0), (np.floor, 1.0, 0.0), (np.sign, 0.0, 0.0),
    (np.round, 1.5, 0.0), (lambda x: np.mod(5.0, x), 3.0, -1.0), (lambda x: np.mod(x, 3.0), 6.0, 1.0),
    (lambda x: np.maximum(x, 0) - x * 0.0 + np.log1p(np.exp(-abs(x))), 0.0, 0.5),
    (lambda x: np.real(abs(x * (1 + 0j))), 0.0, 0.0),
]


@pytest.mark.parametrize(("f", "x", "expected"), CONVENTIONS)
def test_derivatives_by_convention(f: Any, x: float, expected: float) -> None:
    np.testing.assert_allclose(grad(f)(x), expected)


@pytest.mark.parametrize("function", [np.nonzero, np.flatnonzero, np.argwhere])
def test_where_numbers_are_not_zero(function: Any) -> None:
    x = np.array([[0.0, 2.0, 0.0], [3.0, 0.0, 4.0]])
    expected = function(x)
    for got in (jit(function)(x), jit(lambda x: function(x * 2))(x)):
        assert type(got) is type(expected)
        np.testing.assert_array_equal(got, expected)
