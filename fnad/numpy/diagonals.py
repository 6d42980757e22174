"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.numpy.aliases import view
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.promotion import array_of, constant, one_axis, spread_to, traced
from fnad.numpy.reductions import sum
from fnad.numpy.shaping import permuted, ravel, stand_in
from fnad.ops import indexing as places
from fnad.ops.elementwise import select
from fnad.tracing.tracer import Tracer


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Dtypes: all. Derivative: 1 on the diagonal.

    >>> diagonal([[1.0, 2.0], [3.0, 4.0]])
    array([1., 4.])
    """
    x = array_of(a)
    np.diagonal(stand_in(x.shape), offset, axis1, axis2)
    first, second = one_axis(axis1, x.ndim), one_axis(axis2, x.ndim)
    rest = [i for i in range(x.ndim) if i not in (first, second)]
    rows, columns = _diagonal_places(x.shape[first], x.shape[second], int(offset))
    line = places.gather(permuted(x, (first, second, *rest)), rows, columns)
    return view(x, permuted(line, (*range(1, line.ndim), 0)), readonly=True)


def _diagonal_places(rows: int, columns: int, offset: int) -> tuple[np.ndarray, np.ndarray]:
    first = np.arange(max(0, -offset), max(0, -offset, min(rows, columns - offset)))
    return first, first + offset


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    """Dtypes: all. Derivative: 1 on the diagonal.

    >>> trace([[1.0, 2.0], [3.0, 4.0]])
    np.float64(5.0)
    """
    refuse_out("np.trace", out)
    return sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """Dtypes: all. Derivative: 1 on the diagonal.

    >>> diag([1.0, 2.0])
    array([[1., 0.],
           [0., 2.]])
    """
    x = array_of(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError("Input must be 1- or 2-d.")
    size = x.shape[0] + abs(k)
    zeros = constant(x.builder, 0, (size, size), x.dtype)
    return places.scatter(zeros, x, *_diagonal_places(size, size, k), mode="set")


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """Dtypes: all. Derivative: 1 on the diagonal.

    >>> diagflat([1.0, 2.0])
    array([[1., 0.],
           [0., 2.]])
    """
    return diag(ravel(v), k)


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """Dtypes: all. Derivative: 1 where the elements are kept.

    >>> tril([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 0.],
           [3., 4.]])
    """
    return _triangle(m, k, False)


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """Dtypes: all. Derivative: 1 where the elements are kept.

    >>> triu([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 2.],
           [0., 4.]])
    """
    return _triangle(m, k - 1, True)


def _triangle(m: Any, k: int, upper: bool) -> Tracer:
    x = array_of(m)
    inside = np.tri(*(x.shape[-2:] if x.ndim > 1 else x.shape * 2), k=k, dtype=bool) ^ upper
    shape = x.shape if x.ndim > 1 else x.shape * 2
    mask = spread_to(traced(x.builder, inside), shape)
    return select(mask, spread_to(x, shape), constant(x.builder, 0, shape, x.dtype))
