"""QR, eigenvalues and singular values."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fnad.numpy.dispatch import RULES, implements
from fnad.numpy.linalg.matrices import filled_with, is_empty, result_class, square, stacked
from fnad.numpy.promotion import constant
from fnad.ops import spectral as ops
from fnad.ops.contractions import adjoint
from fnad.ops.elementwise import abs_, convert, copysign
from fnad.ops.linalg import scaled_columns
from fnad.tracing.tracer import Tracer

QRResult, SVDResult = result_class(np.linalg.qr), result_class(np.linalg.svd)
EighResult, EigResult = result_class(np.linalg.eigh), result_class(np.linalg.eig)


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """The derivative of "complete" is that of what does not depend on which columns complete Q.

    Dtypes: numbers. Derivative: through the triangle R, but none with the mode "raw".

    >>> q, r = qr([[3.0, 0.0], [4.0, 5.0]])
    >>> np.round(q @ r, 6)
    array([[3., 0.],
           [4., 5.]])
    >>> qr([[3.0, 0.0], [4.0, 1.0]], "raw")[1]
    array([1.6, 0. ])
    """
    mode = _full_name(mode)
    (x,) = stacked(a)
    if mode in ("raw", "economic"):
        return _reflections(x, mode)
    q, r = _empty_qr(x, mode == "complete") if is_empty(x) else ops.qr(x, complete=mode == "complete")
    return r if mode == "r" else QRResult(q, r)


def _full_name(mode: str) -> str:
    """The name of a mode, or NumPy's warning or error."""
    if mode in ("reduced", "complete", "r", "raw"):
        return mode
    if mode in ("f", "full", "e", "economic"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            np.linalg.qr(np.eye(1), mode)
        for warning in caught:
            warnings.warn(str(warning.message), DeprecationWarning, stacklevel=3)
        return "reduced" if mode in ("f", "full") else "economic"
    raise ValueError(f"Unrecognized mode '{mode}'")


def _reflections(x: Tracer, mode: str) -> Any:
    *batch, m, n = x.shape
    if is_empty(x):
        h, tau = (constant(x.builder, 0, (*batch, *shape), x.dtype) for shape in ((n, m), (0,)))
    else:
        h, tau = ops.householder(x)
    return np.matrix_transpose(h) if mode == "economic" else (h, tau)


def _empty_qr(x: Tracer, complete: bool) -> tuple[Tracer, Tracer]:
    *batch, m, n = x.shape
    q = filled_with(x, np.eye(m, m if complete else 0, dtype=x.dtype))
    return q, constant(x.builder, 0, (*batch, m if complete else 0, n), x.dtype)


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """One triangle is read, as NumPy does; the derivative is symmetric, for a matrix that is.

    Dtypes: numbers. Derivative: where two eigenvalues are equal, that of vectors is nan; that of the values is not.

    >>> eigh([[2.0, 0.0], [0.0, 1.0]]).eigenvalues
    array([1., 2.])
    """
    lower = _is_lower(UPLO)
    x = square(a)
    return EighResult(*(_empty_eigen(x) if is_empty(x) else ops.eigh(x, lower=lower)))


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Dtypes: numbers. Derivative: the outer product of the eigenvector with itself; symmetric, for a matrix that is.

    >>> eigvalsh([[2.0, 0.0], [0.0, 1.0]])
    array([1., 2.])
    """
    lower = _is_lower(UPLO)
    x = square(a)
    return _empty_eigen(x)[0] if is_empty(x) else ops.eigvalsh(x, lower=lower)


def _is_lower(uplo: str) -> bool:
    if uplo.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return uplo.upper() == "L"


def _empty_eigen(x: Tracer) -> tuple[Tracer, Tracer]:
    real = ops.real_dtype(x.dtype)
    return constant(x.builder, 0, x.shape[:-1], real), constant(x.builder, 0, x.shape, x.dtype)


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    """The results of a traced value are complex, also where all eigenvalues are real.

    Dtypes: numbers. Derivative: where two eigenvalues are equal, that of vectors is nan.

    >>> eig([[2.0, 0.0], [0.0, 1.0]]).eigenvalues
    array([2., 1.])
    """
    x = square(a)
    if is_empty(x):
        return EigResult(*[_as_complex(y) for y in _empty_eigen(x)])
    return EigResult(*ops.eig(x))


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """The results of a traced value are complex, also where all eigenvalues are real.

    Dtypes: numbers. Derivative: the outer product of the left and the right eigenvector.

    >>> eigvals([[2.0, 0.0], [0.0, 1.0]])
    array([2., 1.])
    """
    x = square(a)
    return _as_complex(_empty_eigen(x)[0]) if is_empty(x) else ops.eigvals(x)


def _as_complex(x: Tracer) -> Tracer:
    return convert(x, dtype=np.result_type(x.dtype, np.complex64))


@implements(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """With ``full_matrices`` the derivative is that of what does not depend on which vectors complete a basis.

    Dtypes: numbers. Derivative: where two singular values are equal, that of vectors is nan; that of values is not.

    >>> svd([[3.0, 0.0], [0.0, 4.0]]).S
    array([4., 3.])
    >>> svd([[3.0, 0.0], [0.0, 4.0]], compute_uv=False)
    array([4., 3.])
    >>> svd([[3.0, 0.0], [0.0, -4.0]], compute_uv=False, hermitian=True)
    array([4., 3.])
    """
    if hermitian:
        return _hermitian_svd(a, compute_uv)
    (x,) = stacked(a)
    if not compute_uv:
        return singular_values(x)
    return SVDResult(*(_empty_svd(x, full_matrices) if is_empty(x) else ops.svd(x, full=bool(full_matrices))))


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """Dtypes: numbers. Derivative: the outer product of the singular vectors.

    >>> svdvals([[3.0, 0.0], [0.0, 4.0]])
    array([4., 3.])
    """
    return singular_values(stacked(x)[0])


def singular_values(x: Tracer) -> Tracer:
    """The singular values of matrices, which may be empty."""
    if not is_empty(x):
        return ops.svdvals(x)
    return constant(x.builder, 0, (*x.shape[:-2], 0), ops.real_dtype(x.dtype))


def _empty_svd(x: Tracer, full: bool) -> tuple[Tracer, Tracer, Tracer]:
    m, n = x.shape[-2:]
    left, right = np.eye(m, m if full else 0, dtype=x.dtype), np.eye(n if full else 0, n, dtype=x.dtype)
    return filled_with(x, left), singular_values(x), filled_with(x, right)


def _hermitian_svd(a: Any, compute_uv: bool) -> Any:
    """By eigenvalues, of which the signs go to the vectors behind."""
    if not compute_uv:
        s = RULES[np.sort](abs_(eigvalsh(a)))
        return RULES[np.flip](s, -1)
    w, v = eigh(a)
    if is_empty(v):
        return _empty_svd(v, True)
    order = RULES[np.flip](RULES[np.argsort](abs_(w)), -1)
    w = np.take_along_axis(w, order, -1)
    u = np.take_along_axis(v, order[..., None, :], -1)
    signs = copysign(constant(w.builder, 1, w.shape, w.dtype), w)
    return SVDResult(u, abs_(w), adjoint(scaled_columns(u, convert(signs, dtype=u.dtype))))
