"""Matrices of a structure, made of few elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from fnad.numpy.dispatch import implements
from fnad.numpy.linalg.matrices import common
from fnad.numpy.promotion import cast, result_dtype, spread_to
from fnad.numpy.shaping import reshaped
from fnad.tracing.tracer import Tracer


def _rows(*values: Any) -> list[Tracer]:
    """Arguments as rows, of which there may be many."""
    return [reshaped(x, (1,)) if x.ndim == 0 else x for x in common(*values)]


def _together(*xs: Tracer) -> Tracer:
    """Rows one behind the other, in their common dtype."""
    batch = np.broadcast_shapes(*[x.shape[:-1] for x in xs])
    dtype = result_dtype(*xs)
    return np.concatenate([spread_to(cast(x, dtype), (*batch, x.shape[-1])) for x in xs], -1)


@implements(scipy.linalg.toeplitz)
def toeplitz(c: Any, r: Any = None) -> Any:
    """Dtypes: numbers. Derivative: the sums along the diagonals.

    >>> toeplitz([1.0, 2.0], [1.0, 3.0])
    array([[1., 3.],
           [2., 1.]])
    """
    column, row = _rows(c, np.conj(c) if r is None else r)
    m, n = column.shape[-1], row.shape[-1]
    values = _together(row[..., :0:-1], column)
    return values[..., n - 1 + np.arange(m)[:, None] - np.arange(n)]


@implements(scipy.linalg.hankel)
def hankel(c: Any, r: Any = None) -> Any:
    """Dtypes: numbers. Derivative: the sums along the other diagonals.

    >>> hankel([1.0, 2.0], [9.0, 3.0])
    array([[1., 2.],
           [2., 3.]])
    """
    column, row = _rows(c, np.zeros_like(c) if r is None else r)
    m, n = column.shape[-1], row.shape[-1]
    return _together(column, row[..., 1:])[..., np.arange(m)[:, None] + np.arange(n)]


@implements(scipy.linalg.circulant)
def circulant(c: Any) -> Any:
    """Dtypes: numbers. Derivative: the sums along the diagonals.

    >>> circulant([1.0, 2.0])
    array([[1., 2.],
           [2., 1.]])
    """
    (column,) = _rows(c)
    n = column.shape[-1]
    return column[..., (np.arange(n)[:, None] - np.arange(n)) % max(n, 1)]


@implements(scipy.linalg.companion)
def companion(a: Any) -> Any:
    """Dtypes: numbers. Derivative: as of the quotients by the first coefficient.

    >>> companion([2.0, 4.0, 6.0])
    array([[-2., -3.],
           [ 1.,  0.]])
    """
    (x,) = common(a)
    if x.ndim == 0 or x.shape[-1] < 2:
        raise ValueError("The length of `a` along the last axis must be at least 2.")
    first = -x[..., 1:] / x[..., :1]
    n = first.shape[-1]
    below = spread_to(x.builder.tracer(np.eye(n - 1, n).astype(first.dtype)), (*first.shape[:-1], n - 1, n))
    return np.concatenate([first[..., None, :], below], -2)


@implements(scipy.linalg.convolution_matrix)
def convolution_matrix(a: Any, n: int, mode: str = "full") -> Any:
    """Dtypes: numbers. Derivative: the sums along the diagonals.

    >>> convolution_matrix([1.0, 2.0], 2)
    array([[1., 0.],
           [2., 1.],
           [0., 2.]])
    """
    (x,) = common(a)
    if n <= 0:
        raise ValueError("n must be a positive integer.")
    if mode not in ("full", "valid", "same"):
        raise ValueError("'mode' argument must be one of ('full', 'valid', 'same')")
    k = x.shape[-1]
    first, rows = {"full": (0, n + k - 1), "same": ((min(n, k) - 1) // 2, max(n, k)),
                   "valid": (min(n, k) - 1, max(n, k) - min(n, k) + 1)}[mode]
    place = first + np.arange(rows)[:, None] - np.arange(n)
    inside = (place >= 0) & (place < k)
    return np.where(inside, x[..., np.where(inside, place, 0)], np.zeros((), x.dtype))


@implements(scipy.linalg.block_diag)
def block_diag(*arrs: Any) -> Any:
    """Dtypes: all. Derivative: the blocks on the diagonal.

    >>> block_diag([1.0], [[2.0, 3.0]])
    array([[1., 0., 0.],
           [0., 2., 3.]])
    """
    blocks = [reshaped(x, (1,) * (2 - x.ndim) + x.shape) if x.ndim < 2 else x for x in common(*arrs)]
    dtype, batch = result_dtype(*blocks), np.broadcast_shapes(*[x.shape[:-2] for x in blocks])
    width, rows, before = sum([x.shape[-1] for x in blocks]), [], 0
    for x in blocks:
        block = spread_to(cast(x, dtype), (*batch, *x.shape[-2:]))
        after = width - before - x.shape[-1]
        rows.append(np.pad(block, [*[(0, 0)] * (len(batch) + 1), (before, after)]))
        before += x.shape[-1]
    return np.concatenate(rows, -2)


@implements(scipy.linalg.khatri_rao)
def khatri_rao(a: Any, b: Any) -> Any:
    """Dtypes: numbers. Derivative: as of the products.

    >>> khatri_rao([[1.0, 2.0]], [[3.0, 4.0]])
    array([[3., 8.]])
    """
    x, y = common(a, b)
    if x.ndim < 2 or y.ndim < 2:
        raise ValueError("The both arrays should be 2-dimensional.")
    if x.shape[-1] != y.shape[-1]:
        raise ValueError("The number of columns for both arrays should be equal.")
    product = x[..., :, None, :] * y[..., None, :, :]
    return reshaped(product, (*product.shape[:-3], x.shape[-2] * y.shape[-2], x.shape[-1]))
