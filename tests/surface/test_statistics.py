"""Averages, variances, covariances, and reductions and scans that leave nan out."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy
from tests.surface.laws import LAWS, Row

X = np.array([[0.3, -0.7, 1.1, 0.9], [1.4, 0.2, -0.6, 0.25]])
W = np.array([1.0, 2.0, 0.5, 1.5])
HOLES = np.isin(np.arange(8).reshape(2, 4), [1, 4])
Z = X + 1j * X[::-1, ::-1]


def holes(function: Any) -> Any:
    return lambda x: function(np.where(HOLES, np.nan, x))


ROWS = [
    Row("average", lambda x, w: np.average(x, axis=1, weights=w, returned=True), (X, W)),
    Row("average/axes", lambda x: np.average(x.reshape(2, 2, 2), (2, 0), [[1.0, 2.0], [3.0, 1.0]], keepdims=True), (X,),
        single=False),
    Row("var/mean", lambda x: np.var(x, axis=0, mean=np.mean(x, 0, keepdims=True), correction=1), (X,)),
    Row("cov", np.cov, (X,), single=False),
    Row("cov/weights", lambda x, y, a: np.cov(x, y, fweights=[1, 2, 1, 3], aweights=a, ddof=1), (X, X[:1] ** 2, W),
        single=False),
    Row("corrcoef", lambda x, y: np.corrcoef(x, y), (X, X[:1] ** 2), single=False),
    Row("nanvar", holes(lambda x: np.nanvar(x, axis=1, ddof=1)), (X,)),
    Row("nanstd", holes(lambda x: np.nanstd(x, axis=0, keepdims=True)), (X + [[0.0], [1.0]],), order=1),
    Row("nancumsum", holes(lambda x: np.nancumsum(x, axis=1)), (X,)),
    Row("nancumprod", holes(np.nancumprod), (X,)),
    Row("nanargmax", holes(lambda x: np.nanargmax(x, axis=1)), (X,), order=0),
    Row("nanargmin", holes(lambda x: np.nanargmin(x, axis=0, keepdims=True)), (X,), order=0),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_laws(row: Row, law: Any) -> None:
    law(row)


LIKE_NUMPY = {
    "average": lambda x: np.average(x, returned=True),
    "of integers": lambda x: np.average((x * 9).astype(int), weights=[[1, 2, 3, 4]] * 2),
    "of float32": lambda x: np.average(x.astype(np.float32), axis=1, weights=np.float32([1, 2, 3, 4])),
    "weights": lambda x: np.average(x, axis=1, weights=[1, 2]), "no axis": lambda x: np.average(x, weights=[1, 2]),
    "zero": lambda x: np.average(x, axis=0, weights=[1, -1]),
    "axes": lambda x: np.average(x, (1, 0), np.arange(8).reshape(4, 2)),
    "both": lambda x: np.var(x, ddof=1, correction=1), "correction": lambda x: np.std(x, correction=2.5),
    "cov of complex": lambda x: np.cov(x + 1j * x[:, ::-1]),
    "cov columns": lambda x: np.cov(x, rowvar=False, bias=True),
    "cov of one": lambda x: np.cov(x[0]),
    "cov dtype": lambda x: np.cov(x, dtype=np.float32),
    "cov y": lambda x: np.cov(x[0], x[1]),
    "cov ddof": lambda x: np.cov(x, ddof=1.5),
    "cov deep": lambda x: np.cov(x[None, None]),
    "cov empty": lambda x: np.cov(x[:0]),
    "few": lambda x: np.cov(x[:, :1]), "fweights": lambda x: np.cov(x, fweights=[1, 2, 3, 0.5]),
    "negative": lambda x: np.cov(x, fweights=[1, 2, 3, -1]), "aweights": lambda x: np.cov(x, aweights=[1, 2, 3]),
    "less": lambda x: np.cov(x, aweights=[1, 2, 3, -1]), "many": lambda x: np.cov(x, aweights=[[1, 2, 3, 4]]),
    "weighted": lambda x: np.cov(x, aweights=[1, 2, 3, 0.5], ddof=0),
    "counted": lambda x: np.cov(x, fweights=[1, 2, 3, 1]),
    "corrcoef": lambda x: np.corrcoef(x),
    "corrcoef of one": lambda x: np.corrcoef(x[0]),
    "constant": lambda x: np.corrcoef(x, x[:1] * 0),
    "corrcoef of complex": lambda x: np.corrcoef(x + 1j * x[:, ::-1]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LIKE_NUMPY)
def test_ends_and_errors_are_numpys(name: str) -> None:
    assert_like_numpy(LIKE_NUMPY[name], X)


NAN = {
    "nanvar": np.nanvar,
    "nanstd": lambda x: np.nanstd(x, 1, ddof=1),
    "where": lambda x: np.nanvar(x, 0, where=HOLES[0]),
    "dtype": lambda x: np.nanvar(x.real, dtype=np.float32), "correction": lambda x: np.nanstd(x, correction=1, axis=0),
    "nancumsum": lambda x: np.nancumsum(x, 0),
    "nancumprod": lambda x: np.nancumprod(x, 1),
    "sums": lambda x: np.nancumsum(x, dtype=complex),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAN)
def test_nan_is_left_out(name: str) -> None:
    holes = np.where([[1, 0, 1, 1], [0, 0, 1, 1]], X, np.nan)
    for x in (X, holes, np.full((2, 4), np.nan), (X * 9).astype(int), X > 0, holes.astype(np.float32), Z):
        assert_like_numpy(NAN[name], x)


@pytest.mark.filterwarnings("ignore")
def test_places_without_nan() -> None:
    x = np.array([[np.nan, 1.0, 3.0], [np.nan, np.nan, np.nan]])
    assert fnad.jit(lambda x: np.nanargmax(x, axis=1))(x).tolist() == [2, -1]
    assert_like_numpy(lambda x: np.nanargmin(x, axis=1), x[:1])
    assert_like_numpy(lambda x: np.nanargmax(x), (X * 9).astype(int))
    assert_like_numpy(lambda x: np.nanargmin(x), x[:, :0])


def test_correlations_with_themselves_have_no_slope() -> None:
    slope = fnad.grad(lambda x: np.corrcoef(x)[0, 0])(X)
    np.testing.assert_allclose(slope, 0, atol=1e-15)
