"""Arrays as sets: values once each, sets together, and how equal elements share a cotangent."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest
from fnad.ops.searching import shared

from tests.numpy.comparing import assert_like_numpy, assert_same
from tests.surface.laws import LAWS, Row

X = np.array([0.3, -0.7, 1.1, 0.9])
Y = np.array([1.1, 0.25, -0.7])
TIES = np.array([2.0, 1.0, 2.0, 3.0, 1.0, 2.0])
M = np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 1.0]])

ROWS = [
    Row("unique", np.unique, (X,), known=True),
    Row("unique/size", lambda x: fnp.unique(x, size=4), (X,), np.unique),
    Row("unique/more", lambda x: fnp.unique(x, True, False, True, size=6, fill_value=7.0), (X,),
        lambda x: (np.append(np.unique(x), [7, 7]).astype(x.dtype), np.append(np.argsort(x), [1, 1]),
                   np.array([1, 1, 1, 1, 0, 0]))),
    Row("unique/axis", lambda x: fnp.unique(x, True, True, True, axis=0, size=3), (M + np.arange(3.0)[:, None] / 8,),
        lambda x: np.unique(x, True, True, True, axis=0)),
    Row("union1d", lambda x: fnp.union1d(x, [5.0, 6.0], size=6), (X,), lambda x: np.union1d(x, [5.0, 6.0])),
    Row("setdiff1d", lambda x: fnp.setdiff1d(x, [5.0], size=4), (X,), lambda x: np.setdiff1d(x, [5.0])),
    Row("setxor1d", lambda x, y: fnp.setxor1d(x, y, size=7), (X, Y + 5), np.setxor1d),
    Row("isin", np.isin, (X, Y), order=0),
    Row("isin/invert", lambda x: np.isin(x, [0.3, 0.9], invert=True), (X,), order=0, single=False),
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_laws(row: Row, law: Any) -> None:
    law(row)


NAN = np.array([np.nan, 1.0, np.nan, 0.0, -0.0, np.inf])
COMPLEX = np.array([1 + 1j, 1j, 1 + 1j, complex(np.nan, 1), complex(1, np.nan)])
ARRAYS = [TIES, NAN, COMPLEX, np.array([[3, 1], [1, 3]]), np.zeros(0), np.array([True, True]), np.array(2.0)]


@pytest.mark.parametrize("x", ARRAYS, ids=range(len(ARRAYS)))
def test_unique_is_numpys(x: Any) -> None:
    for equal_nan in (True, False):
        assert_like_numpy(lambda x: np.unique(x, True, True, True, equal_nan=equal_nan), x, known=True)
    for function in (np.unique_all, np.unique_counts, np.unique_inverse):
        assert_like_numpy(function, x, known=True)
    assert_like_numpy(lambda x: np.sort(np.unique_values(x)), x, known=True)


@pytest.mark.parametrize("x", [M, M.astype(int), np.zeros((0, 2)), np.zeros((3, 0)), np.ones((2, 3, 2)),
                               np.array([[np.nan, 1.0], [np.nan, 1.0]])], ids=range(6))
@pytest.mark.parametrize("axis", [0, -1, 3])
def test_unique_along_an_axis_is_numpys(x: Any, axis: int) -> None:
    assert_like_numpy(lambda x: np.unique(x, True, True, True, axis=axis), x, known=True)


PAIRS = [(TIES, X), (TIES, np.array([2, 3, 9, 3])), (NAN, NAN), (np.zeros(0), X), (X, np.zeros(0)), (X[None], X[1:])]
TOGETHER = {
    "union1d": np.union1d, "intersect1d": np.intersect1d, "setdiff1d": np.setdiff1d, "setxor1d": np.setxor1d,
    "isin": np.isin, "with indices": lambda x, y: np.intersect1d(x, y, return_indices=True),
    "unique already": lambda x, y: np.setdiff1d(x, y, assume_unique=True), "kind": lambda x, y: np.isin(x, y, kind="a"),
    "table": lambda x, y: np.isin(x, y, kind="table"),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_sets_together_are_numpys(name: str) -> None:
    for x, y in PAIRS:
        assert_like_numpy(TOGETHER[name], x, y, known=True)


def test_sets_that_are_known_to_have_each_element_once() -> None:
    x, y = np.array([3.0, 1.0, 2.0]), np.array([2.0, 5.0, 3.0])
    for function in (np.intersect1d, np.setxor1d):
        assert_like_numpy(lambda x, y: function(x, y, assume_unique=True), x, y, known=True)
    assert_like_numpy(lambda x, y: np.intersect1d(x, y, True, True), x, y, known=True)


def test_fewer_and_more_than_there_are() -> None:
    assert_same(fnp.unique(TIES, size=2), np.array([1.0, 2.0]))
    assert_same(fnp.unique(TIES, size=4), np.array([1.0, 2.0, 3.0, 1.0]))
    assert_same(fnp.unique_counts(TIES, size=2), (np.array([1.0, 2.0]), np.array([2, 3])))
    assert_same(fnp.intersect1d(TIES, X, size=2, fill_value=-1.0), np.array([-1.0, -1.0]))
    assert_same(fnp.intersect1d(TIES, [3.0, 1.0], return_indices=True, size=3),
                (np.array([1.0, 3.0, 0.0]), np.array([1, 3, 0]), np.array([1, 0, 0])))
    assert_same(fnp.unique(np.zeros(0), size=2), np.zeros(2))


def test_equal_elements_share() -> None:
    def f(x: Any) -> Any:
        return (np.unique(x) * np.array([10.0, 30.0, 5.0])).sum()

    expected = np.array([10.0, 5.0, 10.0, 5.0, 5.0, 10.0])
    for gradient in (fnad.grad(f), fnad.jit(fnad.grad(f))):
        np.testing.assert_allclose(gradient(TIES), expected)
    sized = fnad.grad(lambda x: (fnp.unique(x, size=3) * np.array([10.0, 30.0, 5.0])).sum())
    np.testing.assert_allclose(fnad.vmap(sized)(np.stack([TIES, TIES[::-1]])), [expected, expected[::-1]])
    infinite = np.array([-np.inf, 1.0, -np.inf, np.nan, np.nan])
    slope = fnad.grad(lambda x: (fnp.unique(x, size=3) * np.array([4.0, 1.0, 2.0])).sum())(infinite)
    np.testing.assert_array_equal(slope, [2.0, 1.0, 2.0, 1.0, 1.0])


def test_a_share_is_the_mean_of_a_group() -> None:
    groups = np.array([0, 1, 0])
    y, back = fnad.vjp(lambda x: shared(x, groups), np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]))
    assert_same(y, np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]))
    g = np.array([[1.0, 0.0], [5.0, 6.0], [3.0, 1.0]])
    assert_same(back(g)[0], np.array([[2.0, 0.5], [5.0, 6.0], [2.0, 0.5]]))


def test_compiled_unique_has_a_program_for_each_number_of_values() -> None:
    f = fnad.jit(lambda x: np.unique(x).sum())
    for _ in range(2):
        assert [float(f(x)) for x in (TIES, np.arange(6.0), TIES + 1)] == [6.0, 15.0, 9.0]


SIZED = {
    "unique": np.unique, "union1d": lambda x: np.union1d(x, X), "setdiff1d": lambda x: np.setdiff1d(x, X),
    "extract": lambda x: np.extract(x > 1, x), "nonzero": np.nonzero,
}


@pytest.mark.parametrize("name", SIZED)
def test_an_unknown_number_of_values_is_an_error_that_names_size(name: str) -> None:
    with pytest.raises(fnad.ConcreteValueError, match="without size="):
        fnad.vmap(SIZED[name])(np.stack([TIES, TIES]))
