"""Indexing is NumPy's: slices, integers, arrays of integers, masks and all mixtures; updates are those of ufunc.at."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest
from fnad.errors import ConcreteValueError, InPlaceError
from fnad.testing import check_grads
from fnad.testing.strategies import shapes
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.numpy.comparing import assert_like_numpy, assert_same, run_traced

X = np.arange(60.0).reshape(3, 4, 5)
ROWS, COLUMNS = np.array([2, 0, -1]), np.array([[1], [3]])
MASK = np.arange(3) != 1

INDICES = [
    0, -1, (1, 2, 3), slice(1, None), slice(None, None, -1), slice(5, 0, -2), slice(2, 1), (slice(None), -1),
    (..., 0), (0, ...), ..., None, (None, 1, None, ..., None), (slice(0, 3, 2), slice(-3, -1), slice(None, None, 3)),
    np.int64(1), np.array(1), [0, 2], [[0, 1], [2, 2]], ROWS, (ROWS, ROWS), (ROWS, COLUMNS), (slice(None), ROWS),
    (..., ROWS), (ROWS, slice(1, 3)), (ROWS, slice(None), ROWS), (0, slice(None), ROWS), (slice(None), 1, ROWS),
    (slice(None, None, -1), ROWS, None, 0), (None, ROWS, None), (ROWS, None, COLUMNS), (1, ROWS), (ROWS, ..., 2),
    MASK, (MASK, 0), (slice(None), X[0] > 5), X > 30, (MASK, slice(None), [0, 1]),
    (np.arange(4) > 1,) * 0 + (slice(None), np.arange(4) > 1), [], np.zeros((0, 2), int),
    (slice(None), [True, False, True, False]), np.array([0, 1], "u1"), (), (COLUMNS, ROWS, COLUMNS),
    (slice(1), COLUMNS, slice(1, 5, 2)),
]
BAD = [
    3, -4, (0, 4), (0, 0, 0, 0), 1.0, "a", np.array([1.0]), (..., ...), [0, 3], (ROWS, [0, 1]), np.ones(4, bool),
    (slice(None), np.ones((4, 4), bool)), np.array([3]), (slice(None), [0, -5]),
]


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_indexing_is_numpys(index: Any) -> None:
    assert_like_numpy(lambda x: x[index], X)


@pytest.mark.parametrize("index", BAD, ids=repr)
def test_errors_have_numpys_type_and_text(index: Any) -> None:
    assert_like_numpy(lambda x: x[index], X, message=True)


@given(data=st.data(), shape=shapes(min_dims=1))
def test_basic_indices(data: st.DataObject, shape: Any) -> None:
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True))
    assert_like_numpy(lambda x: x[index], np.arange(np.prod(shape)).reshape(shape))


@given(data=st.data(), shape=shapes(min_dims=1, min_side=1))
def test_integer_array_indices(data: st.DataObject, shape: Any) -> None:
    index = data.draw(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)))
    assert_like_numpy(lambda x, *i: x[i], np.arange(np.prod(shape)).reshape(shape), *index)


TRACED = [
    lambda x, i: x[i], lambda x, i: x[:, i], lambda x, i: x[i, i], lambda x, i: x[i, :, i], lambda x, i: x[..., i[0]],
    lambda x, i: x[i[0]], lambda x, i: x[i[:, None], i], lambda x, i: x[[i[0], i[1]]], lambda x, i: x[0, i],
    lambda x, i: x[1:, i, ::-1], lambda x, i: np.take(x, i, axis=1), lambda x, i: np.take(x, i),
    lambda x, i: X[i] if type(i) is np.ndarray else fnad.numpy.take(X, i, axis=0), lambda x, i: x.take(i, 2),
    lambda x, i: np.take_along_axis(x, x.argsort(1), 1), lambda x, i: np.take(x, i + 50, mode="clip"),
    lambda x, i: np.take(x, i - 70, mode="wrap"),
]


@pytest.mark.parametrize("f", TRACED)
def test_traced_indices(f: Any) -> None:
    assert_like_numpy(f, X, np.array([2, 0, -1]))


def test_traced_indices_out_of_bounds() -> None:
    assert_like_numpy(lambda x, i: x[i], X, np.array([0, 5]), message=True)
    with pytest.raises(IndexError, match="index 5 is out of bounds for axis 0 with size 3"):
        fnad.jit(lambda x, i: x[i])(X, np.array([0, 5]))


def test_a_mask_needs_a_known_value() -> None:
    assert_like_numpy(lambda x: x[x > 10], X, known=True)
    assert_like_numpy(lambda x: np.sum(x[x > 10]), X, known=True)
    with pytest.raises(ConcreteValueError, match="mask"):
        run_traced(lambda x: x[x > 10], X)
    np.testing.assert_array_equal(fnad.grad(lambda x: np.sum(x[x > 10] ** 2))(X), np.where(X > 10, 2 * X, 0))


FUNCTIONS = [
    lambda x: np.diagonal(x), lambda x: np.diagonal(x, 1, 2, 1), lambda x: x.diagonal(-2, 0, 2),
    lambda x: np.diagonal(x, 9), lambda x: np.trace(x), lambda x: x.trace(1, 1, 2),
    lambda x: np.linalg.diagonal(x, offset=1), lambda x: np.linalg.trace(x), lambda x: np.trace(x[0].astype(np.int8)),
    lambda x: np.diag(x[0]), lambda x: np.diag(x[0], -1), lambda x: np.diag(x[0, 0]), lambda x: np.diag(x[0, 0], 2),
    lambda x: np.diagflat(x[0, :2, :2], -1), lambda x: np.tril(x), lambda x: np.triu(x), lambda x: np.tril(x, 1),
    lambda x: np.triu(x, -2), lambda x: np.triu(x[0, 0]), lambda x: np.tril(x[0, 0], -1),
]


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_diagonals_and_triangles(f: Any, dtype: str) -> None:
    assert_like_numpy(f, X.astype(dtype))


@pytest.mark.parametrize("f", [
    lambda x: np.diagonal(x[0, 0]), lambda x: np.diagonal(x, 0, 1, 1), lambda x: np.diag(x),
    lambda x: np.take_along_axis(x, ROWS, 0),
])
def test_their_errors(f: Any) -> None:
    assert_like_numpy(f, X, message=True)


# --- Updates

MODES = {
    "set": lambda a, i, v: a.__setitem__(i, v), "add": np.add.at, "subtract": np.subtract.at,
    "multiply": np.multiply.at, "mul": np.multiply.at, "divide": np.divide.at, "min": np.minimum.at,
    "max": np.maximum.at,
}


def updated(x: Any, index: Any, mode: str, values: Any) -> Any:
    """The update by ``at`` for a traced array, and by NumPy in a copy of another."""
    if type(x) is not np.ndarray:
        return getattr(x.at[index], mode)(values)
    result = x.copy()
    MODES[mode](result, index, values)
    return result


@pytest.mark.parametrize("index", [i for i in INDICES if not (isinstance(i, np.ndarray) and i.ndim == 0)], ids=repr)
@pytest.mark.parametrize("mode", ["set", "add", "max"])
def test_updates_at_any_index(index: Any, mode: str) -> None:
    assert_like_numpy(lambda x: updated(x, index, mode, 100.0), X)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("values", [
    2, 2.5, np.arange(1.0, 6.0), np.arange(1.0, 61.0).reshape(3, 4, 5),
], ids=["2", "2.5", "row", "all"])
def test_updates_one_after_the_other(mode: str, values: Any) -> None:
    assert_like_numpy(lambda x: updated(x, [0, 2, 0], mode, values), X)
    assert_like_numpy(lambda x, v: updated(x, [0, 2, 0], mode, v), X, values)


def test_updates_at_traced_indices_with_traced_values() -> None:
    def f(x: Any, i: Any, v: Any) -> Any:
        return updated(x, (slice(None), i), "add", v)

    assert_like_numpy(f, X, np.array([1, -1, 1]), np.ones((3, 3, 5)))
    assert_like_numpy(f, X, np.array([1, 4, 1]), np.ones((3, 3, 5)))


MISFITS = [(0, np.ones(3)), ((0, 0), np.ones((2, 5))), (5, 1.0), ((0, 0, 0, 0), 1.0)]


@pytest.mark.parametrize(("index", "values"), MISFITS)
def test_errors_of_updates(index: Any, values: Any) -> None:
    assert_like_numpy(lambda x: updated(x, index, "set", values), X)


def test_updates_keep_the_dtype_of_the_array() -> None:
    assert_same(run_traced(lambda x: x.at[0].set(2.7), np.arange(3)), np.array([2, 1, 2]))
    with pytest.raises(TypeError, match="astype"):
        run_traced(lambda x, v: x.at[0].set(v), np.arange(3.0), np.array(1j))


@pytest.mark.parametrize("f", [
    lambda x: x.at.__setitem__(0, 1), lambda x: x.resize(2), lambda x: x.itemset(0, 1),
])
def test_writing_in_other_ways_says_which_to_use(f: Any) -> None:
    with pytest.raises(InPlaceError, match="Use |Write "):
        run_traced(f, X)
    assert issubclass(InPlaceError, TypeError)


# --- Derivatives

SMOOTH = np.linspace(0.3, 2.1, 12).reshape(4, 3)
DIFFERENTIATED = [
    lambda x: x[[0, 0, 2]], lambda x: x[1:, ::-2], lambda x: x[[[0, 1], [2, 0]], [0, 1]],
    lambda x: np.take_along_axis(x, np.array([[2, 2, 0]]), 0), lambda x: np.sort(x, axis=0) ** 2,
    lambda x: x.at[[0, 0, 1]].set(x[1:] * 2), lambda x: x.at[[0, 0, 1]].add(x[1:] ** 2),
    lambda x: x.at[[0, 0, 1]].mul(x[1:]), lambda x: x.at[[0, 3], 1].min(x[:2, 2] * 0.9),
    lambda x: x.at[:, 0].max(1.2 * x[:, 1]), lambda x: np.tril(x @ x.T), lambda x: np.diag(x[0]) @ x[:3],
    lambda x: x.at[1].divide(x[0]), lambda x: x.at[..., 1].subtract(x[..., 0] ** 2), lambda x: np.trace(x) * x,
]


@pytest.mark.parametrize("f", DIFFERENTIATED)
def test_derivatives(f: Any) -> None:
    check_grads(lambda x: run_traced(f, x) if type(x) is np.ndarray else f(x), (SMOOTH,))


def total(f: Any) -> Any:
    return lambda *args: np.sum(f(*args))


EXACT = [
    (lambda x, v: x.at[[0, 0]].set(v), [5, 6], [1, 2], [0, 1], [0, 1]),
    (lambda x, v: x.at[[0, 0]].mul(v), [0, 6], [0, 2], [0, 1], [0, 0]),
    (lambda x, v: x.at[[0, 0]].mul(v), [3, 6], [0, 2], [0, 1], [6, 0]),
    (lambda x, v: x.at[[0, 0]].max(v), [1, 6], [1, 1], [1 / 3, 1], [1 / 3, 1 / 3]),
    (lambda x, v: x.at[[0, 0]].min(v), [1, 6], [0, 0], [0, 1], [0.5, 0.5]),
    (lambda x, v: x[[0, 0]] * v, [1, 6], [2, 3], [5, 0], [1, 1]),
]


@pytest.mark.parametrize(("f", "x", "v", "x_bar", "v_bar"), EXACT)
def test_derivatives_at_duplicates_zeros_and_ties(f: Any, x: Any, v: Any, x_bar: Any, v_bar: Any) -> None:
    for g in (fnad.grad(total(f), (0, 1)), fnad.jit(fnad.grad(total(f), (0, 1)))):
        assert_same(g(np.array(x, float), np.array(v, float)), (np.array(x_bar, float), np.array(v_bar, float)))


@pytest.mark.parametrize("mode", ["set", "add", "mul", "min", "max"])
def test_at_on_arrays_and_traced_values_alike(mode: str) -> None:
    x, index = np.arange(6.0).reshape(2, 3), (1, [0, 0, 2])
    plain = getattr(fnp.at(x)[index], mode)(np.array([7.0, 1.0, 0.5]))
    traced = run_traced(lambda x: getattr(fnp.at(x)[index], mode)(np.array([7.0, 1.0, 0.5])), x)
    assert_same(traced, plain)
    np.testing.assert_array_equal(x, np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(fnp.at(x)[0].get(), x[0])


def test_an_ordinary_array_at_a_traced_index() -> None:
    data = np.arange(5.0)
    total, _ = fnad.scan(lambda c, i: (c + fnp.at(data)[i].get() + fnp.array(data)[i], None), 0.0, np.arange(3))
    assert total == 6.0


def _written(x: Any, i: Any) -> Any:
    x = x.copy()
    x[1:, i] = 7
    return x


def _added(x: Any, i: Any) -> Any:
    x = x.copy()
    np.add.at(x[0], i, 1.0)
    return x


BY_PLACE = {
    "read": lambda x, i: x[0, i], "read row": lambda x, i: x[i], "written": _written, "added": _added,
    "take": lambda x, i: np.take(x, i, axis=1), "take along": lambda x, i: np.take_along_axis(x[0], i[None], 0),
    "at": lambda x, i: fnad.numpy.at(x)[1:, i[None]].add(1.0), "at row": lambda x, i: fnad.numpy.at(x)[i].set(2.0),
    "vmap": lambda x, i: fnad.vmap(lambda row: row[i])(x), "vmap of indices": lambda x, i: fnad.vmap(
        lambda x, i: x[i], (None, 0))(x, i[None]),
    "scan": lambda x, i: fnad.scan(lambda total, j: (total + fnad.numpy.at(x[0])[j].get(), ()), 0.0, i[None])[0],
    "grad": lambda x, i: fnad.grad(lambda x: fnad.numpy.at(x)[0, i].get())(x),
    "labels": lambda x, i: fnad.nn.softmax_cross_entropy(x[:1], i[None]),
}
FAR = {
    "uint64": (2**64 - 1, 2**63, 2**63 + 3, 5), "int64": (2**63 - 1, -(2**63), -6), "uint8": (255, 5), "int8": (-128,),
}


@pytest.mark.parametrize("name", BY_PLACE)
def test_places_beyond_the_array_are_errors_in_every_integer_dtype(name: str) -> None:
    """Also those that an int64 cannot hold: NumPy reads the element -1 for an array of 2**64 - 1."""
    x, f = np.arange(25.0).reshape(5, 5), BY_PLACE[name]
    jitted = fnad.jit(f)
    for dtype, far in FAR.items():
        for place in far:
            i = np.array(place, dtype)
            for run in jitted, (lambda x, i: run_traced(f, x, i)), (lambda x, i: run_traced(lambda x: f(x, i), x)):
                with pytest.raises(IndexError, match=r"out of bounds|requires integer labels in \[0, 5\)"):
                    run(x, i)
        np.testing.assert_array_equal(jitted(x, np.array(4, dtype)), run_traced(f, x, np.array(4, dtype)))


def test_take_clips_and_wraps_every_integer() -> None:
    x = np.arange(5.0)
    for mode, place_of in ("clip", lambda i: min(max(i, 0), 4)), ("wrap", lambda i: i % 5):
        f = lambda x, i: np.take(x, i, mode=mode)  # noqa: E731
        for dtype, far in FAR.items():
            i = np.array(far, dtype)
            for run in fnad.jit(f), (lambda x, i: run_traced(f, x, i)), (lambda x, i: run_traced(lambda x: f(x, i), x)):
                np.testing.assert_array_equal(run(x, i), [place_of(int(j)) for j in far])
