"""QR, eigenvalues and singular values of matrices in the last two axes, none of which is empty.

The derivatives of vectors divide by differences of values. Where these are equal, vectors have no derivative: it is
nan, unless the cotangent of the vectors is 0, since the values alone have one. What only completes a basis is
differentiated as if it turned as little as possible.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.program import filled
from fnad.ir.types import ArrayType
from fnad.ops.contractions import adjoint, matmul
from fnad.ops.elementwise import add, choose, conj, convert, guarded_mul, if_flag, imag, real, sub
from fnad.ops.families import literal_value
from fnad.ops.linalg import (
    diagonal_of, factored, first_failing, guarded_matrix, hermitian_part, lu_solve, over_matrices, require_square,
    scaled_columns, scaled_rows, triangle, triangular_solve, wrong_matrix,
)
from fnad.ops.operands import rule
from fnad.ops.reductions import reduce_sum
from fnad.ops.shaping import batch_as_it_is, broadcast, concatenate, slice_

EIGENVALUES, SVD = "Eigenvalues did not converge", "SVD did not converge"
NOT_FINITE = "Array must not contain infs or NaNs"


def real_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype of the parts of a number."""
    return np.empty(0, dtype).real.dtype


def _require_matrices(name: str, a: ArrayType) -> None:
    if a.ndim < 2 or a.dtype.char not in "fdFD" or 0 in a.shape[-2:]:
        raise ValueError(f"{name}: requires matrices (..., m, n) of floats, not empty ones, got {a}.")


def _failing(function: Any, reason: str, a: Any) -> Any:
    """A function of NumPy's, whose error says which matrix of a batch it is."""
    try:
        return function(a)
    except np.linalg.LinAlgError as error:
        found = NOT_FINITE if NOT_FINITE in str(error) else reason
        raise wrong_matrix(found, a.shape[:-2], first_failing(function, a)) from None


def _skipped(*cotangents: Any) -> bool:
    """Whether cotangents are known to be 0."""
    return all([literal_value(g) is not None and literal_value(g) == 0 for g in cotangents])


def _columns(x: Any, start: int, stop: int) -> Any:
    """Some columns of matrices."""
    lead = x.ndim - 1
    return slice_(x, starts=(*[0] * lead, start), stops=(*x.shape[:-1], stop), steps=(1,) * x.ndim)


def _without_completion(g: Any, q: Any, count: int) -> Any:
    """The cotangent of the first columns of a unitary matrix that stands for that of all of them."""
    first, rest = _columns(q, 0, count), _columns(q, count, q.shape[-1])
    g_first, g_rest = _columns(g, 0, count), _columns(g, count, q.shape[-1])
    return sub(g_first, matmul(rest, matmul(adjoint(g_rest), first)))


# --- QR


def _qr_type(a: ArrayType, complete: bool) -> tuple[ArrayType, ArrayType]:
    _require_matrices("qr", a)
    *batch, m, n = a.shape
    wide = m if complete else min(m, n)
    return ArrayType((*batch, m, wide), a.dtype), ArrayType((*batch, wide, n), a.dtype)


def _qr_evaluate(a: Any, complete: bool) -> tuple[Any, Any]:
    return tuple(np.linalg.qr(a, "complete" if complete else "reduced"))


@rule
def _qr_vjp(i: int, g: Any, y: Any, a: Any, complete: bool) -> Any:
    (g_q, g_r), (q, r) = g, y
    m, n = a.shape[-2:]
    if q.shape[-1] > min(m, n):
        g_q, q = _without_completion(g_q, q, n), _columns(q, 0, n)
        g_r, r = _rows(g_r, n), _rows(r, n)
    if m >= n:
        return _tall_qr_vjp(g_q, g_r, q, r)
    # The first columns have the factors q and r_1, and the others are q r_2.
    rest_bar, rest = _columns(g_r, m, n), _columns(a, m, n)
    first = _tall_qr_vjp(add(g_q, matmul(rest, adjoint(rest_bar))), _columns(g_r, 0, m), q, _columns(r, 0, m))
    return concatenate(first, matmul(q, rest_bar), axis=a.ndim - 1)


