"""Matrix products by BLAS and by loops against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fnad.compiler.cpu import library
from fnad.compiler.cpu.executor import link
from fnad.compiler.plan import Buffer, Plan, View

DTYPES = ["float32", "float64", "complex64", "complex128", "int8", "uint16", "int64", "bool"]


def view_of(buffer: int, array: np.ndarray) -> View:
    return View(buffer, 0, array.shape, array.strides, array.dtype)


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
    """C = alpha A B + beta C by a plan of one launch; a, b, c as pairs (memory, view)."""
    views = [view_of(k, view) for k, (_, view) in enumerate((a, b, c))]
    buffers = [Buffer(memory.nbytes, kind) for (memory, _), kind in zip((a, b, c), ("input", "input", "output"))]
    plan = Plan(tuple(buffers), (0, 1), (2,), 0, (library.matmul(*views, alpha, beta),))
    link(plan)([a[0], b[0]], [c[0]])


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
