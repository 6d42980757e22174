"""The strategies draw what they promise, and every kind of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fnad import tree
from fnad.testing.strategies import (
    LAYOUTS, Box, Pair, arrays, broadcastable_shapes, in_layout, numbers, pytrees, shapes,
)
from hypothesis import find, given
from hypothesis import strategies as st


@given(shapes(max_dims=2, max_side=3, min_dims=1, min_side=1))
def test_shapes_keep_to_their_bounds(shape: tuple[int, ...]) -> None:
    assert 1 <= len(shape) <= 2 and all(1 <= n <= 3 for n in shape)


@given(broadcastable_shapes(count=3, max_dims=2))
def test_broadcastable_shapes_broadcast(three: tuple[tuple[int, ...], ...]) -> None:
    assert len(three) == 3 and len(np.broadcast_shapes(*three)) <= 2


@pytest.mark.parametrize("dtype", ["bool", "int8", "int32", "uint64", "float32", "float64", "complex64", "complex128"])
@given(data=st.data())
def test_arrays_have_their_dtype_and_stay_within_bounds(dtype: str, data: st.DataObject) -> None:
    x = data.draw(arrays((2, 3), dtype))
    assert (x.dtype, x.shape) == (np.dtype(dtype), (2, 3))
    assert np.isfinite(x).all() and (np.abs(x.astype(np.complex128)) <= 12).all()


@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan, 0.0])
def test_special_values_come_up_if_asked_for(special: float) -> None:
    drawn = find(numbers(np.float32, special_values=True), lambda x: np.array_equal(x, special, equal_nan=True))
    assert np.array_equal(drawn, special, equal_nan=True)


LOOKS = {
    "C": lambda x: x.flags.c_contiguous and x.flags.writeable and x.flags.owndata,
    "F": lambda x: x.flags.f_contiguous and not x.flags.c_contiguous,
    "reversed": lambda x: all(stride < 0 for stride in x.strides),
    "strided": lambda x: x.strides == (2 * 2 * 8 * 4, 2 * 8),
    "read-only": lambda x: not x.flags.writeable,
    "broadcast": lambda x: x.strides[0] == 0,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_look_as_their_name_says(layout: str) -> None:
    x = np.arange(12.0).reshape(3, 4)
    got = in_layout(x, layout)
    assert LOOKS[layout](got)
    np.testing.assert_array_equal(got, np.broadcast_to(x[:1], x.shape) if layout == "broadcast" else x)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2)])
def test_layouts_take_every_shape(layout: str, shape: tuple[int, ...]) -> None:
    got = in_layout(np.ones(shape, np.float32), layout)
    assert isinstance(got, np.ndarray) and (got.shape, got.dtype) == (shape, np.dtype("float32"))


@pytest.mark.parametrize("kind", [dict, list, tuple, Pair, Box, type(None), float])
def test_pytrees_have_every_kind_of_node(kind: type) -> None:
    found = find(pytrees(st.just(1.0)), lambda value: type(value) is kind)
    assert type(found) is kind


@given(pytrees())
def test_pytrees_hold_arrays(value: Any) -> None:
    assert all(isinstance(leaf, np.ndarray) for leaf in tree.leaves(value))
