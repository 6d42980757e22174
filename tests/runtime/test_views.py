"""View arithmetic shows the elements that NumPy's own operations show."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fnad.ops import strides
from fnad.runtime import views
from fnad.runtime.plan import View

SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


def shown(view: View, memory: np.ndarray) -> np.ndarray:
    """The elements that a view shows of a flat array."""
    flat = memory.reshape(-1)
    if 0 in view.shape:
        return np.empty(view.shape, memory.dtype)
    at = sum(
        np.arange(n).reshape([-1 if a == axis else 1 for a in range(len(view.shape))]) * (s // memory.itemsize)
        for axis, (n, s) in enumerate(zip(view.shape, view.strides))
    )
    return flat[np.broadcast_to(at, view.shape) + view.offset // memory.itemsize]


@st.composite
def moved_views(draw: Any) -> tuple[View, np.ndarray, np.ndarray]:
    """A view after some moves, its memory, and what NumPy shows after the same moves."""
    shape = draw(SHAPES)
    memory = np.arange(float(prod(shape))).reshape(shape)
    view, expected = views.whole(0, shape, memory.dtype), memory
    for move in draw(st.lists(st.sampled_from(["transpose", "slice", "flip", "broadcast"]), max_size=3)):
        shape = expected.shape
        if move == "transpose":
            perm = tuple(draw(st.permutations(range(len(shape)))))
            view, expected = strides.transpose(view, perm), expected.transpose(perm)
        elif move == "slice":
            cuts = [(draw(st.integers(0, n)), n, draw(st.integers(1, 3))) for n in shape]
            view = strides.slice_(view, *(tuple(column) for column in zip(*cuts))) if cuts else view
            expected = expected[tuple(slice(*cut) for cut in cuts)]
        elif move == "flip":
            axes = tuple(a for a in range(len(shape)) if draw(st.booleans()))
            view, expected = strides.flip(view, axes), np.flip(expected, axes)
        else:
            n, at = draw(st.integers(0, 3)), draw(st.integers(0, len(shape)))
            result = (*shape[:at], n, *shape[at:])
            dims = tuple(d for d in range(len(result)) if d != at)
            view = strides.broadcast(view, result, dims)
            expected = np.broadcast_to(np.expand_dims(expected, at), result)
    return view, memory, expected


@given(moved_views())
def test_moves(case: tuple[View, np.ndarray, np.ndarray]) -> None:
    view, memory, expected = case
    assert view.shape == expected.shape
    np.testing.assert_array_equal(shown(view, memory), expected)


@given(moved_views(), st.data())
def test_reshape_is_right_or_none(case: tuple[View, np.ndarray, np.ndarray], data: Any) -> None:
    view, memory, expected = case
    sizes = [n for n in expected.shape if n != 1]
    target = tuple(data.draw(st.permutations([1, *sizes]))) if data.draw(st.booleans()) else (prod(expected.shape),)
    reshaped = strides.reshape(view, target)
    if reshaped is None:
        assert not strides.is_contiguous(view)
    else:
        np.testing.assert_array_equal(shown(reshaped, memory), expected.reshape(target))


def test_reshape_splits_and_merges_where_memory_allows() -> None:
    columns = strides.transpose(views.whole(0, (4, 6), np.dtype(float)), (1, 0))
    assert strides.reshape(columns, (2, 3, 4)) is not None
    assert strides.reshape(columns, (3, 2, 2, 2)) is not None
    assert strides.reshape(columns, (24,)) is None
    assert strides.reshape(columns, (6, 1, 4, 1)) is not None


def test_is_contiguous() -> None:
    view = views.whole(0, (2, 3), np.dtype(float))
    assert strides.is_contiguous(view) and not strides.is_contiguous(strides.transpose(view, (1, 0)))
    assert not strides.is_contiguous(strides.flip(view, (0,)))
    assert strides.is_contiguous(strides.slice_(view, (1, 0), (2, 3), (1, 1)))
