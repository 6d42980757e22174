"""Functions that make arrays, from traced values or like them."""

from __future__ import annotations

from typing import Any

import fnad.numpy as fnp
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy, assert_same, run_traced

X = np.arange(6.0).reshape(2, 3)
CALLS = [
    lambda x: np.zeros_like(x), lambda x: np.ones_like(x, dtype=np.float32), lambda x: np.ones_like(x, shape=(4,)),
    lambda x: np.full_like(x, 3.5), lambda x: np.full_like(x, x[1, 2]), lambda x: np.full_like(x, [1, 2, 3]),
    lambda x: np.zeros_like(x, shape=2), lambda x: np.linspace(x[0, 0], x[1, 1]),
    lambda x: np.linspace(x[0, 0], 5, 4, endpoint=False), lambda x: np.linspace(x[0], x[1], 3),
    lambda x: np.linspace(0.0, x[0], 3, axis=1), lambda x: np.linspace(x[0, 1], 2, 5, retstep=True),
    lambda x: np.linspace(x[0, 1], 2, 0), lambda x: np.linspace(x[0, 1], 7, 1),
    lambda x: np.linspace(x[0, 1], 9, 4, dtype=int), lambda x: np.meshgrid(x[0], x[1, :2]),
    lambda x: np.meshgrid(x[0], x[1], x[0, :1], indexing="ij"), lambda x: np.meshgrid(x[0], [1.0, 2.0], sparse=True),
    lambda x: np.meshgrid(x[0]),
]


@pytest.mark.parametrize("f", CALLS)
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_calls_are_numpys(f: Any, dtype: str) -> None:
    assert_like_numpy(f, X.astype(dtype))


def test_empty_like_has_the_type() -> None:
    assert run_traced(lambda x: np.empty_like(x, dtype=np.float32), X).dtype == np.float32


# What NumPy would build by asking each traced value for its array.
NESTED = [
    (lambda x: fnp.array([x[0, 0], 1]), [0.0, 1.0]),
    (lambda x: fnp.array([[x[0, 1], 2], [x[0, 0], x[1, 2]]]), [[1.0, 2.0], [0.0, 5.0]]),
    (lambda x: fnp.array([x[0], [7, 8, 9]]), [[0.0, 1.0, 2.0], [7.0, 8.0, 9.0]]),
    (lambda x: fnp.asarray((x[0, 2],), dtype=np.float32), np.array([2], "f4")),
    (lambda x: fnp.array(x[0, 2], ndmin=2), [[2.0]]), (lambda x: fnp.full((2, 2), x[0, 1]), [[1.0, 1.0], [1.0, 1.0]]),
    (lambda x: fnp.asarray(x[0]), [0.0, 1.0, 2.0]), (lambda x: fnp.add([x[0, 1], 2.0], 1), [2.0, 3.0]),
    (lambda x: fnp.sum([x[0], x[1]]), 15.0),
]


@pytest.mark.parametrize(("f", "expected"), NESTED)
def test_nested_lists_of_traced_values(f: Any, expected: Any) -> None:
    assert_same(run_traced(f, X), np.array(expected))


def test_nested_lists_must_fit() -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        run_traced(lambda x: fnp.array([x, x[0]]), X)


@pytest.mark.parametrize("dtype", [str, object, "M8[s]"])
def test_arrays_hold_numbers(dtype: Any) -> None:
    with pytest.raises(TypeError, match="numbers"):
        run_traced(lambda x: x.astype(dtype), X)


def test_without_traced_values_they_are_numpys() -> None:
    assert_same(fnp.array([1, 2], ndmin=2), np.array([[1, 2]]))
    assert_same([fnp.full(2, 3), fnp.zeros(2), fnp.asarray([1.0])], [np.full(2, 3), np.zeros(2), np.array([1.0])])
