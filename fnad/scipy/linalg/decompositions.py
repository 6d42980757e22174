"""Inverses, QR, eigenvalues and singular values, as `scipy.linalg` has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from fnad.numpy.dispatch import RULES, implements
from fnad.numpy.linalg.matrices import is_empty
from fnad.numpy.linalg.spectra import singular_values
from fnad.ops import linalg as ops
from fnad.ops.contractions import adjoint
from fnad.ops.elementwise import stop_gradient
from fnad.ops.matrix_functions import polar as polar_p
from fnad.ops.pseudoinverse import pinv as pinv_p
from fnad.scipy.linalg.matrices import from_triangle, in_double, matrices
from fnad.scipy.linalg.solving import cholesky, solve, solve_triangular
from fnad.tracing.tracer import Tracer


@implements(scipy.linalg.inv)
def inv(
    a: Any, overwrite_a: bool = False, check_finite: bool = True, *, assume_a: str | None = None, lower: bool = False,
) -> Any:
    """Dtypes: numbers. Derivative: -y.T @ g @ y.T for the result y and its cotangent g.

    >>> inv([[2.0, 0.0], [0.0, 4.0]])
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    (x,) = matrices(scipy.linalg.inv, a, square=True)
    if assume_a in (None, "general", "gen"):
        return ops.inverse(x)
    return solve(x, np.eye(x.shape[-1], dtype=x.dtype), lower, assume_a=assume_a)


