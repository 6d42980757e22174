"""Launches of the kernels of layers, losses and random bits, from views of their operands.

What the words of a launch's params mean is written where its kernel is.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache
from math import prod

import numpy as np

from fnad.compiler.cpu import library
from fnad.compiler.cpu.chunks import LANES, PER_BYTE, PER_FUNCTION, PER_OPERATION, chunk_of
from fnad.kernels.dtypes import dtype_word
from fnad.kernels.dtypes import FLOATS
from fnad.ops.layers import BLOCK
from fnad.runtime.failures import WrongLabel
from fnad.runtime.plan import Kernel, Launch, View

# --- layers -----------------------------------------------------------------------------------


def dense(x: View, w: View, b: View, y: View, relu: bool) -> Launch:
    """y = x w + b, or relu(x w + b), for views (m, k), (k, n), (n,) and (m, n) of one float dtype.

    x and w may be kept transposed; b and y are C-contiguous.
    """
    product = library.matmul(x, w, y)
    params, label = (*product.params, *_places(b)), "dense relu" if relu else "dense"
    return Launch(_dense_kernel(y.dtype, relu), params, product.extent, label, product.chunk)


@cache
def _dense_kernel(dtype: np.dtype, relu: bool) -> Kernel:
    word, finish = dtype_word(dtype), "add_bias_and_relu" if relu else "add_bias"
    source = f"""\
def kernel(buffers, params, lo, hi):
    x = as_{word}(operand(buffers, params, 0), 0)
    w = as_{word}(operand(buffers, params, 2), 1)
    y = as_{word}(operand(buffers, params, 4), 2)
    b = as_{word}(operand(buffers, params, 19), 3)
    return dense({finish}, x, w, b, y, params, lo, hi, {word}(1), {word}(0))
"""
    return Kernel(f"dense_{'relu_' if relu else ''}{word}", source)


def relu_backward_sum(g: View, y: View, masked: View, sums: View) -> Launch:
    """masked = g where y > 0, else 0, for views (m, n), and its column sums (n,); all C-contiguous."""
    word, (m, n) = dtype_word(g.dtype), g.shape
    source = f"""\
def kernel(buffers, params, lo, hi):
{_pointers(word, "g", "y", "masked", "sums")}
    return relu_backward_sum(g, y, masked, sums, params[8], params[9], lo, hi)
"""
    params = (*_places(g, y, masked, sums), m, n)
    chunk = chunk_of(n, m * (3 * PER_BYTE * g.dtype.itemsize + 2 * PER_OPERATION), LANES)
    return Launch(Kernel(f"relu_backward_sum_{word}", source), params, n, "relu_backward_sum", chunk)


# --- losses -----------------------------------------------------------------------------------


def mse_with_gradient(prediction: View, target: View, losses: View, gradient: View) -> Launch:
    """Partial mean squared errors, one for each `BLOCK` predictions, and the gradient; all C-contiguous."""
    word, count = dtype_word(prediction.dtype), prod(prediction.shape)
    source = f"""\
def kernel(buffers, params, lo, hi):
{_pointers(word, "prediction", "target", "losses", "gradient")}
    scale = {word}(bitcast(params[9], float64))
    return mse_with_gradient(prediction, target, losses, gradient, params[8], scale, lo, hi)
"""
    params = (*_places(prediction, target, losses, gradient), count, _reciprocal_bits(count))
    blocks, each = -(-count // BLOCK), BLOCK * (3 * PER_BYTE * prediction.dtype.itemsize + 4 * PER_OPERATION)
    kernel = Kernel(f"mse_with_gradient_{word}", source)
    return Launch(kernel, params, blocks, "mse_with_gradient", chunk_of(blocks, each))


def softmax_cross_entropy(logits: View, labels: View, losses: View, gradient: View | None = None) -> Launch:
    """Softmax cross-entropies of the rows of (m, n) logits, divided by m, and the gradient of their sum.

    Labels are m integers or (m, n) probabilities of the logits' dtype. All C-contiguous.
    """
    word, kind = dtype_word(logits.dtype), dtype_word(labels.dtype)
    name = "soft_cross_entropy" if labels.dtype.kind == "f" else "cross_entropy"
    outputs = "losses"
    if gradient is not None:
        name, outputs = f"{name}_with_gradient", "losses, gradient"
    source = f"""\
