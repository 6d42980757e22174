"""The matrix product, to which every contraction is brought by transposes and reshapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType
from fnad.ops.elementwise import conj
from fnad.ops.shaping import transpose


def _matmul_type(a: ArrayType, b: ArrayType) -> ArrayType:
    fits = a.ndim >= 2 and a.shape[:-2] == b.shape[:-2] and a.shape[-1:] == b.shape[-2:-1]
    if not fits or a.dtype != b.dtype or a.dtype.kind not in "biufc":
        raise ValueError(
            f"matmul: requires arrays (..., m, k) and (..., k, n) of one batch shape and dtype, got {a} and {b}. "
            "Broadcast or convert them first."
        )
    return ArrayType((*a.shape[:-1], b.shape[-1]), a.dtype)


def adjoint(x: Any) -> Any:
    """The conjugate with its last two axes swapped."""
    return conj(transpose(x, perm=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)))


def _matmul_vjp(i: int, g: Any, y: Any, a: Any, b: Any) -> Any:
    return matmul(g, adjoint(b)) if i == 0 else matmul(adjoint(a), g)


# (..., m, k) times (..., k, n), without broadcasting.
matmul = Primitive("matmul", _matmul_type, np.matmul, vjp=_matmul_vjp)
