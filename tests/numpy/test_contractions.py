"""Products are NumPy's for all combinations of ranks; einsum takes what NumPy's takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fnad import make_program
from fnad.testing import check_grads
from hypothesis import given
from hypothesis import strategies as st

from tests.numpy.comparing import assert_like_numpy

RANDOM = np.random.default_rng(0)


def normal(*shape: int, dtype: Any = float) -> np.ndarray:
    parts = RANDOM.normal(size=(2, *shape))
    return (parts[0] + 1j * parts[1] if np.dtype(dtype).kind == "c" else np.rint(parts[0] * 4)).astype(dtype)


MATMULS = [
    ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (3,)),
    ((3,), (5, 3, 2)), ((2, 3), (5, 3, 4)), ((5, 1, 2, 3), (6, 3, 4)), ((2, 3), (3, 0)), ((0, 3), (3, 2)),
    ((2, 0), (0, 3)), ((1, 2, 3), (5, 3, 1)), ((0,), (0,)), ((5, 2, 3), (5, 3, 4)),
]
MISMATCHED = [((3,), (4,)), ((2, 3), (4, 2)), ((), (3,)), ((3,), ()), ((2, 3), ())]


@pytest.mark.parametrize(("s", "t"), MATMULS)
@pytest.mark.parametrize("dtypes", [
    ("f8", "f8"), ("f4", "f8"), ("i4", "f4"), ("i2", "i8"), ("?", "?"), ("c8", "f8"),
], ids=str)
def test_matmul(s: Any, t: Any, dtypes: Any) -> None:
    a, b = normal(*s, dtype=dtypes[0]), normal(*t, dtype=dtypes[1])
    assert_like_numpy(np.matmul, a, b)
    assert_like_numpy(lambda x: x @ b, a)
    assert_like_numpy(lambda y: a @ y, b)
    assert_like_numpy(np.dot, a, b)


@pytest.mark.parametrize(("s", "t"), MISMATCHED)
def test_matmul_errors(s: Any, t: Any) -> None:
    assert_like_numpy(np.matmul, normal(*s), normal(*t), message=True)
    assert_like_numpy(np.dot, normal(*s), normal(*t), message=True)
    assert_like_numpy(np.inner, normal(*s), normal(*t))


def test_matmul_errors_of_batches_and_scalars() -> None:
    assert_like_numpy(np.matmul, normal(2, 3, 3), normal(4, 3, 3))
    assert_like_numpy(lambda x: x @ 2.0, normal(3), message=True)


def test_a_stack_times_a_matrix_is_one_product() -> None:
    program = make_program(np.matmul)(normal(5, 2, 3), normal(3, 4))
    assert [eqn.primitive.name for eqn in program.equations] == ["reshape", "matmul", "reshape"]


A, B, V = normal(2, 3, 4), normal(4, 3, 5), normal(3)
PRODUCTS = [
    lambda a, b: np.tensordot(a, b, axes=([1, 2], [1, 0])), lambda a, b: np.tensordot(a, b, axes=(2, 0)),
    lambda a, b: np.tensordot(a, b, 0), lambda a, b: np.tensordot(a, b, 1), lambda a, b: np.tensordot(a, b, 2),
    lambda a, b: np.tensordot(a, b, axes=(-1, 0)), lambda a, b: np.tensordot(a, a, 3),
    lambda a, b: np.tensordot(a, b, axes=([1], [1])), lambda a, b: np.inner(a, b.transpose(1, 2, 0)),
    lambda a, b: np.inner(a, 2.0), lambda a, b: np.outer(a[0], b[0]), lambda a, b: np.vdot(a, a + 1),
    lambda a, b: np.dot(a, 3.0), lambda a, b: np.dot(2.0, a), lambda a, b: np.dot(a, b),
    lambda a, b: np.dot(a[0], b[:, 0]), lambda a, b: np.dot(a, b[:, 0, 0]), lambda a, b: np.kron(a[0], b[0]),
    lambda a, b: np.kron(a, b[0]), lambda a, b: np.vecdot(a, a + 1), lambda a, b: a.dot(b.swapaxes(0, 1)),
    lambda a, b: np.linalg.outer(a[0, 0], b[0, 0]), lambda a, b: np.outer([1.0, 2.0], a[0]),
]


@pytest.mark.parametrize("f", PRODUCTS)
@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "c16"])
def test_products(f: Any, dtype: str) -> None:
    assert_like_numpy(f, A.astype(dtype), B.astype(dtype))


@pytest.mark.parametrize("f", [lambda a, b: np.tensordot(a, b, 3), lambda a, b: np.tensordot(a, b, ([0], [0]))])
def test_tensordot_errors(f: Any) -> None:
    assert_like_numpy(f, A, B, message=True)
    assert_like_numpy(lambda a, b: np.tensordot(a, b, (5, 0)), A, B)


@pytest.mark.parametrize(("s", "t"), MATMULS[:9])
def test_derivatives_of_matmul(s: Any, t: Any) -> None:
    check_grads(np.matmul, (normal(*s), normal(*t)))
    check_grads(np.matmul, (normal(*s, dtype="c16"), normal(*t, dtype="c16")))
