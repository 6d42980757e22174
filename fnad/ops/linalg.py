"""Linear algebra over matrices in the last two axes: Cholesky, triangles, LU, and solving by it.

All other axes are batches. Derivatives are those of the mathematical functions: of Cholesky the derivative is
Hermitian, though only one triangle is read. A solution is a function of the matrix, and takes the factors of the
matrix as a hint by which it is computed: so its derivatives, of any order, are solutions by the same factors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import INDEX, ArrayType, Shape
from fnad.lazy import LazyModule
from fnad.ops.arrays import array_p, constant
from fnad.ops.contractions import adjoint as adjoint_of
from fnad.ops.contractions import matmul
from fnad.ops.elementwise import add, choose, mul, neg, select, stop_gradient
from fnad.ops.indexing import gather
from fnad.ops.operands import rule
from fnad.ops.shaping import (
    Mapped, batch_as_it_is, broadcast, reshape, slice_, transpose,
)

blas, lapack = LazyModule("scipy.linalg.blas"), LazyModule("scipy.linalg.lapack")

PIVOT = np.dtype(np.int32)
"""The dtype of pivots, which is LAPACK's."""

# --- Errors

SINGULAR, INDEFINITE = "Singular matrix", "Matrix is not positive definite"


def wrong_matrix(reason: str, batch: Shape, number: int) -> np.linalg.LinAlgError:
    """The error of a matrix, the one of so a number in a batch."""
    place = [int(i) for i in np.unravel_index(number, batch)]
    where = f": number {place[0] if len(place) == 1 else tuple(place)} of the batch" if batch else ""
    return np.linalg.LinAlgError(reason + where)


def _require(name: str, is_right: bool, what: str, *types: ArrayType) -> None:
    if not is_right:
        raise ValueError(f"{name}: requires {what}, got {', '.join(map(str, types))}.")


def require_square(name: str, a: ArrayType) -> None:
    """Raise unless a type is that of square matrices of numbers that LAPACK knows."""
    is_square = a.ndim >= 2 and a.shape[-1] == a.shape[-2] and a.dtype.char in "fdFD"
    _require(name, is_square, "square matrices (..., n, n) of floats", a)


# --- Meanings, one matrix after the other


def routine(module: Any, name: str, x: np.ndarray) -> Callable[..., Any]:
    """One of SciPy's wrappers of BLAS and LAPACK, for the dtype of an array."""
    return getattr(module, {"f": "s", "d": "d", "F": "c", "D": "z"}[x.dtype.char] + name)


def each(function: Callable[..., Any], batch: Shape, types: Sequence[ArrayType], *arrays: Any) -> list[np.ndarray]:
    """The results of a function on the matrices and vectors behind the axes of a batch, in arrays of some types."""
    results = [np.empty(t.shape, t.dtype) for t in types]
    arrays = tuple(map(np.asarray, arrays))
    for place in np.ndindex(*batch):
        for result, value in zip(results, function(*[x[place] for x in arrays])):
            result[place] = value
    return results


def first_failing(function: Callable[..., Any], a: np.ndarray) -> int:
    """The number of the first matrix that a function refuses."""
    for number, matrix in enumerate(a.reshape(-1, *a.shape[-2:])):
        try:
            function(matrix)
        except np.linalg.LinAlgError:
            return number
    return 0


# --- Parts of matrices


def array_like(x: Any, value: np.ndarray) -> Any:
    """An array, staged where ``x`` is."""
    builder = getattr(x, "builder", None)
    return value if builder is None else builder.apply(array_p, (), {"constant": constant(value)})


def over_matrices(value: np.ndarray, x: Any) -> Any:
    """A matrix for each of those of ``x``."""
    staged = array_like(x, np.ascontiguousarray(value))
    if x.ndim == 2:
        return staged
    return broadcast(staged, shape=(*x.shape[:-2], *value.shape), dims=(x.ndim - 2, x.ndim - 1))


def triangle(x: Any, k: int = 0, lower: bool = True) -> Any:
    """A triangle of matrices: what is on the diagonal number k and below (or above) it."""
    inside = np.tri(*x.shape[-2:], k if lower else k - 1, dtype=bool) ^ (not lower)
    return choose(over_matrices(inside, x), x, 0)


