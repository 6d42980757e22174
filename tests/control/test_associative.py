"""Partial results of associative functions: those of a loop, in either direction, along any axis."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest
from fnad.testing import check_grads

from tests.surface.laws import LAWS, Row

RANDOM = np.random.default_rng(0)
MATRICES = RANDOM.normal(size=(5, 2, 2))


def loop(fn: Any, xs: Any) -> np.ndarray:
    results = [xs[0]]
    for x in xs[1:]:
        results.append(fn(results[-1], x))
    return np.stack(results)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8])
@pytest.mark.parametrize("reverse", [False, True])
def test_sums_of_any_number(n: int, reverse: bool) -> None:
    x = RANDOM.normal(size=(2, n))
    step = -1 if reverse else 1
    expected = np.cumsum(x[:, ::step], axis=1)[:, ::step]
    np.testing.assert_allclose(fnad.associative_scan(np.add, x, reverse, 1), expected, rtol=1e-12)
    np.testing.assert_allclose(fnad.associative_scan(np.add, x, reverse=reverse, axis=-1), expected, rtol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
def test_what_does_not_commute_keeps_its_order(reverse: bool) -> None:
    got = fnad.associative_scan(np.matmul, MATRICES, reverse=reverse)
    step = -1 if reverse else 1
    np.testing.assert_allclose(got[::step], loop(np.matmul, MATRICES[::step]), rtol=1e-12)


def then(f: Any, g: Any) -> Any:
    return {"a": f["a"] * g["a"], "b": f["b"] * g["a"] + g["b"]}


def recurrence(a: Any, b: Any) -> Any:
    return fnad.associative_scan(then, {"a": a, "b": b})


def recurred(a: np.ndarray, b: np.ndarray) -> Any:
    values = [b[0]]
    for k in range(1, len(a)):
        values.append(a[k] * values[-1] + b[k])
    return {"a": np.cumprod(a), "b": np.array(values)}


ROWS = [
    Row("matrices", lambda x: fnad.associative_scan(np.matmul, x), (MATRICES,), lambda x: loop(np.matmul, x)),
    Row("recurrence", recurrence, tuple(RANDOM.normal(size=(2, 5))), recurred),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_it_keeps_the_laws(row: Row, law: Any) -> None:
    law(row)


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="one number of elements, got 2 of elems.*3 of elems"):
        fnad.associative_scan(then, {"a": np.ones(2), "b": np.ones(3)})
    with pytest.raises(ValueError, match="requires an axis"):
        fnad.associative_scan(np.add, np.ones(2), axis=1)
    with pytest.raises(TypeError, match="a function"):
        fnad.associative_scan(3, np.ones(2))
    with pytest.raises(TypeError, match="result"):
        fnad.associative_scan(lambda a, b: (a, b), np.ones(2))


def test_batches_of_a_map() -> None:
    x = np.arange(7.0)
    for size in (1, 2, 7, 9):
        np.testing.assert_array_equal(fnad.map(np.sin, x, batch_size=size), np.sin(x))
    assert fnad.map(np.sin, x[:0], batch_size=3).shape == (0,)
    check_grads(lambda x: fnad.map(lambda v: {"y": v**2}, x, batch_size=3), (x,))
    with pytest.raises(ValueError, match="batch_size"):
        fnad.map(np.sin, x, batch_size=0)


@pytest.mark.parametrize("unroll", [1, 3, True, False])
def test_steps_to_write_out_are_a_hint(unroll: Any) -> None:
    total, _ = fnad.scan(lambda c, x: (c + x, None), 0.0, np.arange(4.0), unroll=unroll)
    assert total == 6 and fnad.fori_loop(0, 4, lambda i, c: c + i, 0, unroll=unroll) == 6


def test_what_is_no_hint_is_refused() -> None:
    for call in (lambda: fnad.scan(lambda c, x: (c, x), 0.0, np.ones(2), unroll="all"),
                 lambda: fnad.fori_loop(0, 4, lambda i, c: c, 0, unroll=1.5)):
        with pytest.raises(TypeError, match="unroll"):
            call()
