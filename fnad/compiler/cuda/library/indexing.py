"""Reading and writing slices of an array by integer index arrays."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from fnad.compiler.cuda.library.launch import (
    Launches, Row, copied, grid_of_threads, launch, power_of_2_from, power_of_2_to, row,
)
from fnad.compiler.operands import index_arguments
from fnad.compiler.passes.lowering import COPIED
from fnad.ir.primitive import Primitive
from fnad.kernels.dtypes import COMPUTED
from fnad.kernels.cuda.sizes import THREADS
from fnad.ops import indexing as ops
from fnad.runtime.failures import OutOfBounds
from fnad.runtime.plan import View
from fnad.runtime.views import is_aligned

_STORAGE = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64", 16: "uint32"}
"""The storage dtype of a gather by bytes: the widest that slices and their addresses are multiples of."""


def gather(x: View, indices: Sequence[View], out: View) -> Launches:
    """out[i] = x[indices[0][i], indices[1][i], ...]; all C-contiguous, indices int64 of (n,)."""
    rows, nbytes = prod(indices[0].shape), prod(x.shape[len(indices) :]) * x.dtype.itemsize
    if rows == 0:
        return []
    width = next(w for w in reversed(_STORAGE) if nbytes % w == 0 and all([is_aligned(v, w) for v in (x, out)]))
    move, size = "move_16_bytes" if width == 16 else "move_element", nbytes // width
    operands, numbers, index_tuples = index_arguments(x, indices)
    call = f"gather({move}, x, out, {index_tuples}, n, size, status, number)"
    return [
        launch(
            "gather", call, {"x": x, "out": out, **operands}, {"n": rows, "size": size, **numbers},
            *grid_of_threads(rows, max(size, 1)), fails=OutOfBounds(tuple(numbers.values())),
            storage=dict.fromkeys(("x", "out"), _STORAGE[width]),
        )
    ]


BLOCKS = 512
"""Blocks of a scatter, about: each looks through all indices."""


def scatter(out: View, indices: Sequence[View], updates: View, mode: str) -> Launches:
    """out[indices[0][i], ...] = combined with updates[i], i = 0, 1, ... in this order.

    `mode` is a key of MODES. Layouts as for `gather`; `out` holds the array already.
    """
    rank = len(indices)
    rows, slices, size = prod(indices[0].shape), prod(out.shape[:rank]), prod(out.shape[rank:])
    if rows == 0:
        return []
    columns = min(THREADS, power_of_2_from(max(size, 1)))
    tiles, groups = max(-(-size // columns), 1), THREADS // columns
    parts = power_of_2_to(max(1, min(BLOCKS // tiles, slices, rows)))
    operands, numbers, index_tuples = index_arguments(out, indices)
    sizes = {"n": rows, "size": size, "part_bits": parts.bit_length() - 1}
    call = f"scatter({ops.MODES[mode].combine}, out, updates, {index_tuples}, n, size, part_bits, status, number)"
    return [
        launch(
            "scatter", call, {"out": out, "updates": updates, **operands}, {**sizes, **numbers}, (tiles, parts, 1),
            (columns, groups, 1), fails=OutOfBounds(tuple(numbers.values())),
        )
    ]


def _gather(x: View, *others: View) -> Launches:
    *indices, out = others
    return gather(x, indices, out)


def _scatter(x: View, updates: View, *others: View, mode: str) -> Launches:
    *indices, out = others
    return [*copied(x, out), *scatter(out, indices, updates, mode)]


LAUNCHES: dict[Primitive, Row] = {ops.gather: row(_gather, COPIED), ops.scatter: row(_scatter, COMPUTED)}
