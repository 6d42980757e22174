"""Matrix products of a GPU against NumPy, in every order of threads."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fnad.compiler.cuda.library import matmul as products
from fnad.compiler.cuda.lower import LAUNCHES
from fnad.kernels.cuda.matmul import Tile
from fnad.ops.contractions import matmul, matmul_add
from fnad.runtime.plan import GridLaunch
from fnad.runtime.views import whole
from tests.cuda.launching import Memory, assert_near, draw, run_in_every_order
from tests.cuda.requirements import needs_cuda_compiler
from tests.ptxsim import PtxError

pytestmark = needs_cuda_compiler

WHOLE = ["int8", "uint16", "int32", "uint64"]


def exact(*operands: np.ndarray) -> list[np.ndarray]:
    """The operands in the dtype that the reference is computed in."""
    wide = {"f": np.float64, "c": np.complex128}
    return [x.astype(wide.get(x.dtype.kind, x.dtype)) for x in operands]


def check_matmul(
    m: int, k: int, n: int, dtype: str = "float32", transposed: str = "", batch: tuple[int, ...] = (),
    alpha: float = 1, beta: float = 0, pads: tuple[int, int, int] = (0, 0, 0),
    offsets: tuple[int, int, int] = (0, 0, 0), fixed: str = "", capability: tuple[int, int] = (8, 0),
) -> list[GridLaunch]:
    """alpha A B + beta C, with the operands named in `transposed` kept so, and those in `fixed` without the batch."""
    rng = np.random.default_rng(m + k + n)
    a, b, c = (draw(rng, (*batch, *shape), dtype) for shape in ((m, k), (k, n), (m, n)))
    a, b = (np.broadcast_to(x[(0,) * len(batch)], x.shape) if name in fixed else x for x, name in ((a, "a"), (b, "b")))
    start = c if beta else np.full_like(c, np.nan if c.dtype.kind in "fc" else 99)
    made: list[GridLaunch] = []

    def build(memory: Memory) -> Any:
        views = [
            memory.hold(x, name in transposed, pad, offset)
            for x, name, pad, offset in zip((a, b, start), "abc", pads, offsets)
        ]
        made[:] = products.matmul(*views, memory.workspace, alpha, beta)
        return made, [views[2]]

    (found,) = run_in_every_order(build, capability)
    x, y, z = exact(a, b, c)
    with np.errstate(over="ignore"):
        expected = x @ y * np.asarray(alpha).astype(x.dtype) + z * np.asarray(beta).astype(x.dtype)
    terms = abs(alpha) * (np.abs(x) @ np.abs(y)) + abs(beta) * np.abs(z)
    assert_near(found, expected, terms, k)
    return made


def tiles(launches: list[GridLaunch]) -> Tile:
    """The tile of a product's first launch."""
    source = launches[0].kernel.source
    known = [*products.WIDE.values(), products.MIDDLE, products.SMALL, products.TALL, products.FLAT]
    sizes = {t: f"(n + {t.columns - 1}) // {t.columns}, (m + {t.rows - 1}) // {t.rows}\n" for t in known}
    return next(t for t, text in sizes.items() if text in source and f"k_at += {t.depth}\n" in source)


@pytest.mark.parametrize("transposed", ["", "a", "b", "ab"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(36, 40, 68), (37, 41, 67)], ids=["whole", "ragged"])
def test_a_product_of_matrices_kept_either_way(sizes: Any, dtype: str, transposed: str) -> None:
    launches = check_matmul(*sizes, dtype, transposed)
    assert ("fetch_each" in launches[0].kernel.source) == (sizes[0] % 4 != 0)


