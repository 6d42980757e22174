"""Indices beyond an array, by the modes of `x.at[i]`, `take` and `take_along_axis`."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest

X = np.arange(5.0)
PLACES = np.array([0, -1, 7, -9, 4])
NAMED: dict[str, list[Any]] = {
    "clip": [0, 4, 4, 0, 4], "wrap": [0, 4, 2, 1, 4], "fill": [0, 4, None, None, 4], "drop": [0, 4, None, None, 4],
}
"""The places that are meant; none for what is left out."""


@pytest.mark.parametrize("mode", NAMED)
def test_reading(mode: str) -> None:
    expected = [np.nan if place is None else X[place] for place in NAMED[mode]]
    np.testing.assert_array_equal(fnp.at(X)[PLACES].get(mode=mode), expected)
    np.testing.assert_array_equal(fnad.jit(lambda x, i: x.at[i].get(mode))(X, PLACES), expected)


@pytest.mark.parametrize("mode", NAMED)
def test_writing(mode: str) -> None:
    counts = np.zeros(5)
    np.add.at(counts, [place for place in NAMED[mode] if place is not None], 1.0)
    np.testing.assert_array_equal(fnp.at(X)[PLACES].add(1.0, mode=mode), X + counts)
    np.testing.assert_array_equal(fnad.jit(lambda x, i: x.at[i].add(1.0, mode=mode))(X, PLACES), X + counts)


def test_what_is_filled_in() -> None:
    assert fnp.at(np.arange(3))[7].get(mode="fill") == np.iinfo(np.int64).min
    assert fnp.at(np.arange(3, dtype="u1"))[7].get(mode="fill") == 255 and fnp.at(X > 9)[7].get(mode="fill")
    np.testing.assert_array_equal(fnp.at(X)[PLACES].get(mode="fill", fill_value=-1), [0, 4, -1, -1, 4])
    np.testing.assert_array_equal(fnp.at(X[:0])[[0, 1]].get(mode="fill"), [np.nan, np.nan])
    assert fnp.at(X[:0])[[0, 1]].add(1.0, mode="drop").shape == (0,)


def test_indices_of_several_axes() -> None:
    y = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(fnp.at(y)[..., [1, 9]].get(mode="fill")[:, 0], y[:, 1])
    assert fnp.at(y)[[0, 5], None, 1:3].get(mode="fill").shape == (2, 1, 2)
    expected = y.copy()
    expected[0, 1] = -1.0
    np.testing.assert_array_equal(fnp.at(y)[[0, 5, 0], [1, 1, 9]].set(-1.0, mode="drop"), expected)
    rows = np.array([True, False, True])
    np.testing.assert_array_equal(fnp.at(y)[rows, 9].get(mode="clip"), y[rows, 3])
    np.testing.assert_array_equal(fnp.at(y)[1, -9].get(mode="wrap"), y[1, -9 % 4])


def test_other_ways_to_change_places() -> None:
    np.testing.assert_array_equal(fnp.at(X)[[2, 3]].power(2.0), [0, 1, 4, 9, 4])
    np.testing.assert_array_equal(fnp.at(X)[[2, 9]].divide(2.0, mode="drop"), [0, 1, 1, 3, 4])
    np.testing.assert_array_equal(fnp.at(X)[[1, 4, 9]].apply(np.sqrt, mode="drop"), [0, 1, 2, 3, 2])
    np.testing.assert_array_equal(fnp.at(X)[[4]].apply(np.sqrt), [0, 1, 2, 3, 2])
    hints: Any = {"indices_are_sorted": True, "unique_indices": True}
    np.testing.assert_array_equal(fnp.at(X)[[0, 1]].set(7.0, **hints), [7, 7, 2, 3, 4])


def test_derivatives_are_those_of_the_places_that_are_there() -> None:
    slopes = fnad.grad(lambda x: np.sum(x.at[PLACES].get(mode="fill", fill_value=0.0) ** 2))(X)
    np.testing.assert_array_equal(slopes, [0, 0, 0, 0, 16])
    written = fnad.grad(lambda v: np.sum(fnp.at(np.zeros(3))[[0, 5]].set(v, mode="drop") * 3.0))(np.ones(2))
    np.testing.assert_array_equal(written, [3, 0])


def test_elements_along_an_axis() -> None:
    y, index = np.arange(6.0).reshape(2, 3), np.array([[0], [5]])
    np.testing.assert_array_equal(fnp.take_along_axis(y, index, 1, mode="clip"), [[0], [5]])
    np.testing.assert_array_equal(fnp.take_along_axis(y, index, axis=1, mode="fill", fill_value=7.0), [[0], [7]])
    np.testing.assert_array_equal(fnp.take(y, [0, 7], axis=1, fill_value=-1.0), [[0, -1], [3, -1]])
    traced = fnad.jit(lambda y: np.take(y, [0, 7], axis=1, mode="fill"))(y)
    np.testing.assert_array_equal(traced, [[0, np.nan], [3, np.nan]])


def test_what_is_no_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="requires a mode among clip"):
        fnp.at(X)[0].get(mode="nearest")
    with pytest.raises(IndexError, match="out of bounds"):
        fnp.at(X)[[7]].get(mode="promise_in_bounds")
