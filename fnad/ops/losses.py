"""Losses: operations of their own, because one pass over memory makes what several need.

A differentiated loss computes its gradient together with its value, and keeps it. Losses are made
as partial sums, one for each row or block of examples and divided by the number of examples
already, so that they may be computed in any order and in parallel with one result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.interpreter.evaluate import QUIET
from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType
from fnad.ops.elementwise import add, div, exp, if_flag, mul, square, sub
from fnad.ops.operands import rule
from fnad.ops.reductions import reduce_logsumexp
from fnad.ops.shaping import Mapped, all_over_batch, broadcast, merge_batch, pad, reduce_sum, reshape, slice_, spread
from fnad.ops.softmax import log_softmax

# --- Mean squared error, over arrays of any shape

BLOCK = 4096
"""Predictions in one partial sum."""


def _mse_type(prediction: ArrayType, target: ArrayType) -> ArrayType:
    if prediction.strong != target.strong or prediction.dtype.kind != "f":
        raise ValueError(f"mse: requires float arrays of one shape and dtype, got {prediction} and {target}.")
    return ArrayType((), prediction.dtype)


def _mse_with_gradient_type(prediction: ArrayType, target: ArrayType) -> tuple[ArrayType, ArrayType]:
    dtype = _mse_type(prediction, target).dtype
    return ArrayType((-(-prediction.size // BLOCK),), dtype), ArrayType(prediction.shape, dtype)


def _mse_expand(prediction: Any, target: Any) -> Any:
    squares = square(sub(prediction, target))
    return div(reduce_sum(squares, axes=tuple(range(squares.ndim))), float(squares.size))


def _evaluate_mse_with_gradient(prediction: Any, target: Any) -> tuple[np.ndarray, np.ndarray]:
    error = np.subtract(prediction, target)
    scale = error.dtype.type(1 / max(error.size, 1))
    starts = range(0, error.size, BLOCK)
    losses = np.add.reduceat(np.square(error).reshape(-1), starts) if starts else np.empty(0, error.dtype)
    return scale * losses, np.asarray(2 * scale * error)


def _total(losses: Any) -> Any:
    """The sum of partial losses; the mean over no example is nan."""
    total = reduce_sum(losses, axes=(0,))
    return total if losses.size else add(total, np.nan)


def _mse_forward(active: Any, prediction: Any, target: Any) -> tuple[Any, Any]:
    losses, gradient = mse_with_gradient(prediction, target)
    return _total(losses), gradient


@rule
def _mse_backward(gradient: Any, g: Any) -> tuple[Any, Any]:
    bar = _fill_value(g, gradient) * gradient
    return bar, -bar


@rule
def _mse_with_gradient_vjp(i: int, g: Any, outputs: Any, prediction: Any, target: Any) -> Any:
    losses_bar, gradient_bar = g
    bar = _over_blocks(losses_bar, prediction) * outputs[1] + gradient_bar * (2 / max(prediction.size, 1))
    return bar if i == 0 else -bar


def _over_blocks(losses_bar: Any, like: Any) -> Any:
    """The cotangent of its block's loss for each element."""
    spread_out = broadcast(losses_bar, shape=(losses_bar.size, BLOCK), dims=(0,))
    flat = reshape(spread_out, shape=(losses_bar.size * BLOCK,))
    return reshape(slice_(flat, starts=(0,), stops=(like.size,), steps=(1,)), shape=like.shape)


def _fill_value(g: Any, like: Any) -> Any:
    """A scalar over a whole array."""
    return broadcast(g, shape=like.shape, dims=())


