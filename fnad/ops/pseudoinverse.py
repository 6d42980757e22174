"""The pseudoinverse of matrices in the last two axes, none of which is empty."""

from __future__ import annotations

from typing import Any

from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType
from fnad.ops.contractions import adjoint, matmul
from fnad.ops.elementwise import choose, convert, gt, guarded_div, mul
from fnad.ops.linalg import scaled_columns
from fnad.ops.operands import rule
from fnad.ops.shaping import batch_as_it_is, broadcast, reshape, slice_
from fnad.ops.spectral import real_dtype, svd


def _pinv_type(a: ArrayType, cut: ArrayType) -> ArrayType:
    if a.ndim < 2 or cut.strong != ArrayType(a.shape[:-2], real_dtype(a.dtype)):
        raise ValueError(f"pinv: requires matrices (..., m, n) and a real number for each of them, got {a} and {cut}.")
    *batch, m, n = a.shape
    return ArrayType((*batch, n, m), a.dtype)


def is_large(s: Any, cut: Any) -> Any:
    """Which singular values are above so much of the largest one, which is the first."""
    batch = s.shape[:-1]
    first = slice_(s, starts=(0,) * s.ndim, stops=(*batch, 1), steps=(1,) * s.ndim)
    limit = mul(reshape(first, shape=batch), cut)
    return gt(s, broadcast(limit, shape=s.shape, dims=tuple(range(len(batch)))))


def _pinv(a: Any, cut: Any) -> Any:
    u, s, vh = svd(a, full=False)
    large = is_large(s, cut)
    inverted = guarded_div(convert(large, dtype=s.dtype), choose(large, s, 0))
    return matmul(scaled_columns(adjoint(vh), convert(inverted, dtype=a.dtype)), adjoint(u))


@rule
def _pinv_vjp(i: int, g: Any, y: Any, a: Any, cut: Any) -> Any:
    before, behind = matmul(adjoint(y), matmul(y, adjoint(g))), matmul(matmul(adjoint(g), y), adjoint(y))
    return (
        behind - matmul(a, matmul(y, behind)) + before - matmul(matmul(before, y), a)
        - matmul(matmul(adjoint(y), g), adjoint(y))
    )


# The pseudoinverse, which takes singular values for 0 up to so much of the largest one. Its derivative is that for
# matrices of the rank that is seen.
pinv = Primitive(
    "pinv", _pinv_type, _pinv, expand=_pinv, vjp=_pinv_vjp, differentiable=(0,), batch=batch_as_it_is,
)
