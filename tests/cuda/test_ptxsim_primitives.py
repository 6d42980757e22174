"""What threads do together (shuffles, votes, barriers), and CUDA's functions of integers, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cuda.ptx_kernels import compiled, random_floats, run
from tests.cuda.requirements import needs_cuda_compiler
from tests.ptxsim import Kernel

pytestmark = needs_cuda_compiler

MACHINES = pytest.mark.parametrize("capability", [(8, 0), (10, 0)], ids=["sm_80", "sm_100"])
ORDERS = pytest.mark.parametrize("order", ["fwd", "rev", "rand"])
N = 64
LANE, WARP = np.arange(N) % 32, np.arange(N) // 32 * 32

SHUFFLES = """
y[t] = cuda.shfl_down_sync(0xffffffff, x[t], 5)
y[t + 64] = cuda.shfl_up_sync(0xffffffff, x[t], 3)
y[t + 128] = cuda.shfl_xor_sync(0xffffffff, x[t], 9)
y[t + 192] = cuda.shfl_sync(0xffffffff, x[t], (t * 7) % 32)
"""


@MACHINES
@ORDERS
@pytest.mark.parametrize("word", ["float32", "float64", "int32", "int64"])
def test_shuffles(word: str, order: str, capability: tuple[int, int]) -> None:
    x = (random_floats(N) * 1000).astype(word)
    y = np.zeros((4, N), word)
    run(compiled("x, y", (word, word), SHUFFLES, capability=capability), 1, N, x, y, order=order)
    down, up = np.where(LANE + 5 < 32, LANE + 5, LANE), np.where(LANE >= 3, LANE - 3, LANE)
    lanes = [down, up, LANE ^ 9, np.arange(N) * 7 % 32]
    np.testing.assert_array_equal(y, [x[WARP + lane] for lane in lanes])


VOTES = """
y[t] = uint32(cuda.ballot_sync(0xffffffff, x[t] > 0))
y[t + 64] = cuda.any_sync(0xffffffff, x[t] > 4)
y[t + 128] = cuda.all_sync(0xffffffff, x[t] > -6)
y[t + 192] = cuda.syncthreads_count(int32(x[t] > 0))
y[t + 256] = cuda.syncthreads_and(int32(x[t] > -6))
y[t + 320] = cuda.syncthreads_or(int32(x[t] > 100))
y[t + 384] = cuda.laneid
"""


@MACHINES
@ORDERS
def test_votes(order: str, capability: tuple[int, int]) -> None:
    x, y = np.random.default_rng(0).integers(-5, 6, N, np.int32), np.zeros((7, N), np.int64)
    x[:32] = np.minimum(x[:32], 4)
    run(compiled("x, y", ("int32", "int64"), VOTES, capability=capability), 1, N, x, y, order=order)
    ballots = [sum(int(v > 0) << i for i, v in enumerate(warp)) for warp in x.reshape(2, 32)]
    assert y[0].tolist() == np.repeat(ballots, 32).tolist()
    assert y[1].tolist() == np.repeat((x.reshape(2, 32) > 4).any(1), 32).tolist()
    assert y[2:].tolist() == [[1] * N, [int((x > 0).sum())] * N, [1] * N, [0] * N, LANE.tolist()]


INTEGERS = """
a = x[t]
y[t] = cuda.popc(uint32(a))
y[t + 64] = cuda.clz(uint32(a))
y[t + 128] = cuda.brev(uint32(t))
y[t + 192] = cuda.ffs(uint32(a))
y[t + 256] = a // 3
y[t + 320] = a % 3
y[t + 384] = (int64(a) << 33) >> 31
y[t + 448] = cuda.selp(a > 0, 1, 2)
"""


@MACHINES
def test_integers(capability: tuple[int, int]) -> None:
    x, y = np.random.default_rng(0).integers(-5, 6, N, np.int32), np.zeros((8, N), np.int64)
    run(compiled("x, y", ("int32", "int64"), INTEGERS, capability=capability), 1, N, x, y)
    bits = [int(v) & 0xFFFFFFFF for v in x]
    assert y[0].tolist() == [v.bit_count() for v in bits]
    assert y[1].tolist() == [32 - v.bit_length() for v in bits]
    assert y[2].tolist() == [int(f"{t:032b}"[::-1], 2) for t in range(N)]
    assert y[3].tolist() == [(v & -v).bit_length() for v in bits]
    np.testing.assert_array_equal(y[4:], [x // 3, x % 3, x.astype(np.int64) << 33 >> 31, np.where(x > 0, 1, 2)])


SUM_OF_BLOCK = """
s = cuda.shared.array(2, float32)
v = x[t]
for d in (16, 8, 4, 2, 1):
    v += cuda.shfl_xor_sync(0xffffffff, v, d)
