"""Logarithm and normal quantile of exact operations, against mpmath."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from fnad.random import exact
from scipy.special import ndtri


def log_of(x: np.ndarray) -> np.ndarray:
    return np.array([float(mpmath.log(mpmath.mpf(float(v)))) for v in x])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    wide, near = np.exp(rng.uniform(-80, 80, 500)), 1 + rng.uniform(-1e-3, 1e-3, 500)
    ends = [1.0, 0.5, 2.0, np.finfo(dtype).tiny, np.finfo(dtype).max]
    x = np.concatenate([wide, near, rng.uniform(0.4, 2.1, 500), ends]).astype(dtype)
    want = log_of(x)
    assert (np.abs(exact.log(x) - want) <= 1.01 * np.spacing(np.abs(want).astype(dtype))).all()
    assert exact.log(np.ones(1, dtype))[0] == 0


@pytest.mark.parametrize(("dtype", "deepest", "rtol"), [(np.float32, 33, 5e-7), (np.float64, 65, 2e-15)])
def test_upper_quantile(dtype: Any, deepest: int, rtol: float) -> None:
    rng = np.random.default_rng(0)
    deep, powers = 2.0 ** rng.uniform(-deepest, -1, 20000), 2.0 ** np.arange(-deepest, 0)
    p = np.concatenate([deep, rng.uniform(0.01, 0.5, 20000), powers]).astype(dtype)
    np.testing.assert_allclose(exact.upper_quantile(p), -ndtri(p.astype(float)), rtol=rtol, atol=rtol)
    assert exact.upper_quantile(np.array([0.5], dtype))[0] == 0