def diagonal_of(x: Any) -> Any:
    """The diagonals of matrices, as rows."""
    *batch, rows, columns = x.shape
    flat, size = reshape(x, shape=(*batch, rows * columns)), min(rows, columns)
    last = (size - 1) * (columns + 1) + 1 if size else 0
    zeros = (0,) * len(batch)
    return slice_(flat, starts=(*zeros, 0), stops=(*batch, last), steps=(*[1] * len(batch), columns + 1))


def scaled_columns(x: Any, factors: Any) -> Any:
    """Matrices times diagonal ones, whose diagonals are given."""
    return mul(x, broadcast(factors, shape=x.shape, dims=(*range(x.ndim - 2), x.ndim - 1)))


def scaled_rows(factors: Any, x: Any) -> Any:
    """Diagonal matrices, whose diagonals are given, times others."""
    return mul(x, broadcast(factors, shape=x.shape, dims=tuple(range(x.ndim - 1))))


def hermitian_part(x: Any) -> Any:
    """(x + xᴴ) / 2"""
    return mul(add(x, adjoint_of(x)), 0.5)


def guarded_matrix(flag: Any, a: Any) -> Any:
    """A matrix, or the identity where a scalar flag is false: one that nothing fails for."""
    return select(broadcast(flag, shape=a.shape, dims=()), a, over_matrices(np.eye(a.shape[-1], dtype=a.dtype), a))


# --- Cholesky


def _cholesky_type(a: ArrayType) -> ArrayType:
    require_square("cholesky", a)
    return ArrayType(a.shape, a.dtype)


def _cholesky_evaluate(a: Any) -> np.ndarray:
    try:
        return np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        raise wrong_matrix(INDEFINITE, a.shape[:-2], first_failing(np.linalg.cholesky, a)) from None


@rule
def _cholesky_vjp(i: int, g: Any, y: Any, a: Any) -> Any:
    inner = triangle(matmul(adjoint_of(y), triangle(g)))
    half = 1 - np.eye(a.shape[-1]) / 2
    inner = mul(inner, over_matrices(half.astype(a.dtype), inner))
    from_left = triangular_solve(y, inner, lower=True, adjoint=True, unit=False)
    return hermitian_part(triangular_solve(y, adjoint_of(from_left), lower=True, adjoint=True, unit=False))


# The lower triangle L with A = L Lᴴ, from the lower triangle of A.
cholesky = Primitive(
    "cholesky", _cholesky_type, _cholesky_evaluate, vjp=_cholesky_vjp, batch=batch_as_it_is,
    conditional=lambda op, flag, only_if, a: op(guarded_matrix(flag, a)),
)

# --- Triangular systems


def _solution_type(name: str, a: ArrayType, b: ArrayType) -> ArrayType:
    require_square(name, a)
    fits = b.ndim == a.ndim and b.shape[:-1] == a.shape[:-1] and b.dtype == a.dtype
    _require(name, fits, "matrices (..., n, n) and (..., n, m) of one batch shape and dtype", a, b)
    return ArrayType(b.shape, b.dtype)


def _triangular_evaluate(a: Any, b: Any, lower: bool, adjoint: bool, unit: bool, strict: bool) -> np.ndarray:
    if strict and not unit:
        _require_regular(a)
    if not b.size:
        return np.array(b)
    solve = routine(blas, "trsm", b)
    more = {"lower": lower, "trans_a": 2 if adjoint else 0, "diag": unit}
    return each(lambda a, b: [solve(1, a, b, **more)], b.shape[:-2], [ArrayType(b.shape, b.dtype)], a, b)[0]


def _triangular_forward(active: Any, a: Any, b: Any, **how: bool) -> tuple[Any, Any]:
    x = triangular_p(a, b, **how)
    return x, (active, a, x)


def _triangular_backward(residuals: Any, g: Any, lower: bool, adjoint: bool, unit: bool, strict: bool) -> list[Any]:
    (wanted, _), a, x = residuals
    b_bar = triangular_solve(a, g, lower=lower, adjoint=not adjoint, unit=unit)
    if not wanted:
        return [None, b_bar]
    product = matmul(x, adjoint_of(b_bar)) if adjoint else matmul(b_bar, adjoint_of(x))
    inside = triangle(product, (-1 if lower else 1) if unit else 0, lower)
    return [neg(inside), b_bar]


