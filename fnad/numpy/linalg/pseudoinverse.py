"""Pseudoinverses, ranks and least squares, which take small singular values for 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from fnad.ir.types import INDEX
from fnad.numpy.dispatch import implements
from fnad.numpy.linalg.matrices import common, in_common_dtype, is_empty, stacked
from fnad.numpy.linalg.spectra import singular_values
from fnad.numpy.promotion import builder_of, cast, constant, is_traced, spread_to, traced
from fnad.numpy.reductions import max_, sum
from fnad.numpy.shaping import reshaped
from fnad.ops import spectral
from fnad.ops.contractions import adjoint, matmul
from fnad.ops.elementwise import abs_, add, gt, ne, not_, square, stop_gradient, sub
from fnad.ops.linalg import hermitian_part, triangle
from fnad.ops.pseudoinverse import is_large
from fnad.ops.pseudoinverse import pinv as pinv_p
from fnad.ops.reductions import reduce_and
from fnad.tracing.tracer import Tracer

UNSET = np._NoValue


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = UNSET) -> Any:
    """Singular values up to 1e-15 of the largest one count as 0, whatever the dtype is, unless another limit is given.

    Dtypes: numbers. Derivative: that for matrices of the rank that is seen.

    >>> pinv([[2.0, 0.0], [0.0, 0.0]])
    array([[0.5, 0. ],
           [0. , 0. ]])
    """
    if rcond is not None and rtol is not UNSET:
        raise ValueError("`rtol` and `rcond` can't be both set.")
    (x,) = stacked(a) if is_traced(a) else stacked(traced(builder_of(rcond, rtol), a))
    limit = rcond if rcond is not None else 1e-15 if rtol is UNSET else rtol
    if limit is None:
        limit = max(x.shape[-2:]) * np.finfo(x.dtype).eps
    if is_empty(x):
        return constant(x.builder, 0, (*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)
    return pinv_p(mirrored(x) if hermitian else x, _each(limit, x))


def mirrored(x: Tracer) -> Tracer:
    """Hermitian matrices by their lower triangles; the derivative is that of their Hermitian part."""
    fixed, half = stop_gradient(x), hermitian_part(x)
    below = triangle(fixed, -1)
    whole = add(add(below, adjoint(below)), sub(triangle(fixed), below))
    return add(whole, sub(half, stop_gradient(half)))


def _each(limit: Any, x: Tracer) -> Tracer:
    """A number for each matrix of a stack."""
    given = limit if type(limit) is Tracer else np.asarray(limit)
    return spread_to(cast(traced(x.builder, given), spectral.real_dtype(x.dtype)), x.shape[:-2])


@implements(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """Dtypes: numbers. Derivative: none, it is piecewise constant.

    >>> matrix_rank([[1.0, 2.0], [2.0, 4.0]])
    np.int64(1)
    """
    if rtol is not None and tol is not None:
        raise ValueError("`tol` and `rtol` can't be both set.")
    (x,) = common(A)
    if x.ndim < 2:
        return cast(not_(reduce_and(not_(ne(x, 0)), axes=tuple(range(x.ndim)))), INDEX)
    (x,) = in_common_dtype(x)
    values = singular_values(mirrored(x) if hermitian else x)
    batch = values.shape[:-1]
    if rtol is None:
        rtol = max(x.shape[-2:]) * np.finfo(values.dtype).eps
    if tol is None:
        largest = max_(values, -1) if values.shape[-1] else constant(x.builder, 0, batch, values.dtype)
        limit = largest * _each(rtol, x)
    else:
        limit = _each(tol, x)
    limit = spread_to(reshaped(limit, (*batch, 1)), values.shape)
    return sum(cast(gt(values, limit), INDEX), -1)


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """Of a traced value there are residuals wherever there are more rows than columns, also where columns depend on
    each other, for which NumPy's are empty.

    Dtypes: numbers. Derivative: as of ``pinv(a) @ b``, for matrices of the rank that is seen.

    >>> lstsq([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]], [1.0, 2.0, 3.0])[0]
    array([1., 1.])
    """
    x, y = common(a, b)
    columns = reshaped(y, (*y.shape, 1)) if y.ndim == 1 else y
    for given in (x, columns):
        if given.ndim != 2:
            raise LinAlgError(f"{given.ndim}-dimensional array given. Array must be two-dimensional")
    if x.shape[0] != columns.shape[0]:
        raise LinAlgError("Incompatible dimensions")
    x, columns = in_common_dtype(x, columns)
    m, n = x.shape
    if rcond is None or not is_traced(rcond) and rcond < 0:
        rcond = np.finfo(x.dtype).eps * max(m, n) if rcond is None else np.finfo(x.dtype).eps
    solution, values, rank = _least_squares(x, columns, rcond)
    residuals = constant(x.builder, 0, (0,), values.dtype)
    if m > n:
        residuals = sum(square(abs_(sub(columns, matmul(x, solution)))), 0)
    found = reshaped(solution, (n,)) if y.ndim == 1 else solution
    return found, residuals, cast(rank, np.dtype(np.int32)), values


def _least_squares(a: Tracer, b: Tracer, rcond: Any) -> tuple[Tracer, Tracer, Tracer]:
    """The shortest solution, the singular values, and how many of them do not count as 0."""
    if is_empty(a):
        zeros = constant(a.builder, 0, (a.shape[1], b.shape[1]), a.dtype)
        return zeros, singular_values(a), constant(a.builder, 0, (), INDEX)
    cut = _each(rcond, a)
    values = spectral.svd(a, full=False)[1]
    return matmul(pinv_p(a, cut), b), values, sum(cast(is_large(values, cut), INDEX))
