"""Recursive filters."""

from __future__ import annotations

from math import prod

import numpy as np

from fnad.compiler.cpu.chunks import PER_FUNCTION, chunk_of
from fnad.compiler.cpu.library.launch import Row, launch, row
from fnad.ir.primitive import Primitive
from fnad.ops import filters as ops
from fnad.runtime.plan import Launch, View


def all_pole(a: View, x: View, out: View) -> Launch:
    """out[t] = x[t] - a[0] out[t - 1] - a[1] out[t - 2] - ... along the last axis; all C-contiguous."""
    lines, n, order = prod(x.shape[:-1]), x.shape[-1], a.shape[-1]
    numbers = {"a_step": order if len(a.shape) > 1 else 0, "order": order, "n": n}
    call = "all_pole(a, x, out, a_step, order, n, lo, hi)"
    operands = {"a": a, "x": x, "out": out}
    return launch("all_pole", call, operands, numbers, lines, chunk_of(lines, PER_FUNCTION * n * (order + 1)))


LAUNCHES: dict[Primitive, Row] = {
    ops.all_pole: row(all_pole, [np.dtype(name) for name in ("float32", "float64", "complex64", "complex128")]),
}
