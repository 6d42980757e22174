"""Kernels with one mistake each: every one is caught; and kernels without, which look alike, are not."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cuda.ptx_kernels import compiled, handwritten, random_floats, run
from tests.cuda.requirements import needs_cuda_compiler
from tests.ptxsim import Kernel, PtxError

pytestmark = needs_cuda_compiler

TWO = ("float32", "float32")
SHARED = "s = cuda.shared.array(64, float32)\n"
X = random_floats(256)


def copied(body: str, grid: int = 1, order: str = "fwd") -> np.ndarray:
    """Run a body on two arrays of 256 numbers, x and y, in blocks of 64; gives y."""
    y = np.zeros(256, np.float32)
    run(compiled("x, y", TWO, body), grid, 64, X, y, order=order)
    return y


# Bounds and alignment


def test_reading_past_the_end_is_caught() -> None:
    with pytest.raises(PtxError, match="out-of-bounds load of 4 bytes, byte 1024 of operand 0, thread 63, block 3"):
        copied("y[i] = x[i + 1]", 4)


def test_reading_before_the_start_is_caught() -> None:
    with pytest.raises(PtxError, match="out-of-bounds load of 4 bytes, byte -4 of operand 0"):
        copied("y[i] = x[i - 1]")


def test_writing_past_the_end_is_caught() -> None:
    with pytest.raises(PtxError, match="out-of-bounds store of 4 bytes, byte 1024 of operand 1, thread 0, block 4"):
        copied("y[i] = x[i % 256]", 5)


def test_leaving_shared_memory_is_caught() -> None:
    with pytest.raises(PtxError, match="out-of-bounds store of 4 bytes, shared byte"):
        copied(SHARED + "s[t + 1] = x[t]\ncuda.syncthreads()\ny[t] = s[t]")


def vector_load(offset: int) -> str:
    return handwritten("", f"ld.global.v4.f32 {{%f0, %f1, %f2, %f3}}, [%rd0+{offset}];\nst.global.f32 [%rd1], %f3;", 2)


def test_misaligned_vectors_are_caught() -> None:
    y = np.zeros(4, np.float32)
    run(vector_load(16), 1, 1, X, y)
    assert y[0] == X[7]
    with pytest.raises(PtxError, match="misaligned load of 16 bytes, byte 8 of operand 0"):
        run(vector_load(8), 1, 1, X, y)


def test_vectors_in_shared_memory_that_is_not_aligned_for_them_are_caught() -> None:
    code = "mov.b32 %r1, s;\nst.shared.v4.f32 [%r1], {%f0, %f0, %f0, %f0};"
    run(handwritten("", code, 2, ".shared .align 16 .b8 s[64];"), 1, 1, X, X.copy())
    with pytest.raises(PtxError, match="misaligned store of 16 bytes"):
        run(handwritten("", code, 2, ".shared .align 4 .b8 s[64];"), 1, 1, X, X.copy())


# Races

STAGED = """
a = float32(0)
for k in range(4):
    s[t] = x[k * 64 + t]
    cuda.syncthreads()
    a += s[63 - t]
    {second}