def _rows(x: Any, count: int) -> Any:
    """The first rows of matrices."""
    stops = (*x.shape[:-2], count, x.shape[-1])
    return slice_(x, starts=(0,) * x.ndim, stops=stops, steps=(1,) * x.ndim)


def _tall_qr_vjp(g_q: Any, g_r: Any, q: Any, r: Any) -> Any:
    """(g_q + q copyltu(r g_rᴴ - g_qᴴ q)) r⁻ᴴ, with copyltu the Hermitian matrix of a lower triangle."""
    inner = sub(matmul(r, adjoint(triangle(g_r, lower=False))), matmul(adjoint(g_q), q))
    lower = triangle(inner, -1)
    diagonal = scaled_columns(over_matrices(np.eye(r.shape[-1], dtype=r.dtype), r), _real_part(diagonal_of(inner)))
    left = add(g_q, matmul(q, add(add(lower, adjoint(lower)), diagonal)))
    return adjoint(triangular_solve(r, adjoint(left), lower=False, adjoint=False, unit=False))


def _real_part(x: Any) -> Any:
    return convert(real(x), dtype=x.dtype) if x.dtype.kind == "c" else x


# Q with orthonormal columns and the upper triangle R; Q is square if it is to be complete.
qr = Primitive("qr", _qr_type, _qr_evaluate, vjp=_qr_vjp, batch=batch_as_it_is, total=True)


def _householder_type(a: ArrayType) -> tuple[ArrayType, ArrayType]:
    _require_matrices("householder", a)
    *batch, m, n = a.shape
    return ArrayType((*batch, n, m), a.dtype), ArrayType((*batch, min(m, n)), a.dtype)


# The reflections of QR, as LAPACK gives them, transposed; and their factors.
householder = Primitive(
    "householder", _householder_type, lambda a: tuple(np.linalg.qr(a, "raw")), differentiable=(), batch=batch_as_it_is,
    total=True,
)

# --- Hermitian matrices


def _eigh_type(a: ArrayType, lower: bool) -> tuple[ArrayType, ArrayType]:
    require_square("eigh", a)
    _require_matrices("eigh", a)
    return ArrayType(a.shape[:-1], real_dtype(a.dtype)), ArrayType(a.shape, a.dtype)


def _eigh_evaluate(a: Any, lower: bool) -> tuple[Any, Any]:
    return tuple(_failing(lambda x: np.linalg.eigh(x, "L" if lower else "U"), EIGENVALUES, a))


def _trace_of(*gs: Any) -> Any:
    """A number for each matrix of cotangents: a sum with weights that have nothing in common, 0 where they are 0."""
    total: Any = None
    for g in gs:
        *_, m, n = g.shape
        weights = 1 + (np.arange(1, m * n + 1) * GOLDEN).reshape(m, n) % 1
        own = reduce_sum(g * over_matrices(weights.astype(g.dtype), g), axes=(g.ndim - 2, g.ndim - 1))
        total = own if total is None else total + own
    return total


GOLDEN = (5**0.5 - 1) / 2


def _over(x: Any, number: Any) -> Any:
    """A number for each matrix or row of values, over these."""
    return broadcast(number, shape=x.shape, dims=tuple(range(number.ndim)))


def _divided(x: Any, divisor: Any, trace: Any) -> Any:
    """x / divisor; where the divisor is 0 nan, or 0 where nothing comes of it: all in one linear map of cotangents.

    Forward mode transposes it, so that no test of a cotangent would do.
    """
    is_zero = divisor == 0
    undecided = guarded_mul(_over(x, trace), filled(np.nan, x.type))
    return choose(is_zero, undecided, x / convert(choose(is_zero, 1, divisor), dtype=x.dtype))


def _gaps(values: Any) -> Any:
    """values[j] - values[i], and infinity where i is j."""
    n, lead = values.shape[-1], tuple(range(values.ndim - 1))
    shape = (*values.shape, n)
    rows, columns = (broadcast(values, shape=shape, dims=(*lead, axis)) for axis in (values.ndim - 1, values.ndim))
    return choose(over_matrices(np.eye(n, dtype=bool), rows), np.inf, columns - rows)


