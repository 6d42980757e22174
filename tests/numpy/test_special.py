"""The functions that NumPy lacks: values beside SciPy's, and derivatives where the formulas would overflow."""

from __future__ import annotations

from typing import Any

import fnad.numpy as fnp
import numpy as np
import pytest
from fnad import grad
from fnad.testing import check_grads
from scipy import special

from tests.numpy.comparing import run_traced

X = np.array([[-1.5, 0.25, 3.0], [1000.0, -2.0, 0.5]])
INF = np.inf
SAME = [
    (fnp.logsumexp, special.logsumexp), (lambda x: fnp.logsumexp(x, axis=1), lambda x: special.logsumexp(x, axis=1)),
    (fnp.softmax, lambda x: special.softmax(x, axis=-1)),
    (lambda x: fnp.logsumexp(x, axis=(0, 1), keepdims=True), lambda x: special.logsumexp(x, keepdims=True)),
    (lambda x: fnp.softmax(x, axis=0), lambda x: special.softmax(x, axis=0)),
    (fnp.log_softmax, lambda x: special.log_softmax(x, axis=-1)), (fnp.sigmoid, special.expit),
    (fnp.erf, special.erf), (fnp.erfc, special.erfc), (fnp.softplus, lambda x: np.logaddexp(x, 0)),
    (lambda x: fnp.xlogy(x, x * x), lambda x: special.xlogy(x, x * x)),
]


@pytest.mark.parametrize(("f", "oracle"), SAME)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_values_are_scipys_traced_or_not(f: Any, oracle: Any, dtype: str) -> None:
    x = X.astype(dtype)
    wide = x if dtype != "int64" else x.astype(float)
    for got in (run_traced(f, x), f(x)):
        assert got.dtype == wide.dtype
        np.testing.assert_allclose(got, oracle(wide), rtol=1e-6 if dtype == "float32" else 1e-13, atol=1e-30)


@pytest.mark.parametrize("f", [f for f, _ in SAME])
def test_derivatives(f: Any) -> None:
    check_grads(f, (np.array([[-1.5, 0.25, 1.0], [0.5, -2.0, 0.75]]),))


DERIVATIVES = [
    (fnp.logsumexp, [-INF, 0], [0, 1]), (fnp.logsumexp, [-INF, -INF], [0, 0]), (fnp.logsumexp, [INF, 0], [np.nan, 0]),
    (lambda x: fnp.softmax(x)[0], [1000, 0], [0, 0]), (lambda x: fnp.log_softmax(x)[1], [1000, 0], [-1, 1]),
    (lambda x: np.sum(fnp.softplus(x)), [1000, -1000], [1, 0]),
    (lambda x: np.sum(fnp.sigmoid(x)), [-1000, 0], [0, 0.25]),
    (lambda x: np.sum(fnp.xlogy(x, 2.0)), [0, 1], [np.log(2), np.log(2)]),
    (lambda x: np.sum(fnp.softmax(x, where=[False, False])), [3, 4], [0, 0]),
    (lambda x: fnp.softmax(x, where=[True, False])[0], [3, 4], [0, 0]),
]


@pytest.mark.parametrize(("f", "x", "expected"), DERIVATIVES)
def test_derivatives_at_the_edges(f: Any, x: Any, expected: Any) -> None:
    np.testing.assert_allclose(grad(f)(np.array(x, float)), expected, atol=1e-12)


def test_values_at_the_edges() -> None:
    assert fnp.logsumexp(np.array([-INF, -INF])) == -INF
    mask = np.array([[True, True], [False, False]])
    masked = fnp.softmax(np.array([[1.0, 1.0], [5.0, 9.0]]), where=mask)
    np.testing.assert_allclose(masked, [[0.5, 0.5], [0, 0]], rtol=1e-15)
    np.testing.assert_array_equal(fnp.xlogy(0.0, 0.0), 0.0)
    np.testing.assert_array_equal(fnp.sigmoid([-1000.0, 1000.0]), [0.0, 1.0])