def kernel(buffers, params, lo, hi):
{_pointers(word, "z", "labels", *outputs.split(", "), labels=kind)}
    scale = {word}(bitcast(params[9], float64))
    return {name}(exp_{word}, log_{word}, z, labels, {outputs}, params[8], scale, lo, hi)
"""
    m, n = logits.shape
    params = (*_places(logits, labels, losses, gradient or losses), n, _reciprocal_bits(m))
    chunk = chunk_of(m, n * (logits.dtype.itemsize / 4) * 2 * PER_FUNCTION)
    return Launch(Kernel(f"{name}_{word}_{kind}", source), params, m, name, chunk, WrongLabel(n))


# --- random bits ------------------------------------------------------------------------------


def random_bits(key: View, out: View, stream: int) -> Launch:
    """Streams of random bits for (..., 2) keys of uint32, as uint32 or uint64; all C-contiguous.

    A 64-bit number is its two words in memory, the low one first.
    """
    keys = prod(key.shape[:-1])
    words = prod(out.shape) * out.dtype.itemsize // 4 // max(keys, 1)
    source = f"""\
def kernel(buffers, params, lo, hi):
{_pointers("uint32", "key", "out")}
    return random_bits(key, out, params[4], params[5], lo, hi)
"""
    params = (*_places(key, out), words, stream)
    blocks = keys * -(-words // 2)
    chunk = chunk_of(blocks, 4 * PER_FUNCTION, LANES)
    return Launch(Kernel("random_bits", source), params, blocks, "random_bits", chunk)


# --- helpers ----------------------------------------------------------------------------------


def _pointers(word: str, *names: str, **words: str) -> str:
    """The lines that make operands 0, 1, ... pointers to elements of `word`, or of their own words."""
    lines = [f"    {n} = as_{words.get(n, word)}(operand(buffers, params, {2 * k}), {k})" for k, n in enumerate(names)]
    return "\n".join(lines)


def _places(*views: View) -> list[int]:
    """The words that `operand` reads: number and byte offset of each view's buffer."""
    return [word for view in views for word in (view.buffer, view.offset)]


def _reciprocal_bits(count: int) -> int:
    """The bits of 1 / count as a float64; of 0 where there is nothing to count."""
    return struct.unpack("q", struct.pack("d", 1 / count if count else 0.0))[0]


# --- rows: (input views, output views, **params) -> launches, or None where the dtypes do not fit ----


def _dense(inputs: Sequence[View], outputs: Sequence[View], relu: bool) -> list[Launch] | None:
    return [dense(*inputs, *outputs, relu)] if outputs[0].dtype in FLOATS else None


def _relu_backward_sum(inputs: Sequence[View], outputs: Sequence[View]) -> list[Launch] | None:
    return [relu_backward_sum(*inputs, *outputs)] if outputs[0].dtype in FLOATS else None


def _mse_with_gradient(inputs: Sequence[View], outputs: Sequence[View]) -> list[Launch] | None:
    return [mse_with_gradient(*inputs, *outputs)] if outputs[0].dtype in FLOATS else None


def _softmax_cross_entropy(inputs: Sequence[View], outputs: Sequence[View]) -> list[Launch] | None:
    return [softmax_cross_entropy(*inputs, *outputs)] if outputs[0].dtype in FLOATS else None


def _random_bits(inputs: Sequence[View], outputs: Sequence[View], stream: int, **like: object) -> list[Launch] | None:
    return [random_bits(*inputs, *outputs, stream)]


LAUNCHES: dict[str, Callable[..., list[Launch] | None]] = {
    "dense": _dense,
    "relu_backward_sum": _relu_backward_sum,
    "mse_with_gradient": _mse_with_gradient,
    "softmax_cross_entropy_rows": _softmax_cross_entropy,
    "softmax_cross_entropy_with_gradient": _softmax_cross_entropy,
    "random_bits": _random_bits,
}
