"""ReLU and the dense layer: operations of their own, because one pass over memory makes what several need."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.primitive import Kind, Primitive
from fnad.ir.types import ArrayType
from fnad.ops.contractions import adjoint, matmul
from fnad.ops.elementwise import add
from fnad.ops.families import elementwise
from fnad.ops.operands import rule
from fnad.ops.shaping import Mapped, merge_batch, reduce_sum, reshape, spread

# --- ReLU: 0 at 0, where its derivative is 0 too; nan passes

relu = elementwise(
    "relu", lambda x: np.where(x <= 0, np.asarray(x).dtype.type(0), x), "select({0} <= 0, 0, {0})",
    [lambda g, y, x: relu_backward(g, y)], "f",
)
# The cotangent of relu's result y carried back.
relu_backward = elementwise(
    "relu_backward", lambda g, y: np.where(y <= 0, np.asarray(g).dtype.type(0), g), "select({1} <= 0, 0, {0})",
    [lambda c, z, g, y: relu_backward(c, y), None], "f",
)


def _relu_backward_sum_type(g: ArrayType, y: ArrayType) -> tuple[ArrayType, ArrayType]:
    if g.ndim != 2 or g.strong != y.strong or g.dtype.kind != "f":
        raise TypeError(f"relu_backward_sum: requires float matrices of one type, got {g} and {y}.")
    return ArrayType(g.shape, g.dtype), ArrayType(g.shape[1:], g.dtype)


def _relu_backward_sum(g: Any, y: Any) -> tuple[Any, Any]:
    masked = relu_backward(g, y)
    return masked, reduce_sum(masked, axes=(0,))


@rule
def _relu_backward_sum_vjp(i: int, g: Any, outputs: Any, x: Any, y: Any) -> Any:
    masked_bar, sum_bar = g
    return relu_backward(masked_bar + spread(sum_bar, x, (0,)), y)


# relu_backward of a matrix, and the sum of its rows.
relu_backward_sum = Primitive(
    "relu_backward_sum", _relu_backward_sum_type, _relu_backward_sum, expand=_relu_backward_sum,
    vjp=_relu_backward_sum_vjp, differentiable=(0,), total=True,
)

# --- Dense layer


def _dense_type(x: ArrayType, w: ArrayType, b: ArrayType, relu: bool) -> ArrayType:
    fits = x.ndim == w.ndim == 2 and x.shape[1] == w.shape[0] and w.shape[1:] == b.shape
    if not fits or not x.dtype == w.dtype == b.dtype or x.dtype.kind != "f":
        raise ValueError(f"dense: requires float arrays (m, k), (k, n) and (n,) of one dtype, got {x}, {w} and {b}.")
    return ArrayType((x.shape[0], w.shape[1]), x.dtype)


def _dense_expand(x: Any, w: Any, b: Any, relu: bool) -> Any:
    product = matmul(x, w)
    y = add(product, spread(b, product, (0,)))
    return _rectified(y) if relu else y


def _rectified(y: Any) -> Any:
    return relu(y)


def _dense_forward(active: Any, x: Any, w: Any, b: Any, relu: bool) -> tuple[Any, tuple[Any, ...]]:
    y = dense(x, w, b, relu=relu)
    return y, (x, w, y)


def _dense_backward(residuals: tuple[Any, ...], g: Any, relu: bool) -> tuple[Any, ...]:
    x, w, y = residuals
    g, b_bar = relu_backward_sum(g, y) if relu else (g, reduce_sum(g, axes=(0,)))
    return matmul(g, adjoint(w)), matmul(adjoint(x), g), b_bar


def _dense_batch(op: Primitive, mapped: Mapped, x: Any, w: Any, b: Any, relu: bool) -> Any:
    if mapped != (True, False, False):
        return NotImplemented
    return reshape(op(merge_batch(x), w, b, relu=relu), shape=(*x.shape[:2], w.shape[1]))


# x w + b, or relu(x w + b), for x (m, k), w (k, n) and b (n,).
dense = Primitive(
    "dense", _dense_type, _dense_expand, expand=_dense_expand, vjp_forward=_dense_forward, vjp_backward=_dense_backward,
    batch=_dense_batch, kind=Kind.PRODUCT,
)
