"""The dense layer, and what its backward pass needs beside products."""

from __future__ import annotations

from functools import cache

from fnad.compiler.cuda.library.launch import Row, Workspace, WrittenKernel, row
from fnad.compiler.cuda.library.matmul import ENOUGH, Finish, Product, launches_of, sum_of_pieces
from fnad.ir.primitive import Primitive
from fnad.kernels.cuda import dense as kernels
from fnad.kernels.cuda.sizes import WIDEST
from fnad.kernels.cuda.writing import WIDTHS
from fnad.kernels.dtypes import FLOATS
from fnad.ops import dense as ops
from fnad.ops.strides import contiguous_strides
from fnad.runtime.plan import GridLaunch, View
from fnad.runtime.views import is_aligned, whole

LEAST_ROWS = 64
"""The least rows that are worth a block of their own, where columns are added up."""


def dense(x: View, w: View, b: View, y: View, workspace: Workspace, relu: bool) -> list[GridLaunch]:
    """y = x w + b, or relu(x w + b), for views (m, k), (k, n), (n,) and (m, n) of one float dtype.

    x and w may be kept transposed; b and y are C-contiguous.
    """
    finish = Finish("bias_relu" if relu else "bias", (b,))
    return launches_of(Product(x, w, y, finish, "dense relu" if relu else "dense"), workspace)


def relu_backward_sum(g: View, y: View, masked: View, sums: View, workspace: Workspace) -> list[GridLaunch]:
    """masked = g where y > 0, else 0, for views (m, n), and its column sums (n,); all C-contiguous."""
    m, n = g.shape
    if n == 0:
        return []
    word = g.dtype.name
    width = WIDTHS[word]
    across = width if n % width == 0 and all(is_aligned(view, WIDEST) for view in (g, y, masked)) else 1
    columns = -(-n // (kernels.COLUMNS * across))
    pieces = max(min(-(-ENOUGH // columns), m // LEAST_ROWS), 1)
    size = max(-(-m // pieces), 1)
    pieces = max(-(-m // size), 1)
    partial = whole(workspace(pieces * n * g.dtype.itemsize), (pieces, 1, n), g.dtype) if pieces > 1 else None
    kernel, operands = _relu_backward_sum_kernel(word, across), (g, y, masked, partial or sums)
    made = kernel.launch("relu_backward_sum", operands, {"m": m, "n": n, "size": size}, columns * pieces)
    if partial is None:
        return [made]
    total = View(sums.buffer, sums.offset, (1, n), contiguous_strides((1, n), g.dtype.itemsize), g.dtype)
    return [made, sum_of_pieces(partial, total, made.label)]


@cache
def _relu_backward_sum_kernel(word: str, across: int) -> WrittenKernel:
    return WrittenKernel.of(kernels.relu_backward_sum_source(word, across), "relu_backward_sum", word)


LAUNCHES: dict[Primitive, Row] = {
    ops.dense: row(dense, FLOATS, takes_workspace=True),
    ops.relu_backward_sum: row(relu_backward_sum, FLOATS, takes_workspace=True),
}
