"""Gather and scatter against NumPy's integer-array indexing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fnad.compiler.cpu.library.indexing import gather, scatter
from fnad.ops.indexing import MODES
from fnad.runtime.cpu.executor import KernelError
from fnad.runtime.failures import index_error
from tests.compiler.kernel_running import run_launch, view_of

DTYPES = ["float32", "float64", "int8", "uint16", "int64", "bool", "complex64", "complex128"]
UFUNCS = {"add": np.add, "mul": np.multiply, "min": np.minimum, "max": np.maximum}


def run_gather(x: np.ndarray, indices: list[np.ndarray], out: np.ndarray) -> None:
    views = [view_of(k, array) for k, array in enumerate([x, *indices, out])]
    run_launch(gather(views[0], views[1:-1], views[-1]), [x, *indices], [out])


def run_scatter(out: np.ndarray, indices: list[np.ndarray], updates: np.ndarray, mode: str) -> None:
    views = [view_of(k, array) for k, array in enumerate([updates, *indices, out])]
    launch = scatter(views[-1], views[1:-1], views[0], mode)
    run_launch(launch, [updates, *indices], [out])


@st.composite
def cases(draw):
    """An array, index arrays for its first axes, and the random generator that made them."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count, indexed = draw(st.integers(0, 6)), draw(st.integers(1, len(shape)))
    x = rng.integers(-3, 4, shape).astype(draw(st.sampled_from(DTYPES)))
    indices = [rng.integers(-extent, extent, count) for extent in shape[:indexed]]
    return x, indices, rng


@settings(max_examples=100, deadline=None)
@given(cases())
def test_gather_is_numpys(case):
    x, indices, _ = case
    want = x[tuple(indices)]
    out = np.empty_like(want)
    run_gather(x, indices, out)
    np.testing.assert_array_equal(out, want)


@settings(max_examples=200, deadline=None)
@given(cases(), st.sampled_from(list(MODES)))
def test_scatter_is_numpys(case, mode):
    x, indices, rng = case
    updates = rng.integers(-3, 4, x[tuple(indices)].shape).astype(x.dtype)
    want, out = x.copy(), x.copy()
    if mode == "set":
        want[tuple(indices)] = updates
    else:
        UFUNCS[mode].at(want, tuple(indices), updates)
    run_scatter(out, indices, updates, mode)
    np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("value", [3, -4, 2**40, -(2**40)])
@pytest.mark.parametrize("operand", [0, 1])
@pytest.mark.parametrize("rest", [(), (5,), (0,)])
def test_an_index_out_of_bounds_is_told_and_nothing_is_written(value, operand, rest):
    x = np.zeros((3, 3, *rest))
    indices = [np.array([0, 1, 2]), np.array([-1, -2, -3])]
    indices[operand][1] = value
    guarded = np.full((3, 3, *rest), 7.0)
    with pytest.raises(KernelError) as caught:
        run_scatter(guarded, indices, np.ones((3, *rest)), "set")
    assert index_error(caught.value.status) == (operand, value)
    assert (guarded == 7).all()
    with pytest.raises(KernelError) as caught:
        run_gather(x, indices, np.empty((3, *rest)))
    assert index_error(caught.value.status) == (operand, value)


def test_an_index_into_an_empty_axis_is_out_of_bounds():
    with pytest.raises(KernelError):
        run_gather(np.empty((0, 2)), [np.array([0])], np.empty((1, 2)))


def test_of_equal_indices_the_last_assignment_stays_and_the_others_accumulate():
    index = np.array([1, 1, -1, 1])
    updates = np.array([1e8, 1.0, 5.0, -1e8], "float32")
    out = np.zeros(3, "float32")
    run_scatter(out, [index], updates, "set")
    np.testing.assert_array_equal(out, np.array([0, -1e8, 5], "float32"))
    out = np.zeros(3, "float32")
    run_scatter(out, [index], updates, "add")
    one_by_one = (np.float32(1e8) + np.float32(1)) - np.float32(1e8)
    np.testing.assert_array_equal(out, np.array([0, one_by_one, 5], "float32"))


def test_minimum_and_maximum_keep_nan():
    for mode in ("min", "max"):
        out = np.array([np.nan, 1.0])
        run_scatter(out, [np.array([0, 1])], np.array([2.0, np.nan]), mode)
        assert np.isnan(out).all()