@implements(scipy.linalg.det)
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Dtypes: numbers. Derivative: the cofactors, as of `numpy.linalg.det`.

    >>> det([[1.0, 2.0], [2.0, 4.0]])
    np.float64(0.0)
    """
    (x,) = matrices(scipy.linalg.det, a, square=True)
    return RULES[np.linalg.det](*in_double(x))


@implements(scipy.linalg.pinv)
def pinv(
    a: Any, *, atol: Any = None, rtol: Any = None, return_rank: bool = False, check_finite: bool = True,
) -> Any:
    """Dtypes: numbers. Derivative: that for matrices of the rank that is seen.

    >>> pinv([[2.0, 0.0], [0.0, 0.0]])
    array([[0.5, 0. ],
           [0. , 0. ]])
    """
    (x,) = matrices(scipy.linalg.pinv, a)
    if is_empty(x):
        return RULES[np.linalg.pinv](x)
    values = stop_gradient(singular_values(x))
    rtol = max(x.shape[-2:]) * np.finfo(x.dtype).eps if rtol is None and atol is None else rtol
    if any([t is not None and not isinstance(t, Tracer) and np.any(np.asarray(t) < 0) for t in (atol, rtol)]):
        raise ValueError("atol and rtol values must be positive.")
    limit = (0 if atol is None else atol) + (0 if rtol is None else rtol) * values[..., 0]
    # Where all is 0, whatever the limit is, nothing is above it.
    cut = np.where(values[..., 0] == 0, 1, limit / np.where(values[..., 0] == 0, 1, values[..., 0]))
    inverse = pinv_p(x, cut.astype(values.dtype))
    return (inverse, np.sum(values > limit[..., None], -1)) if return_rank else inverse


@implements(scipy.linalg.qr)
def qr(
    a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full", pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """Of traced values ``pivoting`` is refused.

    Dtypes: numbers. Derivative: as of `numpy.linalg.qr`.

    >>> q, r = qr([[3.0, 0.0], [4.0, 5.0]])
    >>> np.round(q @ r, 6)
    array([[3., 0.],
           [4., 5.]])
    """
    if mode not in ("full", "r", "economic", "raw"):
        raise ValueError("Mode argument should be one of ['full', 'r', 'economic', 'raw']")
    if pivoting:
        raise TypeError(
            "scipy.linalg.qr: requires pivoting=False where the matrix is traced, got True. Order the columns first."
        )
    (x,) = matrices(scipy.linalg.qr, a)
    q, r = RULES[np.linalg.qr](x, "reduced" if mode == "economic" else "complete")
    if mode == "raw":
        h, tau = RULES[np.linalg.qr](x, "raw")
        return (ops.swapped_axes(h), tau), r[..., : min(x.shape[-2:]), :]
    return (r,) if mode == "r" else (q, r)


# --- Eigenvalues


@implements(scipy.linalg.eigh)
def eigh(
    a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False, overwrite_a: bool = False,
    overwrite_b: bool = False, type: int = 1, check_finite: bool = True, subset_by_index: Any = None,
    subset_by_value: Any = None, driver: Any = None,
) -> Any:
    """One triangle of each matrix is read. Of traced values ``subset_by_value`` is refused.

    Dtypes: numbers. Derivative: symmetric, for matrices that are; of vectors nan where eigenvalues are equal.

    >>> eigh([[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]], eigvals_only=True)
    array([0.5, 2. ])
    """
    if subset_by_value is not None:
        raise TypeError(
            "scipy.linalg.eigh: requires no subset_by_value where a matrix is traced, got one. Use subset_by_index."
        )
    (x, *others) = matrices(scipy.linalg.eigh, a, *([] if b is None else [b]), square=True)
    for other in others:
        x, (low, kind) = from_triangle(x, lower), (_factor(other, lower), type)
        x = _reduced(x, low, kind)
    if eigvals_only:
        return _subset(RULES[np.linalg.eigvalsh](x, "L" if lower else "U"), subset_by_index)
    w, v = RULES[np.linalg.eigh](x, "L" if lower else "U")
    if others:
        v = low @ v if type == 3 else solve_triangular(adjoint(low), v)
    return _subset(w, subset_by_index), _subset(v, subset_by_index)


def _factor(b: Tracer, lower: bool) -> Tracer:
    """L with B = L Lᴴ, by one triangle of B."""
    return cholesky(b, True) if lower else adjoint(cholesky(b, False))


def _reduced(a: Tracer, low: Tracer, type: int) -> Tracer:
    """The matrix whose eigenvalues are those of A v = w B v, A B v = w v or B A v = w v."""
    if type == 1:
        return solve_triangular(low, adjoint(solve_triangular(low, a, lower=True)), lower=True)
    return adjoint(low) @ a @ low


def _subset(x: Tracer, places: Any) -> Tracer:
    return x if places is None else x[..., int(places[0]) : int(places[1]) + 1]


@implements(scipy.linalg.eigvalsh)
def eigvalsh(
    a: Any, b: Any = None, *, lower: bool = True, overwrite_a: bool = False, overwrite_b: bool = False, type: int = 1,
    check_finite: bool = True, subset_by_index: Any = None, subset_by_value: Any = None, driver: Any = None,
) -> Any:
    """Dtypes: numbers. Derivative: symmetric, for matrices that are.

    >>> eigvalsh([[2.0, 0.0], [0.0, 1.0]])
    array([1., 2.])
    """
    return eigh(
        a, b, lower=lower, eigvals_only=True, type=type, subset_by_index=subset_by_index,
        subset_by_value=subset_by_value,
    )


@implements(scipy.linalg.eig)
def eig(
    a: Any, b: Any = None, left: bool = False, right: bool = True, overwrite_a: bool = False,
    overwrite_b: bool = False, check_finite: bool = True, homogeneous_eigvals: bool = False,
) -> Any:
    """Of traced values ``homogeneous_eigvals`` is refused, and vectors are complex.

    Dtypes: numbers. Derivative: where two eigenvalues are equal, that of vectors is nan.

    >>> eig([[2.0, 0.0], [0.0, 1.0]], right=False)
    array([2.+0.j, 1.+0.j])
    """
    if homogeneous_eigvals:
        raise TypeError(
            "scipy.linalg.eig: requires homogeneous_eigvals=False where a matrix is traced, got True. Leave it out."
        )
    (x, *others) = matrices(scipy.linalg.eig, a, *([] if b is None else [b]), square=True)
    x = solve(others[0], x) if others else x
    if not (left or right):
        return RULES[np.linalg.eigvals](x)
    w, v = RULES[np.linalg.eig](x)
    vectors = [_left_vectors(v, others)] if left else []
    return (w, *vectors, *([v] if right else []))


def _left_vectors(v: Tracer, others: list[Tracer]) -> Tracer:
    """The vectors before, of the length 1."""
    rows = adjoint(ops.inverse(v))
    rows = solve(adjoint(others[0]), rows) if others else rows
    return rows / np.linalg.norm(rows, axis=-2, keepdims=True)


@implements(scipy.linalg.eigvals)
def eigvals(
    a: Any, b: Any = None, overwrite_a: bool = False, check_finite: bool = True, homogeneous_eigvals: bool = False,
) -> Any:
    """Dtypes: numbers. Derivative: the outer product of the left and the right eigenvector.

    >>> eigvals([[2.0, 0.0], [0.0, 1.0]])
    array([2.+0.j, 1.+0.j])
    """
    return eig(a, b, right=False, homogeneous_eigvals=homogeneous_eigvals)


# --- Singular values


@implements(scipy.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, overwrite_a: bool = False, check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """Dtypes: numbers. Derivative: as of `numpy.linalg.svd`.

    >>> svd([[3.0, 0.0], [0.0, 4.0]], compute_uv=False)
    array([4., 3.])
    """
    (x,) = matrices(scipy.linalg.svd, a)
    return tuple(RULES[np.linalg.svd](x, full_matrices)) if compute_uv else singular_values(x)


@implements(scipy.linalg.svdvals)
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Dtypes: numbers. Derivative: the outer product of the singular vectors.

    >>> svdvals([[3.0, 0.0], [0.0, 4.0]])
    array([4., 3.])
    """
    return singular_values(matrices(scipy.linalg.svdvals, a)[0])