@given(m=st.integers(1, 40), k=st.integers(0, 40), n=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_products_of_any_size(m: int, k: int, n: int) -> None:
    check_matmul(2 * m - 1, 2 * k + 1, 2 * n - 1)  # odd sizes have one kernel for each tile


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_products_have_large_tiles(dtype: str) -> None:
    assert tiles(check_matmul(70, 20, 67, dtype, batch=(64,))) == products.MIDDLE
    assert tiles(check_matmul(130, 9, 67, dtype, batch=(64,))) == products.WIDE[dtype]
    assert tiles(check_matmul(32, 5, 32, dtype, batch=(4,))) == products.SMALL


@pytest.mark.parametrize(
    ("sizes", "tile"), [((100, 50, 10), products.TALL), ((10, 50, 100), products.FLAT), ((9, 9, 9), products.TALL)]
)
def test_thin_products_have_thin_tiles(sizes: Any, tile: Tile) -> None:
    assert tiles(check_matmul(*sizes)) == tile


def test_accesses_of_16_bytes_where_everything_allows_them() -> None:
    for pads, offsets, each in [
        ((4, 8, 4), (4, 8, 12), []), ((0, 0, 0), (1, 0, 3), ["a", "c"]), ((0, 3, 0), (0, 0, 0), ["b"]),
        ((1, 0, 2), (0, 0, 0), ["a", "c"]), ((0, 0, 0), (0, 3, 0), ["b"]),
    ]:
        source = check_matmul(36, 40, 68, pads=pads, offsets=offsets)[0].kernel.source
        assert [name for name in "abc" if re.search(rf"_each_float32x4\({name}, ", source)] == each


def test_a_batch_whose_matrices_start_anywhere_is_not_read_16_bytes_at_a_time() -> None:
    source = check_matmul(3, 5, 4, transposed="a", batch=(2,), fixed="a")[0].kernel.source
    assert "each_float32x4(b" not in source and "each_float32x4(c" not in source
    a, b, c = (whole(i, (2, 4, 4), np.dtype("float32")) for i in range(3))
    source = products.matmul(a, replace(b, strides=(68, 16, 4)), c, Memory().workspace)[0].kernel.source
    assert "each_float32x4(b" in source and "each_float32x4(a" not in source


@pytest.mark.parametrize(
    ("sizes", "dtype"),
    [
        *((sizes, "float32") for sizes in ((33, 20, 35), (33, 20, 1), (1, 20, 33), (1, 20, 1))),
        ((33, 20, 35), "float64"),
    ],
)
def test_scaled_products_and_sums(sizes: Any, dtype: str) -> None:
    check_matmul(*sizes, dtype, alpha=-0.5, beta=2)
    check_matmul(*sizes, dtype, alpha=3)


def test_adding_a_product_to_the_output() -> None:
    rng = np.random.default_rng(0)
    c, a, b = (draw(rng, shape, "float32") for shape in ((20, 30), (20, 8), (8, 30)))

    def build(memory: Memory) -> Any:
        views = [memory.hold(x) for x in (c, a, b)]
        return LAUNCHES[matmul_add](views, views[:1], memory.workspace, alpha=-1.0), views[:1]

    (found,) = run_in_every_order(build)
    np.testing.assert_allclose(found, c - a @ b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("transposed", ["", "c"])
def test_a_batch_of_products(transposed: str) -> None:
    check_matmul(6, 7, 9, batch=(3, 2), transposed=transposed)
    check_matmul(6, 7, 9, batch=(3, 2), transposed=transposed, fixed="a")
    check_matmul(6, 7, 9, batch=(3,), transposed=transposed, fixed="b", pads=(1, 2, 3))
    check_matmul(20, 7, 1, batch=(3,), transposed=transposed, fixed="a")


def test_axes_of_a_batch_that_lie_like_one_are_one() -> None:
    assert "extent" not in check_matmul(4, 4, 4, batch=(1, 1))[0].kernel.source
    assert "extent1" not in check_matmul(4, 4, 4, batch=(3, 2))[0].kernel.source


@pytest.mark.parametrize("sizes", [(70, 90, 1), (1, 90, 70), (3, 300, 1), (1, 1000, 1), (1, 1, 1), (65, 0, 1)])
@pytest.mark.parametrize("transposed", ["", "ab"])
def test_products_with_vectors(sizes: Any, transposed: str) -> None:
    assert check_matmul(*sizes, transposed=transposed)[0].kernel.name.startswith("matvec")


@pytest.mark.parametrize("beta", [0, 1])
@pytest.mark.parametrize("sizes", [(40, 1500, 30), (3, 600, 5), (5, 9000, 1), (1, 9001, 6), (1, 5000, 1)])
def test_long_sums_are_made_in_pieces(sizes: Any, beta: float) -> None:
    assert len(check_matmul(*sizes, transposed="a", alpha=1 + beta, beta=beta)) == 2


def test_long_sums_of_a_batch() -> None:
    assert len(check_matmul(3, 600, 5, batch=(3,), pads=(0, 0, 2))) == 2
    assert len(check_matmul(3, 600, 5, "float64", batch=(2, 3), transposed="b")) == 2


@pytest.mark.parametrize("dtype", [*WHOLE, "complex64", "complex128"])
def test_products_of_other_dtypes(dtype: str) -> None:
    check_matmul(17, 20, 33, dtype, "b", offsets=(1, 0, 3))


def test_a_batch_of_products_of_whole_numbers() -> None:
    check_matmul(5, 18, 3, "int32", "ab", batch=(2,), fixed="b")


@pytest.mark.parametrize("dtype", WHOLE)
def test_scaled_products_of_whole_numbers(dtype: str) -> None:
    check_matmul(17, 20, 33, dtype, alpha=3, beta=2)
    check_matmul(17, 20, 33, dtype, alpha=1, beta=1, transposed="c")


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_a_sum_of_nothing_is_zero(dtype: str) -> None:
    check_matmul(20, 0, 30, dtype)
    check_matmul(20, 0, 30, dtype, alpha=2, beta=3)


@pytest.mark.parametrize("sizes", [(0, 3, 4), (4, 3, 0), (0, 0, 0)])
def test_an_empty_result_launches_nothing(sizes: Any) -> None:
    assert check_matmul(*sizes) == []
    assert check_matmul(*sizes, batch=(2,), dtype="int32") == []
    assert check_matmul(2, 3, 4, batch=(0,)) == []


def test_products_on_a_newer_device() -> None:
    check_matmul(36, 40, 68, capability=(10, 0))
    check_matmul(37, 41, 67, "float64", "ab", capability=(10, 0))
    check_matmul(40, 1500, 30, transposed="a", capability=(10, 0))
    check_matmul(37, 41, 1, "float64", capability=(10, 0))
    check_matmul(17, 20, 33, "int16", capability=(10, 0))


def test_what_there_are_no_products_of() -> None:
    memory = Memory()
    for dtype in ("bool", "float16", "longdouble"):
        views = [memory.hold(np.zeros((4, 4), dtype)) for _ in range(3)]
        assert LAUNCHES[matmul](views[:2], views[2:], memory.workspace) is None
    a, b, c = (memory.hold(np.zeros((4, 4), "complex64")) for _ in range(3))
    assert LAUNCHES[matmul_add]([c, a, b], [c], memory.workspace, alpha=1.0) is None


def test_a_view_without_a_contiguous_axis_must_be_copied() -> None:
    memory = Memory()
    a, b, c = (memory.hold(np.zeros((4, 4), "float32")) for _ in range(3))
    with pytest.raises(ValueError, match="matmul: requires views with a contiguous axis"):
        products.matmul(replace(a, strides=(32, 8)), b, c, memory.workspace)


# --- the checks themselves --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("        cuda.syncthreads()\n", "", "race"),
        ("stage = int32(1 - stage)", "stage = int32(0)", "race"),
        ("min(n - column0, 32)", "min(n - column0 + 4, 32)", "out-of-bounds"),
        ("select(row < m, count, 0)", "count", "out-of-bounds"),
        ("fetch_each_float32x4(a", "fetch_float32x4(a", "misaligned|out-of-bounds"),
    ],
)
def test_a_wrong_kernel_is_caught(right: str, wrong: str, message: str) -> None:
    memory = Memory()
    a, b, c = (memory.hold(np.ones(shape, "float32")) for shape in ((33, 37), (37, 34), (33, 34)))
    (launch,) = products.matmul(a, b, c, memory.workspace)
    assert right in launch.kernel.source
    kernel = replace(launch.kernel, source=launch.kernel.source.replace(right, wrong))
    with pytest.raises(PtxError, match=message):
        memory.run([replace(launch, kernel=kernel)])
