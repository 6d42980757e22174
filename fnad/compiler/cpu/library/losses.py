"""Losses, with or without their gradients."""

from __future__ import annotations

from math import prod

from fnad.compiler.cpu.chunks import PER_BYTE, PER_FUNCTION, PER_OPERATION, chunk_of
from fnad.compiler.cpu.library.launch import Row, launch, row
from fnad.compiler.operands import float_bits, float_of
from fnad.ir.primitive import Primitive
from fnad.kernels.dtypes import FLOATS, dtype_word
from fnad.ops import losses as ops
from fnad.runtime.failures import WrongLabel
from fnad.runtime.plan import Launch, View


def mse_with_gradient(prediction: View, target: View, losses: View, gradient: View) -> Launch:
    """Partial mean squared errors, one for each `BLOCK` predictions, and the gradient; all C-contiguous."""
    count, itemsize = prod(prediction.shape), prediction.dtype.itemsize
    operands = {"prediction": prediction, "target": target, "losses": losses, "gradient": gradient}
    scale = f"{dtype_word(prediction.dtype)}({float_of('scale')})"
    blocks, each = -(-count // ops.BLOCK), ops.BLOCK * (3 * PER_BYTE * itemsize + 4 * PER_OPERATION)
    return launch(
        "mse_with_gradient", f"mse_with_gradient({', '.join(operands)}, count, {ops.BLOCK}, {scale}, lo, hi)", operands,
        {"count": count, "scale": float_bits(1 / max(count, 1))}, blocks, chunk_of(blocks, each),
    )


def softmax_cross_entropy(logits: View, labels: View, losses: View, gradient: View | None = None) -> Launch:
    """Softmax cross-entropies of the rows of (m, n) logits, divided by m, and the gradient of their sum.

    Labels are m integers or (m, n) probabilities of the logits' dtype. All C-contiguous.
    """
    (m, n), word = logits.shape, dtype_word(logits.dtype)
    name = "soft_cross_entropy" if labels.dtype.kind == "f" else "cross_entropy"
    operands = {"z": logits, "labels": labels, "losses": losses}
    if gradient is not None:
        name, operands["gradient"] = f"{name}_with_gradient", gradient
    call = f"{name}(exp_{word}, log_{word}, {', '.join(operands)}, n, {word}({float_of('scale')}), lo, hi)"
    numbers = {"n": n, "scale": float_bits(1 / max(m, 1))}
    chunk = chunk_of(m, n * (logits.dtype.itemsize / 4) * 2 * PER_FUNCTION)
    return launch(name, call, operands, numbers, m, chunk, WrongLabel(n))


LAUNCHES: dict[Primitive, Row] = {
    ops.mse_with_gradient: row(mse_with_gradient, FLOATS),
    ops.softmax_cross_entropy_rows: row(softmax_cross_entropy, FLOATS),
    ops.softmax_cross_entropy_with_gradient: row(softmax_cross_entropy, FLOATS),
}