y[t] = a
"""


@pytest.mark.parametrize("order", ["fwd", "rev", "rand"])
def test_a_missing_barrier_between_write_and_read_is_caught(order: str) -> None:
    with pytest.raises(PtxError, match="race at (load|store) of 4 bytes, shared byte"):
        copied(SHARED + "s[t] = x[t]\ny[t] = s[63 - t]", order=order)


@pytest.mark.parametrize("order", ["fwd", "rev", "rand"])
def test_a_missing_barrier_between_read_and_write_is_caught(order: str) -> None:
    with pytest.raises(PtxError, match="race at (load|store) of 4 bytes, shared byte"):
        copied(SHARED + STAGED.format(second="pass"), order=order)


@pytest.mark.parametrize("order", ["fwd", "rev", "rand"])
def test_both_barriers_are_enough(order: str) -> None:
    y = copied(SHARED + STAGED.format(second="cuda.syncthreads()"), order=order)
    np.testing.assert_allclose(y[:64], X.reshape(4, 64)[:, ::-1].astype(float).sum(0), rtol=1e-5)


def test_a_race_between_blocks_is_caught() -> None:
    with pytest.raises(PtxError, match="race at store of 4 bytes, byte 0 of operand 1, thread 0, block 1"):
        copied("y[i % 64] = x[i]", 4)


def test_writing_what_earlier_blocks_have_read_is_caught() -> None:
    with pytest.raises(PtxError, match="race at store of 4 bytes, byte 0 of operand 0, thread 0, block 2"):
        copied("y[i] = x[0]\nif i == 128:\n    x[0] = float32(1)", 4)


def test_sums_that_are_not_atomic_are_caught() -> None:
    with pytest.raises(PtxError, match="race at .* byte 0 of operand 1"):
        copied("y[0] += x[i]", 4)


def test_an_exchange_within_a_warp_without_a_barrier_is_caught() -> None:
    assert (copied(SHARED + "s[t] = x[t]\ncuda.syncwarp()\ny[t] = s[t ^ 1]")[:64] == X[np.arange(64) ^ 1]).all()
    with pytest.raises(PtxError, match="race at"):
        copied(SHARED + "s[t] = x[t]\ny[t] = s[t ^ 1]")


def test_a_barrier_of_the_warp_does_not_order_other_warps() -> None:
    with pytest.raises(PtxError, match="race at"):
        copied(SHARED + "s[t] = x[t]\ncuda.syncwarp()\ny[t] = s[63 - t]")


# Barriers and shared memory


def test_a_barrier_that_only_some_threads_reach_is_caught() -> None:
    with pytest.raises(PtxError, match="barrier divergence in block 0: 32 of 64 threads arrived"):
        copied(SHARED + "s[t] = x[t]\nif t < 32:\n    cuda.syncthreads()\ny[t] = s[t]")


def test_returning_before_a_barrier_is_caught() -> None:
    with pytest.raises(PtxError, match="barrier divergence in block 0: 60 of 64 threads arrived"):
        copied(SHARED + "if t >= 60:\n    return\ns[t] = x[t]\ncuda.syncthreads()\ny[t] = s[t]")


def test_a_shuffle_without_all_its_lanes_is_caught() -> None:
    with pytest.raises(PtxError, match="lanes missing"):
        copied("if t != 5:\n    y[t] = cuda.shfl_xor_sync(0xffffffff, x[t], 1)")


def test_shared_memory_that_is_read_before_it_is_written_is_nan() -> None:
    y = copied(SHARED + "if t < 63:\n    s[t] = x[t]\ncuda.syncthreads()\ny[t] = s[t]")
    assert (y[:63] == X[:63]).all() and np.isnan(y[63])


# A tile edge

TRANSPOSE = """
s = cuda.shared.array(64, float32)
row, column = t // 8, t % 8
r, c = cuda.blockIdx.y * 8 + row, cuda.blockIdx.x * 8 + column
if {inside}:
    s[row * 8 + column] = x[r * n + c]
cuda.syncthreads()
r, c = cuda.blockIdx.x * 8 + row, cuda.blockIdx.y * 8 + column
if {written}:
    y[r * m + c] = s[column * 8 + row]
