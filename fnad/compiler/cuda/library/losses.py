"""Losses, with or without their gradients."""

from __future__ import annotations

from math import prod

from fnad.compiler.cuda.library.launch import Launches, Row, launch, power_of_2_from, row
from fnad.compiler.operands import float_bits, float_of
from fnad.ir.primitive import Primitive
from fnad.kernels.cuda.sizes import THREADS, WARP, WIDEST
from fnad.kernels.dtypes import FLOATS, dtype_word
from fnad.ops import losses as ops
from fnad.runtime.failures import WrongLabel
from fnad.runtime.plan import View
from fnad.runtime.views import is_aligned

WIDE = 1024
"""Classes from which on a row of logits is a block's."""


def mse_with_gradient(prediction: View, target: View, losses: View, gradient: View) -> Launches:
    """Partial mean squared errors, one for each `BLOCK` predictions, and the gradient; all C-contiguous."""
    count = prod(prediction.shape)
    if count == 0:
        return []
    operands = {"prediction": prediction, "target": target, "losses": losses, "gradient": gradient}
    numbers = {"count": count, "scale": float_bits(1 / count, prediction.dtype)}
    # 16 bytes at a time, where they start at multiples of so many.
    fits = all([is_aligned(view, WIDEST) for view in (prediction, target, gradient)])
    width, scale = WIDEST // prediction.dtype.itemsize if fits else 1, float_of("scale", prediction.dtype)
    call = f"mse_with_gradient(errors_of_{width}, {width}, {', '.join(operands)}, count, {ops.BLOCK}, {scale})"
    return [launch("mse_with_gradient", call, operands, numbers, (-(-count // ops.BLOCK), 1, 1))]


def softmax_cross_entropy(logits: View, labels: View, losses: View, gradient: View | None = None) -> Launches:
    """Softmax cross-entropies of the rows of (m, n) logits, divided by m, and the gradient of their sum.

    Labels are m integers or (m, n) probabilities of the logits' dtype. All C-contiguous.
    """
    (m, n), word = logits.shape, dtype_word(logits.dtype)
    if m == 0:
        return []
    soft, lanes = labels.dtype.kind == "f", THREADS if n >= WIDE else min(WARP, power_of_2_from(n))
    name = "soft_cross_entropy" if soft else "cross_entropy"
    operands = {"z": logits, "labels": labels, "losses": losses} | ({"gradient": gradient} if gradient else {})
    reduce, where = "warp_reduce" if lanes <= WARP else "block_reduce", "gradient" if gradient else "losses"
    call = f"{name}({reduce}, exp_{word}, log_{word}, z, labels, losses, {where}, m, n"
    call += f", {float_of('scale', logits.dtype)}, {lanes}, {gradient is not None}{'' if soft else ', status, number'})"
    numbers = {"m": m, "n": n, "scale": float_bits(1 / m, logits.dtype)}
    label, blocks = f"{name}_with_gradient" if gradient else name, -(-m * lanes // THREADS)
    return [launch(label, call, operands, numbers, (blocks, 1, 1), fails=None if soft else WrongLabel(n))]


LAUNCHES: dict[Primitive, Row] = {
    ops.mse_with_gradient: row(mse_with_gradient, FLOATS),
    ops.softmax_cross_entropy_rows: row(softmax_cross_entropy, FLOATS),
    ops.softmax_cross_entropy_with_gradient: row(softmax_cross_entropy, FLOATS),
}
