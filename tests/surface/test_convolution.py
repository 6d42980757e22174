"""Convolution and correlation as NumPy has them, on traced values."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy
from tests.surface.laws import LAWS, Row

RNG = np.random.default_rng(0)
X, W = RNG.standard_normal(7), RNG.standard_normal(4)
Z = W[:3] + 1j * W[1:]

ROWS = [
    Row("convolve", np.convolve, (X, W)), Row("correlate", lambda x, w: np.correlate(x, w, "same"), (X, W)),
    Row("correlate/swapped", lambda x: np.correlate(W, x, "full"), (X,)),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_it_keeps_the_laws(row: Row, law: Any) -> None:
    law(row)


@pytest.mark.parametrize("mode", ["full", "same", "valid", 0, 1, 2])
@pytest.mark.parametrize("function", [np.convolve, np.correlate])
def test_modes_are_numpys(function: Any, mode: Any) -> None:
    for x, w in ((X, W), (W, X), (X, W[:3]), (X, X), (X[:1], W), (np.arange(4), W), (Z, W), (W, Z), (Z, Z[:2])):
        ours, theirs = (f(lambda x, w: function(x, w, mode), x, w) for f in (_traced, _plain))
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-14, atol=1e-14)


def _traced(f: Any, *args: Any) -> Any:
    return fnad.vmap(f)(*[x[None] for x in args])[0]


def _plain(f: Any, *args: Any) -> Any:
    return f(*args)


@pytest.mark.parametrize("function", [np.convolve, np.correlate])
def test_dtypes_and_mistakes_are_numpys(function: Any) -> None:
    flags, bytes_ = np.array([True, False, True]), np.array([200, 100], np.uint8)
    for x, w in ((flags, flags[:2]), (bytes_, bytes_), (np.float32(2), X.astype(np.float32)), (X[:0], W), (W, X[:0])):
        assert_like_numpy(function, x, w, message=True)
    for mode in ("x", 5, "f"):
        assert_like_numpy(lambda x, w: function(x, w, mode), X, W, message=True)  # noqa: B023
    assert_like_numpy(function, X[None], W, message=True)


def test_weights_are_shared_by_a_batch() -> None:
    xs = RNG.standard_normal((3, 7))
    program = str(fnad.make_program(fnad.vmap(lambda x: np.convolve(x, W)))(xs))
    assert program.count("correlate") == 1
    slope = fnad.grad(lambda w: sum([np.convolve(x, w).sum() for x in xs]))(W)
    np.testing.assert_allclose(slope, fnad.grad(lambda w: fnad.vmap(lambda x: np.convolve(x, w))(xs).sum())(W))
    np.testing.assert_allclose(slope, xs.sum())


def test_lists_may_hold_traced_values() -> None:
    slope = fnad.grad(lambda t: fnp.convolve([1.0, t], [2.0, 3.0])[1])(5.0)
    assert slope == 2.0