"""
EDGES = {"inside": "r < m and c < n", "written": "r < n and c < m"}


def transposed(m: int, n: int, order: str = "fwd", **edges: str) -> None:
    """Transpose by tiles of 8 x 8, with the guards of a tile's edge, and compare with NumPy."""
    x, y = random_floats(m, n), np.full((n, m), np.nan, np.float32)
    ptx = compiled("x, y, m, n", TWO, TRANSPOSE.format(**EDGES | edges))
    run(ptx, (-(-n // 8), -(-m // 8)), 64, x, y, m, n, order=order)
    np.testing.assert_array_equal(y, x.T)


@pytest.mark.parametrize("order", ["fwd", "rev", "rand"])
def test_a_guarded_tile_edge_is_right(order: str) -> None:
    transposed(13, 21, order)


def test_a_tile_edge_without_guard_is_caught() -> None:
    transposed(16, 24, inside="True", written="True")
    with pytest.raises(PtxError, match="out-of-bounds load"):
        transposed(13, 21, inside="True")


def test_a_tile_edge_whose_limits_are_swapped_is_caught() -> None:
    with pytest.raises((AssertionError, PtxError)):
        transposed(13, 21, written="r < m and c < n")


def test_a_tile_edge_that_only_guards_rows_is_caught() -> None:
    with pytest.raises(PtxError, match="race at store"):
        transposed(13, 21, written="r < n")


# What is right though it looks wrong


def test_changing_an_array_in_place_is_right() -> None:
    x = X.copy()
    kernel = Kernel(compiled("x, y", TWO, "y[i] = x[i] * float32(2)"))
    span = (x.ctypes.data, x.ctypes.data + x.nbytes, 4)
    kernel.launch((4, 1, 1), (64, 1, 1), np.array([x.ctypes.data] * 2), [span, span])
    np.testing.assert_array_equal(x, X * 2)


def test_shifting_an_array_in_place_is_caught() -> None:
    x = X.copy()
    kernel = Kernel(compiled("x, y", TWO, "if i < 255:\n    y[i] = x[i]"))
    first, end = x.ctypes.data, x.ctypes.data + x.nbytes
    with pytest.raises(PtxError, match="race at"):
        kernel.launch((4, 1, 1), (64, 1, 1), np.array([first, first + 4]), [(first, end - 4, 4), (first + 4, end, 4)])


def test_reading_overlapping_ranges_is_right() -> None:
    x, y = X.copy(), np.zeros(192, np.float32)
    kernel = Kernel(compiled("a, b, y", ("float32",) * 3, "y[i] = a[i] - b[i]"))
    first, out = x.ctypes.data, y.ctypes.data
    ranges = [(first, first + 768, 4), (first + 256, first + 1024, 4), (out, out + y.nbytes, 4)]
    kernel.launch((3, 1, 1), (64, 1, 1), np.array([first, first + 256, out]), ranges)
    np.testing.assert_array_equal(y, X[:192] - X[64:])


def test_a_range_is_the_limit_though_memory_goes_on() -> None:
    x = X.copy()
    kernel = Kernel(compiled("x, y", TWO, "y[i] = x[i] * float32(2)"))
    span = (x.ctypes.data, x.ctypes.data + x.nbytes - 4, 4)
    with pytest.raises(PtxError, match="out-of-bounds load of 4 bytes, byte 1020"):
        kernel.launch((4, 1, 1), (64, 1, 1), np.array([x.ctypes.data] * 2), [span])


@pytest.mark.parametrize("word", ["uint8", "int8"])
def test_writing_neighbouring_bytes_is_right(word: str) -> None:
    x, y = X.copy(), np.zeros(256, np.int8)
    run(compiled("x, y", ("float32", word), "y[i] = x[i] > float32(0)"), 4, 64, x, y)
    np.testing.assert_array_equal(y, X > 0)


def test_writing_the_same_byte_is_caught() -> None:
    ptx = compiled("x, y", ("float32", "int8"), "y[i // 2] = x[i] > float32(0)")
    with pytest.raises(PtxError, match="race at store of 1 bytes"):
        run(ptx, 4, 64, X, np.zeros(256, np.int8))


BYTES = ".shared .align 4 .b8 s[64];"


def test_neighbouring_bytes_of_shared_memory_are_right() -> None:
    code = "cvt.u64.u32 %rd3, %r0; mov.b64 %rd4, s; add.s64 %rd4, %rd4, %rd3; st.shared.u8 [%rd4], %r0;"
    code += "bar.sync 0; ld.shared.u8 %rs1, [%rd4]; add.s64 %rd3, %rd3, %rd0; st.global.u8 [%rd3], %rs1;"
    y = np.zeros(64, np.uint8)
    run(handwritten("", code, 1, BYTES), 1, 64, y)
    assert y.tolist() == list(range(64))
    with pytest.raises(PtxError, match="race at"):
        run(handwritten("", code.replace("bar.sync 0;", "xor.b64 %rd4, %rd4, 1;"), 1, BYTES), 1, 64, y)


ATOMIC = """
and.b32 %r1, %r0, 3;
mul.wide.u32 %rd3, %r1, 4;
add.s64 %rd3, %rd3, %rd0;
red.relaxed.gpu.global.add.s32 [%rd3], 1;
"""


def test_atomic_sums_are_right() -> None:
    counts = np.zeros(4, np.int32)
    run(handwritten("", ATOMIC, 1), 3, 64, counts)
    assert counts.tolist() == [48] * 4


def test_an_atomic_sum_and_a_plain_write_are_caught() -> None:
    with pytest.raises(PtxError, match="race at store"):
        run(handwritten("", ATOMIC + "st.global.u32 [%rd0], 0;", 1), 3, 64, np.zeros(4, np.int32))


# What a GPU would refuse


def test_blocks_beyond_the_launch_bounds_are_refused() -> None:
    with pytest.raises(PtxError, match="blocks of 128 threads, at most 64"):
        run(compiled("x, y", TWO, "y[i] = x[i]"), 1, 128, X, X.copy())


def test_more_than_48_kib_of_shared_memory_are_refused() -> None:
    ptx = handwritten("", "st.shared.u8 [s], %r0;", 1, ".shared .align 16 .b8 s[{}];")
    run(ptx.replace("{}", "49152"), 1, 1, X)
    with pytest.raises(PtxError, match="49153 bytes of shared memory, at most 49152"):
        run(ptx.replace("{}", "49153"), 1, 1, X)


def test_a_wrong_number_of_words_is_refused() -> None:
    with pytest.raises(PtxError, match="1 argument words for 2 parameters"):
        run(compiled("x, y", TWO, "y[i] = x[i]"), 1, 64, X)


@pytest.mark.parametrize("code", ["frob.u32 %r1, %r2;", "add.sat.s32 %r1, %r1, %r1;", "call f;", "mov.u32 %r1, %nope;"])
def test_what_is_not_modelled_is_an_error(code: str) -> None:
    with pytest.raises(PtxError):
        Kernel(handwritten("", code))
