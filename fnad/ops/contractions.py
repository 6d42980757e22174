"""The matrix product, to which every contraction is brought by transposes and reshapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.primitive import Kind, Primitive
from fnad.ir.types import ArrayType
from fnad.ops.elementwise import add, conj, mul
from fnad.ops.shaping import Mapped, reshape, transpose


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


def _matmul_batch(op: Primitive, mapped: Mapped, a: Any, b: Any) -> Any:
    if mapped == (True, True):
        return op(a, b)
    if mapped == (True, False):
        return _with_batch_in_rows(a, b)
    return _swapped(_with_batch_in_rows(_swapped(b), _swapped(a)))


def _with_batch_in_rows(a: Any, b: Any) -> Any:
    """A batch of left operands times one right operand: a single product of taller matrices."""
    size, *lead, m, k = a.shape
    last = len(lead) + 1, len(lead) + 2
    if lead:
        a = transpose(a, perm=(*range(1, len(lead) + 1), 0, *last))
    product = matmul(reshape(a, shape=(*lead, size * m, k)), b)
    split = reshape(product, shape=(*lead, size, m, b.shape[-1]))
    return transpose(split, perm=(len(lead), *range(len(lead)), *last)) if lead else split


def _swapped(x: Any) -> Any:
    """The last two axes swapped; a reshape where one of them is of size 1, which needs no copy."""
    if 1 in x.shape[-2:]:
        return reshape(x, shape=(*x.shape[:-2], x.shape[-1], x.shape[-2]))
    return transpose(x, perm=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


# (..., m, k) times (..., k, n), without broadcasting.
matmul = Primitive("matmul", _matmul_type, np.matmul, vjp=_matmul_vjp, batch=_matmul_batch, kind=Kind.PRODUCT)

# --- A product that starts from an array: what the compiler makes of a sum with one


def _matmul_add_type(c: ArrayType, a: ArrayType, b: ArrayType, alpha: float) -> ArrayType:
    product = matmul.type_rule(a, b)
    if product.strong != c.strong or c.dtype.kind != "f":
        raise ValueError(f"matmul_add: requires a float array like the product of the others, got {c}, {a} and {b}.")
    return product


def _matmul_add(c: Any, a: Any, b: Any, alpha: float) -> Any:
    return add(c, mul(matmul(a, b), alpha))


def _matmul_add_vjp(i: int, g: Any, y: Any, c: Any, a: Any, b: Any, alpha: float) -> Any:
    if i == 0:
        return g
    return mul(matmul(g, adjoint(b)) if i == 1 else matmul(adjoint(a), g), alpha)


# c + alpha a b
matmul_add = Primitive(
    "matmul_add", _matmul_add_type, _matmul_add, expand=_matmul_add, vjp=_matmul_add_vjp, differentiable=(0, 1, 2),
    kind=Kind.PRODUCT, overwrites=0,
)
