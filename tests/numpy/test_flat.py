"""Arrays as if they had one axis, and in other shapes in place: reads, writes and errors are NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest
from fnad import tree
from fnad.errors import ConcreteValueError, InPlaceError

from tests.numpy.comparing import assert_like_numpy

X = np.arange(12.0).reshape(3, 4)
VIEWS: list[Callable[[Any], Any]] = [
    lambda x: x, lambda x: x.T, lambda x: x[1:], lambda x: x[:, ::-1], lambda x: x[::2, 1:3], lambda x: x[0],
    lambda x: x[..., None],
]
INDICES = [0, -1, 5, 99, np.s_[:], np.s_[1::2], np.s_[::-1], np.s_[3:3], [0, 1], [[0, 1], [2, 2]], np.array([0, -1]),
           [], ..., (1,), np.array([3, 1], "u1"), None, (0, 1), np.arange(4) > 1]
VALUES: list[Any] = [7.0, [1.0, 2.0], [], [[1, 2], [3, 4]], np.arange(3), 3]
PLACES = [0, [0, -1], [[0, 1], [2, 3]], [99], [-99, 99], [], [True, False], 1.0]


def assert_writes(write: Callable[[Any], None], view: Callable[[Any], Any]) -> None:
    """What a write to a view makes of the whole array."""
    def function(x: Any) -> Any:
        y = fnp.copy(x)
        write(view(y))
        return y

    assert_like_numpy(function, X)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_flat(view: Any) -> None:
    for index in INDICES:
        assert_like_numpy(lambda x: view(x).flat[index], X)
        for values in VALUES:
            assert_writes(lambda y: y.flat.__setitem__(index, values), view)
    for values in VALUES:
        assert_writes(lambda y: setattr(y, "flat", values), view)
        assert_writes(lambda y: y.fill(5.0), view)
    assert_like_numpy(lambda x: [sum(x.flat), len(x.flat), x.flat.copy(), x.flat.coords, next(x.flat)], X)
    assert_like_numpy(lambda x: [np.sum(x.flat), np.sin(x.flat), x.flat == 3.0, np.stack([x.flat, x.flat])], X)


@pytest.mark.parametrize("view", VIEWS)
def test_functions_that_write(view: Any) -> None:
    for values in VALUES:
        for places in PLACES:
            for mode in ("raise", "wrap", "clip"):
                assert_writes(lambda y: np.put(y, places, values, mode=mode), view)
        assert_writes(lambda y: y.put([1, 0], values, mode="wrap"), view)
        for mask in (lambda y: np.arange(y.size).reshape(y.shape) % 2, lambda y: [True] * 3):
            assert_writes(lambda y: np.place(y, mask(y), values), view)
            assert_writes(lambda y: np.putmask(y, mask(y), values), view)
        if np.size(values):
            assert_writes(lambda y: np.place(y, y > 3, values), view)
        for wrap in (False, True):
            assert_writes(lambda y: np.fill_diagonal(y, values, wrap), view)
        assert_writes(lambda y: np.copyto(y, values), view)
        assert_writes(lambda y: np.copyto(y, values, where=y > 3), view)
    for axis in (0, 1, -1, 2, None):
        assert_writes(lambda y: (y.__imul__(-1.0), y.sort(axis)), view)


def test_values_and_places_that_are_traced() -> None:
    i, v = np.array([3, 0]), np.array([5.0, 6.0, 7.0])

    def written(x: Any, i: Any, v: Any) -> Any:
        y, z, w = fnp.copy(x), fnp.copy(x), fnp.copy(x)
        y.flat[i] = v
        np.put(z, i + 12, v, mode="wrap")
        np.place(w, w > 3, v)
        return y, z, w, x.flat[i]

    assert_like_numpy(written, X, i, v, known=True)
    assert_like_numpy(lambda x: [x.item(5), x.item(1, 1), x.item((2, 0)), x[0, 1].item()], X, known=True)
    got = fnad.jit(lambda x, v: tree.leaves(fnad.vjp(lambda x, v: written(x, i, v)[:3], x, v)[1]((x, x, x))))(X, v)
    flat, overwritten = np.ones(12), X > 3
    flat[i] = 0.0
    bar = 2 * (flat * X.reshape(-1)).reshape(X.shape) + np.where(overwritten, 0.0, X)
    np.testing.assert_allclose(got[0], bar)
    taken = np.bincount(np.arange(8) % 3, X[overwritten], 3)
    np.testing.assert_allclose(got[1], taken + 2 * np.array([X.flat[3], X.flat[0], 0.0]))


@pytest.mark.parametrize("shape", [-1, 12, (4, 3), (3, 4, 1), (2, 2), (1, 3, 4), (5, 5), (2, 6), (12, 1), ()], ids=repr)
@pytest.mark.parametrize("view", VIEWS)
def test_shapes_in_place(view: Any, shape: Any) -> None:
    def of_a_view(x: Any) -> Any:
        x = fnp.copy(x)
        y = view(x)
        z = y[:1]
        y.shape = shape
        y[0] = 50.0
        z[...] += 1
        x[0] += 0.5
        return x, y * 1.0, z * 1.0

    def of_the_array(x: Any) -> Any:
        x = fnp.copy(x)
        y = view(x)
        x.shape = shape
        x[0] = 50.0
        y[...] *= 2
        return x * 1.0, y * 1.0

    def again(x: Any) -> Any:
        x = fnp.copy(x)
        z = x.view()
        z.resize(4, 3, refcheck=False)
        z.shape = (2, 6)
        z[0, 5] = 9.0
        w = view(z).view()
        w[...] += 1.0
        return x, z * 1.0, x.view(np.ndarray)[0] * 1.0, x.view(float) * 1.0

    for function in (of_a_view, of_the_array, again):
        assert_like_numpy(function, X)


def test_the_callers_array_keeps_its_shape() -> None:
    def function(x: Any) -> Any:
        x.shape = 12
        return x

    x = X.copy()
    assert fnad.jit(function)(x).shape == (12,) and x.shape == (3, 4)
    np.testing.assert_array_equal(fnad.grad(lambda x: np.sum(function(x)[:3] ** 2))(x).reshape(-1)[:4], [0, 2, 4, 0])


# --- What cannot be set or had


def _set(name: str) -> Callable[[Any], None]:
    return lambda x: setattr(x, name, 1)


OUTSIDE = np.zeros(3)
REFUSED = [
    *[(_set(name), AttributeError, rf"x\.{name} = v: requires") for name in ("T", "ndim", "size", "other", "sum")],
    (_set("dtype"), AttributeError, r"x\.dtype = v: .*x\.astype"), (_set("imag"), TypeError, "imaginary part"),
    (lambda x: x.view(np.int64), TypeError, r"x\.view\(dtype\): .*x\.astype"),
    (lambda x: x.resize(5, 5), InPlaceError, r"x\.resize\(\): .*np\.pad"),
    (lambda x: setattr(x.T, "shape", 12), AttributeError, r"x\.reshape"),
    (lambda x: x.strides, AttributeError, r"x\.strides: requires"),
    (lambda x: x.nothing, AttributeError, r"x\.nothing: a traced f64\[3,4\] has no such attribute"),
    (lambda x: np.copyto(x.flat, 1.0), TypeError, r"x\.flat\[i\] = v"),
    (lambda x: np.add.at(x.flat, 0, 1.0), TypeError, r"x\.flat\[i\] = v"),
    (lambda x: np.put(OUTSIDE, 0, x[0]), InPlaceError, "an ordinary one"),
]


@pytest.mark.parametrize(("function", "error", "message"), REFUSED)
def test_what_a_traced_array_refuses(function: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        fnad.jit(lambda x: (function(x), x)[1])(X)


def test_indices_that_are_not_known_name_the_way_that_works() -> None:
    """In a loop and under vmap; and the way works."""
    def looped(read: Any) -> Any:
        return fnad.scan(lambda c, i: (c, read(i)), 0.0, np.arange(2))[1]

    def mapped(read: Any) -> Any:
        return fnad.vmap(read)(np.arange(2))

    data, rows = X.reshape(-1), fnp.array
    for run in (looped, mapped):
        for wrong in (lambda i: data[2 * i : 2 * i + 2], lambda i: [1.0, 2.0][i]):
            with pytest.raises(ConcreteValueError, match=r"use np\.array\(data\)\[i\]"):
                run(wrong)
        with pytest.raises(ConcreteValueError, match=r"x\[i:j\]: .* write x\[i \+ np\.arange\(n\)\]") as info:
            run(lambda i: rows(data)[2 * i : 2 * i + 2])
        assert "np.array" not in str(info.value)
        with pytest.raises(ConcreteValueError, match=r"use np\.where\(mask, x, 0\)"):
            run(lambda i: data[data > i])
        np.testing.assert_array_equal(run(lambda i: rows(data)[2 * i + np.arange(2)]), data[:4].reshape(2, 2))
        np.testing.assert_array_equal(run(lambda i: data[2 * i + np.arange(2)]), data[:4].reshape(2, 2))
        np.testing.assert_array_equal(run(lambda i: data[i]), data[:2])
