"""Quantiles and medians by every method, with weights, without nan, and their slopes where elements are equal."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest
from fnad.numpy.quantiles import METHODS

from tests.numpy.comparing import assert_like_numpy
from tests.surface.laws import LAWS, Row, derivatives, values

X = np.array([[0.3, -0.7, 1.1, 0.95], [1.4, 0.2, -0.6, 0.25]])
Q = np.array([0.2, 0.55, 0.9])
W = np.array([[1.0, 2.0, 0.5, 1.5], [0.0, 1.0, 3.0, 1.0]])
HOLES = np.where(np.arange(8).reshape(2, 4) % 3 == 1, np.nan, X)

ROWS = [
    Row("quantile", lambda x: np.quantile(x, 0.4), (X,)),
    Row("quantile/q", lambda x, q: np.quantile(x, q, axis=1), (X, Q), single=False),
    Row("quantile/axes", lambda x: np.quantile(x.reshape(2, 2, 2), Q, axis=(0, 2), keepdims=True), (X,)),
    Row("quantile/weights", lambda x: np.quantile(x, Q, axis=1, weights=W, method="inverted_cdf"), (X,)),
    Row("percentile", lambda x: np.percentile(x, [10, 70], axis=0), (X,)),
    Row("median", lambda x: np.median(x, axis=-1), (X,)),
    Row("median/odd", lambda x: np.median(x[:, :3], axis=(1, 0), keepdims=True), (X,)),
    Row("nanquantile", lambda x: np.nanquantile(np.where(np.isnan(HOLES), np.nan, x), Q, axis=1), (X,)),
    Row("nanpercentile", lambda x: np.nanpercentile(np.where(np.isnan(HOLES), np.nan, x), 30), (X,), single=False),
    Row("nanmedian", lambda x: np.nanmedian(np.where(np.isnan(HOLES), np.nan, x), axis=0), (X,)),
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_laws(row: Row, law: Any) -> None:
    law(row)


@pytest.mark.parametrize("method", METHODS)
def test_every_method(method: str) -> None:
    for law in (values, derivatives):
        law(Row(method, lambda x: np.quantile(x, Q, axis=1, method=method), (X,)))
    for q in (np.linspace(0, 1, 9), 0, 1, 0.5, [[0.1, 0.25]]):
        for x in (X, X.astype(np.float32), (X * 5).astype(int), HOLES, np.array(3.0), [1.0, np.inf, -np.inf]):
            for function in (np.quantile, np.nanquantile):
                assert_like_numpy(lambda x: function(x, q, method=method), np.asarray(x))


@pytest.mark.parametrize("x", [HOLES, np.full((2, 3), np.nan), np.zeros((2, 0)), np.zeros((0, 2)), X.astype(np.float16),
                               X + 1j * X[::-1], X > 0, (X * 9).astype(int)], ids=range(8))
@pytest.mark.parametrize("axis", [None, 0, (1, 0), 5])
def test_medians_are_numpys(x: Any, axis: Any) -> None:
    for function in (np.median, np.nanmedian):
        for keepdims in (False, True):
            assert_like_numpy(lambda x: function(x, axis=axis, keepdims=keepdims), x)


LIKE_NUMPY = {
    "empty": lambda x: np.quantile(x[:0], 0.5), "no rows": lambda x: np.quantile(x[:0], 0.5, axis=1),
    "empty without nan": lambda x: np.nanquantile(x[:0], [0.5, 0.1], axis=0), "above": lambda x: np.quantile(x, 1.5),
    "percent": lambda x: np.percentile(x, [50, 101]), "nan": lambda x: np.quantile(x, np.nan),
    "no q": lambda x: np.quantile(x, np.zeros(0)), "deep": lambda x: np.quantile(x, [[[0.5]]]),
    "method": lambda x: np.quantile(x, 0.5, method="best"), "complex": lambda x: np.quantile(x + 1j, 0.5),
    "truth": lambda x: np.quantile(x > 0, 0.5), "axis": lambda x: np.quantile(x, 0.5, axis=7),
    "of weights": lambda x: np.quantile(x, 0.5, weights=W), "half": lambda x: np.quantile(x.astype(np.float16), 0.3),
    "below 0": lambda x: np.quantile(x, 0.5, weights=-W, method="inverted_cdf"),
    "zero": lambda x: np.quantile(x, 0.5, weights=0 * W, method="inverted_cdf"),
    "first": lambda x: np.quantile(x, [0, 1, 0.3], axis=1, weights=W, method="inverted_cdf"),
    "of one axis": lambda x: np.quantile(x, 0.4, axis=1, weights=[1, 1, 0, 3], method="inverted_cdf"),
    "no axis": lambda x: np.quantile(x, 0.4, weights=[1, 1, 0, 3], method="inverted_cdf"),
    "whole": lambda x: np.quantile(x, 0.4, axis=(1, 0), weights=W.T, method="inverted_cdf"),
    "holes": lambda x: np.nanquantile(np.where(x > 1, np.nan, x), [0.2, 0.7], axis=1, weights=W, method="inverted_cdf"),
    "nan kept": lambda x: np.quantile(np.where(x > 1.2, np.nan, x), 0.2, 1, weights=W, method="inverted_cdf"),
    "one": lambda x: np.quantile(x.astype(int), 1),
}


@pytest.mark.parametrize("name", LIKE_NUMPY)
def test_ends_and_errors_are_numpys(name: str) -> None:
    assert_like_numpy(LIKE_NUMPY[name], X)


def test_equal_elements_and_neighbours_share() -> None:
    x = np.array([3.0, 1.0, 2.0, 2.0, 2.0])
    for function, expected in (
        (np.median, [0, 0, 1 / 3, 1 / 3, 1 / 3]), (lambda x: np.quantile(x, 0.9), [0.6, 0, 0.4 / 3, 0.4 / 3, 0.4 / 3]),
        (lambda x: np.median(x[:4]), [0, 0, 0.5, 0.5, 0]), (lambda x: np.median(x[:2]), [0.5, 0.5, 0, 0, 0]),
        (lambda x: np.quantile(x, 1.0), [1, 0, 0, 0, 0]),
        (lambda x: np.nanmedian(np.where([1, 0, 1, 1, 0], x, np.nan)), [0, 0, 0.5, 0.5, 0]),
    ):
        np.testing.assert_allclose(fnad.grad(function)(x), expected, atol=1e-15)
    np.testing.assert_array_equal(fnad.jit(fnad.grad(np.median))(x), fnad.grad(np.median)(x))


def test_what_nan_hides_has_no_slope() -> None:
    x = np.array([1.0, np.nan, 3.0, 2.0])
    np.testing.assert_array_equal(fnad.grad(np.nanmedian)(x), [0.0, 0.0, 0.0, 1.0])
    np.testing.assert_array_equal(fnad.grad(lambda x: np.nanquantile(x, 0.25))(x), [0.5, 0.0, 0.0, 0.5])
