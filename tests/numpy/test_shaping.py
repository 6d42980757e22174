"""Functions that move elements are NumPy's: values, dtypes, shapes, errors."""

from __future__ import annotations

from typing import Any

import fnad.numpy as fnp
import numpy as np
import pytest
from fnad import grad
from fnad.testing.strategies import broadcastable_shapes, shapes
from hypothesis import given
from hypothesis import strategies as st

from tests.numpy.comparing import assert_like_numpy, run_traced

X = np.arange(24.0).reshape(2, 3, 4)

# On an array of shape (2, 3, 4).
CALLS = [
    lambda x: np.reshape(x, (4, -1)), lambda x: x.reshape(6, 4), lambda x: x.reshape((3, 8)), lambda x: x.reshape(-1),
    lambda x: np.reshape(x, (4, 6), order="F"), lambda x: x.reshape(2, 12, order="F"), lambda x: np.ravel(x),
    lambda x: x.ravel("F"), lambda x: x.flatten(), lambda x: np.transpose(x), lambda x: np.transpose(x, (1, -1, 0)),
    lambda x: x.transpose(2, 0, 1), lambda x: x.transpose((1, 0, 2)), lambda x: x.transpose(None), lambda x: x.T,
    lambda x: x.mT, lambda x: np.swapaxes(x, 0, -1), lambda x: x.swapaxes(1, 2), lambda x: np.moveaxis(x, 0, -1),
    lambda x: np.moveaxis(x, [0, 2], [1, 0]), lambda x: np.rollaxis(x, 2), lambda x: np.expand_dims(x, 0),
    lambda x: np.expand_dims(x, (0, -1)), lambda x: np.squeeze(x[:1]), lambda x: np.squeeze(x[:1], 0),
    lambda x: x[:, :1].squeeze(axis=1), lambda x: np.broadcast_to(x, (5, 2, 3, 4)),
    lambda x: np.broadcast_to(x[:, :1], (2, 3, 4)), lambda x: np.broadcast_arrays(x, x[0], 1.0),
    lambda x: np.concatenate([x, x]), lambda x: np.concatenate([x, x[:, :1]], axis=1),
    lambda x: np.concatenate((x, x), axis=-1), lambda x: np.concatenate([x, x[0]], axis=None),
    lambda x: np.concatenate([x, X.astype("f4")]), lambda x: np.concatenate([x, x], dtype=np.float32),
    lambda x: np.concatenate(x), lambda x: np.stack([x, x]), lambda x: np.stack([x, x], -1),
    lambda x: np.stack([x[0, 0, 0], 1.0]), lambda x: np.stack(x, axis=1), lambda x: np.vstack([x, x]),
    lambda x: np.vstack([x[0, 0], x[0]]), lambda x: np.hstack([x, x]), lambda x: np.hstack([x[0, 0], 1.0]),
    lambda x: np.dstack([x[0], x[1]]), lambda x: np.column_stack([x[0, 0], x[0].T]), lambda x: np.split(x, 3, axis=1),
    lambda x: np.split(x, [1, 3], axis=-1), lambda x: np.array_split(x, 3, axis=2),
    lambda x: np.split(x, [3, 1, 9], axis=2), lambda x: np.vsplit(x, 2), lambda x: np.hsplit(x, 3),
    lambda x: np.dsplit(x, 2), lambda x: np.flip(x), lambda x: np.flip(x, 1), lambda x: np.flip(x, (0, -1)),
    lambda x: np.fliplr(x), lambda x: np.flipud(x), lambda x: np.rot90(x), lambda x: np.rot90(x, -1),
    lambda x: np.rot90(x, 2, (1, 2)), lambda x: np.rot90(x, 3, (2, 0)), lambda x: np.rot90(x, 4),
    lambda x: np.roll(x, 2), lambda x: np.roll(x, -1, axis=1), lambda x: np.roll(x, (1, 2), axis=(0, 2)),
    lambda x: np.roll(x, 7, axis=-1), lambda x: np.roll(x, 1, axis=(0, 1)), lambda x: np.tile(x, 2),
    lambda x: np.tile(x, (2, 1, 1, 3)), lambda x: np.tile(x, (2, 2)), lambda x: np.tile(x, 0),
    lambda x: np.tile(x[0, 0, 0], 3), lambda x: np.repeat(x, 2), lambda x: np.repeat(x, 3, axis=1),
    lambda x: np.repeat(x, [1, 0, 2], axis=1), lambda x: x.repeat(2, axis=-1), lambda x: np.repeat(x, [2], axis=0),
    lambda x: np.atleast_1d(x[0, 0, 0]), lambda x: np.atleast_2d(x[0, 0], 3.0), lambda x: np.atleast_3d(x[0]),
    lambda x: np.diff(x), lambda x: np.diff(x, 2, axis=1), lambda x: np.diff(x, axis=0, prepend=0, append=x),
    lambda x: np.diff(x, 5), lambda x: np.append(x, x), lambda x: np.append(x, x[:1], axis=0),
    lambda x: np.append(x, 5), lambda x: x.copy(), lambda x: np.copy(x), lambda x: x.astype(np.float32),
    lambda x: x.astype(int), lambda x: np.astype(x, np.complex64), lambda x: np.pad(x, 1),
    lambda x: np.pad(x, ((0, 1), (2, 0), (1, 1))), lambda x: np.pad(x, (1, 2), constant_values=7),
    lambda x: np.pad(x, 1, constant_values=((1, 2), (3, 4), (5, 6))), lambda x: np.pad(x, 2, mode="edge"),
    lambda x: np.pad(x, ((0, 0), (2, 1), (0, 3)), mode="reflect"), lambda x: np.pad(x, 3, mode="symmetric"),
    lambda x: np.pad(x, 5, mode="wrap"), lambda x: np.pad(x, {1: (1, 2)}), lambda x: np.permute_dims(x, (2, 1, 0)),
    lambda x: np.matrix_transpose(x), lambda x: list(x), lambda x: [row for row in x[0]], lambda x: np.shape(x),
    lambda x: (x.shape, x.ndim, x.size, len(x), x.nbytes), lambda x: np.size(x, 1), lambda x: np.ndim(x),
]

