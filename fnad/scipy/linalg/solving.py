"""Solutions of linear systems, as `scipy.linalg` has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from fnad.numpy.dispatch import RULES, implements
from fnad.numpy.linalg.matrices import common, in_batch, in_common_dtype
from fnad.numpy.linalg.solving import solution
from fnad.numpy.promotion import broadcast_shapes, cast, traced
from fnad.numpy.shaping import reshaped
from fnad.ops import linalg as ops
from fnad.ops.contractions import adjoint
from fnad.ops.elementwise import conj
from fnad.scipy.linalg.building import toeplitz
from fnad.scipy.linalg.matrices import from_triangle, in_double, matrices, refuse
from fnad.tracing.tracer import Tracer

POSITIVE = ("pos", "positive definite")


@implements(scipy.linalg.solve)
def solve(
    a: Any, b: Any, lower: bool = False, overwrite_a: bool = False, overwrite_b: bool = False,
    check_finite: bool = True, assume_a: str | None = None, transposed: bool = False,
) -> Any:
    """The derivative of a matrix that is assumed to be symmetric or Hermitian is that, too.

    Dtypes: numbers. Derivative: as of `numpy.linalg.solve`.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0])
    array([0.5 , 0.25])
    """
    x, y = matrices(scipy.linalg.solve, a, b, square=True)
    if assume_a in POSITIVE:
        return cho_solve((cholesky(x, lower), lower), y)
    if assume_a in ("upper triangular", "lower triangular"):
        return solve_triangular(x, y, 1 if transposed else 0, assume_a == "lower triangular")
    if assume_a in ("sym", "symmetric", "her", "hermitian"):
        x = from_triangle(x, lower, assume_a.startswith("her"))
    elif assume_a not in (None, "gen", "general", "diagonal", "tridiagonal", "banded"):
        raise ValueError(f"{assume_a} is not a recognized matrix structure")
    return solution(ops.swapped_axes(x) if transposed else x, y)


def _triangular(a: Tracer, b: Tracer, lower: bool, trans: int, unit: bool, strict: bool = False) -> Tracer:
    """op(A)⁻¹ B, with SciPy's numbers 0, 1 and 2 for A itself, its transpose and its adjoint."""
    if b.ndim == 1:
        return _without_axis(_triangular(a, reshaped(b, (*b.shape, 1)), lower, trans, unit, strict))
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = in_batch(a, batch), in_batch(b, batch)
    if trans == 1 and a.dtype.kind == "c":
        return conj(_triangular(a, conj(b), lower, 2, unit, strict))
    return ops.triangular_p(a, b, lower=bool(lower), adjoint=trans != 0, unit=bool(unit), strict=strict)


def _without_axis(x: Tracer) -> Tracer:
    return reshaped(x, x.shape[:-1])


def _require_fit(original: Any, a: Tracer, b: Tracer) -> None:
    if b.ndim == 0 or b.shape[-1 if b.ndim == 1 else -2] != a.shape[-1]:
        refuse(original, a.shape, b.shape)


@implements(scipy.linalg.solve_triangular)
def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False, overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """Dtypes: numbers. Derivative: a solution by the same triangle.

    >>> solve_triangular([[2.0, 0.0], [2.0, 1.0]], [2.0, 3.0], lower=True)
    array([1., 1.])
    """
    x, y = matrices(scipy.linalg.solve_triangular, a, b, square=True)
    _require_fit(scipy.linalg.solve_triangular, x, y)
    return _triangular(x, y, lower, {"N": 0, "T": 1, "C": 2}.get(trans, trans), unit_diagonal, strict=True)


@implements(scipy.linalg.cholesky)
def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """One triangle is read; the derivative is symmetric, for a matrix that is.

    Dtypes: numbers. Derivative: a solution by the factor on both sides.

    >>> cholesky([[4.0, 2.0], [2.0, 5.0]])
    array([[2., 1.],
           [0., 2.]])
    """
    (x,) = matrices(scipy.linalg.cholesky, a, square=True)
    return ops.cholesky(x) if lower else adjoint(ops.cholesky(adjoint(x)))


