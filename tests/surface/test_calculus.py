"""Differences, integrals, phases and cross products."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy
from tests.surface.laws import LAWS, Row, derivatives, values

X = np.array([[0.3, -0.7, 1.1, 0.9], [1.4, 0.2, -0.6, 0.25]])
PLACES = np.array([0.0, 0.5, 1.25, 1.5])
ANGLES = np.array([0.1, 3.0, -3.1, 0.5, 6.9, 1.0])
A, B = np.array([[1.0, 0.5, -2.0], [0.25, 1.0, 3.0]]), np.array([0.5, -1.5, 1.0])

ROWS = [
    Row("trapezoid", lambda y, x: np.trapezoid(y, x), (X, PLACES)),
    Row("trapezoid/axis", lambda y, d: np.trapezoid(y, dx=d, axis=0), (X, 0.5)),
    Row("gradient", lambda f: np.gradient(f, 0.5, PLACES[:4]), (X,)),
    Row("gradient/places", lambda f, x: np.gradient(f, x, axis=1, edge_order=2), (X, PLACES)),
    Row("unwrap", lambda p: np.unwrap(p), (ANGLES,)),
    Row("ediff1d", lambda x, v: np.ediff1d(x, to_end=[v, v], to_begin=v), (X, np.array(0.25))),
    Row("diff", lambda x, v: np.diff(x, n=2, axis=0, prepend=v, append=[[1.0] * 4]), (X, np.array(0.25)), single=False),
    Row("cumulative_sum", lambda x: np.cumulative_sum(x, axis=1, include_initial=True), (X,)),
    Row("cumulative_prod", lambda x: np.cumulative_prod(x, axis=0), (X,)),
    Row("cross", lambda a, b: np.cross(a, b), (A, B)),
]
MORE = [
    Row("gradient of one", lambda f, h: np.gradient(f, h, edge_order=2), (X[0], np.array(0.3))),
    Row("trapezoid/many places", lambda y, x: np.trapezoid(y, x, axis=0), (X, X[::-1] * 2)),
    Row("cross/axes", lambda a, b: np.cross(a, b, axisa=0, axisb=-1, axisc=0), (A.T.copy(), B)),
    Row("cross of linalg", lambda a, b: np.linalg.cross(a, b[:, None], axis=0), (A.T.copy(), B)),
    Row("cross/planes", lambda a, b: np.cross(a[:, :2], b[:2]), (A, B)),
    Row("cross/plane and space", lambda a, b: (np.cross(a[:, :2], b), np.cross(b, a[:, :2])), (A, B)),
]


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional:DeprecationWarning")
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_laws(row: Row, law: Any) -> None:
    law(row)


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional:DeprecationWarning")
@pytest.mark.parametrize("row", MORE, ids=str)
def test_other_forms(row: Row) -> None:
    values(row), derivatives(row)


LIKE_NUMPY = {
    "gradient of integers": lambda x: np.gradient((x * 9).astype(int)),
    "unsigned": lambda x: np.gradient(np.uint8([3, 1, 7]) + 0 * x[0, :3].astype(np.uint8)),
    "gradient short": lambda x: np.gradient(x, axis=0, edge_order=2), "order": lambda x: np.gradient(x, edge_order=3),
    "numbers": lambda x: np.gradient(x, 1.0, 2.0, 3.0), "deep": lambda x: np.gradient(x, [[1.0]], 1.0),
    "lengths": lambda x: np.gradient(x, [0, 1, 2], 1.0), "axes": lambda x: np.gradient(x, axis=(1, 0)),
    "twice": lambda x: np.gradient(x, axis=(0, 0)),
    "half": lambda x: np.gradient(x.astype(np.float32), 2.0, [1, 2, 4, 8]),
    "even": lambda x: np.gradient(x, 1.0, [0, 1, 2, 3], edge_order=1),
    "complex": lambda x: np.gradient(x + 1j * x[::-1]),
    "phases of integers": lambda x: np.unwrap((x * 9).astype(int), period=4),
    "odd": lambda x: np.unwrap((x * 9).astype(int), period=5),
    "ambiguous": lambda x: np.unwrap(x.round() * np.pi, axis=0), "discont": lambda x: np.unwrap(x * 9, discont=4.0),
    "to_end": lambda x: np.ediff1d((x * 5).astype(int), to_end=0.5), "of one": lambda x: np.ediff1d(x[:1, :1]),
    "of none": lambda x: np.ediff1d(x[:, :0], to_begin=[1.0]), "sum axis": lambda x: np.cumulative_sum(x),
    "sum of flat": lambda x: np.cumulative_sum((x[0] * 5).astype(np.int32), include_initial=True),
    "number": lambda x: np.cumulative_prod(x[0, 0]), "dtype": lambda x: np.cumulative_sum(x, axis=0, dtype=np.float32),
    "cross of numbers": lambda x: np.cross(x[0, 0], x),
    "cross of 4": lambda x: np.cross(x, x),
    "cross axis": lambda x: np.cross(x[:, :3], x[:, :3], axisa=4),
    "cross shapes": lambda x: np.cross(x[:, :3], np.ones((3, 3))),
    "cross of integers": lambda x: np.cross((x[:, :3] * 9).astype(int), np.float32([1, 2, 3])),
    "cross of linalg": lambda x: np.linalg.cross(x[:, :2], x[:, :3]),
    "places": lambda x: np.trapezoid(x, [0.0, 1.0]), "of integers": lambda x: np.trapezoid((x * 9).astype(int)),
    "empty": lambda x: np.trapezoid(x[:, :0]),
    "diff": lambda x: np.diff(x, n=9),
    "diff 0": lambda x: np.diff(x, n=0, prepend=1),
    "diff of truth": lambda x: np.diff(x > 0, prepend=False),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LIKE_NUMPY)
def test_ends_and_errors_are_numpys(name: str) -> None:
    assert_like_numpy(LIKE_NUMPY[name], X)


def test_traced_places_that_are_even() -> None:
    places = np.arange(4.0)
    np.testing.assert_allclose(fnad.jit(lambda f, x: np.gradient(f, x))(X[0], places), np.gradient(X[0], places))
