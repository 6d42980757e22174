"""Sorting along an axis, and searching in what is sorted."""

from __future__ import annotations

from math import log2, prod

import numpy as np

from fnad.compiler.cpu.chunks import PER_FUNCTION, chunk_of
from fnad.compiler.cpu.library.launch import Row, Workspace, launch, row
from fnad.compiler.operands import sizes_around
from fnad.compiler.passes.lowering import COMPUTED
from fnad.ir.primitive import Primitive
from fnad.kernels.cpu.digits import RADIX
from fnad.kernels.dtypes import dtype_word
from fnad.ops import reductions, searching
from fnad.runtime import views
from fnad.runtime.plan import Launch, View


LONG = 128
"""Numbers in a line from which on it is faster to sort by their digits than to merge."""


def sort_places(x: View, out: View, workspace: Workspace, axis: int) -> Launch:
    """The places of elements in their order along an axis, as int64; both C-contiguous."""
    outer, n, inner = sizes_around(x.shape, axis)
    if n >= LONG and x.dtype.kind != "c":
        return _sort_by_digits(x, out, workspace, axis)
    room = views.whole(workspace(prod(out.shape) * out.dtype.itemsize), out.shape, out.dtype)
    chunk = chunk_of(outer, 2 * PER_FUNCTION * n * inner * log2(n + 2))
    before, storage = _order(x.dtype, "x")
    return launch(
        "argsort", f"sort_places({before}, x, out, room, n, inner, lo, hi)", {"x": x, "out": out, "room": room},
        {"n": n, "inner": inner}, outer, chunk, storage=storage, scopes={"out": 1, "room": 1},
    )


def _sort_by_digits(x: View, out: View, workspace: Workspace, axis: int) -> Launch:
    outer, n, inner = sizes_around(x.shape, axis)
    width = 8 * x.dtype.itemsize
    chunk = chunk_of(outer, 4 * PER_FUNCTION * n * inner * x.dtype.itemsize)
    slots = -(-outer // chunk) if chunk else 1
    shapes = {"ranks": (slots, 2, n), "places": (slots, 2, n), "counts": (slots, RADIX)}
    room = {name: views.whole(workspace(8 * prod(shape)), shape, _RANK if name == "ranks" else out.dtype)
            for name, shape in shapes.items()}
    rank = {"i": "rank_of_signed", "f": f"rank_of_{x.dtype.name}"}.get(x.dtype.kind, "rank_of_unsigned")
    return launch(
        "argsort", f"sort_by_digits({rank}, x, out, ranks, places, counts, {width}, n, inner, chunk, lo, hi)",
        {"x": x, "out": out, **room}, {"n": n, "inner": inner, "chunk": chunk or max(outer, 1)}, outer, chunk,
        storage={"x": f"uint{width}"},
    )


_RANK = np.dtype(np.uint64)


def search(a: View, v: View, out: View, side: str) -> Launch:
    """The places in the rows of a (..., n) before which v (..., m) fits, as int64; all C-contiguous."""
    n, m, count = a.shape[-1], v.shape[-1], prod(v.shape)
    if not n:
        return launch("searchsorted", "search_nothing(out, lo, hi)", {"out": out}, {}, count)
    before, storage = _order(a.dtype, "a", "v")
    return launch(
        "searchsorted", f"search({before}, {side == 'right'}, a, v, out, n, m, lo, hi)", {"a": a, "v": v, "out": out},
        {"n": n, "m": m}, count, chunk_of(count, 4 * PER_FUNCTION * log2(n + 2)), storage=storage,
    )


def _order(dtype: np.dtype, *names: str) -> tuple[str, dict[str, str]]:
    """The comparison of elements, and the storage of operands for it: complex numbers are seen as their parts."""
    if dtype == HALF:
        return "precedes_at_bits", dict.fromkeys(names, "uint16")
    if dtype.kind == "c":
        return "precedes_at_parts", dict.fromkeys(names, dtype_word(np.empty(0, dtype).real.dtype))
    return "precedes_at", {}


HALF = np.dtype(np.float16)
ORDERED = COMPUTED | {HALF}
"""The dtypes of which kernels compare elements."""

LAUNCHES: dict[Primitive, Row] = {
    reductions.argsort: row(sort_places, ORDERED, takes_workspace=True),
    searching.searchsorted: row(search, ORDERED),
}
