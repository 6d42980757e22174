"""Sums of products of windows with weights."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from fnad.compiler.cpu.chunks import PER_MULTIPLICATION, chunk_of
from fnad.compiler.cpu.library.launch import Row, Workspace, launch
from fnad.compiler.passes.lowering import COMPUTED
from fnad.ir.primitive import Primitive
from fnad.ops import convolution as ops
from fnad.runtime.plan import Launch, View

AXES = 3
"""Along how many axes the kernel goes."""

BLOCK = 512
"""Results of one row that are made at a time, so that they stay in the cache."""


def _correlate(inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace, axes: int) -> list[Launch] | None:
    (x, w), (out,) = inputs, outputs
    if axes > AXES or x.dtype not in COMPUTED - {np.dtype(bool)}:
        return None
    (lead, x_sizes), (own, taps), (all_, places) = [ops.lead_and_sizes(view, axes) for view in (x, w, out)]
    x_sizes, taps, places = [(*(1,) * (AXES - axes), *sizes) for sizes in (x_sizes, taps, places)]
    numbers = {
        "x_step": prod(x_sizes) if lead else 0, "w_step": prod(taps) if own else 0, "x1": x_sizes[1], "x2": x_sizes[2],
        **{f"k{a}": k for a, k in enumerate(taps)}, **{f"n{a}": n for a, n in enumerate(places)}, "block": BLOCK,
    }
    extent = prod(all_) * places[0] * places[1] * -(-places[2] // BLOCK)
    each = 8 * PER_MULTIPLICATION * prod(taps) * min(places[2], BLOCK)
    call = f"correlate(x, w, out, {', '.join(numbers)}, lo, hi)"
    return [launch("correlate", call, {"x": x, "w": w, "out": out}, numbers, extent, chunk_of(extent, each))]


LAUNCHES: dict[Primitive, Row] = {ops.correlate: _correlate}
