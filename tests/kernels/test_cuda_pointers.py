"""Memory as kernels of a GPU see it: vectors, pointers that move, and the report of a failure."""

import re

import numpy as np
import pytest

from tests.kernels.cuda_running import CAPABILITIES, ptx, run_threads
from tests.ptxsim import PtxError

DTYPES = {word: np.dtype(word) for word in (
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64",
)} | {"boolean": np.dtype(bool)}
VECTORS = [(word, count) for word, dtype in DTYPES.items() for count in (2, 4, 8, 16) if count * dtype.itemsize <= 16]


def some(word: str, size: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 2 if word == "boolean" else 100, size).astype(DTYPES[word])


def through_shared_memory(word: str, count: int, threads: int = 4) -> str:
    """Each thread moves a vector to another one's, by a shared array."""
    return f"""
def kernel(x, out):
    i = {count} * cuda.threadIdx.x
    shared = cuda.shared.array({count * threads}, {word}, alignment=16)
    store_vector(shared, i, load_vector(x, i, {count}))
    cuda.syncthreads()
    store_vector(out, i, load_vector(shared, {count * (threads - 1)} - i, {count}))
"""


@pytest.mark.parametrize(("word", "count"), VECTORS)
def test_vectors_of_every_dtype(word, count):
    x, out = some(word, 4 * count), np.zeros_like(some(word, 4 * count))
    run_threads(through_shared_memory(word, count), [x, out], threads=4)
    np.testing.assert_array_equal(out.reshape(4, count), x.reshape(4, count)[::-1])


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize(
    ("word", "count", "moved"),
    [("float32", 4, r"v4\.[fb]32|v2\.b64"), ("float64", 2, r"v2\.[fb]64"), ("uint8", 16, r"v4\.[ub]32|v2\.b64"),
     ("boolean", 8, r"v2\.[ub]32|\.[ub]64"), ("int16", 8, r"v4\.[ub]32|v2\.b64")],
)
def test_a_vector_is_moved_at_once(word, count, moved, capability):
    text = ptx(through_shared_memory(word, count), (word, word), capability=capability)
    for move in ("ld.global", "st.global", "ld.shared", "st.shared"):
        found = re.findall(rf"{move}\S*", text)
        assert len(found) == 1 and re.search(moved, found[0]), found


def test_named_vectors():
    x, y = some("float32", 8), some("float64", 4)
    source = """
def kernel(x, y):
    i = int64(cuda.threadIdx.x)
    a, b, c, d = load_float32x4(x, 4 * i)
    store_float32x4(x, 4 * i, d, c, b, a)
    p, q = load_float64x2(y, 2 * i)
    store_float64x2(y, 2 * i, q, p)
"""
    got = [x.copy(), y.copy()]
    run_threads(source, got, threads=2)
    np.testing.assert_array_equal(got[0], x.reshape(2, 4)[:, ::-1].ravel())
    np.testing.assert_array_equal(got[1], y.reshape(2, 2)[:, ::-1].ravel())


def test_a_vector_off_its_place_is_found():
    x = some("float32", 8)
    for i, word in ((2, "misaligned"), (8, "out-of-bounds")):
        with pytest.raises(PtxError, match=word):
            run_threads("def kernel(x, n):\n    x[0] = load_float32x4(x, n)[0]", [x], (i,), threads=1)


def test_pointers_move_and_know_their_zero():
    x, out = some("int32", 12), np.ones(4, np.int32)
    source = """
def kernel(x, out, n):
    i = cuda.threadIdx.x
    y = x + n
    out[i] = (y + -1)[-i] if i else zero_of(out + i)
"""
    run_threads(source, [x, out], (8,), threads=4)
    np.testing.assert_array_equal(out, [0, *x[6:3:-1]])


FAILING = """
def kernel(x, status, number):
    i = cuda.threadIdx.x
    if x[i] < 0:
        report(status, number, int64(100 + i))
"""


def test_a_report_keeps_the_first_failure():
    x, status = np.ones(32, np.float32), np.zeros(2, np.int64)
    run_threads(FAILING, [x, status], (7,))
    np.testing.assert_array_equal(status, [0, 0])
    x[20] = -1
    run_threads(FAILING, [x, status], (7,))
    np.testing.assert_array_equal(status, [7, 120])
    x[:] = -1
    run_threads(FAILING, [x, status], (8,))
    np.testing.assert_array_equal(status, [7, 120])


def test_one_of_many_failures_is_reported_whole():
    x, status = -np.ones(64, np.float32), np.zeros(2, np.int64)
    run_threads(FAILING, [x, status], (5,), threads=64)
    assert status[0] == 5 and 100 <= status[1] < 164
