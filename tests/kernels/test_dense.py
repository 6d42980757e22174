"""The kernels of dense layers and ReLU against NumPy in float64, whole and in ranges."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from fnad.compiler.cpu.library import dense as library
from fnad.kernels.cpu import relu as relu_kernels
from fnad.runtime.cpu.loader import loader
from fnad.runtime.plan import Launch

from tests.compiler.kernel_running import elementwise, run_launch, view_of

DTYPES = [np.float32, np.float64]
SHAPES = [(100, 10, 5), (5, 3, 1), (1, 7, 9), (1, 1, 1), (0, 3, 2), (4, 0, 3), (4, 3, 0), (33, 65, 17), (130, 70, 257)]


def tolerance(dtype: Any) -> dict[str, float]:
    return {"rtol": 50 * np.finfo(dtype).eps, "atol": 200 * np.finfo(dtype).eps}


def run_ranges(launch: Launch, arrays: list[np.ndarray], ranges: list[tuple[int, int]]) -> list[int]:
    """Call a kernel for one range after another; gives the statuses."""
    kernel_type = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 2)
    kernel = kernel_type(loader().address(launch.kernel))
    table, params = np.array([x.ctypes.data for x in arrays]), np.array(launch.params)
    return [kernel(table.ctypes.data, params.ctypes.data, lo, hi) for lo, hi in ranges]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True)])
def test_dense(dtype: Any, relu: bool, shape: tuple[int, int, int], transposed: tuple[bool, bool]) -> None:
    (m, k, n), rng = shape, np.random.default_rng(0)
    x, w, b = (rng.normal(size=s).astype(dtype) for s in ((m, k), (k, n), (n,)))
    want = x.astype(float) @ w + b
    want = np.maximum(want, 0) if relu else want
    stored = [np.ascontiguousarray(a.T) if t else a for a, t in zip((x, w), transposed)]
    views = [view_of(i, a.T if t else a) for i, (a, t) in enumerate(zip(stored, transposed))]
    y = np.full((m, n), np.nan, dtype)
    run_launch(library.dense(*views, view_of(2, b), view_of(3, y), relu), [*stored, b], [y])
    np.testing.assert_allclose(y, want, **tolerance(dtype))


def test_dense_in_ranges_of_rows() -> None:
    rng = np.random.default_rng(0)
    x, w, b = (rng.normal(size=s).astype(np.float32) for s in ((37, 20), (20, 30), (30,)))
    y = np.full((37, 30), np.nan, np.float32)
    launch = library.dense(*[view_of(i, a) for i, a in enumerate((x, w, b, y))], relu=True)
    assert launch.extent == 37
    assert run_ranges(launch, [x, w, b, y], [(0, 1), (20, 37), (1, 20)]) == [0, 0, 0]
    np.testing.assert_allclose(y, np.maximum(x.astype(float) @ w + b, 0), **tolerance(np.float32))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(100, 5), (1, 1), (3, 0), (0, 3), (257, 33)])
def test_relu_backward_and_its_column_sum(dtype: Any, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    g, y = (rng.normal(size=shape).astype(dtype) for _ in range(2))
    y = np.maximum(y, 0)
    masked, sums = np.full(shape, np.nan, dtype), np.full(shape[1], np.nan, dtype)
    launch = library.relu_backward_sum(*[view_of(i, a) for i, a in enumerate((g, y, masked, sums))])
    run_launch(launch, [g, y], [masked, sums])
    np.testing.assert_array_equal(masked, np.where(y > 0, g, 0))
    np.testing.assert_allclose(sums, np.where(y > 0, g, 0).sum(axis=0, dtype=float), **tolerance(dtype))
    masked[...], sums[...] = np.nan, np.nan
    half = shape[1] // 2
    assert run_ranges(launch, [g, y, masked, sums], [(half, shape[1]), (0, half)]) == [0, 0]
    np.testing.assert_array_equal(masked, np.where(y > 0, g, 0))


VALUES = [-np.inf, -1.0, -1e-45, -0.0, 0.0, 1e-45, 2.0, np.inf, np.nan]


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_at_its_corners(dtype: Any) -> None:
    x = np.array(VALUES, dtype)
    y = elementwise("relu(a)", [x])
    np.testing.assert_array_equal(y, np.maximum(x, 0))
    assert not np.signbit(y).any()
    g = np.full_like(x, 3)
    np.testing.assert_array_equal(elementwise("relu_backward(a, b)", [g, y]), np.where(x <= 0, 0, g))
    assert relu_kernels.relu(dtype(-2)) == 0 and relu_kernels.relu(dtype(2)) == 2
