"""Counts of integers, and histograms in one and more dimensions."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy, assert_same
from tests.surface.laws import LAWS, Row, derivatives, values

X = np.array([0.3, -0.7, 1.1, 0.9, 1.4, 0.2])
Y = np.array([0.45, 0.1, 0.6, -0.2, 0.8, 0.35])
W = np.array([1.0, 2.0, 0.5, 1.5, 0.25, 3.0])
N = np.array([2, 0, 3, 2, 0, 5])
EDGES = np.array([-1.0, 0.0, 0.5, 1.3])

ROWS = [
    Row("bincount", lambda n: np.bincount(n, minlength=8), (N,), order=0, known=True),
    Row("bincount/length", lambda n, w: fnp.bincount(n, w, length=4), (N, W), lambda n, w: np.bincount(n, w)[:4],
        single=False),
    Row("histogram", lambda x, w: np.histogram(x, EDGES, weights=w), (X, W)),
    Row("histogram/density", lambda x, w: np.histogram(x, 3, (-1, 2), weights=w, density=True), (X, W)),
    Row("histogram_bin_edges", lambda x: np.histogram_bin_edges(x, 3), (X,)),
    Row("histogram2d", lambda x, y: np.histogram2d(x, y, [EDGES, 3], [None, (-1, 1)], True), (X, Y), order=0,
        single=False),
]
MORE = [
    Row("histogram of values", lambda x, w: np.histogram(x, 4, weights=w, density=True), (X, W), single=False),
    Row("histogramdd", lambda s, w: np.histogramdd(s, (2, EDGES), weights=w, density=True), (np.stack([X, Y], 1), W)),
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_laws(row: Row, law: Any) -> None:
    law(row)


@pytest.mark.parametrize("row", MORE, ids=str)
def test_values_decide_edges(row: Row) -> None:
    values(row), derivatives(row)


COUNTS = {
    "plain": np.bincount, "floats": lambda n: np.bincount(n * 1.0), "deep": lambda n: np.bincount(n[None]),
    "number": lambda n: np.bincount(n[0]), "minlength": lambda n: np.bincount(n, minlength=-1),
    "negative": lambda n: np.bincount(n - 1),
    "lengths": lambda n: np.bincount(n, [1, 2]),
    "empty": lambda n: np.bincount(n[:0]),
    "truth": lambda n: np.bincount(n > 1), "unsigned": lambda n: np.bincount(n.astype(np.uint64)),
    "complex": lambda n: np.bincount(n, np.full(6, 1j)), "of none": lambda n: np.bincount(n[:0], n[:0], 2),
    "fraction": lambda n: np.bincount(n, minlength=2.5), "none": lambda n: np.bincount(n, minlength=None),
    "float32": lambda n: np.bincount(n, np.float32([1, 2, 3, 4, 5, 6])),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_and_errors_are_numpys(name: str) -> None:
    assert_like_numpy(COUNTS[name], N, known=True)


LIKE_NUMPY = {
    "no bins": lambda x: np.histogram(x, 0),
    "fraction": lambda x: np.histogram(x, 2.5),
    "falling": lambda x: np.histogram(x, [1, 0]),
    "deep": lambda x: np.histogram(x, [[0, 1]]),
    "one edge": lambda x: np.histogram(x, [1.0]),
    "no edges": lambda x: np.histogram(x, []),
    "range": lambda x: np.histogram(x, 2, (4, 0)), "infinite": lambda x: np.histogram(x, 2, (0, np.inf)),
    "one value": lambda x: np.histogram(x * 0 + 2, 3), "integers": lambda x: np.histogram((x * 9).astype(int), 4),
    "on edges": lambda x: np.histogram(x.round(1), np.linspace(-1, 2, 31)), "empty": lambda x: np.histogram(x[:0], 3),
    "narrow": lambda x: np.histogram(x, 2, (0.3, 0.3)), "weights": lambda x: np.histogram(x, weights=[1, 2]),
    "complex": lambda x: np.histogram(x, 2, weights=x * 1j), "of integers": lambda x: np.histogram(x, EDGES, weights=N),
    "nan": lambda x: np.histogram(np.where(x > 1, np.nan, x), 3, (-1, 1)),
    "nan in bins": lambda x: np.histogram(np.where(x > 1, np.nan, x), EDGES),
    "name": lambda x: np.histogram(x, "auto"), "names": lambda x: np.histogram_bin_edges(x, "sturges", (0, 1)),
    "no name": lambda x: np.histogram(x, "best"), "name and weights": lambda x: np.histogram(x, "auto", weights=x),
    "float32": lambda x: np.histogram(x.astype(np.float32), 3), "dd": lambda x: np.histogramdd(x.reshape(3, 2), 2),
    "dd of one": lambda x: np.histogramdd(x, 2), "dd of a list": lambda x: np.histogramdd([x, x * 2], [2, [0, 1, 2]]),
    "dd bins": lambda x: np.histogramdd(x.reshape(3, 2), [3]),
    "dd none": lambda x: np.histogramdd(x.reshape(3, 2), [0, 3]),
    "dd falling": lambda x: np.histogramdd(x.reshape(3, 2), [[0, 1, 0.5], 3]),
    "dd deep": lambda x: np.histogramdd(x.reshape(3, 2), [[[0, 1]], 3]),
    "dd fraction": lambda x: np.histogramdd(x.reshape(3, 2), [2.5, 3]),
    "dd range": lambda x: np.histogramdd(x.reshape(3, 2), 2, [(0, 1)]),
    "dd weights": lambda x: np.histogramdd(x.reshape(3, 2), 2, weights=[1, 2]),
    "dd complex": lambda x: np.histogramdd(x.reshape(3, 2), 2, weights=[1j, 2, 3]),
    "2d": lambda x: np.histogram2d(x, x[::-1], 3, [(-1, 1), None], weights=W),
    "2d lengths": lambda x: np.histogram2d(x, x[1:]),
    "2d edges": lambda x: np.histogram2d(x, x, EDGES), "2d pair": lambda x: np.histogram2d(x, x, [2, 3]),
}


@pytest.mark.parametrize("name", LIKE_NUMPY)
def test_results_and_errors_are_numpys(name: str) -> None:
    assert_like_numpy(LIKE_NUMPY[name], X, known=True)


def test_lengths_of_values_that_are_not_traced() -> None:
    assert_same(fnp.bincount(np.array([1, 7, -2, 1]), length=3), np.array([1, 2, 0]))


def test_compiled_counts_have_a_program_for_each_length() -> None:
    f = fnad.jit(np.bincount)
    for n in (N, N + 1, N):
        assert_same(f(n), np.bincount(n))


def test_traced_edges() -> None:
    counts = fnad.jit(lambda x, e: np.histogram(x, e)[0])(X, EDGES)
    assert_same(counts, np.histogram(X, EDGES)[0])
    counts = fnad.jit(lambda x, r: np.histogram(x, 3, (r, 2 * r))[0])(X, np.array(0.7))
    assert_same(counts, np.histogram(X, 3, (0.7, 1.4))[0])
