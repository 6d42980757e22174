"""Arrays that are made of others: blocks, insertions, deletions, other sizes; points spaced by their logarithms."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy
from tests.surface.laws import LAWS, Row

X, Y, M = np.array([1.5, -2.0, 3.0]), np.array([0.7, 4.0]), np.arange(12.0).reshape(3, 4) / 7 - 0.5
ROWS = [
    Row("np.block", lambda x, y: np.block([[x, y], [np.ones(5)]]), (X, Y)),
    Row("np.unstack", lambda x: np.unstack(x, axis=1), (M,)),
    Row("np.insert", lambda x, v: np.insert(x, [2, 0], v, axis=1), (M, X[:, None])),
    Row("np.delete", lambda x: np.delete(x, [0, 2], axis=1), (M,)),
    Row("np.resize", lambda x: np.resize(x, (2, 4)), (X,)),
    Row("np.trim_zeros", np.trim_zeros, (np.array([0, 1.5, 0, 2, 0, 0]),), order=0, known=True),
    Row("np.logspace", lambda a, b, base: np.logspace(a, b, 4, base=base), (0.5, 2.0, 3.0)),
    Row("np.geomspace", lambda a, b: np.geomspace(a, b, 4, axis=1), (np.array([-2.0, 0.5]), np.array([-3.0, 8.0]))),
    Row("np.concat", lambda x, y: np.concat([x, y]), (X, Y)),
    Row("np.permute_dims", lambda x: np.permute_dims(x, (1, 0)), (M,)),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_building(law: Any, row: Row) -> None:
    law(row)


BLOCKS = [
    lambda a: np.block([[a, a], [a, a]]), lambda a: np.block([[a[:1, :1], 1.0], [2, a[:1, 1:2]]]), np.block,
    lambda a: np.block([[a, a], a]), lambda a: np.block([[a], []]), lambda a: np.block((a, a)),
    lambda a: np.block([a, (a, a)]), lambda a: np.block([[a], [X]]), lambda a: np.block([[[a]], [[a]]]),
    lambda a: np.block([np.arange(4), a[0].astype(np.float32)]), lambda a: np.unstack(a, axis=2),
    lambda a: np.unstack(a[0, 0]),
]
SIZES = [3, (2, 2), (5, 5), (0, 3), -1, (2, -3), ()]


@pytest.mark.parametrize("call", BLOCKS)
def test_blocks(call: Any) -> None:
    assert_like_numpy(call, M)


def test_sizes() -> None:
    for size in SIZES:
        assert_like_numpy(lambda a: np.resize(a, size), M)
    assert_like_numpy(lambda a: np.resize(a, (2, 2)), X[:0])


PLACES: list[Any] = [
    0, -1, 3, 5, -7, [1], [0, 2], [2, 0, 2], slice(0, 2), slice(None, None, 2), slice(5, 1, -1), [], [[0, 1]], [1.5],
    np.array([True, False, True]), np.array([False, True, False, False]), np.array([], int),
]
VALUES: list[Any] = [9, [7.5], [1, 2, 3], np.arange(8.0).reshape(2, 4), [[1], [2]], [1, 2, 3, 4], [[1], [2], [3]]]


@pytest.mark.parametrize("places", PLACES, ids=range(len(PLACES)))
def test_every_way_to_insert_and_delete(places: Any) -> None:
    for axis in (None, 0, 1, -1, 2):
        assert_like_numpy(lambda a: np.delete(a, places, axis), M)
        for values in VALUES:
            assert_like_numpy(lambda a: np.insert(a, places, values, axis), M)


def test_values_that_are_inserted_may_be_traced_alone_and_places_known() -> None:
    assert_like_numpy(lambda v: np.insert(np.arange(3), [0, 1], v), X[:2])
    assert_like_numpy(lambda a, i: np.insert(a, i, 5.0), X, np.array([2, 1]), known=True)
    assert_like_numpy(lambda a, i: np.delete(a, i), X, 1, known=True)
    with pytest.raises(fnad.ConcreteValueError, match="the places of np.insert"):
        fnad.vmap(lambda i: np.insert(X, i, 5.0))(np.arange(2))


ZEROS = [np.array([0, 0, 1.0, 0, 2, 0]), np.zeros(3), np.zeros(0), np.zeros((2, 2)),
         np.array([[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0.0]])]


@pytest.mark.parametrize("sides", ["fb", "f", "b", "BF", "q"])
def test_zeros_are_trimmed_along_any_axes(sides: str) -> None:
    for axis in (None, 0, 1, -1, (0,), (), (0, 1)):
        for x in ZEROS:
            assert_like_numpy(lambda a: np.trim_zeros(a, sides, axis), x, known=True)


def test_trimming_compiled_asks_for_the_places_alone() -> None:
    trim = fnad.jit(lambda x: np.trim_zeros(x) * 2)
    long = np.r_[np.zeros(80), np.ones(90), 0.0]
    np.testing.assert_array_equal(trim(long), np.full(90, 2.0))
    assert fnad.grad(lambda x: np.trim_zeros(x).sum())(long[78:]).tolist() == [0.0] * 2 + [1.0] * 90 + [0.0]


SPACED = [
    lambda a: np.logspace(a, 2.0, 5), lambda a: np.logspace(1, a, 5, endpoint=False, base=2),
    lambda a: np.logspace(1, 2, 5, base=a), lambda a: np.logspace(a, 3, 4, dtype=int), lambda a: np.logspace(a, 3, 0),
    lambda a: np.logspace(a, 3, -1), lambda a: np.logspace(0, 1, 4, base=np.stack([a, a]), axis=-1),
    lambda a: np.geomspace(a, 2.0, 5), lambda a: np.geomspace(-1, -a, 5), lambda a: np.geomspace(a, 8, 1),
    lambda a: np.geomspace(a, 8, 4, endpoint=False), lambda a: np.geomspace(a, [8, 16, 32], 4),
    lambda a: np.geomspace(a, [8, 16, 32], 4, axis=1), lambda a: np.geomspace(a, 8, 4, dtype=int),
    lambda a: np.geomspace(a, 8, 0), lambda a: np.geomspace(a, 8, -4), lambda a: np.geomspace(a, -1, 4),
    lambda a: np.linspace(a, 3, 4),
]


@pytest.mark.parametrize("number", [np.float64(2.0), np.float32(3.0), np.int64(3), 0.5j], ids=str)
def test_points_spaced_by_their_logarithms(number: Any) -> None:
    for call in SPACED:
        assert_like_numpy(call, number)


def test_the_ends_of_a_geometric_series_are_the_arguments() -> None:
    slopes = fnad.jacobian(lambda a, b: np.geomspace(a, b, 3), argnums=(0, 1))(2.0, 8.0)
    np.testing.assert_allclose(slopes, [[1, 1, 0], [0, 0.25, 1]], rtol=1e-14)
