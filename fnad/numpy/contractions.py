"""Products of vectors, matrices and tensors, brought to the one strict matrix product."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.types import ArrayType, Shape
from fnad.numpy import operators, ufuncs
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.promotion import (
    broadcast_shapes, builder_of, cast, loop_dtypes, one_axis, shapes_text, size_of, spread_to, traced,
)
from fnad.numpy.shaping import reshaped, stand_in
from fnad.ops import contractions as ops
from fnad.ops.elementwise import conj
from fnad.ops.shaping import reduce_sum, reshape, transpose
from fnad.tracing.builder import Builder
from fnad.tracing.tracer import Tracer

MULTIPLY = ufuncs.UFUNCS[np.multiply]


def _pair(a: Any, b: Any) -> tuple[Tracer, Tracer]:
    """Two arguments as traced arrays of the dtype of their product."""
    builder = builder_of(a, b)
    x, y = traced(builder, a), traced(builder, b)
    dtype = loop_dtypes(np.matmul, x, y)[-1]
    return cast(x, dtype), cast(y, dtype)


# --- matmul


def matmul_rule(x1: Any, x2: Any) -> Tracer:
    """The product of two matrices at once, others in general."""
    if type(x1) is Tracer:
        builder: Builder = x1.builder
        a = x1.atom
        b = None
        if type(x2) is np.ndarray:
            b = builder.atom(x2)
        elif type(x2) is Tracer and x2.builder is builder:
            b = x2.atom
    elif type(x1) is np.ndarray:
        builder = x2.builder
        a, b = builder.atom(x1), x2.atom
    else:
        return _product(*_pair(x1, x2))
    if b is not None and _is_plain(a.type, b.type):
        return builder.emit(ops.matmul, (a, b), {}, ArrayType((a.type.shape[0], b.type.shape[1]), a.type.dtype))
    return _product(*_pair(x1, x2))


def _is_plain(a: ArrayType, b: ArrayType) -> bool:
    s, t = a.shape, b.shape
    return len(s) == 2 and len(t) == 2 and s[1] == t[0] and a.dtype == b.dtype and a.dtype.kind in "fiuc"


def _product(a: Tracer, b: Tracer) -> Tracer:
    _require_core(a.shape, b.shape)
    if a.ndim == 1 or b.ndim == 1:
        return _vector_product(a, b)
    if b.ndim == 2 and a.ndim > 2:
        flat = reshape(a, shape=(size_of(a.shape[:-1]), a.shape[-1]))
        return reshape(ops.matmul(flat, b), shape=(*a.shape[:-1], b.shape[-1]))
    batch = _batch_shape(a.shape, b.shape)
    return ops.matmul(spread_to(a, batch + a.shape[-2:]), spread_to(b, batch + b.shape[-2:]))


def _vector_product(a: Tracer, b: Tracer) -> Tracer:
    rows = reshape(a, shape=(1, *a.shape)) if a.ndim == 1 else a
    columns = reshape(b, shape=(*b.shape, 1)) if b.ndim == 1 else b
    shape = _product(rows, columns)
    *batch, m, n = shape.shape
    return reshape(shape, shape=(*batch, *([] if a.ndim == 1 else [m]), *([] if b.ndim == 1 else [n])))


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


def matmul_operator(self: Tracer, other: Any) -> Any:
    """``self @ other``."""
    is_operand = isinstance(other, operators.OPERANDS)
    return matmul_rule(self, other) if is_operand else operators.no_operand(np.matmul, other)


def reflected_matmul_operator(self: Tracer, other: Any) -> Any:
    """``other @ self``."""
    is_operand = isinstance(other, operators.OPERANDS)
    return matmul_rule(other, self) if is_operand else operators.no_operand(np.matmul, other)


@implements(np.matmul, np.linalg.matmul)
def matmul(x1: Any, x2: Any, /) -> Any:
    """Dtypes: all. Derivative: g @ x2.T in x1, x1.T @ g in x2, for the cotangent g.

    >>> matmul([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    array([3., 7.])
    """
    return matmul_rule(x1, x2)


@implements(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Dtypes: all. Derivative: x2 in x1, conj(x1) in x2.

    >>> vecdot([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    array([3., 7.])
    """
    a, b = _pair(x1, x2)
    product = MULTIPLY(conj(a), b) if axis == -1 else np.moveaxis(MULTIPLY(conj(a), b), axis, -1)
    return reduce_sum(product, axes=(product.ndim - 1,))


@implements(np.matvec)
def matvec(x1: Any, x2: Any, /) -> Any:
    """Dtypes: all. Derivative: outer(g, x2) in x1, x1.T @ g in x2, for the cotangent g.

    >>> matvec([[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [1.0, 0.0]])
    array([[3., 7.],
           [1., 3.]])
    """
    a, b = _pair(x1, x2)
    if a.ndim < 2 or b.ndim < 1 or a.shape[-1] != b.shape[-1]:
        np.matvec(stand_in(a.shape), stand_in(b.shape))  # raises
    product = _product(a, reshape(b, shape=(*b.shape, 1)))
    return reshape(product, shape=product.shape[:-1])


@implements(np.vecmat)
def vecmat(x1: Any, x2: Any, /) -> Any:
    """Dtypes: all. Derivative: x2 @ g in x1, outer(x1, g) in x2, for the cotangent g.

    >>> vecmat([1.0, 1.0], [[1.0, 2.0], [3.0, 4.0]])
    array([4., 6.])
    """
    a, b = _pair(x1, x2)
    if a.ndim < 1 or b.ndim < 2 or a.shape[-1] != b.shape[-2]:
        np.vecmat(stand_in(a.shape), stand_in(b.shape))  # raises
    product = _product(reshape(conj(a), shape=(*a.shape[:-1], 1, a.shape[-1])), b)
    return reshape(product, shape=(*product.shape[:-2], product.shape[-1]))


# --- dot and its like


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """Dtypes: all. Derivative: as of `matmul`; b in a and a in b where one of them is a number.

    >>> dot([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    array([3., 7.])
    """
    refuse_out("np.dot", out)
    x, y = _pair(a, b)
    if x.ndim == 0 or y.ndim == 0:
        return MULTIPLY(x, y)
    at = 0 if y.ndim == 1 else y.ndim - 2
    if x.shape[-1] != y.shape[at]:
        raise ValueError(
            f"shapes {shapes_text((x.shape,))} and {shapes_text((y.shape,))} not aligned: "
            f"{x.shape[-1]} (dim {x.ndim - 1}) != {y.shape[at]} (dim {at})"
        )
    return _contracted(x, y, (x.ndim - 1,), (at,))


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """Dtypes: all. Derivative: b in conj(a), conj(a) in b.

    >>> vdot([1.0, 2.0j], [1.0, 1.0])
    np.complex128(1-2j)
    """
    x, y = _pair(a, b)
    return dot(reshape(conj(x), shape=(x.size,)), reshape(y, shape=(y.size,)))


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """Dtypes: all. Derivative: as of `tensordot` over the last axes.

    >>> inner([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    array([3., 7.])
    """
    x, y = _pair(a, b)
    if x.ndim == 0 or y.ndim == 0:
        return MULTIPLY(x, y)
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(
            f"shapes {shapes_text((x.shape,))} and {shapes_text((y.shape,))} not aligned: "
            f"{x.shape[-1]} (dim {x.ndim - 1}) != {y.shape[-1]} (dim {y.ndim - 1})"
        )
    return _contracted(x, y, (x.ndim - 1,), (y.ndim - 1,))


@implements(np.outer, np.linalg.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """Dtypes: all. Derivative: g @ b in a, a @ g in b, for the cotangent g.

    >>> outer([1.0, 2.0], [3.0, 4.0])
    array([[3., 4.],
           [6., 8.]])
    """
    refuse_out("np.outer", out)
    builder = builder_of(a, b)
    x, y = traced(builder, a), traced(builder, b)
    return MULTIPLY(reshape(x, shape=(x.size, 1)), reshape(y, shape=(1, y.size)))


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Dtypes: all. Derivative: b in a and a in b, block by block.

    >>> kron([1.0, 2.0], [1.0, 10.0])
    array([ 1., 10.,  2., 20.])
    """
    builder = builder_of(a, b)
    x, y = traced(builder, a), traced(builder, b)
    ndim = max(x.ndim, y.ndim)
    s, t = (1,) * (ndim - x.ndim) + x.shape, (1,) * (ndim - y.ndim) + y.shape
    left = reshape(x, shape=tuple([n for m in s for n in (m, 1)]))
    right = reshape(y, shape=tuple([n for m in t for n in (1, m)]))
    return reshape(MULTIPLY(left, right), shape=tuple([m * n for m, n in zip(s, t)]))


@implements(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Dtypes: all. Derivative: the cotangent contracted with the other operand.

    >>> tensordot([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0], axes=1)
    array([3., 7.])
    """
    x, y = _pair(a, b)
    if isinstance(axes, (int, np.integer)):
        first, second = list(range(x.ndim - axes, x.ndim)), list(range(axes))
    else:
        first, second = [[i] if np.ndim(i) == 0 else list(i) for i in axes]
    if len(first) != len(second) or len(first) > min(x.ndim, y.ndim):
        raise ValueError("shape-mismatch for sum")
    first, second = [one_axis(i, x.ndim) for i in first], [one_axis(i, y.ndim) for i in second]
    if [x.shape[i] for i in first] != [y.shape[i] for i in second]:
        raise ValueError("shape-mismatch for sum")
    return _contracted(x, y, tuple(first), tuple(second))


def _contracted(x: Tracer, y: Tracer, first: tuple[int, ...], second: tuple[int, ...]) -> Tracer:
    """The sum over axes of ``x`` and ``y`` in pairs; those of ``x`` that stay come first."""
    rows = tuple([i for i in range(x.ndim) if i not in first])
    columns = tuple([i for i in range(y.ndim) if i not in second])
    k = size_of(tuple([x.shape[i] for i in first]))
    shape = tuple([x.shape[i] for i in rows]) + tuple([y.shape[i] for i in columns])
    left = reshaped(ordered(x, rows + first), (size_of(shape[: len(rows)]), k))
    right = reshaped(ordered(y, second + columns), (k, size_of(shape[len(rows) :])))
    return reshaped(ops.matmul(left, right), shape)


def ordered(x: Tracer, perm: tuple[int, ...]) -> Tracer:
    """``x`` with its axes in an order, which may be theirs."""
    return x if perm == tuple(range(x.ndim)) else transpose(x, perm=perm)