if t % 32 == 0:
    s[t // 32] = v
cuda.syncthreads()
y[t] = s[0] + s[1]
"""


@MACHINES
@ORDERS
def test_sums_by_shuffles(order: str, capability: tuple[int, int]) -> None:
    x, y = random_floats(N), np.zeros(N, np.float32)
    run(compiled("x, y", ("float32", "float32"), SUM_OF_BLOCK, capability=capability), 1, N, x, y, order=order)
    np.testing.assert_allclose(y, np.full(N, x.astype(float).sum()), rtol=1e-5)


TREE = """
s = cuda.shared.array(64, float32)
s[t] = x[i] if i < n else float32(0)
cuda.syncthreads()
half = 32
while half > 0:
    if t < half:
        s[t] += s[t + half]
    cuda.syncthreads()
    half >>= 1
if t == 0:
    y[cuda.blockIdx.x] = s[0]
"""


@ORDERS
def test_sums_by_shared_memory(order: str) -> None:
    x, y = random_floats(250), np.zeros(4, np.float32)
    run(compiled("x, y, n", ("float32", "float32"), TREE), 4, N, x, y, 250, order=order)
    want = [part.astype(float).sum() for part in np.split(x, [64, 128, 192])]
    np.testing.assert_allclose(y, want, rtol=1e-5)


@MACHINES
def test_grids_of_three_axes(capability: tuple[int, int]) -> None:
    body = "x, y, z = cuda.grid(3)\nif x < 5 and y < 6 and z < 7:\n    o[(x * 6 + y) * 7 + z] = x * 10000 + y * 100 + z"
    o = np.zeros((5, 6, 7), np.int32)
    run(compiled("o", ("int32",), body, capability=capability), (2, 2, 4), (3, 4, 2), o)
    a, b, c = np.indices(o.shape)
    np.testing.assert_array_equal(o, a * 10000 + b * 100 + c)


def test_shared_memory_of_the_launch() -> None:
    body = "s = cuda.shared.array(0, float32)\ns[t] = x[t]\ncuda.syncthreads()\ny[t] = s[cuda.blockDim.x - 1 - t]"
    x, y = random_floats(N), np.zeros(N, np.float32)
    Kernel(compiled("x, y", ("float32", "float32"), body), dynamic_shared=4 * N)[1, N](x, y)
    np.testing.assert_array_equal(y, x[::-1])


def test_arrays_of_a_thread() -> None:
    body = "a = cuda.local.array(8, float32)\nfor k in range(8):\n    a[k] = x[k] * x[i]\ny[i] = a[i % 8]"
    x, y = random_floats(N), np.zeros(N, np.float32)
    run(compiled("x, y", ("float32", "float32"), body), 1, N, x, y)
    np.testing.assert_array_equal(y, x[np.arange(N) % 8] * x)


def test_the_orders_differ() -> None:
    """Which thread comes last to write without a check."""
    last = []
    for order in ("fwd", "rev", "rand"):
        y = np.zeros(1, np.int32)
        Kernel(compiled("y", ("int32",), "y[0] = i"), check=False, order=order, seed=1)[4, N](y)
        last.append(int(y[0]))
    assert last[:2] == [255, 0] and last[2] not in (0, 255)


def test_a_random_order_is_the_same_each_time() -> None:
    kernel = Kernel(compiled("y", ("int32",), "y[0] = i"), check=False, order="rand")
    runs = []
    for _ in range(2):
        y = np.zeros(1, np.int32)
        kernel[4, N](y)
        runs.append(int(y[0]))
    assert runs[0] == runs[1]
