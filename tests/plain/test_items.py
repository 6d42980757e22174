"""Ordinary arrays read at traced indices."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import grad, jit, scan, vmap, while_loop
from fnad.plain import items, surroundings
from fnad.runtime.cpu import detour
from fnad.tracing.tracer import Tracer

TABLE = np.linspace(0.0, 1.0, 6) ** 2
GRID = np.arange(12.0).reshape(3, 4)
HELD = {"tables": [TABLE * 2.0]}


class Model:
    def __init__(self) -> None:
        self.table = TABLE * 3.0

    def read(self, i: Any) -> Any:
        return self.table[i] + HELD["tables"][0][i]


READS: dict[str, Callable[[Any], Any]] = {
    "one": lambda i: TABLE[i], "a row": lambda i: GRID[i], "a column": lambda i: GRID[1:, i],
    "several": lambda i: TABLE[i + np.arange(3)], "two": lambda i: GRID[i, i + 1],
    "of a list": lambda i: GRID[[i, 0], 1],
    "a list": lambda i: TABLE[[i, 0]], "a new axis": lambda i: TABLE[i, None], "the last": lambda i: GRID[..., i],
    "an object": Model().read, "a local": lambda i: (TABLE + 1.0)[i], "again": lambda i: GRID[i][i],
    "integers": lambda i: np.arange(5)[::-1][i] * 2, "truths": lambda i: np.where((TABLE > 0.1)[i], 1.0, 2.0),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_is_numpys_where_the_index_is_not_known(name: str) -> None:
    read, at = READS[name], np.arange(3)
    expected = np.stack([read(i) for i in at])
    np.testing.assert_array_equal(scan(lambda c, i: (c, read(i)), 0.0, at)[1], expected)
    np.testing.assert_array_equal(vmap(read)(at), expected)
    compiled = jit(read)
    np.testing.assert_array_equal([compiled(i) for i in at], expected)
    assert compiled.cache_info().stagings == 1  # there is no guard on the value
    assert np.ndarray.__getitem__ is items._original and TABLE[[0, 5]].tolist() == [0.0, 1.0]


def test_a_loop_until_a_condition_holds() -> None:
    end, total = while_loop(lambda s: TABLE[s[0]] < 0.5, lambda s: (s[0] + 1, s[1] + TABLE[s[0]]), (0, 0.0))
    assert end == 4 and total == TABLE[:4].sum()


def test_a_table_that_is_interpolated_has_its_slope() -> None:
    def interpolated(x: Any) -> Any:
        i = np.floor(x * 5.0).astype(int)
        return TABLE[i] + (x * 5.0 - i) * (TABLE[i + 1] - TABLE[i])

    for around in (grad, lambda f: jit(grad(f)), lambda f: lambda x: vmap(grad(f))(np.array([x]))[0]):
        np.testing.assert_allclose(around(interpolated)(0.5), 5.0 * (TABLE[3] - TABLE[2]))


def test_what_is_read_is_what_is_there_now() -> None:
    data, holder = np.arange(4.0), Model()
    one, of_object = jit(lambda i: data[i] * 2.0), jit(holder.read)
    assert one(2) == 4.0
    of_object(2)
    data[2], holder.table[2] = 7.0, 50.0
    assert one(2) == 14.0 and of_object(2) == holder.read(2)
    holder.table = holder.table * 2.0
    assert of_object(2) == holder.read(2)


def test_where_the_index_is_known_the_array_is_read_as_ever() -> None:
    def f(x: Any) -> Any:
        row = GRID[np.floor(x).astype(int)]
        assert type(row) is np.ndarray
        return x * row.sum()

    vmap(READS["one"])(np.arange(2))  # so that the detour is there
    assert grad(f)(1.5) == GRID[1].sum()


@pytest.mark.parametrize("read", [
    lambda i: [1.0, 2.0, 3.0][i], lambda i: TABLE[i : i + 2], lambda i: TABLE.tolist()[i],
    lambda i: np.array(["a", "b", "c"])[i],
])
def test_what_takes_no_traced_index_says_what_to_do(read: Callable[[Any], Any]) -> None:
    with pytest.raises(fnad.ConcreteValueError, match=r"use np\.array\(data\)\[i\] for data\[i\]"):
        vmap(read)(np.arange(2))


def test_an_index_that_is_out_of_bounds_is_an_error() -> None:
    with pytest.raises(IndexError, match="out of bounds"):
        vmap(READS["one"])(np.array([0, 6]))


# --- The machine code


class Key:
    pass


def test_a_detour_is_taken_for_its_keys_alone() -> None:
    met: list[Any] = []
    way = detour.detour(Key, lambda array, key: met.append((array.shape, key)) or "found")
    assert way is not None
    key, x = Key(), np.arange(6.0).reshape(2, 3)
    way.put()
    try:
        assert x[key] == x[0, key] == x[..., key] == x[[0, 1]] == x[0, [1, 2]] == "found"
        assert x[1].tolist() == [3.0, 4.0, 5.0] and x[1, 2] == 5.0 and x[x > 4.0].tolist() == [5.0]
        assert x[()].shape == x[:].shape == x[None][0].shape == (2, 3) and x[np.array([1])].shape == (1, 3)
    finally:
        way.take()
    assert [shape for shape, _ in met] == [(2, 3)] * 5 and x[[0]].shape == (1, 3)
    with pytest.raises(IndexError):
        x[key]


def test_an_error_goes_through_a_detour_and_nothing_is_kept() -> None:
    def refuse(array: Any, key: Any) -> Any:
        raise KeyError("refused")

    way = detour.detour(Key, refuse)
    assert way is not None
    key, x = Key(), np.arange(3.0)
    counts = sys.getrefcount(key), sys.getrefcount(x)
    way.put()
    try:
        for _ in range(100):
            with pytest.raises(KeyError, match="refused"):
                x[key]
    finally:
        way.take()
    assert (sys.getrefcount(key), sys.getrefcount(x)) == counts


def test_a_python_that_is_laid_out_otherwise_has_the_clear_error(monkeypatch: Any) -> None:
    monkeypatch.setattr(detour, "_FUNCTION", detour._FUNCTION + 8)
    assert detour.detour(Tracer, items._item) is None
    monkeypatch.setattr(surroundings.plain, "_detours", None)
    with pytest.raises(fnad.ConcreteValueError, match=r"array\[i\]: requires a known value"):
        vmap(lambda i: TABLE[i])(np.arange(2))
    assert surroundings.plain._detours == []