def _rank(s: Tracer, rcond: Any, shape: tuple[int, ...]) -> int:
    """How many singular values do not count as 0; Python asks for them."""
    limit = np.finfo(s.dtype).eps * max(shape) if rcond is None else rcond
    s = stop_gradient(s)
    return int(np.sum(s > np.max(s, initial=0) * limit))


@implements(scipy.linalg.null_space)
def null_space(
    A: Any, rcond: Any = None, *, overwrite_a: bool = False, check_finite: bool = True, lapack_driver: str = "gesdd",
) -> Any:
    """The size of the result depends on values, which have to be known.

    Dtypes: numbers. Derivative: that of what does not depend on the basis.

    >>> abs(null_space([[1.0, 0.0]]))
    array([[0.],
           [1.]])
    """
    (x,) = matrices(scipy.linalg.null_space, A)
    _, s, vh = RULES[np.linalg.svd](x)
    return adjoint(vh[_rank(s, rcond, x.shape) :])


@implements(scipy.linalg.orth)
def orth(A: Any, rcond: Any = None) -> Any:
    """The size of the result depends on values, which have to be known.

    Dtypes: numbers. Derivative: as of the singular vectors.

    >>> abs(orth([[2.0], [0.0]]))
    array([[1.],
           [0.]])
    """
    (x,) = matrices(scipy.linalg.orth, A)
    u, s, _ = RULES[np.linalg.svd](x, full_matrices=False)
    return u[:, : _rank(s, rcond, x.shape)]


@implements(scipy.linalg.polar)
def polar(a: Any, side: str = "right") -> Any:
    """Dtypes: numbers. Derivative: right where singular values are equal, too.

    >>> polar([[0.0, -2.0], [3.0, 0.0]])[1]
    array([[3., 0.],
           [0., 2.]])
    """
    if side not in ("right", "left"):
        raise ValueError("`side` must be either 'right' or 'left'")
    (x,) = matrices(scipy.linalg.polar, a)
    m, n = x.shape[-2:]
    if m >= n:
        u, p = polar_p(x)
        return (u, p) if side == "right" else (u, u @ p @ adjoint(u))
    u, p = polar_p(adjoint(x))
    return adjoint(u), (u @ p @ adjoint(u) if side == "right" else p)


@implements(scipy.linalg.orthogonal_procrustes)
def orthogonal_procrustes(A: Any, B: Any, check_finite: bool = True) -> Any:
    """Dtypes: numbers. Derivative: as of `polar`.

    >>> orthogonal_procrustes([[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]])[1]
    np.float64(2.0)
    """
    x, y = matrices(scipy.linalg.orthogonal_procrustes, A, B)
    if x.shape != y.shape:
        raise ValueError(f"the shapes of A and B differ ({x.shape} vs {y.shape})")
    product = adjoint(x) @ y
    return polar_p(product)[0], np.sum(singular_values(product))


@implements(scipy.linalg.lstsq)
def lstsq(
    a: Any, b: Any, cond: Any = None, overwrite_a: bool = False, overwrite_b: bool = False, check_finite: bool = True,
    lapack_driver: Any = None,
) -> Any:
    """Dtypes: numbers. Derivative: as of `numpy.linalg.lstsq`.

    >>> lstsq([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]], [1.0, 2.0, 3.0])[0]
    array([1., 1.])
    """
    x, y = matrices(scipy.linalg.lstsq, a, b)
    cond = np.finfo(x.dtype).eps if cond is None else cond
    found, residuals, rank, values = RULES[np.linalg.lstsq](x, y, cond)
    if y.ndim == 1 and residuals.size:
        residuals = residuals[0]
    return found, residuals, rank.astype(np.int64), values
