"""Scans and extremes along an axis."""

from __future__ import annotations

from functools import partial

from fnad.compiler.cpu.chunks import PER_FUNCTION, chunk_of
from fnad.compiler.cpu.library.launch import Row, launch, row
from fnad.compiler.operands import sizes_around
from fnad.ir.primitive import Primitive
from fnad.kernels.dtypes import COMPUTED
from fnad.ops import reductions as ops
from fnad.runtime.plan import Launch, View


def cumulative(x: View, out: View, axis: int, combine: str) -> Launch:
    """Cumulative sums (`combine` is "add") or products ("multiply") along an axis; all C-contiguous."""
    return _along_axis("accumulate", f"cumulative {combine}", combine, {"x": x, "out": out}, axis)


def recurrence(a: View, b: View, out: View, axis: int) -> Launch:
    """out[j] = a[j] out[j - 1] + b[j] along an axis; all C-contiguous."""
    return _along_axis("recur", "recurrence", "", {"a": a, "b": b, "out": out}, axis)


EXTREMES = {ops.argmax: "is_above, rmax", ops.argmin: "is_below, rmin"}


def extreme_place(x: View, out: View, axis: int, which: Primitive) -> Launch:
    """The first indices of extremes, by a key of EXTREMES, along an axis, as int64."""
    return _along_axis("find_extreme", which.name, EXTREMES[which], {"x": x, "out": out}, axis)


def _along_axis(function: str, label: str, how: str, operands: dict[str, View], axis: int) -> Launch:
    """A kernel for lines along an axis, over what is before it."""
    outer, n, inner = sizes_around(next(iter(operands.values())).shape, axis)
    call = f"{function}({', '.join([*filter(None, [how]), *operands, 'n', 'inner', 'lo', 'hi'])})"
    return launch(label, call, operands, {"n": n, "inner": inner}, outer, chunk_of(outer, PER_FUNCTION * n * inner))


LAUNCHES: dict[Primitive, Row] = {
    ops.cumsum: row(partial(cumulative, combine=ops.cumsum.combine), COMPUTED),
    ops.cumprod: row(partial(cumulative, combine=ops.cumprod.combine), COMPUTED),
    ops.recurrence: row(recurrence, COMPUTED),
    ops.argmax: row(partial(extreme_place, which=ops.argmax), COMPUTED),
    ops.argmin: row(partial(extreme_place, which=ops.argmin), COMPUTED),
}
