"""Matrix products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from fnad.compiler.cpu.chunks import chunk_of_product
from fnad.compiler.cpu.library.launch import Row, Workspace, copied, launch, row
from fnad.compiler.operands import float_bits, float_of
from fnad.ir.primitive import Primitive
from fnad.kernels.cpu import product
from fnad.kernels.dtypes import COMPUTED, dtype_word
from fnad.ops import contractions as ops
from fnad.runtime.cpu import blas
from fnad.runtime.plan import Launch, View
from fnad.runtime.views import require_matrix_layout


def matmul(a: View, b: View, c: View, alpha: float = 1.0, beta: float = 0.0) -> Launch:
    """C = alpha A B + beta C for views (..., m, k), (..., k, n) and (..., m, n) of one dtype.

    The axes before the last two are the batch, of the same extents in all three; a stride of 0
    broadcasts. C is kept by rows. Where beta is 0, C is not read.
    """
    by, word = "by_blas" if blas.routines(c.dtype.name) else "by_loops", dtype_word(c.dtype)
    scales = ", ".join([f"{word}({float_of(name)})" for name in ("alpha", "beta")])
    return launch_product(
        "matmul", f"matmul({by}, a, b, c, product, lo, hi, {scales})", {"a": a, "b": b, "c": c},
        {"alpha": float_bits(alpha), "beta": float_bits(beta)}, reads_c=beta != 0,
    )


def launch_product(
    label: str, call: str, operands: Mapping[str, View], numbers: Mapping[str, int], reads_c: bool = False,
) -> Launch:
    """The launch of a kernel that makes a `product`; A, B and C are the first operands.

    The index space is the longer one of C's rows and columns: pieces of it share the less.
    """
    a, b, c, *_ = operands.values()
    batch, (m, n) = c.shape[:-2], c.shape[-2:]
    by_columns = not batch and n > m
    told = [*_told(a, b, c, reads_c, by_columns), *_batch(batch, (a, b, c))]
    extent, chunk = n if by_columns else prod(batch) * m, chunk_of_product(a, b, c, by_columns)
    return launch(label, call, operands, {**numbers, "product": told}, extent, chunk)


def _told(a: View, b: View, c: View, reads_c: bool, by_columns: bool) -> list[int]:
    """The kernel's numbers but the batch's."""
    layouts = [require_matrix_layout(view) for view in (a, b, c)]
    if layouts[2][0]:
        raise ValueError(f"matmul: requires a result kept by rows, got {c}.")
    told = [0] * product.BATCH
    told[product.M], told[product.N], told[product.K] = *c.shape[-2:], a.shape[-1]
    told[product.A_TRANSPOSED], told[product.B_TRANSPOSED] = int(layouts[0][0]), int(layouts[1][0])
    told[product.A_ROW], told[product.B_ROW], told[product.C_ROW] = [elements for _, elements in layouts]
    told[product.READS_C], told[product.BY_COLUMNS] = int(reads_c), int(by_columns)
    told[product.ROUTINES], told[product.AXES] = blas.routines(c.dtype.name), len(c.shape) - 2
    return told


def _batch(batch: tuple[int, ...], views: Sequence[View]) -> list[int]:
    steps = [[view.strides[axis] // view.dtype.itemsize for view in views] for axis in range(len(batch))]
    return [number for extent, own in zip(batch, steps) for number in (extent, *own)]


def _matmul_add(
    inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace, alpha: float
) -> list[Launch] | None:
    (c, a, b), (out,) = inputs, outputs
    return [*copied(c, out), matmul(a, b, out, alpha, beta=1.0)] if out.dtype in COMPUTED else None


LAUNCHES: dict[Primitive, Row] = {
    ops.matmul: row(matmul, COMPUTED - {np.dtype(bool)}), ops.matmul_add: _matmul_add,
}