def columns_batch(op: Primitive, mapped: Mapped, *inputs: Any, **params: Any) -> Any:
    """The batching rule of a solution: right sides for one matrix become columns beside each other."""
    if any(mapped[:-1]):
        return batch_as_it_is(op, mapped, *inputs, **params)
    *matrices, b = inputs
    size, *batch, n, m = b.shape
    lead = len(batch)
    beside = transpose(b, perm=(*range(1, lead + 2), 0, lead + 2))
    x = op(*matrices, reshape(beside, shape=(*batch, n, size * m)), **params)
    return transpose(reshape(x, shape=(*batch, n, size, m)), perm=(lead + 1, *range(lead + 1), lead + 2))


def _triangular_conditional(op: Primitive, flag: Any, only_if: Any, a: Any, b: Any, **how: bool) -> Any:
    return op(guarded_matrix(flag, a), b, **how)


# A⁻¹ B or A⁻ᴴ B for a triangle of A, whose diagonal may count as ones. Where A is singular it is an error if `strict`,
# else infinite or nan.
triangular_p = Primitive(
    "triangular_solve", lambda a, b, **how: _solution_type("triangular_solve", a, b), _triangular_evaluate,
    vjp_forward=_triangular_forward, vjp_backward=_triangular_backward, batch=columns_batch,
    conditional=_triangular_conditional, total=lambda *inputs, strict, **how: not strict,
)


def triangular_solve(a: Any, b: Any, lower: bool, adjoint: bool, unit: bool) -> Any:
    """A⁻¹ B or A⁻ᴴ B for a triangle of A; infinite or nan where A is singular."""
    return triangular_p(a, b, lower=lower, adjoint=adjoint, unit=unit, strict=False)

# --- LU: P A = L U, by rows that are swapped. The factors are packed in one matrix, and kept transposed, as LAPACK does


def _lu_type(a: ArrayType) -> tuple[ArrayType, ArrayType]:
    require_square("lu", a)
    return ArrayType(a.shape, a.dtype), ArrayType(a.shape[:-1], PIVOT)


def _lu_evaluate(a: Any) -> list[np.ndarray]:
    types = _lu_type(ArrayType(a.shape, a.dtype))
    if not a.size:
        return [np.empty(t.shape, t.dtype) for t in types]
    factorize = routine(lapack, "getrf", a)

    def one(matrix: np.ndarray) -> Any:
        packed, pivots, _ = factorize(matrix)
        return packed.T, pivots

    return each(one, a.shape[:-2], types, a)


