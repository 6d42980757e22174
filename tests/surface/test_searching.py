"""Searching in sorted arrays, orders, and where conditions hold."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy, assert_same, run_traced
from tests.surface.laws import LAWS, Row

A = np.array([-1.0, 0.5, 0.5, 2.0])
V = np.array([[0.5, -2.0, 2.5], [2.0, 0.0, 0.5]])
X = np.array([[0.3, -0.7, 1.1, 0.9], [1.4, 0.2, -0.6, 0.25]])
K = np.array([1, 0, 1, 0])

ROWS = [
    Row("searchsorted", np.searchsorted, (A, V), order=0),
    Row("searchsorted/right", lambda a, v: np.searchsorted(a, v, side="right"), (A, V), order=0),
    Row("searchsorted/sorter", lambda a, v, s: np.searchsorted(a, v, sorter=s), (A[::-1].copy(), V, np.arange(4)[::-1]),
        order=0),
    Row("searchsorted/method", lambda a: a.searchsorted(0.5), (A,), order=0),
    Row("digitize", np.digitize, (V, A), order=0),
    Row("digitize/falling", lambda v, a: np.digitize(v, a, right=True), (V, A[::-1].copy()), order=0),
    Row("lexsort", lambda k, x: np.lexsort((x[0], k)), (K, X), order=0),
    Row("lexsort/rows", np.lexsort, (X.round(),), order=0),
    Row("partition", lambda x: np.partition(x, 1), (X,), lambda x: np.sort(x)),
    Row("argpartition", lambda x: np.argpartition(x, (0, 1), axis=0), (X,), lambda x: np.argsort(x, 0), order=0),
    Row("sort", lambda x: np.sort(x, axis=0), (X,)),
    Row("sort_complex", np.sort_complex, (X,), host=frozenset({"add", "convert", "mul", "real"})),
    Row("nonzero", lambda x: fnp.nonzero(x > 0.2, size=6, fill_value=(9, -1)), (X,),
        lambda x: (np.array([0, 0, 0, 1, 1, 9]), np.array([0, 2, 3, 0, 3, -1])), order=0),
    Row("flatnonzero", lambda x: fnp.flatnonzero(x > 0.2, size=2), (X,), lambda x: np.array([0, 2]), order=0),
    Row("argwhere", lambda x: fnp.argwhere(x > 1.0, size=3), (X,), lambda x: np.array([[0, 2], [1, 0], [0, 0]]),
        order=0),
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_laws(row: Row, law: Any) -> None:
    law(row)


NAN = np.array([np.nan, 1.0, -np.inf, np.nan, np.inf, 1.0])
COMPLEX = np.array([1 + 2j, complex(np.nan, 1), 1 + 1j, complex(1, np.nan), complex(np.nan, np.nan), 0j])


@pytest.mark.parametrize("x", [NAN, COMPLEX, np.zeros(0), np.array([True, False]), np.arange(40)[::-1] % 7,
                               np.array([1, -0.0, np.nan, 0.0, -np.inf, -2e-7, 6e4], np.float16)], ids=range(6))
def test_nan_comes_last_interpreted_and_compiled(x: Any) -> None:
    for function in (np.sort, lambda x: np.argsort(x, kind="stable"), lambda x: np.searchsorted(np.sort(x), x)):
        assert_like_numpy(function, x)
        assert_same(fnad.jit(function)(x), function(x))


@pytest.mark.parametrize("x", [A, A.astype(np.float32), COMPLEX, np.zeros((2, 0)), np.arange(24).reshape(2, 3, 4)],
                         ids=range(5))
@pytest.mark.parametrize("axis", [-1, 0, None])
def test_orders_along_axes_are_compiled(x: Any, axis: Any) -> None:
    assert_same(fnad.jit(lambda x: np.argsort(x, axis))(x), np.argsort(x, axis, kind="stable"))


WRONG = {
    "side": lambda x: np.searchsorted(x, 1.0, side="middle"), "deep": lambda x: np.searchsorted(x[None], 1.0),
    "flat": lambda x: np.searchsorted(x[0], 1.0), "sorter": lambda x: np.searchsorted(x, 1.0, sorter=[0.5] * 4),
    "few": lambda x: np.searchsorted(x, 1.0, sorter=[0]), "bins": lambda x: np.digitize(x, [1.0, 0.0, 2.0]),
    "bins deep": lambda x: np.digitize(x, [[1.0]]), "complex": lambda x: np.digitize(x + 1j, [1.0]),
    "kth": lambda x: np.partition(x, 9), "axis": lambda x: np.partition(x, 0, axis=3),
    "fraction": lambda x: np.argpartition(x, 0.5), "no keys": lambda x: x[0] + np.lexsort([]),
    "keys": lambda x: np.lexsort((x, x[:2])), "number": lambda x: np.lexsort((x[0],)),
    "one bin": lambda x: np.digitize(x, [0.5]), "no bins": lambda x: np.digitize(x, []),
    "of integers": lambda x: np.searchsorted([1, 2, 3], x), "empty": lambda x: np.searchsorted(x[:0], x),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_and_ends_are_numpys(name: str) -> None:
    assert_like_numpy(WRONG[name], A)


def test_in_place() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y.partition(1)
        return y

    assert_same(run_traced(f, A[::-1]), A)


def test_places_of_values_that_are_not_traced() -> None:
    assert_same(fnp.nonzero(np.array([0.0, 3.0]), size=2), (np.array([1, 0]),))
    assert_same(fnp.argwhere(np.zeros((2, 0)), size=1), np.array([[0, 0]]))
    with pytest.raises(ValueError, match="0d arrays"):
        fnp.nonzero(1.0, size=1)


SPECIAL = np.array([0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1e-7, -1e-7])


def test_long_lines_are_sorted_by_digits() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(2, 150)) * 1000
    numbers[:, ::3] = rng.choice(SPECIAL, (2, 50))
    given = [*[numbers.astype(dtype) for dtype in ("f8", "f4", "f2")], numbers > 0]
    for dtype in ("i1", "i4", "i8", "u2", "u8"):
        given.append(rng.integers(-90, 90, (2, 150)).astype(dtype))
        given[-1][:, 70:72] = np.iinfo(dtype).max, np.iinfo(dtype).min
    for axis in (1, 0):
        lines = given if axis else [np.ascontiguousarray(given[0].T)]
        orders = fnad.jit(lambda *xs: [np.argsort(x, axis=axis) for x in xs])(*lines)
        assert_same(orders, [np.argsort(x, axis=axis, kind="stable") for x in lines])
