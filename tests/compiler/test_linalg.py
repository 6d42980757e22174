"""Compiled linear algebra: the same bits whatever the threads are, and no import that takes long."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import tree
from fnad.ops.determinants import cofactors
from fnad.ops.linalg import lu
from fnad.runtime.cpu import blas

RNG = np.random.default_rng(0)
A = RNG.standard_normal((300, 300)) + 10 * np.eye(300)
STACK = RNG.standard_normal((40, 20, 20)) + 5 * np.eye(20)


@fnad.jit
def factorized(a: Any, stack: Any) -> Any:
    both = [np.linalg.solve(x, x.mT) for x in (a, stack)]
    positive = [x @ x.mT for x in (a, stack)]
    return both, [np.linalg.cholesky(x) for x in positive], np.linalg.qr(a), [np.linalg.eigh(x) for x in positive[1:]]


def test_the_threads_of_others_do_not_change_bits() -> None:
    symbols = ctypes.CDLL(blas.module(blas.BLAS_MODULE).__file__)
    names = [pair for pair in blas.THREAD_FUNCTIONS if all([hasattr(symbols, name) for name in pair])]
    if not names:
        pytest.skip("this BLAS does not say how many threads it works on")
    count, setter = [getattr(symbols, name) for name in names[0]]

    def results() -> list[bytes]:
        return [np.asarray(y).tobytes() for y in tree.leaves(factorized(A, STACK))]

    before, alone = count(), results()
    try:
        setter(ctypes.c_int(2))
        assert results() == alone and count() == 2
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(lambda _: results(), range(2))) == [alone] * 2
        assert count() == 2
    finally:
        setter(ctypes.c_int(before))


def test_lapack_is_found_without_the_rest_of_scipy_linalg() -> None:
    program = """
import sys
import fnad, numpy as np
np.testing.assert_allclose(fnad.jit(np.linalg.inv)(2 * np.eye(9)), np.eye(9) / 2)
assert "scipy.linalg" not in sys.modules
import scipy.linalg
assert scipy.linalg.cython_lapack.__pyx_capi__
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


@pytest.mark.parametrize("n", [3, 8, 9])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_pivots_are_lapacks(n: int, dtype: str) -> None:
    rng = np.random.default_rng(n)
    a = rng.standard_normal((5, n, n)).astype(dtype)
    a = a + a.dtype.type(1j) * a.mT if a.dtype.kind == "c" else a
    interpreted = lu(a)
    compiled = fnad.jit(lu)(a)
    np.testing.assert_array_equal(compiled[1], interpreted[1])
    np.testing.assert_allclose(compiled[0], interpreted[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rank", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_cofactors_are_right_for_any_rank(rank: int, dtype: str) -> None:
    rng = np.random.default_rng(rank)
    a = (rng.standard_normal((3, 5, rank)) @ rng.standard_normal((3, rank, 5))).astype(dtype)
    a = a * (1 + 2j) if dtype == "complex128" else a
    minors = np.linalg.det([[[np.delete(np.delete(m, i, 0), j, 1) for j in range(5)] for i in range(5)] for m in a])
    expected = minors * (-1) ** np.add.outer(np.arange(5), np.arange(5))
    for found in (cofactors(a), fnad.jit(cofactors)(a)):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
