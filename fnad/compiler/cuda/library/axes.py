"""Scans and extremes along an axis."""

from __future__ import annotations

from functools import partial
from math import prod

from fnad.compiler.cuda.library.launch import (
    Launches, Row, Workspace, grid_of_threads, grid_of_warps, launch, row,
)
from fnad.compiler.operands import sizes_around
from fnad.ir.primitive import Primitive
from fnad.kernels.cuda.sizes import CHUNK, WARP
from fnad.kernels.dtypes import COMPUTED, dtype_word
from fnad.ops import reductions as ops
from fnad.runtime import views
from fnad.runtime.plan import View

SHORT = 16
"""A line of so few elements is one thread's, wherever they lie."""

MANY = 65536
"""So many lines, if neighbouring ones lie side by side, are a thread's each; else they are a warp's each."""

LONG, FEW = 16384, 64
"""So few lines of so many elements are shared by more threads than a warp's."""


def cumulative(x: View, out: View, workspace: Workspace, axis: int, combine: str) -> Launches:
    """Cumulative sums (`combine` is "add") or products ("multiply") along an axis; all C-contiguous."""
    outer, n, inner = sizes_around(x.shape, axis)
    # In another order than that of the axis, a product of floats may overflow where it does not, and give nan for 0.
    if n >= LONG and 0 < outer * inner <= FEW and (combine == "add" or x.dtype.kind in "biu"):
        return _accumulate_by_chunks(x, out, workspace, axis, combine)
    return _along_axis("accumulate", f"cumulative {combine}", combine, {"x": x, "out": out}, axis)


def _accumulate_by_chunks(x: View, out: View, workspace: Workspace, axis: int, combine: str) -> Launches:
    """The totals of whole chunks, these accumulated, then each chunk accumulated on top of those before it."""
    outer, n, inner = sizes_around(x.shape, axis)
    chunks, label = -(-n // CHUNK), f"cumulative {combine}"
    shape = (outer * inner, chunks - 1)
    totals = views.whole(workspace(prod(shape) * x.dtype.itemsize), shape, x.dtype)
    neutral = f"{dtype_word(x.dtype)}({0 if combine == 'add' else 1})"
    sizes = {"n": n, "inner": inner}
    return [
        launch(
            f"{label} of chunks", f"total_chunks({combine}, x, totals, n, inner)", {"x": x, "totals": totals}, sizes,
            (chunks - 1, outer, inner),
        ),
        *_along_axis("accumulate", label, combine, {"x": totals, "out": totals}, 1),
        launch(
            f"{label} in chunks", f"accumulate_chunks({combine}, {neutral}, x, totals, out, n, inner)",
            {"x": x, "totals": totals, "out": out}, sizes, (chunks, outer, inner),
        ),
    ]


def recurrence(a: View, b: View, out: View, axis: int) -> Launches:
    """out[j] = a[j] out[j - 1] + b[j] along an axis; all C-contiguous."""
    return _along_axis("recur", "recurrence", "", {"a": a, "b": b, "out": out}, axis)


EXTREMES = {ops.argmax: "is_above", ops.argmin: "is_below"}


def extreme_place(x: View, out: View, workspace: Workspace, axis: int, which: Primitive) -> Launches:
    """The first indices of extremes, by a key of EXTREMES, along an axis, as int64."""
    outer, n, inner = sizes_around(x.shape, axis)
    if n >= LONG and 0 < outer * inner <= FEW:
        return _extreme_of_chunks(x, out, workspace, axis, which)
    return _along_axis("find_extreme", which.name, EXTREMES[which], {"x": x, "out": out}, axis)


def _extreme_of_chunks(x: View, out: View, workspace: Workspace, axis: int, which: Primitive) -> Launches:
    """The places of the extremes of chunks, then the extreme among these."""
    (outer, n, inner), replaces = sizes_around(x.shape, axis), EXTREMES[which]
    chunks = -(-n // CHUNK)
    shape = (outer * inner, chunks)
    places = views.whole(workspace(prod(shape) * out.dtype.itemsize), shape, out.dtype)
    grid, block = grid_of_warps(outer, inner)
    return [
        launch(
            f"{which} of chunks", f"find_extremes_of_chunks({replaces}, x, places, n, inner)",
            {"x": x, "places": places}, {"n": n, "inner": inner}, (chunks, outer, inner),
        ),
        launch(
            f"{which} among chunks", f"find_extreme_of_places({replaces}, x, places, out, chunks, outer, n, inner)",
            {"x": x, "places": places, "out": out}, {"chunks": chunks, "outer": outer, "n": n, "inner": inner},
            grid, block,
        ),
    ]


def _along_axis(function: str, label: str, how: str, operands: dict[str, View], axis: int) -> Launches:
    """A kernel for lines along an axis, by a thread or by a warp for each."""
    outer, n, inner = sizes_around(next(iter(operands.values())).shape, axis)
    sizes, arguments = {"outer": outer, "n": n, "inner": inner}, ", ".join([*filter(None, [how]), *operands])
    if 0 in (outer, n, inner):
        return []
    if n <= SHORT or inner >= WARP and outer * inner >= MANY:
        call = f"{function}({arguments}, outer, n, inner)"
        return [launch(label, call, operands, sizes, *grid_of_threads(outer, inner))]
    call = f"{function}_by_warp({arguments}, outer, n, inner)"
    return [launch(f"{label} by warps", call, operands, sizes, *grid_of_warps(outer, inner))]


LAUNCHES: dict[Primitive, Row] = {
    ops.cumsum: row(partial(cumulative, combine=ops.cumsum.combine), COMPUTED, takes_workspace=True),
    ops.cumprod: row(partial(cumulative, combine=ops.cumprod.combine), COMPUTED, takes_workspace=True),
    ops.recurrence: row(recurrence, COMPUTED),
    ops.argmax: row(partial(extreme_place, which=ops.argmax), COMPUTED, takes_workspace=True),
    ops.argmin: row(partial(extreme_place, which=ops.argmin), COMPUTED, takes_workspace=True),
}
