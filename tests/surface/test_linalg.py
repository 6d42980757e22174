"""`np.linalg` on traced values: NumPy's values, derivatives, batches, compiled code without host steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.surface.laws import LAWS, Row

RNG = np.random.default_rng(7)
A = RNG.standard_normal((3, 3)) + 2 * np.eye(3)
B, V = RNG.standard_normal((3, 2)), RNG.standard_normal(3)
BIG = RNG.standard_normal((10, 10)) + 4 * np.eye(10)
TALL, WIDE = RNG.standard_normal((4, 2)), RNG.standard_normal((2, 4))
STACK = RNG.standard_normal((2, 3, 3)) + 2 * np.eye(3)
C = A + 1j * RNG.standard_normal((3, 3))
LOW_RANK = np.outer([1.0, 2.0, 3.0], [1.0, -1.0])


def symmetric(a: Any) -> Any:
    return (a + np.conj(np.matrix_transpose(a))) / 2


def positive(a: Any) -> Any:
    return a @ np.conj(np.matrix_transpose(a)) + np.eye(a.shape[-1], dtype=a.dtype)


def function_of(a: Any) -> Any:
    """A function of a symmetric matrix, by its eigenvectors."""
    w, v = np.linalg.eigh(symmetric(a))
    return (v * np.sin(w)) @ np.conj(np.matrix_transpose(v))


def filtered(a: Any, full: bool = False) -> Any:
    """A function of singular values and vectors that does not depend on signs."""
    u, s, vh = np.linalg.svd(a, full_matrices=full)
    k = s.shape[-1]
    return (u[..., :k] * np.tanh(s)[..., None, :]) @ vh[..., :k, :]


ROWS = [
    Row("solve", np.linalg.solve, (A, B)), Row("solve/vector", np.linalg.solve, (A, V)),
    Row("solve/large", np.linalg.solve, (BIG, BIG[:, :2])), Row("solve/stacks", np.linalg.solve, (STACK, B)),
    Row("solve/vectors", np.linalg.solve, (STACK, V)), Row("solve/one matrix", np.linalg.solve, (A, STACK)),
    Row("solve/complex", np.linalg.solve, (C, B)), Row("inv", np.linalg.inv, (STACK,)),
    Row("inv/complex", np.linalg.inv, (C,)), Row("det", np.linalg.det, (A,)),
    Row("det/large", np.linalg.det, (BIG[:4, :4],)), Row("det/two rows", np.linalg.det, (A[:2, :2],)),
    Row("det/complex", np.linalg.det, (C,)), Row("slogdet", np.linalg.slogdet, (STACK,)),
    Row("slogdet/large", np.linalg.slogdet, (BIG,)), Row("slogdet/complex", np.linalg.slogdet, (C,)),
    Row("cholesky", lambda a: np.linalg.cholesky(positive(a)), (STACK,)),
    Row("cholesky/upper", lambda a: np.linalg.cholesky(positive(a), upper=True), (A,)),
    Row("cholesky/large", lambda a: np.linalg.cholesky(positive(a)), (BIG,)),
    Row("cholesky/complex", lambda a: np.linalg.cholesky(positive(a)), (C,)),
    Row("qr", np.linalg.qr, (A,)), Row("qr/tall", np.linalg.qr, (TALL,)), Row("qr/wide", np.linalg.qr, (WIDE,)),
    Row("qr/r", lambda a: np.linalg.qr(a, "r"), (TALL,)),
    Row("qr/raw", lambda a: np.linalg.qr(a, mode="raw"), (TALL,), order=0),
    Row("qr/complete", lambda a: np.linalg.qr(a, "complete"), (WIDE,)),
    Row("qr/complex", np.linalg.qr, (C,)),
    Row("eigh", function_of, (A,)), Row("eigh/upper", lambda a: np.linalg.eigh(symmetric(a), "U")[0], (A,)),
    Row("eigh/complex", function_of, (C,)),
    Row("eigvalsh", lambda a: np.linalg.eigvalsh(symmetric(a)), (STACK,)),
    Row("eig", lambda a: np.abs(np.linalg.eig(a)[1]), (C,)),
    Row("eigvals", np.linalg.eigvals, (C,)),
    Row("svd", filtered, (TALL,)), Row("svd/wide", filtered, (WIDE,)), Row("svd/stack", filtered, (STACK,)),
    Row("svd/full", lambda a: filtered(a, True), (TALL,)), Row("svd/complex", filtered, (C,)),
    Row("svd/values", lambda a: np.linalg.svd(a, compute_uv=False), (TALL,)),
    Row("svdvals", np.linalg.svdvals, (WIDE,)),
    Row("svd/hermitian", lambda a: np.linalg.svd(symmetric(a), hermitian=True)[1], (A,), host=frozenset({"argsort"})),
    Row("pinv", np.linalg.pinv, (TALL,)), Row("pinv/wide", np.linalg.pinv, (WIDE,)),
    Row("pinv/stack", lambda a: np.linalg.pinv(a, rcond=[1e-9, 1e-3]), (STACK,), batch=False),
    Row("pinv/hermitian", lambda a: np.linalg.pinv(symmetric(a), hermitian=True), (A,)),
    Row("pinv/complex", np.linalg.pinv, (C,)),
    Row("lstsq", lambda a, b: np.linalg.lstsq(a, b)[:2], (TALL, A[0, 0] * TALL + np.eye(4, 2))),
    Row("lstsq/all", lambda a, b: np.linalg.lstsq(a, b, rcond=1e-9), (TALL, np.arange(4.0)), order=1),
    Row("lstsq/wide", np.linalg.lstsq, (WIDE, V[:2]), order=1),
    Row("matrix_power", lambda a: np.linalg.matrix_power(a, 5), (STACK,)),
    Row("matrix_power/negative", lambda a: np.linalg.matrix_power(a, -2), (A,)),
    Row("matrix_rank", np.linalg.matrix_rank, (STACK,), order=0),
    Row("matrix_rank/tol", lambda a: np.linalg.matrix_rank(a, tol=5.0), (STACK,), order=0),
    Row("multi_dot", lambda *xs: np.linalg.multi_dot(xs), (V, A, B, WIDE, WIDE[0])),
    Row("multi_dot/matrices", lambda *xs: np.linalg.multi_dot(xs), (TALL, WIDE, TALL)),
    *[Row(f"norm/{p}", lambda a, p=p: np.linalg.norm(a, p), (TALL,)) for p in (2, -2, "nuc")],
    Row("norm/axes", lambda a: np.linalg.norm(a, 2, (2, 0), keepdims=True), (STACK,)),
    Row("matrix_norm/2", lambda a: np.linalg.matrix_norm(a, ord=2), (STACK,)),
    *[Row(f"cond/{p}", lambda a, p=p: np.linalg.cond(a, p), (A,)) for p in (None, -2, 1, "fro")],
    Row("tensorsolve", np.linalg.tensorsolve, (BIG[:6, :6].reshape(2, 3, 6), B.T)),
    Row("tensorinv", lambda a: np.linalg.tensorinv(a, ind=1), (BIG[:6, :6].reshape(6, 2, 3),)),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_functions_of_numpy(row: Row, law: Any) -> None:
    law(row)
