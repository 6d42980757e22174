"""Gather and scatter on a GPU: NumPy's results, whatever the order of threads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fnad.compiler.cuda.library import indexing as library
from fnad.compiler.cuda.lower import LAUNCHES
from fnad.ops import indexing
from fnad.runtime.plan import GridLaunch
from hypothesis import given
from hypothesis import strategies as st

from tests.cuda.library_running import ONE, Device, check, whole_numbers
from tests.cuda.requirements import needs_cuda_compiler
from tests.ptxsim import PtxError

pytestmark = needs_cuda_compiler


def places(shape: tuple[int, ...], count: int) -> list[np.ndarray]:
    """Index arrays for axes of these extents, from either end."""
    rng = np.random.default_rng(1)
    return [rng.integers(-extent, extent, count) for extent in shape]


# --- gather -----------------------------------------------------------------------------------

GATHERED = [
    ("bool", (7,), 1, 257), ("int16", (5, 3), 1, 33), ("float32", (5, 3, 33), 2, 31), ("float64", (4, 600), 1, 3),
    ("complex64", (3, 2, 4), 2, 1), ("complex128", (9,), 1, 40), ("float32", (5, 3), 1, 0), ("int8", (3, 0), 1, 4),
]


@pytest.mark.parametrize(("dtype", "shape", "rank", "count"), GATHERED)
def test_gather_is_numpys(dtype: str, shape: tuple[int, ...], rank: int, count: int) -> None:
    check(indexing.gather, [whole_numbers(shape, dtype), *places(shape[:rank], count)])


@pytest.mark.parametrize(("offset", "carrier"), [(0, "move_16_bytes"), (8, "uint64"), (4, "uint32")])
def test_a_gather_moves_the_widest_elements_that_are_aligned(offset: int, carrier: str) -> None:
    x, (index,), device = whole_numbers((6, 8), "float32"), places((6,), 9), Device()
    given, named = device.array(x.shape, x.dtype, x, offset), device.array((9,), "int64", index)
    out = device.array((9, 8), "float32")
    (launch,) = library.gather(given, [named], out)
    assert isinstance(launch, GridLaunch)
    assert carrier in (launch.kernel.pointers[0], launch.kernel.source.partition("gather(")[2].partition(",")[0])
    device.run([launch])
    np.testing.assert_array_equal(device.read(out), x[index])


def test_an_index_of_empty_slices_is_checked_too() -> None:
    device = Device()
    x, index = device.array((3, 0), "float32"), device.array((2,), "int64", np.array([1, 3]))
    out = device.array((2, 0), "float32")
    for launches in (library.gather(x, [index], out), library.scatter(x, [index], out, "set")):
        with pytest.raises(IndexError, match="^index 3 is out of bounds for axis 0 with size 3$"):
            device.run(launches)
        device.forget()


@pytest.mark.parametrize("value", [4, -5, 2**40])
def test_a_gather_reports_an_index_out_of_bounds_and_leaves_its_row_out(value: int) -> None:
    x, device = whole_numbers((3, 4), "float32"), Device()
    given = [device.array(a.shape, a.dtype, a) for a in (x, np.array([0, 1]), np.array([1, value]))]
    out = device.array((2,), "float32", np.full(2, 7, "float32"))
    with pytest.raises(IndexError, match=f"^index {value} is out of bounds for axis 1 with size 4$"):
        device.run(library.gather(given[0], given[1:], out))
    np.testing.assert_array_equal(device.read(out), [x[0, 1], 7])


# --- scatter ----------------------------------------------------------------------------------

SCATTERED = [
    ("float32", "add", (7,), 1, 257), ("int8", "mul", (5, 3), 1, 33), ("bool", "max", (40, 33), 1, 9),
    ("float64", "set", (3, 2, 16), 2, 31), ("complex64", "min", (5, 3), 2, 40), ("uint16", "add", (2, 300), 1, 5),
    ("complex128", "mul", (9,), 1, 20), ("float32", "set", (5, 3), 1, 0), ("int64", "add", (3, 0), 1, 4),
]


@pytest.mark.parametrize(("dtype", "mode", "shape", "rank", "count"), SCATTERED)
def test_scatter_is_numpys(dtype: str, mode: str, shape: tuple[int, ...], rank: int, count: int) -> None:
    updates = whole_numbers((count, *shape[rank:]), dtype, seed=2)
    check(indexing.scatter, [whole_numbers(shape, dtype), updates, *places(shape[:rank], count)], mode=mode)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """An array, index arrays for its first axes, and updates of the slices."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    rng, count = np.random.default_rng(draw(st.integers(0, 2**32))), draw(st.integers(0, 40))
    indexed, dtype = draw(st.integers(1, len(shape))), draw(st.sampled_from(["float32", "int8"]))
    x = rng.integers(-3, 4, shape).astype(dtype)
    indices = [rng.integers(-extent, extent, count) for extent in shape[:indexed]]
    return x, indices, rng.integers(-3, 4, (count, *shape[indexed:])).astype(dtype)


@given(cases())
def test_what_is_scattered_is_gathered(case: tuple[np.ndarray, list[np.ndarray], np.ndarray]) -> None:
    x, indices, updates = case
    check(indexing.scatter, [x, updates, *indices], ONE, mode="set")
    check(indexing.gather, [x, *indices], ONE)


def test_updates_come_one_after_the_other_over_many_tiles_and_blocks() -> None:
    rng = np.random.default_rng(0)
    updates, x = rng.normal(size=3000).astype("float32") * 10 ** rng.uniform(-5, 5, 3000), np.zeros(700)
    index = np.minimum(rng.geometric(0.02, 3000), 699)
    # Sums of floats of many sizes: another order would give other bits.
    check(indexing.scatter, [x.astype("float32"), updates.astype("float32"), index], ONE, mode="add")


def test_an_array_that_is_scattered_to_in_its_place_is_not_copied() -> None:
    device = Device()
    x = device.array((4,), "int32", np.arange(4, dtype="int32"))
    index = device.array((2,), "int64", np.array([1, -1]))
    (launch,) = LAUNCHES[indexing.scatter]([x, x, index], [x], device.workspace, mode="add")
    assert isinstance(launch, GridLaunch)


def test_a_scatter_reports_an_index_out_of_bounds_and_leaves_its_row_out() -> None:
    device = Device()
    out = device.array((3, 2), "int32", np.zeros((3, 2), "int32"))
    index = device.array((4,), "int64", np.array([0, 3, -4, 2]))
    updates = device.array((4, 2), "int32", np.arange(8, dtype="int32"))
    with pytest.raises(IndexError, match="^index (3|-4) is out of bounds for axis 0 with size 3$"):
        device.run(library.scatter(out, [index], updates, "add"))
    np.testing.assert_array_equal(device.read(out), [[0, 1], [0, 0], [6, 7]])


def test_blocks_that_scatter_to_the_same_elements_are_caught() -> None:
    device = Device()
    out = device.array((4,), "float32", np.zeros(4, "float32"))
    index = device.array((8,), "int64", np.arange(8) % 4)
    updates = device.array((8,), "float32", np.ones(8, "float32"))
    (launch,) = library.scatter(out, [index], updates, "add")
    assert isinstance(launch, GridLaunch)
    device.run([launch])
    with pytest.raises(PtxError, match="race at"):
        device.run([replace(launch, grid=(*launch.grid[:2], 2))])