ERRORS = [
    lambda x: np.reshape(x, (5, -1)), lambda x: x.reshape(7), lambda x: np.transpose(x, (0, 1)),
    lambda x: np.transpose(x, (0, 0, 1)), lambda x: np.swapaxes(x, 0, 3), lambda x: np.moveaxis(x, 0, 5),
    lambda x: np.expand_dims(x, 5), lambda x: np.squeeze(x, 1), lambda x: np.broadcast_to(x, (2, 3, 5)),
    lambda x: np.concatenate([x, x[0]]), lambda x: np.concatenate([x, x[:, :2]]),
    lambda x: np.concatenate([x[0, 0, 0], x[0, 0, 0]]), lambda x: np.concatenate([x, x], axis=3),
    lambda x: np.stack([x, x[0]]), lambda x: np.stack([x, x], axis=5), lambda x: np.split(x, 4, axis=1),
    lambda x: np.flip(x, 3), lambda x: np.fliplr(x[0, 0]), lambda x: np.rot90(x[0, 0]),
    lambda x: np.roll(x, 1, axis=3), lambda x: np.repeat(x, -1), lambda x: np.repeat(x, [1, 2], axis=1),
    lambda x: np.repeat(x, 2, axis=4), lambda x: np.diff(x[0, 0, 0]), lambda x: np.diff(x, -1),
    lambda x: np.pad(x, -1), lambda x: np.vsplit(x[0, 0], 2), lambda x: np.dsplit(x[0], 2),
    lambda x: np.broadcast_arrays(x, x[:, :2]), lambda x: np.matrix_transpose(x[0, 0]),
]


@pytest.mark.parametrize("i", range(len(CALLS)))
@pytest.mark.parametrize("dtype", ["float64", "int32"])
def test_calls_are_numpys(i: int, dtype: str) -> None:
    assert_like_numpy(CALLS[i], X.astype(dtype))


@pytest.mark.parametrize("i", range(len(ERRORS)))
def test_errors_have_numpys_type_and_text(i: int) -> None:
    assert_like_numpy(ERRORS[i], X, message=True)


# On arrays of any shape.
ANY_SHAPE = [
    np.ravel, np.transpose, np.flip, np.squeeze, np.atleast_3d, lambda x: np.roll(x, 2), lambda x: np.repeat(x, 2),
    lambda x: np.tile(x, 2), lambda x: np.pad(x, 1), lambda x: np.reshape(x, -1), lambda x: np.stack([x, x]),
    lambda x: np.expand_dims(x, 0), lambda x: np.ravel(x, "F"), lambda x: np.concatenate([x, x], axis=None),
    lambda x: np.reshape(x, x.shape[::-1], order="F"), lambda x: np.zeros_like(x), np.hstack, np.vstack,
]


@pytest.mark.parametrize("i", range(len(ANY_SHAPE)))
@given(shape=shapes(max_side=3), dtype=st.sampled_from(["bool", "int64", "float32", "complex64"]))
def test_any_shape(i: int, shape: Any, dtype: str) -> None:
    assert_like_numpy(ANY_SHAPE[i], np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype))


@given(together=broadcastable_shapes(count=3))
def test_broadcasting(together: Any) -> None:
    assert_like_numpy(lambda *xs: np.broadcast_arrays(*xs), *[np.ones(s) for s in together])


def test_a_traced_value_around() -> None:
    got = run_traced(lambda x: np.pad(x, ((0, 0), (1, 0), (0, 0)), constant_values=x[0, 0, 1]), X)
    np.testing.assert_array_equal(got, np.pad(X, ((0, 0), (1, 0), (0, 0)), constant_values=1.0))


def test_every_element_keeps_its_derivative() -> None:
    weights = np.arange(1.0, 25.0)
    moves = [
        lambda x: np.roll(x, 5), np.rot90, lambda x: np.flip(x, 1), lambda x: np.moveaxis(x, 0, 2),
        lambda x: np.ravel(x, "F"),
    ]
    for call in moves:
        bar = grad(lambda x: np.sum(np.ravel(call(x)) * weights))(X)
        np.testing.assert_array_equal(np.ravel(call(bar)), weights)


def test_functions_of_arrays_and_lists_alone_are_numpys() -> None:
    assert type(fnp.concatenate([[1, 2], [3]])) is np.ndarray
    assert fnp.stack([1.0, 2.0]).shape == (2,)
    assert run_traced(lambda x: fnp.stack([[x[0], 1.0], [2.0, x[1]]]), np.ones(2)).tolist() == [[1, 1], [2, 1]]
