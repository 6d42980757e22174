"""The dense layer, and what its backward pass needs beside products."""

from __future__ import annotations

from fnad.compiler.cpu.chunks import LANES, PER_BYTE, PER_OPERATION, chunk_of
from fnad.compiler.cpu.library.launch import Row, launch, row
from fnad.compiler.cpu.library.matmul import launch_product
from fnad.ir.primitive import Primitive
from fnad.kernels.dtypes import FLOATS, dtype_word
from fnad.ops import dense as ops
from fnad.runtime.plan import Launch, View


def dense(x: View, w: View, b: View, y: View, relu: bool) -> Launch:
    """y = x w + b, or relu(x w + b), for views (m, k), (k, n), (n,) and (m, n) of one float dtype.

    x and w may be kept transposed; b and y are C-contiguous.
    """
    word, finish, label = dtype_word(y.dtype), "add_bias", "dense"
    if relu:
        finish, label = "add_bias_and_relu", "dense relu"
    call = f"dense({finish}, x, w, b, y, product, lo, hi, {word}(1), {word}(0))"
    return launch_product(label, call, {"x": x, "w": w, "y": y, "b": b}, {})


def relu_backward_sum(g: View, y: View, masked: View, sums: View) -> Launch:
    """masked = g where y > 0, else 0, for views (m, n), and its column sums (n,); all C-contiguous."""
    (m, n), operands = g.shape, {"g": g, "y": y, "masked": masked, "sums": sums}
    chunk = chunk_of(n, m * (3 * PER_BYTE * g.dtype.itemsize + 2 * PER_OPERATION), LANES)
    call = f"relu_backward_sum({', '.join(operands)}, m, n, lo, hi)"
    return launch("relu_backward_sum", call, operands, {"m": m, "n": n}, n, chunk)


LAUNCHES: dict[Primitive, Row] = {ops.dense: row(dense, FLOATS), ops.relu_backward_sum: row(relu_backward_sum, FLOATS)}