@implements(scipy.linalg.cho_factor)
def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The other triangle of a traced value is 0.

    Dtypes: numbers. Derivative: as of `cholesky`.

    >>> cho_factor([[4.0, 2.0], [2.0, 5.0]], lower=True)[1]
    True
    """
    return cholesky(a, lower), lower


@implements(scipy.linalg.cho_solve)
def cho_solve(c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """Dtypes: numbers. Derivative: solutions by the same triangle.

    >>> cho_solve((np.array([[2.0, 0.0], [0.0, 1.0]]), True), [4.0, 1.0])
    array([1., 1.])
    """
    c, lower = c_and_lower
    x, y = in_common_dtype(*common(c, b))
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError("The factored matrix c is not square.")
    if y.ndim == 0 or y.shape[-1 if y.ndim == 1 else -2] != x.shape[-1]:
        raise ValueError(f"incompatible dimensions ({x.shape} and {y.shape})")
    first, second = (0, 2) if lower else (2, 0)
    return _triangular(x, _triangular(x, y, lower, first, False), lower, second, False)


# --- LU


@implements(scipy.linalg.lu_factor)
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Dtypes: numbers. Derivative: through both triangles; the pivots have none.

    >>> lu_factor([[1.0, 2.0], [2.0, 2.0]])
    (array([[2. , 2. ],
           [0.5, 1. ]]), array([1, 1], dtype=int32))
    """
    (x,) = matrices(scipy.linalg.lu_factor, a)
    packed, pivots, _ = _packed(x)
    return packed, pivots


def _packed(a: Tracer) -> tuple[Tracer, Tracer, Tracer]:
    """L and U in one matrix, the pivots, and the order of the rows."""
    m, n = a.shape[-2:]
    if m == n:
        factors, pivots = ops.lu(a)
        return ops.swapped_axes(factors), pivots, ops.permutation(pivots, inverse=False)
    if m > n:
        # Columns of 0 behind the others are swapped by nothing.
        filled = np.concatenate([a, a[..., :1] * np.zeros(m - n, a.dtype)], -1)
        pivots = ops.lu(ops.stop_gradient(filled))[1]
        order = ops.permutation(pivots, inverse=False)
        rows = ops.rows_of(a, order)
        packed = ops.swapped_axes(ops.lu(rows[..., :n, :])[0])
        below = ops.swapped_axes(_triangular(packed, ops.swapped_axes(rows[..., n:, :]), False, 1, False))
        return np.concatenate([packed, below], -2), pivots[..., :n], order
    packed, pivots, order = _packed(a[..., :m])
    rest = _triangular(packed, ops.rows_of(a[..., m:], order), True, 0, True)
    return np.concatenate([packed, rest], -1), pivots, order


