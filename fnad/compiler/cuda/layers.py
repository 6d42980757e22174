"""Launches of the kernels of losses and random bits, from views of their operands."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from fnad.compiler.cuda.library import (
    THREADS, WARP, Launches, Workspace, dtype_word, grid_of_threads, launch, power_of_2_from,
)
from fnad.kernels.dtypes import FLOATS
from fnad.ops.layers import BLOCK
from fnad.runtime import views
from fnad.runtime.failures import WrongLabel
from fnad.runtime.plan import View

WIDE = 1024
"""Classes from which on a row of logits is a block's."""

# --- losses -----------------------------------------------------------------------------------


def mse_with_gradient(prediction: View, target: View, losses: View, gradient: View) -> Launches:
    """Partial mean squared errors, one for each `BLOCK` predictions, and the gradient; all C-contiguous."""
    count = prod(prediction.shape)
    if count == 0:
        return []
    operands = {"prediction": prediction, "target": target, "losses": losses, "gradient": gradient}
    numbers = {"count": count, "scale": _reciprocal_bits(count, prediction.dtype)}
    # 16 bytes at a time, where they start at multiples of so many.
    fits = all([views.is_aligned(view, 16) for view in (prediction, target, gradient)])
    width, scale = 16 // prediction.dtype.itemsize if fits else 1, _float("scale", prediction.dtype)
    call = f"mse_with_gradient(errors_of_{width}, {width}, {', '.join(operands)}, count, {BLOCK}, {scale})"
    return [launch("mse_with_gradient", call, operands, numbers, (-(-count // BLOCK), 1, 1))]


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
    call = f"{name}({reduce}, exp_{word}, log_{word}, z, labels, losses, {where}, m, n, {_float('scale', logits.dtype)}"
    call += f", {lanes}, {gradient is not None}{'' if soft else ', status, number'})"
    numbers = {"m": m, "n": n, "scale": _reciprocal_bits(m, logits.dtype)}
    label, blocks = f"{name}_with_gradient" if gradient else name, -(-m * lanes // THREADS)
    return [launch(label, call, operands, numbers, (blocks, 1, 1), fails=None if soft else WrongLabel(n))]


def _reciprocal_bits(count: int, dtype: np.dtype) -> int:
    """The bits of 1 / count as a float of a dtype, in an int64."""
    form, bits = ("f", "i") if dtype == np.float32 else ("d", "q")
    return struct.unpack(bits, struct.pack(form, 1 / count))[0]


def _float(name: str, dtype: np.dtype) -> str:
    """The source of the float whose bits a number of a kernel has."""
    return f"bitcast(int32({name}), float32)" if dtype == np.float32 else f"bitcast({name}, float64)"


# --- random bits ------------------------------------------------------------------------------


def random_bits(key: View, out: View, stream: int) -> Launches:
    """Streams of random bits for (..., 2) keys of uint32, as uint32 or uint64; all C-contiguous.

    A 64-bit number is its two words in memory, the low one first.
    """
    keys = prod(key.shape[:-1])
    words = prod(out.shape) * out.dtype.itemsize // 4 // max(keys, 1)
    if keys == 0 or words == 0:
        return []
    operands, numbers = {"keys": key, "out": out}, {"count": keys, "words": words, "stream": stream}
    call, (grid, block) = "random_bits(keys, out, count, words, stream)", grid_of_threads(keys, -(-words // 2))
    return [launch("random_bits", call, operands, numbers, grid, block, carriers={"out": "uint32"})]


# --- rows: (input views, output views, workspace, **params) -> launches, or None where the dtypes do not fit ----


def _mse_with_gradient(inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace) -> Launches | None:
    return mse_with_gradient(*inputs, *outputs) if outputs[0].dtype in FLOATS else None


def _softmax_cross_entropy(inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace) -> Launches | None:
    return softmax_cross_entropy(*inputs, *outputs) if outputs[0].dtype in FLOATS else None


def _random_bits(
    inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace, stream: int, **like: object
) -> Launches | None:
    return random_bits(*inputs, *outputs, stream)


LAUNCHES: dict[str, Callable[..., Launches | None]] = {
    "mse_with_gradient": _mse_with_gradient,
    "softmax_cross_entropy_rows": _softmax_cross_entropy,
    "softmax_cross_entropy_with_gradient": _softmax_cross_entropy,
    "random_bits": _random_bits,
}
