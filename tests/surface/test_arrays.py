"""The functions of arrays that have been there first, a family in each row: one program has them all."""

from __future__ import annotations

from typing import Any

import fnad.numpy as fnp
import numpy as np
import pytest

from tests.surface.laws import LAWS, Row

X, Y = np.array([[0.3, -1.2, 2.5], [1.7, 0.9, -0.4]]), np.array([[1.1, 0.2, -0.7], [0.5, -2.1, 1.4]])
CUBE, INDEX = np.arange(8.0).reshape(2, 2, 2) / 3 + 0.1, np.array([[2, 0, 0], [1, 1, 2]])


def _each(*functions: Any) -> Any:
    """Several functions of one array."""
    return lambda x: [f(x) for f in functions]


def _written(x: Any, y: Any) -> Any:
    """Copies of an array after a write to each."""
    writes = [
        lambda a: np.copyto(a, y[0]), lambda a: np.put(a, [4, 0], y[0, :2]), lambda a: np.fill_diagonal(a, y[0, 0]),
        lambda a: np.put_along_axis(a, np.array([[1], [0]]), y[:, :1], 1), lambda a: np.putmask(a, X > 1, y),
        lambda a: np.place(a, X > 1, y[0]),
    ]
    copies = [np.copy(x) for _ in writes]
    for write, copy in zip(writes, copies):
        write(copy)
    return copies


def _like(x: Any) -> Any:
    return [np.full_like(x, 2.0) * x, np.zeros_like(x) + x, np.ones_like(x) * x, np.empty_like(x).size * x]


def _made(x: Any) -> Any:
    made = [fnp.arange(3), fnp.eye(3), fnp.identity(3), fnp.ones(3), fnp.tri(3), fnp.zeros((2, 3))]
    return [x[0] * a for a in made] + [fnp.full(3, x[0, 0]), fnp.empty((2, 3)).size * x]


ROWS = [
    Row("reshape, ravel, squeeze, expand_dims, atleast_1d, atleast_2d, atleast_3d", _each(
        lambda x: np.reshape(x, (3, -1), order="F"), np.ravel, lambda x: np.squeeze(x[None]), np.atleast_1d,
        np.atleast_2d, lambda x: np.expand_dims(x, (0, 2)), np.atleast_3d), (X,)),
    Row("transpose, swapaxes, moveaxis, rollaxis, matrix_transpose", _each(
        lambda x: np.transpose(x, (1, 2, 0)), lambda x: np.swapaxes(x, 0, 2), lambda x: np.moveaxis(x, 0, -1),
        lambda x: np.rollaxis(x, 2), np.matrix_transpose), (CUBE,)),
    Row("flip, fliplr, flipud, rot90, roll, broadcast_to, broadcast_arrays, astype, copy, array, asarray", _each(
        np.flip, np.fliplr, np.flipud, np.rot90, lambda x: np.roll(x, 1, 1),
        lambda x: np.broadcast_to(x, (2, 2, 3)),
        lambda x: np.broadcast_arrays(x, x[:1]), lambda x: np.astype(x, np.float64), np.copy, fnp.array,
        fnp.asarray),
        (X,), single=False),
    Row("append, column_stack, concatenate, dstack, hstack, stack, vstack, tile, repeat, pad", lambda x, y: [
        np.append(x, y), np.column_stack([x, y]), np.concatenate([x, y], 1), np.dstack([x, y]), np.hstack([x, y]),
        np.stack([x, y], 1), np.vstack([x, y]), np.tile(x, (2, 2)), np.repeat(x, [1, 2], 0), np.pad(y, 1, "reflect"),
    ], (X, Y)),
    Row("array_split, split, hsplit, vsplit, dsplit, diff", _each(
        lambda x: np.array_split(x, 3), lambda x: np.split(x, 2), lambda x: np.hsplit(x, 2), lambda x: np.vsplit(x, 2),
        lambda x: np.dsplit(x, 2), lambda x: np.diff(x, axis=0, append=0.0)), (CUBE,)),
    Row("sum, prod, mean, average, var, std, trace, cumsum, cumprod", _each(
        lambda x: np.sum(x, axis=0), np.prod, lambda x: np.mean(x, 1), lambda x: np.average(x, 0, [1.0, 3.0]), np.var,
        lambda x: np.std(x, axis=1, ddof=1), np.trace, lambda x: np.cumsum(x, 1), lambda x: np.cumprod(x, 0)), (X,)),
    Row("max, min, amax, amin, ptp", _each(
        lambda x: np.max(x, axis=0), lambda x: np.min(x, axis=1), np.amax, np.amin, lambda x: np.ptp(x, axis=1)), (X,)),
    Row("nansum, nanprod, nanmean, nanmax, nanmin, nan_to_num", _each(
        np.nansum, lambda x: np.nanprod(x, 0), lambda x: np.nanmean(x, 1), lambda x: np.nanmax(x, axis=0), np.nanmin,
        np.nan_to_num), (X,)),
    Row("all, any, argmax, argmin, argsort, count_nonzero, isclose, allclose, array_equal, around, round, fix", _each(
        lambda x: np.all(x > 0, 0), lambda x: np.any(x > 0, 1), lambda x: np.argmax(x, 0), np.argmin, np.argsort,
        np.count_nonzero, lambda x: np.isclose(x, X), lambda x: np.allclose(x, X), lambda x: np.array_equal(x, Y),
        np.around, lambda x: np.round(x, 1), np.fix), (X,), order=0),
    Row("diag, diagflat, diagonal, tril, triu", _each(
        np.diag, lambda x: np.diagflat(x, 1), lambda x: np.diagonal(x, 1), np.tril, lambda x: np.triu(x, 1)), (X,)),
    Row("dot, inner, outer, kron, matmul, tensordot, vdot, vecdot, einsum", lambda x, y: [
        np.dot(x, y[0]), np.inner(x, y), np.outer(x, y), np.kron(x, y), np.matmul(x, y.T), np.tensordot(x, y),
        np.vdot(x, y), np.vecdot(x, y), np.einsum("ij,kj->ik", x, y),
    ], (X, Y)),
    Row("where, select, take, take_along_axis, clip, sinc, linspace, meshgrid", lambda x, y: [
        np.where(X > 0, x, y), np.select([X > 1, X < 0], [x, y], 0.5), np.take(x, [2, 0, 0], 1),
        np.take_along_axis(x, INDEX, 1), np.clip(x, -1.0, 1.5), np.sinc(x), np.linspace(x, y, 3),
        np.meshgrid(x[0], y[1]),
    ], (X, Y)),
    Row("real, imag, angle", lambda x, y: [np.real(x + 1j * y), np.imag(x + 1j * y), np.angle(x + 1j * y)], (X, Y),
        host=frozenset({"complex"})),
    Row("real_if_close", np.real_if_close, (X,), known=True),
    Row("copyto, put, fill_diagonal, put_along_axis, putmask, place", _written, (X, Y)),
    Row("full_like, zeros_like, ones_like, empty_like", _like, (X,)),
    Row("arange, eye, identity, ones, tri, zeros, full, empty", _made, (X,), single=False),
    Row("unique_all, unique_counts, unique_inverse, unique_values, intersect1d", _each(
        np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values, lambda x: np.intersect1d(x, Y[0])), (X,),
        order=0, known=True),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_arrays(law: Any, row: Row) -> None:
    law(row)