def _diagonal_matrix(values: Any, like: Any) -> Any:
    n = values.shape[-1]
    return scaled_columns(over_matrices(np.eye(n, dtype=like.dtype), like), convert(values, dtype=like.dtype))


@rule
def _eigh_vjp(i: int, g: Any, y: Any, a: Any, lower: bool) -> Any:
    (g_w, g_v), (w, v) = g, y
    if _skipped(g_v):
        return _from_values(g_w, v, adjoint(v))
    inner = _diagonal_matrix(g_w, v) + _divided(matmul(adjoint(v), g_v), _gaps(w), _trace_of(g_v))
    return hermitian_part(matmul(matmul(v, inner), adjoint(v)))


def _from_values(g: Any, left: Any, right: Any) -> Any:
    """The cotangent of a matrix by those of its values."""
    return matmul(scaled_columns(left, convert(g, dtype=left.dtype)), right)


# Eigenvalues in increasing order and eigenvectors of Hermitian matrices, from one triangle.
eigh = Primitive(
    "eigh", _eigh_type, _eigh_evaluate, vjp=_eigh_vjp, batch=batch_as_it_is,
    conditional=lambda op, flag, only_if, a, lower: op(guarded_matrix(flag, a), lower=lower),
)


def _eigvalsh_evaluate(a: Any, lower: bool) -> Any:
    return _failing(lambda x: np.linalg.eigvalsh(x, "L" if lower else "U"), EIGENVALUES, a)


def _eigvalsh_forward(active: Any, a: Any, lower: bool) -> tuple[Any, Any]:
    w, v = eigh(a, lower=lower)
    return w, v


eigvalsh = Primitive(
    "eigvalsh", lambda a, lower: _eigh_type(a, lower)[0], _eigvalsh_evaluate, vjp_forward=_eigvalsh_forward,
    vjp_backward=lambda v, g, lower: [_from_values(g, v, adjoint(v))], batch=batch_as_it_is,
    conditional=eigh.conditional,
)

# --- Singular values


def _svd_type(a: ArrayType, full: bool) -> tuple[ArrayType, ArrayType, ArrayType]:
    _require_matrices("svd", a)
    *batch, m, n = a.shape
    k = min(m, n)
    left, right = ArrayType((*batch, m, m if full else k), a.dtype), ArrayType((*batch, n if full else k, n), a.dtype)
    return left, ArrayType((*batch, k), real_dtype(a.dtype)), right


def _svd_evaluate(a: Any, full: bool) -> tuple[Any, Any, Any]:
    return tuple(_failing(lambda x: np.linalg.svd(x, full_matrices=full), SVD, a))


@rule
def _svd_vjp(i: int, g: Any, y: Any, a: Any, full: bool) -> Any:
    (g_u, g_s, g_vh), (u, s, vh) = g, y
    k = s.shape[-1]
    if _skipped(g_u, g_vh):
        return _from_values(g_s, _columns(u, 0, k), _rows(vh, k))
    v, g_v = adjoint(vh), adjoint(g_vh)
    if u.shape[-1] > k:
        g_u, u = _without_completion(g_u, u, k), _columns(u, 0, k)
    if v.shape[-1] > k:
        g_v, v = _without_completion(g_v, v, k), _columns(v, 0, k)
    return _svd_pulled(g_u, g_s, g_v, u, s, v)


def _svd_pulled(g_u: Any, g_s: Any, g_v: Any, u: Any, s: Any, v: Any) -> Any:
    trace, values, gaps = _trace_of(g_u, g_v), convert(s, dtype=u.dtype), _gaps(s * s)
    turned_u, turned_v = matmul(adjoint(u), g_u), matmul(adjoint(v), g_v)
    inner = scaled_columns(_divided(turned_u - adjoint(turned_u), gaps, trace), values)
    inner = inner + scaled_rows(values, _divided(turned_v - adjoint(turned_v), gaps, trace))
    inner = inner + _diagonal_matrix(g_s, inner)
    if u.dtype.kind == "c":
        phases = convert(imag(diagonal_of(turned_u)), dtype=u.dtype) * 1j
        inner = inner + _diagonal_matrix(_divided(phases, s, trace), inner)
    bar = matmul(matmul(u, inner), adjoint(v))
    if u.shape[-2] > u.shape[-1]:
        bar = bar + matmul(_divided(g_u - matmul(u, turned_u), _over_rows(s, g_u), trace), adjoint(v))
    if v.shape[-2] > v.shape[-1]:
        bar = bar + matmul(u, adjoint(_divided(g_v - matmul(v, turned_v), _over_rows(s, g_v), trace)))
    return bar


