"""Matrix products by BLAS and by loops against NumPy."""

import ctypes
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fnad.compiler.cpu.library.matmul import matmul
from fnad.runtime.cpu import blas
from fnad.runtime.cpu.loader import loader
from fnad.runtime.plan import View
from fnad.runtime.views import matrix_layout
from tests.compiler.kernel_running import run_launch, view_of

DTYPES = ["float32", "float64", "complex64", "complex128", "int8", "uint16", "int64", "bool"]


def draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    values = rng.integers(-4, 5, shape).astype("float64")
    if dtype.startswith("complex"):
        values = values + 1j * rng.integers(-4, 5, shape)
    return values.astype(dtype)


def kept(array: np.ndarray, transposed: bool) -> tuple[np.ndarray, np.ndarray]:
    """A C-contiguous array, and the view of it that equals `array`."""
    whole = np.ascontiguousarray(array.swapaxes(-1, -2) if transposed else array)
    return whole, whole.swapaxes(-1, -2) if transposed else whole


def product(a, b, c, alpha=1.0, beta=0.0):
    """C = alpha A B + beta C for pairs of memory and the view of it."""
    views = [view_of(k, view) for k, (_, view) in enumerate((a, b, c))]
    run_launch(matmul(*views, alpha, beta), [a[0], b[0]], [c[0]])


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(DTYPES),
    st.sampled_from([0, 1, 2, 3, 7, 20]),
    st.sampled_from([0, 1, 2, 5, 20]),
    st.sampled_from([0, 1, 2, 3, 17]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 1.0, 2.0]),
    st.sampled_from([(), (3,), (2, 3)]),
    st.integers(0, 2**32),
)
def test_product_is_numpys(dtype, m, k, n, a_transposed, b_transposed, beta, batch, seed):
    rng = np.random.default_rng(seed)
    a = kept(draw(rng, (*batch, m, k), dtype), a_transposed)
    b = kept(draw(rng, (*batch, k, n), dtype), b_transposed)
    c = kept(draw(rng, (*batch, m, n), dtype), False)
    want = np.matmul(a[1], b[1])
    if beta:
        want = (want + np.array(beta).astype(dtype) * c[1]).astype(dtype)
    product(a, b, c, 1.0, beta)
    np.testing.assert_array_equal(c[1], want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 0, 4), (3, 2, 4), (30, 20, 10), (30, 20, 1), (1, 20, 30)])
def test_the_result_is_not_read_where_beta_is_zero(dtype, shape):
    m, k, n = shape
    rng = np.random.default_rng(0)
    a, b = (kept(draw(rng, s, dtype), False) for s in ((m, k), (k, n)))
    c = np.ones((m, n), dtype)
    if np.dtype(dtype).kind in "fc":
        c[...] = np.nan
    product(a, b, (c, c))
    np.testing.assert_array_equal(c, a[0] @ b[0])


@pytest.mark.parametrize("shape", [(2, 3, 4), (40, 30, 20), (40, 30, 1), (1, 30, 40)])
def test_alpha_and_beta(shape):
    m, k, n = shape
    rng = np.random.default_rng(0)
    a, b, c = (kept(draw(rng, s, "float64"), False) for s in ((m, k), (k, n), (m, n)))
    want = -0.5 * (a[0] @ b[0]) + 3 * c[0]
    product(a, b, c, -0.5, 3.0)
    np.testing.assert_array_equal(c[0], want)


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_blocks_of_larger_matrices(dtype):
    rng = np.random.default_rng(0)
    big_a, big_b, big_c = (draw(rng, (40, 50), dtype) for _ in range(3))
    a, b, c = big_a[3:33, 5:25], big_b[2:22, 7:18], big_c[1:31, 4:15]
    untouched = big_c.copy()
    untouched[1:31, 4:15] = a @ b
    views = [
        View(buffer, offset, block.shape, block.strides, block.dtype)
        for buffer, (block, offset) in enumerate(
            (block, block.ctypes.data - whole.ctypes.data)
            for block, whole in ((a, big_a), (b, big_b), (c, big_c))
        )
    ]
    run_launch(matmul(*views), [big_a, big_b], [big_c])
    np.testing.assert_array_equal(big_c, untouched)