def _mse_with_gradient_batch(op: Primitive, mapped: Mapped, *inputs: Any) -> tuple[Any, Any]:
    error = sub(*all_over_batch(mapped, inputs))
    size, count = error.shape[0], int(np.prod(error.shape[1:], dtype=np.int64))
    blocks, scale = -(-count // BLOCK), 1 / max(count, 1)
    squares = reshape(square(error), shape=(size, count))
    if blocks > 1:
        squares = pad(squares, low=(0, 0), high=(0, blocks * BLOCK - count), interior=(0, 0))
    in_blocks = reshape(squares, shape=(size, blocks, squares.shape[1] // max(blocks, 1)))
    return mul(reduce_sum(in_blocks, axes=(2,)), scale), mul(error, 2 * scale)


mse = Primitive(
    "mse", _mse_type, _mse_expand, expand=_mse_expand, vjp_forward=_mse_forward, vjp_backward=_mse_backward, total=True,
)
# The partial losses of blocks of predictions, which add up to the mean squared error, and its gradient.
mse_with_gradient = Primitive(
    "mse_with_gradient", _mse_with_gradient_type, _evaluate_mse_with_gradient, vjp=_mse_with_gradient_vjp,
    batch=_mse_with_gradient_batch, total=True,
)

# --- Softmax cross-entropy of (m, n) logits, the mean over the rows. Labels are m integers, or (m, n) weights

LABEL_ERROR = (
    "softmax_cross_entropy: requires integer labels in [0, {0}), the number of logits in a row, got {1}. "
    "Number the classes from 0."
)


def _rows_type(logits: ArrayType, labels: ArrayType) -> ArrayType:
    kind = labels.dtype.kind
    fits = labels.shape == logits.shape[:1] if kind in "iu" else labels.strong == logits.strong
    if logits.ndim != 2 or logits.dtype.kind != "f" or not fits:
        raise ValueError(
            "softmax_cross_entropy: requires float logits (m, n) with integer labels (m,) or labels like the logits, "
            f"got {logits} and {labels}."
        )
    if logits.shape[1] == 0:
        raise ValueError(f"softmax_cross_entropy: requires at least one class, got {logits}.")
    return ArrayType(logits.shape[:1], logits.dtype)


def _with_gradient_type(logits: ArrayType, labels: ArrayType) -> tuple[ArrayType, ArrayType]:
    return _rows_type(logits, labels), ArrayType(logits.shape, logits.dtype)


def _evaluate_rows(logits: Any, labels: Any) -> np.ndarray:
    return _evaluate_with_gradient(logits, labels)[0]


def _evaluate_with_gradient(logits: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(**QUIET):
        logits, labels = np.asarray(logits), np.asarray(labels)
        scale = logits.dtype.type(1 / max(len(logits), 1))
        depth = logits.max(axis=1, keepdims=True) - logits
        exponentials = np.exp(-depth)
        totals = exponentials.sum(axis=1, keepdims=True)
        if labels.dtype.kind == "f":
            weights = labels.sum(axis=1, keepdims=True)
            losses = weights * np.log(totals) + np.where(labels == 0, 0, labels * depth).sum(axis=1, keepdims=True)
            return scale * losses[:, 0], exponentials * (scale * weights / totals) - scale * labels
        _require_labels(labels, logits.shape[1])
        at = np.arange(len(logits)), labels
        losses = scale * (np.log(totals[:, 0]) + depth[at])
        gradient = exponentials * (scale / totals)
        gradient[at] -= scale
        return losses, gradient


def _require_labels(labels: np.ndarray, classes: int) -> None:
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        raise IndexError(LABEL_ERROR.format(classes, labels[wrong][0]))


def _scale(logits: Any) -> float:
    return 1 / max(logits.shape[0], 1)


def _negative_log_likelihood(logits: Any) -> Any:
    """-log(softmax)."""
    return spread(reduce_logsumexp(logits, axes=(1,)), logits, (1,)) - logits


def _cross_entropy_expand(logits: Any, labels: Any) -> Any:
    return _total(softmax_cross_entropy_rows(logits, labels))


def _cross_entropy_forward(active: Any, logits: Any, labels: Any) -> tuple[Any, Any]:
    losses, gradient = softmax_cross_entropy_with_gradient(logits, labels)
    return _total(losses), (gradient, logits, labels)


@rule
def _cross_entropy_backward(residuals: Any, g: Any) -> tuple[Any, Any]:
    gradient, logits, labels = residuals
    logits_bar = _fill_value(g, gradient) * gradient
    if labels.dtype.kind in "iu":
        return logits_bar, None
    return logits_bar, _fill_value(g, gradient) * (_negative_log_likelihood(logits) * _scale(logits))


@rule
def _rows_vjp(i: int, g: Any, y: Any, logits: Any, labels: Any) -> Any:
    factor = spread(g, logits, (1,))
    if i == 1:
        return factor * (_negative_log_likelihood(logits) * _scale(logits))
    return factor * softmax_cross_entropy_with_gradient(logits, labels)[1]


@rule
def _with_gradient_vjp(i: int, g: Any, outputs: Any, logits: Any, labels: Any) -> Any:
    losses_bar, gradient_bar = g
    share = exp(log_softmax(logits, (1,)))
    mean = reduce_sum(gradient_bar * share, axes=(1,))
    apart = (gradient_bar - spread(mean, logits, (1,))) * _scale(logits)
    factor = spread(losses_bar, logits, (1,))
    if i == 1:
        return factor * (_negative_log_likelihood(logits) * _scale(logits)) - apart
    if labels.dtype.kind == "f":
        apart = apart * spread(reduce_sum(labels, axes=(1,)), logits, (1,))
    return factor * outputs[1] + apart * share


def _rows_batch(op: Primitive, mapped: Mapped, *inputs: Any) -> Any:
    logits, labels = all_over_batch(mapped, inputs)
    results = op(merge_batch(logits), merge_batch(labels))
    shapes = logits.shape[:2], logits.shape
    # The rows of all examples are divided by their number, but each example's by that of its own.
    scaled = [
        mul(reshape(r, shape=shape), float(shape[0]))
        for r, shape in zip(results if isinstance(results, tuple) else (results,), shapes)
    ]
    return tuple(scaled)


def _labels_conditional(op: Primitive, flag: Any, only_if: Any, logits: Any, labels: Any) -> Any:
    return op(logits, if_flag(flag, labels))


softmax_cross_entropy = Primitive(
    "softmax_cross_entropy", lambda *types: ArrayType((), _rows_type(*types).dtype), _cross_entropy_expand,
    expand=_cross_entropy_expand, vjp_forward=_cross_entropy_forward, vjp_backward=_cross_entropy_backward,
    conditional=_labels_conditional,
)
# The partial losses of the rows, which add up to the mean.
softmax_cross_entropy_rows = Primitive(
    "softmax_cross_entropy_rows", _rows_type, _evaluate_rows, vjp=_rows_vjp, batch=_rows_batch,
    conditional=_labels_conditional,
)
# The same with the gradient of their sum.
softmax_cross_entropy_with_gradient = Primitive(
    "softmax_cross_entropy_with_gradient", _with_gradient_type, _evaluate_with_gradient, vjp=_with_gradient_vjp,
    batch=_rows_batch, conditional=_labels_conditional,
)
