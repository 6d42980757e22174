"""Roots, logarithms and polar factors of matrices, and the linear equation that their derivatives solve.

They run by SciPy's functions, and their derivatives are made of the same operations.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType
from fnad.lazy import LazyModule
from fnad.ops.contractions import adjoint, matmul
from fnad.ops.elementwise import convert, if_flag, neg
from fnad.ops.linalg import each, factored, guarded_matrix, lu_solve, require_square, scaled_columns
from fnad.ops.operands import rule
from fnad.ops.shaping import batch_as_it_is, concatenate, slice_
from fnad.ops.spectral import svd

scipy_linalg = LazyModule("scipy.linalg")


def _like_first(a: ArrayType) -> ArrayType:
    require_square("matrix function", a)
    return a.strong


def _by_each(function: Any) -> Any:
    """The meaning by a function of one matrix; of a real matrix what is not real is nan."""

    def evaluate(a: Any) -> np.ndarray:
        def one(matrix: np.ndarray) -> list[np.ndarray]:
            y = function(matrix) if np.isfinite(matrix).all() else np.full_like(matrix, np.nan)
            if matrix.dtype.kind == "f" and np.iscomplexobj(y):
                y = np.full_like(matrix, np.nan) if np.any(y.imag) else y.real
            return [y]

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of digits that are lost
            return each(one, a.shape[:-2], [ArrayType(a.shape, a.dtype)], a)[0]

    return evaluate


# --- A X + X B = Q


def _sylvester_type(a: ArrayType, b: ArrayType, q: ArrayType) -> ArrayType:
    require_square("sylvester", a)
    require_square("sylvester", b)
    if q.shape != (*a.shape[:-1], b.shape[-1]) or not a.dtype == b.dtype == q.dtype:
        raise ValueError(f"sylvester: requires matrices (n, n), (m, m) and (n, m) of one dtype, got {a}, {b} and {q}.")
    return q.strong


def _sylvester_evaluate(a: Any, b: Any, q: Any) -> np.ndarray:
    types = [ArrayType(q.shape, q.dtype)]
    return each(lambda *xs: [scipy_linalg.solve_sylvester(*xs)], q.shape[:-2], types, a, b, q)[0]


def _sylvester_forward(active: Any, a: Any, b: Any, q: Any) -> tuple[Any, Any]:
    x = sylvester(a, b, q)
    return x, (active, a, b, x)


def _sylvester_backward(residuals: Any, g: Any) -> list[Any]:
    active, a, b, x = residuals
    bar = sylvester(adjoint(a), adjoint(b), g)
    return [
        neg(matmul(bar, adjoint(x))) if active[0] else None, neg(matmul(adjoint(x), bar)) if active[1] else None, bar,
    ]


def _sylvester_conditional(op: Primitive, flag: Any, only_if: Any, a: Any, b: Any, q: Any) -> Any:
    return op(guarded_matrix(flag, a), guarded_matrix(flag, b), if_flag(flag, q))


# The solution X of A X + X B = Q.
sylvester = Primitive(
    "sylvester", _sylvester_type, _sylvester_evaluate, vjp_forward=_sylvester_forward,
    vjp_backward=_sylvester_backward, batch=batch_as_it_is, conditional=_sylvester_conditional,
)

# --- Roots and logarithms


@rule
def _sqrtm_vjp(i: int, g: Any, y: Any, a: Any) -> Any:
    return sylvester(adjoint(y), adjoint(y), g)


# The principal square root; of a real matrix whose root is not real, nan.
sqrtm = Primitive(
    "sqrtm", _like_first, _by_each(lambda a: scipy_linalg.sqrtm(a)), vjp=_sqrtm_vjp, batch=batch_as_it_is,
    conditional=lambda op, flag, only_if, a: op(guarded_matrix(flag, a)),
)


@rule
def _logm_vjp(i: int, g: Any, y: Any, a: Any) -> Any:
    return corner(logm(with_corner(adjoint(a), g)))


def with_corner(a: Any, corner: Any) -> Any:
    """[[A, corner], [0, A]], of which functions have their derivatives in the same place."""
    last = a.ndim - 1
    above = concatenate(a, corner, axis=last)
    return concatenate(above, concatenate(a * 0, a, axis=last), axis=last - 1)


def corner(x: Any) -> Any:
    """The block that `with_corner` has put there."""
    n = x.shape[-1] // 2
    lead = (0,) * (x.ndim - 2)
    return slice_(x, starts=(*lead, 0, n), stops=(*x.shape[:-2], n, 2 * n), steps=(1,) * x.ndim)


# The principal logarithm; of a real matrix whose logarithm is not real, nan.
logm = Primitive(
    "logm", _like_first, _by_each(lambda a: scipy_linalg.logm(a)), vjp=_logm_vjp, batch=batch_as_it_is,
    conditional=lambda op, flag, only_if, a: op(guarded_matrix(flag, a)),
)

# --- The polar factors of matrices that are no wider than high


def _polar_type(a: ArrayType) -> tuple[ArrayType, ArrayType]:
    *batch, m, n = a.shape
    if m < n:
        raise ValueError(f"polar: requires matrices that are no wider than high, got {a}.")
    return a.strong, ArrayType((*batch, n, n), a.dtype)


def _polar(a: Any) -> tuple[Any, Any]:
    u, s, vh = svd(a, full=False)
    return matmul(u, vh), matmul(scaled_columns(adjoint(vh), convert(s, dtype=a.dtype)), vh)


@rule
def _polar_vjp(i: int, g: Any, y: Any, a: Any) -> Any:
    (g_u, g_p), (u, p) = g, y
    turned = sylvester(p, p, matmul(adjoint(u), g_u) - matmul(g_p, p))
    bar = matmul(u, g_p + turned - adjoint(turned))
    if a.shape[-2] == a.shape[-1]:
        return bar
    beside = g_u - matmul(u, matmul(adjoint(u), g_u))
    return bar + adjoint(lu_solve(*factored(p), adjoint(beside), adjoint=False, strict=False))


# U with orthonormal columns and P Hermitian, A = U P.
polar = Primitive(
    "polar", _polar_type, _polar, expand=_polar, vjp=_polar_vjp, batch=batch_as_it_is,
    conditional=lambda op, flag, only_if, a: op(if_flag(flag, a)),
)