def test_a_stride_of_zero_broadcasts_over_the_batch():
    rng = np.random.default_rng(0)
    a, b = draw(rng, (3, 1, 4, 5), "float32"), draw(rng, (1, 2, 5, 6), "float32")
    c = np.empty((3, 2, 4, 6), "float32")
    shown = np.broadcast_to(a, (3, 2, 4, 5)), np.broadcast_to(b, (3, 2, 5, 6))
    product((a, shown[0]), (b, shown[1]), (c, c))
    np.testing.assert_array_equal(c, a @ b)


def test_a_row_that_is_a_column_of_a_larger_matrix():
    rng = np.random.default_rng(0)
    big, b = draw(rng, (30, 50), "float32"), draw(rng, (30, 20), "float32")
    row, c = big[:, 7:8].T, np.empty((1, 20), "float32")
    a = View(0, 7 * big.itemsize, row.shape, row.strides, row.dtype)
    run_launch(matmul(a, view_of(1, b), view_of(2, c)), [big, b], [c])
    np.testing.assert_array_equal(c, row @ b)


@pytest.mark.parametrize("dtype", ["float32", "int64"])
@pytest.mark.parametrize("shape", [(7, 20, 9), (7, 20, 1), (7, 2, 3)])
@pytest.mark.parametrize("transposed", [False, True])
def test_ranges_of_rows_make_up_the_whole(dtype, shape, transposed):
    m, k, n = shape
    rng = np.random.default_rng(0)
    _, a = kept(draw(rng, (2, m, k), dtype), transposed)
    b = draw(rng, (2, k, n), dtype)
    c = np.zeros((2, m, n), dtype)
    launch = matmul(*(view_of(i, x) for i, x in enumerate((a, b, c))))
    kernel = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 2)(
        loader().address(launch.kernel)
    )
    table = np.array([x.ctypes.data for x in (a, b, c)])
    params = np.array(launch.params)
    assert launch.extent == 2 * m
    for lo, hi in ((0, 3), (3, m + 2), (m + 2, 2 * m)):
        assert kernel(table.ctypes.data, params.ctypes.data, lo, hi) == 0
    np.testing.assert_array_equal(c, a @ b)


def test_a_view_without_a_contiguous_axis_must_be_copied():
    x = np.zeros((4, 6), "float32")
    assert matrix_layout(view_of(0, x)) == (False, 6)
    assert matrix_layout(view_of(0, x.T)) == (True, 6)
    assert matrix_layout(view_of(0, x[::2])) == (False, 12)
    assert matrix_layout(view_of(0, x[:, ::2])) is None
    assert matrix_layout(view_of(0, x[::-1])) is None
    assert matrix_layout(view_of(0, np.broadcast_to(x[0], (4, 6)))) is None
    assert matrix_layout(view_of(0, x[:, ::6])) == (False, 6)
    views = [view_of(0, x[:, ::2]), view_of(1, np.zeros((3, 2), "float32")), view_of(2, x[:, :2])]
    with pytest.raises(ValueError, match="matmul: requires views with a contiguous axis"):
        matmul(*views)


def test_blas_is_found_without_the_rest_of_scipy_linalg():
    program = """
import sys
from fnad.runtime.cpu import blas
assert blas.address("sgemm")
assert "scipy.linalg" not in sys.modules
import scipy.linalg
assert scipy.linalg.cython_blas.__pyx_capi__
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


def test_the_threads_of_others_do_not_change_bits():
    symbols = ctypes.CDLL(blas.module(blas.BLAS_MODULE).__file__)
    names = [pair for pair in blas.THREAD_FUNCTIONS if all([hasattr(symbols, name) for name in pair])]
    if not names:
        pytest.skip("this BLAS does not say how many threads it works on")
    count, setter = [getattr(symbols, name) for name in names[0]]
    rng = np.random.default_rng(0)
    products = [
        (rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype))
        for m, k, n in ((300, 1500, 200), (64, 3000, 48), (1, 4000, 300), (5, 70, 90))
        for dtype in ("float32", "float64")
    ]

    def results():
        found = []
        for a, b in products:
            c = np.zeros((a.shape[0], b.shape[1]), a.dtype)
            run_launch(matmul(view_of(0, a), view_of(1, b), view_of(2, c)), [a, b], [c])
            found.append(c.tobytes())
        return found

    alone = results()
    for threads in (2, 3, 8):
        setter(ctypes.c_int(threads))
        number = count()
        assert number > 1 and results() == alone and count() == number
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(lambda _: results(), range(6))) == [alone] * 6
        assert count() == number