def _over_rows(s: Any, matrix: Any) -> Any:
    """A row of values for each matrix, as one for each of its rows."""
    lead = tuple(range(s.ndim - 1))
    return broadcast(s, shape=matrix.shape, dims=(*lead, matrix.ndim - 1))


# Singular values in decreasing order, and vectors: as columns before, as conjugated rows behind.
svd = Primitive(
    "svd", _svd_type, _svd_evaluate, vjp=_svd_vjp, batch=batch_as_it_is,
    conditional=lambda op, flag, only_if, a, full: op(if_flag(flag, a), full=full),
)


def _svdvals_forward(active: Any, a: Any) -> tuple[Any, Any]:
    u, s, vh = svd(a, full=False)
    return s, (u, vh)


svdvals = Primitive(
    "svdvals", lambda a: _svd_type(a, False)[1],
    lambda a: _failing(lambda x: np.linalg.svd(x, compute_uv=False), SVD, a), vjp_forward=_svdvals_forward,
    vjp_backward=lambda kept, g: [_from_values(g, *kept)], batch=batch_as_it_is,
    conditional=lambda op, flag, only_if, a: op(if_flag(flag, a)),
)

# --- Any square matrices


def _eig_type(a: ArrayType) -> tuple[ArrayType, ArrayType]:
    require_square("eig", a)
    _require_matrices("eig", a)
    dtype = np.result_type(a.dtype, np.complex64)
    return ArrayType(a.shape[:-1], dtype), ArrayType(a.shape, dtype)


def _as_complex(results: Any, a: np.ndarray) -> Any:
    dtype = np.result_type(a.dtype, np.complex64)
    return tuple([np.asarray(y, dtype) for y in results])


@rule
def _eig_vjp(i: int, g: Any, y: Any, a: Any) -> Any:
    (g_w, g_v), (w, v) = g, y
    inner = _diagonal_matrix(g_w, v)
    if not _skipped(g_v):
        turned = matmul(adjoint(v), g_v)
        # Vectors have the length 1: what would only change that is left out.
        lengths = _real_part(diagonal_of(turned))
        turned = turned - scaled_columns(matmul(adjoint(v), v), lengths)
        inner = inner + _divided(turned, conj(_gaps(w)), _trace_of(g_v))
    bar = lu_solve(*factored(adjoint(v)), matmul(inner, adjoint(v)), adjoint=False, strict=False)
    return bar if a.dtype.kind == "c" else real(bar)


# Eigenvalues and eigenvectors as complex numbers, also those of real matrices.
eig = Primitive(
    "eig", _eig_type, lambda a: _as_complex(_failing(np.linalg.eig, EIGENVALUES, a), a), vjp=_eig_vjp,
    batch=batch_as_it_is, conditional=svdvals.conditional,
)


def _eigvals_forward(active: Any, a: Any) -> tuple[Any, Any]:
    w, v = eig(a)
    return w, (a, v)


@rule
def _eigvals_backward(kept: Any, g: Any) -> list[Any]:
    a, v = kept
    bar = lu_solve(*factored(adjoint(v)), scaled_rows(g, adjoint(v)), adjoint=False, strict=False)
    return (bar if a.dtype.kind == "c" else real(bar),)


eigvals = Primitive(
    "eigvals", lambda a: _eig_type(a)[0], lambda a: _as_complex([_failing(np.linalg.eigvals, EIGENVALUES, a)], a)[0],
    vjp_forward=_eigvals_forward, vjp_backward=_eigvals_backward, batch=batch_as_it_is, conditional=svdvals.conditional,
)
