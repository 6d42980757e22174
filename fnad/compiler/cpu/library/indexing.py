"""Reading and writing slices of an array by integer index arrays."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from fnad.compiler.cpu.chunks import LANES, PER_BYTE, PER_FUNCTION, chunk_of
from fnad.compiler.cpu.library.launch import Row, Workspace, copied, launch, row
from fnad.compiler.operands import index_arguments
from fnad.compiler.passes.lowering import COPIED
from fnad.ir.primitive import Primitive
from fnad.kernels.dtypes import COMPUTED
from fnad.ops import indexing as ops
from fnad.runtime.failures import OutOfBounds
from fnad.runtime.plan import Launch, View

_STORAGE = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64", 16: "void128", 32: "void256"}
"""The storage dtype of a gather, by the size of elements."""


def gather(x: View, indices: Sequence[View], out: View) -> Launch:
    """out[i] = x[indices[0][i], indices[1][i], ...]; all C-contiguous, indices int64 of (n,)."""
    rows, size = prod(indices[0].shape), prod(x.shape[len(indices) :])
    operands, numbers, index_tuples = index_arguments(x, indices)
    chunk = chunk_of(rows, PER_FUNCTION * len(indices) + 2 * PER_BYTE * size * x.dtype.itemsize)
    return launch(
        "gather", f"gather(x, out, {index_tuples}, size, lo, hi)", {"x": x, "out": out, **operands},
        {"size": size, **numbers}, rows, chunk, OutOfBounds(tuple(numbers.values())),
        storage=dict.fromkeys(("x", "out"), _STORAGE[x.dtype.itemsize]), scopes=dict.fromkeys(operands, 2),
    )


def scatter(out: View, indices: Sequence[View], updates: View, mode: str) -> Launch:
    """out[indices[0][i], ...] = combined with updates[i], i = 0, 1, ... in this order.

    `mode` is a key of MODES. Layouts as for `gather`; `out` holds the array already.
    """
    rows, size = prod(indices[0].shape), prod(out.shape[len(indices) :])
    operands, numbers, index_tuples = index_arguments(out, indices)
    return launch(
        "scatter", f"scatter({ops.MODES[mode].combine}, out, updates, {index_tuples}, n, size, lo, hi)",
        {"out": out, "updates": updates, **operands}, {"n": rows, "size": size, **numbers}, size,
        chunk_of(size, 3 * PER_BYTE * rows * out.dtype.itemsize, LANES), OutOfBounds(tuple(numbers.values())),
        scopes=dict.fromkeys(operands, 2),
    )


def _gather(x: View, *others: View) -> Launch:
    *indices, out = others
    return gather(x, indices, out)


def _scatter(
    inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace, mode: str
) -> list[Launch] | None:
    (x, updates, *indices), (out,) = inputs, outputs
    return [*copied(x, out), scatter(out, indices, updates, mode)] if out.dtype in COMPUTED else None


LAUNCHES: dict[Primitive, Row] = {ops.gather: row(_gather, COPIED), ops.scatter: _scatter}
