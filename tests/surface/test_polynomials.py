"""Polynomials by their coefficients."""

from __future__ import annotations

import warnings
from typing import Any

import fnad
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy, run_traced
from tests.surface.laws import LAWS, Row, assert_alike

P, Q, X = np.array([2.0, -1.0, 3.0, 4.0]), np.array([1.5, 2.0, -3.0]), np.array([0.3, -1.2, 2.0, 0.7, 1.1])
Y, W = np.array([1.0, -0.4, 0.8, 0.1, 2.2]), np.array([1.0, 0.5, 2.0, 1.2, 0.8])
M = np.array([[2.0, 1.0, 0.3], [-0.5, 1.5, 1.1], [0.2, 0.7, -1.0]])
ROWS = [
    Row("np.polyadd", np.polyadd, (P, Q)),
    Row("np.polysub", np.polysub, (Q, P)),
    Row("np.polymul", np.polymul, (P, Q)),
    Row("np.polydiv", np.polydiv, (P, Q), single=False),
    Row("np.polyval", np.polyval, (P, X)),
    Row("np.vander", lambda x: np.vander(x, 4), (X,)),
    Row("np.poly", np.poly, (X[:4],)),
    Row("np.poly/matrix", np.poly, (M,), rtol=1e-13),
    Row("np.roots", np.roots, (P,), lambda p: np.roots(p).astype(np.result_type(p, np.complex64)), rtol=1e-13),
    Row("np.polyfit", lambda x, y, w: np.polyfit(x, y, 2, w=w, cov=True), (X, Y, W), rtol=1e-11, grad_rtol=1e-6),
    Row("np.polyfit/columns", lambda x, y: np.polyfit(x, y, 1, full=True)[:2], (X, X[::-1, None] * [1.0, 2.0]),
        rtol=1e-12),
    Row("np.polyder", lambda p: np.polyder(p, 2), (P,)),
    Row("np.polyint", lambda p: np.polyint(p, 2, [1.0, 2.0]), (P,)),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_polynomials(law: Any, row: Row) -> None:
    law(row)


def kinds(*xs: Any) -> list[Any]:
    """Integers, float32, complex numbers."""
    return [[np.asarray(x).astype(dtype) for x in xs] for dtype in (np.int64, np.float32, np.complex128)]


CALLS: dict[str, Any] = {
    "add": np.polyadd, "add a number": lambda p, q: np.polyadd(p, 2),
    "of vectors": lambda p, q: np.polyadd(p.reshape(2, 2), p.reshape(2, 2)),
    "of vectors, not as many": lambda p, q: np.polyadd(p.reshape(2, 2), q),
    "subtract": np.polysub, "multiply": np.polymul, "multiply by a number": lambda p, q: np.polymul(3, q),
    "multiply a matrix": lambda p, q: np.polymul(p.reshape(2, 2), q), "divide": np.polydiv,
    "divide by more": lambda p, q: np.polydiv(q, p),
    "divide by a number": lambda p, q: np.polydiv(p, q[:1] + 0.5), "value": np.polyval,
    "of no coefficient": lambda p, q: np.polyval(p[:0], q),
    "with vectors": lambda p, q: np.polyval(p.reshape(2, 2), q[:2]),
    "at a number": lambda p, q: np.polyval(p, 2), "of a number": lambda p, q: np.polyval(2.0, p),
    "vander": lambda p, q: [np.vander(p, n, increasing=up) for n in (None, 0, 1, 5) for up in (False, True)],
    "vander of a matrix": lambda p, q: np.vander(p.reshape(2, 2)), "vander, no size": lambda p, q: np.vander(p, -1),
    "derivative": lambda p, q: [np.polyder(p, m) for m in (0, 1, 2, 7)],
    "no derivative": lambda p, q: np.polyder(p, -1),
    "integral": lambda p, q: [np.polyint(p, 0), np.polyint(p, 1), np.polyint(p, 2), np.polyint(p, 3, 7)],
    "no integral": lambda p, q: np.polyint(p, -1), "few constants": lambda p, q: np.polyint(p, 3, [1, 2]),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    for p, q in [(P, Q), *kinds(P, Q)]:
        if p.dtype != np.float32 or name != "divide":  # whose result's size is up to roundings
            assert_like_numpy(CALLS[name], p, q)


def test_zeros_in_front_of_traced_coefficients_stay() -> None:
    p, q = np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0])
    np.testing.assert_array_equal(run_traced(np.polymul, p, q), [0.0, *np.polymul(p, q)])
    quotient, rest = run_traced(np.polydiv, np.array([1.0, 3.0, 3.0, 1.0]), np.array([1.0, 2.0, 1.0]))
    np.testing.assert_array_equal(quotient, [1.0, 1.0])
    np.testing.assert_array_equal(rest, [0.0, 0.0])


# --- Roots and fits

FITS: dict[str, Any] = {
    "line": lambda x, y: np.polyfit(x, y, 1), "of vectors": lambda x, y: np.polyfit(x, np.stack([y, x], 1), 2),
    "weights": lambda x, y: np.polyfit(x, np.stack([y, x], 1), 2, w=W, cov="unscaled"),
    "covariance": lambda x, y: np.polyfit(x, np.stack([y, x], 1), 2, cov=True),
    "full": lambda x, y: np.polyfit(x, y, 2, 1e-3, True), "degree": lambda x, y: np.polyfit(x, y, -1),
    "no points": lambda x, y: np.polyfit(x[:0], y[:0], 1), "sizes": lambda x, y: np.polyfit(x, y[:3], 1),
    "points": lambda x, y: np.polyfit(np.stack([x, x]), y, 1), "values": lambda x, y: np.polyfit(x, y[None, None], 1),
    "few weights": lambda x, y: np.polyfit(x, y, 1, w=[1.0, 2.0]), "exact": lambda x, y: np.polyfit(x, y, 4, cov=True),
    "weights of two axes": lambda x, y: np.polyfit(x, y, 1, w=np.stack([y, y])),
}


@pytest.mark.parametrize("name", FITS)
def test_fits(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = FITS[name](X, Y)
        except Exception:
            return assert_like_numpy(FITS[name], X, Y, message=True)
    assert_alike(run_traced(FITS[name], X, Y), expected, 1e-11)


@pytest.mark.parametrize("p", [[0, 0, 1.0, -3, 2, 0], [0.0, 0], [1, 2, 3], [2.0], [1, 2j, 3], [0.0, 0, 5]], ids=str)
def test_roots_are_numpys_where_zeros_are_known(p: Any) -> None:
    assert_alike(run_traced(np.roots, np.array(p), known=True), np.roots(p).astype(complex), 1e-13)
    if len(p) == 6:
        assert_alike(fnad.jit(np.roots)(np.array(p)), np.roots(p).astype(complex), 1e-13)


@pytest.mark.parametrize("x", [[1, 2], [], [1j, 2.0], [[1.0, 2.0, 3.0]], [[3, 1], [2, 5]], [[2.0]]], ids=str)
def test_polynomials_of_roots_and_matrices(x: Any) -> None:
    try:
        expected = np.poly(x)
    except ValueError:
        return assert_like_numpy(np.poly, np.array(x))
    assert_alike(run_traced(np.poly, np.array(x)), expected, 1e-13)


def test_a_characteristic_polynomial_is_smooth_where_eigenvalues_are_equal() -> None:
    slopes = fnad.jacobian(np.poly)(2.0 * np.eye(2))
    np.testing.assert_allclose(slopes, [np.zeros((2, 2)), -np.eye(2), 2 * np.eye(2)])
