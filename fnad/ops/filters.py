"""Recursive filters: what a linear recurrence of any order makes of each line along the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType
from fnad.lazy import LazyModule
from fnad.ops.convolution import correlate, over_lead
from fnad.ops.elementwise import conj, neg
from fnad.ops.shaping import Mapped, flip, over_batch, pad, reduce_sum, slice_

signal = LazyModule("scipy.signal")


def _all_pole_type(a: ArrayType, x: ArrayType) -> ArrayType:
    fits = a.ndim and x.ndim and 0 not in (a.shape[-1], x.shape[-1]) and a.shape[:-1] in ((), x.shape[:-1])
    if not fits or a.dtype != x.dtype or x.dtype.kind not in "fc":
        raise ValueError(
            f"all_pole: requires coefficients for all lines or one row for each, and floats or complex numbers of one "
            f"dtype, got {a} and {x}."
        )
    return ArrayType(x.shape, x.dtype)


def _all_pole_evaluate(a: Any, x: Any) -> np.ndarray:
    if a.ndim == 1:
        return signal.lfilter(a.dtype.type([1]), np.concatenate([np.ones(1, a.dtype), a]), x).astype(x.dtype)
    lines = [_all_pole_evaluate(row, line) for row, line in zip(a.reshape(-1, a.shape[-1]), x.reshape(-1, x.shape[-1]))]
    return np.array(lines, x.dtype).reshape(x.shape)


def _all_pole_vjp(i: int, g: Any, y: Any, a: Any, x: Any) -> Any:
    last = (g.ndim - 1,)
    x_bar = flip(all_pole(conj(a), flip(g, axes=last)), axes=last)
    if i == 1:
        return x_bar
    (*lead, n), order = g.shape, a.shape[-1]
    nothing, steps = (0,) * len(lead), (1,) * g.ndim
    known = slice_(y, starts=(*nothing, 0), stops=(*lead, n - 1), steps=steps)
    before = pad(known, low=(*nothing, order), high=(*nothing, 0), interior=(0,) * g.ndim)
    a_bar = neg(flip(correlate(conj(before), x_bar, axes=1), axes=last))
    return reduce_sum(a_bar, axes=tuple(range(len(lead)))) if a.ndim < g.ndim else a_bar


def _all_pole_batch(op: Primitive, mapped: Mapped, a: Any, x: Any) -> Any:
    size = (a, x)[mapped.index(True)].shape[0]
    x = over_batch(x, mapped[1], size)
    shared = not mapped[0] and a.ndim == 1
    return op(a if shared else over_lead(over_batch(a, mapped[0], size), x.shape[:-1], 1), x)


# y[t] = x[t] - a[0] y[t - 1] - a[1] y[t - 2] - ..., with zeros before the first.
all_pole = Primitive(
    "all_pole", _all_pole_type, _all_pole_evaluate, vjp=_all_pole_vjp, batch=_all_pole_batch, total=True,
)