@implements(scipy.linalg.lu_solve)
def lu_solve(lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """Dtypes: numbers. Derivative: solutions by the same triangles.

    >>> lu_solve((np.array([[2.0, 2.0], [0.5, 1.0]]), np.array([1, 1])), [3.0, 4.0])
    array([1., 1.])
    """
    packed, pivots = lu_and_piv
    x, y = in_common_dtype(*common(packed, b))
    if y.ndim == 0 or y.shape[-1 if y.ndim == 1 else -2] != x.shape[-1]:
        raise ValueError(f"Shapes of lu {x.shape} and b {y.shape} are incompatible")
    column = reshaped(y, (*y.shape, 1)) if y.ndim == 1 else y
    batch = broadcast_shapes(x.shape[:-2], column.shape[:-2])
    column = in_batch(column, batch)
    swaps = in_batch(cast(traced(x.builder, pivots), ops.PIVOT), batch, 1)
    order = ops.permutation(swaps, inverse=trans != 0)
    if trans == 0:
        rows = ops.rows_of(column, order)
        found = _triangular(x, _triangular(x, rows, True, 0, True), False, 0, False)
    else:
        found = _triangular(x, _triangular(x, column, False, trans, False), True, trans, True)
        found = ops.rows_of(found, order)
    return _without_axis(found) if y.ndim == 1 else found


@implements(scipy.linalg.lu)
def lu(
    a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True, p_indices: bool = False,
) -> Any:
    """Dtypes: numbers. Derivative: through both triangles; the permutation has none.

    >>> p, l, u = lu([[1.0, 2.0], [2.0, 2.0]])
    >>> u
    array([[2., 2.],
           [0., 1.]])
    """
    (x,) = matrices(scipy.linalg.lu, a)
    m, n = x.shape[-2:]
    size = min(m, n)
    packed, pivots, order = _packed(x)
    low = ops.triangle(packed[..., :size], -1) + np.eye(m, size, dtype=x.dtype)
    high = ops.triangle(packed[..., :size, :], lower=False)
    place = np.argsort(order, -1)
    if permute_l:
        return np.take_along_axis(low, place[..., None], -2), high
    if p_indices:
        return place.astype(np.int32), low, high
    real = np.empty(0, x.dtype).real.dtype
    return (place[..., None] == np.arange(m)).astype(real), low, high


# --- Other systems


@implements(scipy.linalg.solve_toeplitz)
def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """Of traced values the matrix is made and factorized.

    Dtypes: numbers. Derivative: as of `solve`.

    >>> solve_toeplitz([2.0, 0.0], [2.0, 4.0])
    array([1., 2.])
    """
    return solution(*in_double(_toeplitz_of(c_or_cr, b), b))


def _toeplitz_of(c_or_cr: Any, other: Any) -> Tracer:
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    x = common(other, c, *([] if r is None else [r]))[1:]
    return toeplitz(*x)


@implements(scipy.linalg.matmul_toeplitz)
def matmul_toeplitz(c_or_cr: Any, x: Any, check_finite: bool = False, workers: Any = None) -> Any:
    """Of traced values the matrix is made.

    Dtypes: numbers. Derivative: as of the product.

    >>> matmul_toeplitz([2.0, 0.0], [2.0, 4.0])
    array([4., 8.])
    """
    matrix, given = in_double(_toeplitz_of(c_or_cr, x), x)
    return matrix @ given


@implements(scipy.linalg.solve_banded)
def solve_banded(
    l_and_u: Any, ab: Any, b: Any, overwrite_ab: bool = False, overwrite_b: bool = False, check_finite: bool = True,
) -> Any:
    """Of traced values the whole matrix is made.

    Dtypes: numbers. Derivative: as of `solve`, in what is within the matrix.

    >>> solve_banded((0, 0), [[2.0, 4.0]], [2.0, 8.0])
    array([1., 2.])
    """
    lower, upper = l_and_u
    bands, y = in_common_dtype(*common(ab, b))
    if bands.shape[-2] != lower + upper + 1:
        raise ValueError(
            "invalid values for the number of lower and upper diagonals: l+u+1 "
            f"({lower + upper + 1}) does not equal ab.shape[0] ({bands.shape[-2]})"
        )
    return solution(_from_bands(bands, lower, upper), y)


def _from_bands(bands: Tracer, lower: int, upper: int) -> Tracer:
    """The matrices whose diagonals are rows, the highest one first."""
    n = bands.shape[-1]
    rows, columns = np.indices((n, n))
    band = upper + rows - columns
    inside = (band >= 0) & (band <= lower + upper)
    return np.where(inside, bands[..., np.where(inside, band, 0), columns], np.zeros((), bands.dtype))


@implements(scipy.linalg.solveh_banded)
def solveh_banded(
    ab: Any, b: Any, overwrite_ab: bool = False, overwrite_b: bool = False, lower: bool = False,
    check_finite: bool = True,
) -> Any:
    """Of traced values the whole matrix is made.

    Dtypes: numbers. Derivative: as of `solve`, in what is within the matrix.

    >>> solveh_banded([[2.0, 4.0]], [2.0, 8.0])
    array([1., 2.])
    """
    bands, y = in_common_dtype(*common(ab, b))
    width = bands.shape[-2] - 1
    half = _from_bands(bands, width if lower else 0, 0 if lower else width)
    beside = ops.triangle(half, -1 if lower else 1, lower)
    return cho_solve((cholesky(half + adjoint(beside), lower), lower), y)
