"""Polynomials by their coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy, run_traced
from tests.surface.laws import LAWS, Row

P, Q, X = np.array([2.0, -1.0, 3.0, 4.0]), np.array([1.5, 2.0, -3.0]), np.array([0.3, -1.2, 2.0, 0.7, 1.1])
ROWS = [
    Row("np.polyadd", np.polyadd, (P, Q)),
    Row("np.polysub", np.polysub, (Q, P)),
    Row("np.polymul", np.polymul, (P, Q)),
    Row("np.polydiv", np.polydiv, (P, Q), single=False),
    Row("np.polyval", np.polyval, (P, X)),
    Row("np.vander", lambda x: np.vander(x, 4), (X,)),
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
