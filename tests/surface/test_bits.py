"""Exponents, neighbours and bits of numbers, and the products of matrices and vectors that are ufuncs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy, run_numpy, run_traced
from tests.surface.laws import LAWS, Row

X, N = np.array([0.3, -5.5, 2.0**-1060, 1e300]), np.array([3, -2])
I, J = np.array([12, -18, 0, 7]), np.array([8, 12, 5, 0])
A, V = np.arange(12.0).reshape(2, 3, 2) / 7, np.array([0.5, -1.5])
ROWS = [
    Row("np.ldexp", np.ldexp, (X[:2], N)),
    Row("np.frexp", np.frexp, (X[:2],)),
    Row("np.spacing", np.spacing, (X,), order=0, single=False),
    Row("np.nextafter", np.nextafter, (X, X[::-1].copy()), order=0, single=False),
    Row("np.gcd", np.gcd, (I, J), order=0),
    Row("np.lcm", np.lcm, (I, J), order=0),
    Row("np.bitwise_count", np.bitwise_count, (I,), order=0),
    Row("np.matvec", np.matvec, (A, V)),
    Row("np.vecmat", np.vecmat, (np.array([[0.1, 2.0, -1.0]]), A)),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_bits(law: Any, row: Row) -> None:
    law(row)


EDGES = np.array([0.0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 3.7, 1e-310, 5e-324, 2.3e-308, 1.7976931348623157e308])
EXPONENTS = np.array([0, 1, -1, 15, -14, -24, 127, -126, -149, 1023, -1022, -1023, -1030, -1074, -1075, 2000, 2**40])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_at_the_edges_of_a_dtype(dtype: Any) -> None:
    with np.errstate(over="ignore"):
        x = EDGES.astype(dtype)
    a, b = np.meshgrid(x, x)
    for function, args in ((np.frexp, (x,)), (np.spacing, (x,)), (np.nextafter, (a, b)),
                           (np.ldexp, np.meshgrid(x, EXPONENTS))):
        got, expected = run_traced(function, *args), run_numpy(function, *args)
        for y, z in zip(*[r if isinstance(r, tuple) else (r,) for r in (got, expected)]):
            assert y.dtype == z.dtype
            np.testing.assert_array_equal(y, z)
            np.testing.assert_array_equal(np.signbit(y) & (y == y), np.signbit(z) & (z == z))


def test_the_conjugate_is_that_of_a_vector_before_a_matrix() -> None:
    z = np.array([1 + 2j, 3j])
    assert_like_numpy(np.vecmat, z, A[0, :2])
    assert_like_numpy(np.matvec, A[0, :2], z)


@pytest.mark.parametrize("call", [
    lambda x: np.matvec(x, x[0, 0]), lambda x: np.matvec(x[0, 0], x[0, 0]), lambda x: np.vecmat(x, 1.0),
    lambda x: np.vecmat(x[0, 0], x[0, 0]), lambda x: np.matvec(np.ones((3, 2, 2)), x[:, 0]), lambda x: np.gcd(x, 2),
    lambda x: np.ldexp(1.0, x), lambda x: np.bitwise_count(x),
])
def test_errors_are_numpys(call: Any) -> None:
    assert_like_numpy(call, A)
