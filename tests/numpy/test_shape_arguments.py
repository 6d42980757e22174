"""Shapes, axes, counts and orders, right and wrong, negative, doubled or of another type: as NumPy takes them."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy, run_traced

X, V = np.arange(24.0).reshape(2, 3, 4), np.arange(6.0)
SHAPES = [
    (-1, -1), (7,), (), -1, 6, (2, 3, 1), 2.0, (2.0, 3), (True, 6), [2, 3], np.array([3, 2]), (0, -1), (-1, 0), (-1, 4),
    np.int64(6), (2**70,), (2, 3), (0, 3),
]
TAKE_SHAPES = {
    "reshape": lambda n, v, s: n.reshape(v, s), "method": lambda n, v, s: v.reshape(s),
    "zeros": lambda n, v, s: n.zeros(s) + v[0], "ones": lambda n, v, s: n.ones(s) + v[0],
    "empty": lambda n, v, s: (n.empty(s) + v[0]).shape, "full": lambda n, v, s: n.full(s, 2.0) + v[0],
    "full of it": lambda n, v, s: n.full(s, v[0]), "zeros_like": lambda n, v, s: n.zeros_like(v, shape=s),
    "full_like": lambda n, v, s: n.full_like(v, 3, shape=s), "broadcast_to": lambda n, v, s: n.broadcast_to(v, s),
    "broadcast a number": lambda n, v, s: n.broadcast_to(v[0], s), "repeat": lambda n, v, s: n.repeat(v, s),
    "repeat along": lambda n, v, s: n.repeat(v.reshape(2, 3), s, axis=1),
}
AXES = [0, -1, 3, -4, (0, 1), (0, 0), (0, -3), (5,), None, 1.0, (), [0], np.int64(1), "a", (0, 5), (1, 0), (2, 0, 1)]
TAKE_AXES = {
    name: (lambda n, x, a, name=name: getattr(n, name)(x, axis=a))
    for name in ("squeeze", "flip", "max", "argmax", "cumsum", "argsort", "sort", "all", "std", "median", "diff")
} | {
    "expand_dims": lambda n, x, a: n.expand_dims(x, a), "squeeze ones": lambda n, x, a: n.squeeze(x[:1, :1], a),
    "transpose": lambda n, x, a: n.transpose(x, a), "method": lambda n, x, a: x.transpose(a),
    "moveaxis": lambda n, x, a: n.moveaxis(x, a, 0), "to": lambda n, x, a: n.moveaxis(x, (0, 1), a),
    "swapaxes": lambda n, x, a: n.swapaxes(x, a, 0), "rollaxis": lambda n, x, a: n.rollaxis(x, a),
    "roll": lambda n, x, a: n.roll(x, 1, a), "roll both": lambda n, x, a: n.roll(x, (1, 2), a),
    "roll by": lambda n, x, a: n.roll(x, a), "stack": lambda n, x, a: n.stack([x, x], a),
    "concatenate": lambda n, x, a: n.concatenate([x, x], a), "split": lambda n, x, a: n.array_split(x, 2, a),
    "sections": lambda n, x, a: n.split(x, a), "rot90": lambda n, x, a: n.rot90(x, 1, a),
    "take": lambda n, x, a: n.take(x, [0, 1], a), "linspace": lambda n, x, a: n.linspace(x[0, 0, 0], 1.0, a),
    "diagonal": lambda n, x, a: n.diagonal(x, 0, a, 0), "diagonals": lambda n, x, a: n.diagonal(x, a),
    "tril": lambda n, x, a: n.tril(x, a), "diag": lambda n, x, a: n.diag(x[0, 0], a),
    "append": lambda n, x, a: n.append(x, x, a), "eye": lambda n, x, a: n.eye(a) * x[0, 0, 1],
    "tri": lambda n, x, a: n.tri(a) * x[0, 0, 1], "arange": lambda n, x, a: n.arange(0, 3, a) * x[0, 0, 1],
}
LENIENT = {"max", "all", "std"}  # they take a list of axes too


@pytest.mark.parametrize("name", TAKE_SHAPES)
def test_shapes(name: str) -> None:
    for shape in SHAPES:
        assert_like_numpy(lambda v: TAKE_SHAPES[name](np if type(v) is np.ndarray else fnp, v, shape), V)


@pytest.mark.parametrize("name", TAKE_AXES)
def test_axes(name: str) -> None:
    for axis in [a for a in AXES if not (name in LENIENT and isinstance(a, list))]:
        assert_like_numpy(lambda x: TAKE_AXES[name](np if type(x) is np.ndarray else fnp, x, axis), X)


@pytest.mark.parametrize("name", ["sum", "max", "argmax", "cumsum", "mean", "all"])
def test_true_is_no_axis(name: str) -> None:
    assert_like_numpy(lambda x: getattr(np, name)(x, True), X)


@pytest.mark.parametrize("shape", [(-2, 3), (2, -3), -2, (-7,), [-2, 3], np.array([-2, 3])], ids=repr)
def test_a_negative_size_that_is_not_minus_one(shape: Any) -> None:
    """NumPy takes it for -1, which is not what anybody means by it."""
    for function in (lambda v: np.reshape(v, shape), lambda v: v.reshape(shape)):
        with pytest.raises(ValueError, match="reshape: requires sizes that are not negative, and -1 for one of them"):
            fnad.jit(function)(V)
    for function in (fnp.zeros, fnp.ones, fnp.empty):
        with pytest.raises(ValueError, match="negative"):
            run_traced(lambda v: v[0] + function(shape), V)


CALLS = [
    lambda n, x: n.tile(x, 2.0), lambda n, x: n.tile(x, (2.0, 3)), lambda n, x: n.tile(x, (2, -1)),
    lambda n, x: n.tile(x, ()), lambda n, x: x.reshape(), lambda n, x: n.repeat(x[0, 0], [1, 2, 0, 1]),
    lambda n, x: n.repeat(x[0, 0], [1, 2]), lambda n, x: n.repeat(x, -1), lambda n, x: n.repeat(x, [[1, 2], [3, 4]]),
    lambda n, x: n.transpose(x, (0, 0, 1)), lambda n, x: x.transpose(0, 1, 3), lambda n, x: x.transpose((2, 0, 1)),
    lambda n, x: n.moveaxis(x, [0, 0], [1, 2]), lambda n, x: n.roll(x, (1, 2), (0, 1, 2)),
    lambda n, x: n.roll(x, 1.5), lambda n, x: n.stack([]), lambda n, x: n.concatenate([x[0, 0, 0]] * 2),
    lambda n, x: n.stack([x, x[0]]), lambda n, x: n.concatenate([x, x[0]]), lambda n, x: n.vstack([x, x[0]]),
    lambda n, x: n.linspace(x[0, 0, 1], 1, -1), lambda n, x: n.linspace(x[0, 0, 1], 1, 2.5),
    lambda n, x: n.linspace(x[0, 0, 1], 5, 4, dtype=int), lambda n, x: n.linspace(x[0, 0, 2], -3, 7, dtype=np.int8),
    lambda n, x: n.linspace(x[0, 0], x[0, 1], 1, endpoint=False), lambda n, x: n.linspace(x[0, 0], 0.0, 3, axis=1),
    lambda n, x: n.arange(0, 1, 0) * x, lambda n, x: n.split(x[0, 0], 3), lambda n, x: n.split(x[0, 0], 0),
    lambda n, x: n.array_split(x, -1), lambda n, x: n.split(x[0, 0], [2, 1]), lambda n, x: n.split(x[0, 0], 2.5),
    lambda n, x: n.array_split(x[0, 0, 0], 1), lambda n, x: n.squeeze(x, 0), lambda n, x: n.expand_dims(x, (0, 0)),
    lambda n, x: n.eye(-1) * x[0, 0, 0], lambda n, x: n.take(x, True), lambda n, x: n.take(x, [True, False]),
    lambda n, x: n.take(x, 1.0), lambda n, x: n.take(x, np.array([1.0])), lambda n, x: n.take(x, np.array([True])),
    lambda n, x: n.take(x, None), lambda n, x: n.take_along_axis(x, x > 3, 0),
    lambda n, x: n.put_along_axis(n.copy(x), np.zeros((2, 3, 1), int), 1.0, None),
    lambda n, x: n.reshape(x.T, (4, 6), copy=False), lambda n, x: n.reshape(x, (4, 6), copy=False),
    lambda n, x: x.T.reshape(24, copy=False), lambda n, x: x[:, ::2].reshape(4, 4, copy=False),
    lambda n, x: n.array(x, copy=False), lambda n, x: n.asarray(x, np.float32, copy=False),
    lambda n, x: n.asarray(x, np.float32, copy=True), lambda n, x: n.array(x, copy=None, ndmin=4),
]


@pytest.mark.parametrize("i", range(len(CALLS)))
def test_calls(i: int) -> None:
    assert_like_numpy(lambda x: CALLS[i](np if type(x) is np.ndarray else fnp, x), X)


VIEWS = [lambda x: x, lambda x: x.T, lambda x: x.swapaxes(0, 1), lambda x: x[:, ::-1], lambda x: x.T[1:, None],
         lambda x: x[0, :, 1:2].T, lambda x: np.broadcast_to(x[0], (3, 3, 4))]


@pytest.mark.parametrize("order", ["C", "F", "A", "K", "f", "x", None, 1])
def test_orders(order: Any) -> None:
    """What is no view lies in C order, and views of it as in NumPy."""
    for view in VIEWS:
        for use in (
            lambda x: view(x).reshape(-1, order=order), lambda x: view(x).ravel(order),
            lambda x: view(x).flatten(order), lambda x: np.reshape(view(x), (1, -1), order=order),
            lambda x: np.ravel(view(x), order),
        ):
            assert_like_numpy(use, X, message=True)


def test_a_copy_by_name_is_an_array_of_its_own() -> None:
    def write(x: Any, **how: Any) -> Any:
        y = x.reshape(-1, **how)
        y[0] = 7.0
        return x

    assert run_traced(lambda x: write(x, copy=True), X)[0, 0, 0] == 0.0
    assert run_traced(write, X)[0, 0, 0] == run_traced(lambda x: write(x, copy=False), X)[0, 0, 0] == 7.0