def swapped_axes(x: Any) -> Any:
    """The transposes of matrices."""
    return transpose(x, perm=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


@rule
def _lu_vjp(i: int, g: Any, outputs: Any, a: Any) -> Any:
    packed, g = swapped_axes(outputs[0]), swapped_axes(g[0])
    unit_lower = add(triangle(packed, -1), over_matrices(np.eye(a.shape[-1], dtype=a.dtype), packed))
    upper = triangle(packed, lower=False)
    inner = add(
        triangle(matmul(adjoint_of(unit_lower), triangle(g, -1)), -1),
        triangle(matmul(triangle(g, lower=False), adjoint_of(upper)), lower=False),
    )
    from_left = triangular_solve(packed, inner, lower=True, adjoint=True, unit=True)
    both = triangular_solve(packed, adjoint_of(from_left), lower=False, adjoint=False, unit=False)
    return rows_of(adjoint_of(both), permutation(outputs[1], inverse=True))


lu = Primitive("lu", _lu_type, _lu_evaluate, vjp=_lu_vjp, batch=batch_as_it_is, total=True)


def _permutation_evaluate(pivots: Any, inverse: bool) -> np.ndarray:
    rows = np.array(np.broadcast_to(np.arange(pivots.shape[-1]), pivots.shape))
    for place in np.ndindex(*pivots.shape[:-1]):
        swaps = list(enumerate(np.clip(pivots[place], 0, pivots.shape[-1] - 1)))
        for i, j in swaps[::-1] if inverse else swaps:
            rows[place][[i, j]] = rows[place][[j, i]]
    return rows


# The order of the rows after all swaps, or that which undoes it; pivots beyond the rows count as the nearest one.
permutation = Primitive(
    "permutation", lambda pivots, inverse: ArrayType(pivots.shape, INDEX), _permutation_evaluate, differentiable=(),
    batch=batch_as_it_is, total=True,
)


def rows_of(x: Any, order: Any) -> Any:
    """The rows of matrices in an order for each of them."""
    *batch, n, m = x.shape
    count = int(np.prod(batch, dtype=np.int64))
    first_rows = np.repeat(n * np.arange(count), n)
    places = add(reshape(order, shape=(count * n,)), array_like(order, first_rows))
    return reshape(gather(reshape(x, shape=(count * n, m)), places), shape=x.shape)


# --- Solving by LU


def _lu_solve_type(a: ArrayType, factors: ArrayType, pivots: ArrayType, b: ArrayType, **how: bool) -> ArrayType:
    fits = factors.strong == a.strong and pivots.strong == ArrayType(a.shape[:-1], PIVOT)
    _require("lu_solve", fits, "the factors and pivots of a matrix", a, factors, pivots)
    return _solution_type("lu_solve", a, b)


def _lu_solve_evaluate(a: Any, factors: Any, pivots: Any, b: Any, adjoint: bool, strict: bool) -> np.ndarray:
    if strict:
        _require_regular(factors)
    if not b.size:
        return np.array(b)
    solve = routine(lapack, "getrs", b)

    def one(factors: np.ndarray, pivots: np.ndarray, b: np.ndarray) -> Any:
        return [solve(factors.T, pivots, b, trans=2 if adjoint else 0)[0]]

    return each(one, b.shape[:-2], [ArrayType(b.shape, b.dtype)], factors, pivots, b)[0]


def _require_regular(factors: np.ndarray) -> None:
    singular = (np.diagonal(factors, axis1=-2, axis2=-1) == 0).any(axis=-1)
    if np.any(singular):
        raise wrong_matrix(SINGULAR, np.shape(singular), int(np.argmax(singular)))


def _lu_solve_forward(active: Any, a: Any, factors: Any, pivots: Any, b: Any, **how: bool) -> tuple[Any, Any]:
    x = lu_solve(a, factors, pivots, b, **how)
    return x, (active, a, factors, pivots, x)


def _lu_solve_backward(residuals: Any, g: Any, adjoint: bool, strict: bool) -> list[Any]:
    active, a, factors, pivots, x = residuals
    b_bar = lu_solve(a, factors, pivots, g, adjoint=not adjoint, strict=False)
    if not active[0]:
        return [None, None, None, b_bar]
    product = matmul(x, adjoint_of(b_bar)) if adjoint else matmul(b_bar, adjoint_of(x))
    return [neg(product), None, None, b_bar]


def _lu_solve_conditional(
    op: Primitive, flag: Any, only_if: Any, a: Any, factors: Any, pivots: Any, b: Any, **how: bool
) -> Any:
    return op(a, guarded_matrix(flag, factors), pivots, b, **how)


# A⁻¹ B or A⁻ᴴ B by the factors of A, of which nothing else depends. Where A is singular it is an error if `strict`,
# else infinite or nan.
lu_solve = Primitive(
    "lu_solve", _lu_solve_type, _lu_solve_evaluate, vjp_forward=_lu_solve_forward, vjp_backward=_lu_solve_backward,
    differentiable=(0, 3), batch=columns_batch, conditional=_lu_solve_conditional,
    total=lambda *inputs, adjoint, strict: not strict,
)


def factored(a: Any) -> tuple[Any, Any, Any]:
    """A matrix with its factors as hints, through which no derivative flows."""
    return (a, *lu(stop_gradient(a)))


def inverse(a: Any, strict: bool = True) -> Any:
    """The inverse of matrices."""
    identity = over_matrices(np.eye(a.shape[-1], dtype=a.dtype), a)
    return lu_solve(*factored(a), identity, adjoint=False, strict=strict)
