"""Products of vectors, matrices and tensors, brought to the one strict matrix product."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.program import Var
from fnad.ir.types import ArrayType, Shape
from fnad.numpy.promotion import (
    broadcast_shapes, builder_of, cast, loop_dtypes, shapes_text, spread_to, traced,
)
from fnad.ops import contractions as ops
from fnad.ops.shaping import reshape
from fnad.tracing import Tracer


def matmul(x1: Any, x2: Any) -> Any:
    """`numpy.matmul`: the product of matrices, of stacks of them, or of vectors."""
    if type(x1) is Tracer and type(x2) is Tracer and x1.builder is x2.builder:
        a, b = x1.atom, x2.atom
        if _is_plain_product(a, b):
            type_ = ArrayType((a.type.shape[0], b.type.shape[1]), a.type.dtype)
            return x1.builder.emit(ops.matmul, (a, b), {}, type_)
    builder = builder_of(x1, x2)
    a, b = traced(builder, x1), traced(builder, x2)
    dtype = loop_dtypes(np.matmul, a, b)[-1]
    return _product(cast(a, dtype), cast(b, dtype))


def _is_plain_product(a: Any, b: Any) -> bool:
    s, t = a.type, b.type
    return len(s.shape) == 2 == len(t.shape) and s.dtype == t.dtype and s.shape[1] == t.shape[0] and s.dtype.kind in "fiuc"


def _product(a: Tracer, b: Tracer) -> Tracer:
    _require_core(a.shape, b.shape)
    if a.ndim == 1 or b.ndim == 1:
        return _vector_product(a, b)
    if b.ndim == 2 and a.ndim > 2:
        flat = reshape(a, shape=(_size(a.shape[:-1]), a.shape[-1]))
        return reshape(ops.matmul(flat, b), shape=(*a.shape[:-1], b.shape[-1]))
    batch = _batch_shape(a.shape, b.shape)
    return ops.matmul(spread_to(a, batch + a.shape[-2:]), spread_to(b, batch + b.shape[-2:]))


def _vector_product(a: Tracer, b: Tracer) -> Tracer:
    rows = reshape(a, shape=(1, *a.shape)) if a.ndim == 1 else a
    columns = reshape(b, shape=(*b.shape, 1)) if b.ndim == 1 else b
    product = _product(rows, columns)
    shape = product.shape[:-1] if b.ndim == 1 else product.shape
    if a.ndim == 1:
        at = len(shape) - (1 if b.ndim == 1 else 2)
        shape = shape[:at] + shape[at + 1 :]
    return reshape(product, shape=shape)


_SIGNATURE = "gufunc signature (n?,k),(k,m?)->(n?,m?)"


def _require_core(a: Shape, b: Shape) -> None:
    for i, shape in enumerate((a, b)):
        if not shape:
            raise ValueError(
                f"matmul: Input operand {i} does not have enough dimensions (has 0, gufunc core with signature "
                "(n?,k),(k,m?)->(n?,m?) requires 1)"
            )
    inner = b[-2] if len(b) > 1 else b[0]
    if a[-1] != inner:
        raise ValueError(
            f"matmul: Input operand 1 has a mismatch in its core dimension 0, with {_SIGNATURE} "
            f"(size {inner} is different from {a[-1]})"
        )


def _batch_shape(a: Shape, b: Shape) -> Shape:
    try:
        return broadcast_shapes(a[:-2], b[:-2])
    except ValueError:
        raise ValueError(
            f"matmul: operands could not be broadcast together with shapes {shapes_text((a, b))}: "
            f"the axes before the last two are {shapes_text((a[:-2], b[:-2]))}"
        ) from None


def _size(shape: Shape) -> int:
    size = 1
    for n in shape:
        size *= n
    return size
