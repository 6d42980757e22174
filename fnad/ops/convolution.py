"""Sums of products of an array's windows with weights, from which convolutions of any mode are made.

Both operands may have axes of a batch in front, the same ones; one of them may have none and serves all examples.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType, Shape
from fnad.ops.contractions import matmul
from fnad.ops.elementwise import add, conj, mul
from fnad.ops.indexing import gather
from fnad.ops.shaping import (
    Mapped, broadcast, flip, over_batch, pad, reduce_sum, reshape, slice_, transpose,
)

MOST_TERMS = 32
"""Products of whole arrays that an expansion writes out."""


def lead_and_sizes(x: Any, axes: int) -> tuple[Shape, Shape]:
    """The axes of the batch, and the last ones."""
    return x.shape[: len(x.shape) - axes], x.shape[len(x.shape) - axes :]


def _correlate_type(x: ArrayType, w: ArrayType, axes: int) -> ArrayType:
    fits = 1 <= axes <= min(x.ndim, w.ndim) and x.dtype == w.dtype and x.dtype.kind in "iufc"
    if fits:
        (lead, sizes), (own, taps) = lead_and_sizes(x, axes), lead_and_sizes(w, axes)
        fits = (lead == own or () in (lead, own)) and all([1 <= k <= n for n, k in zip(sizes, taps)])
    if not fits:
        raise ValueError(
            f"correlate: requires numbers of one dtype, weights that fit in along the last {axes} axes, and a batch in "
            f"front of both or of one, got {x} and {w}."
        )
    return ArrayType((*(lead or own), *[n - k + 1 for n, k in zip(sizes, taps)]), x.dtype)


def _correlate_evaluate(x: Any, w: Any, axes: int) -> np.ndarray:
    taps = np.shape(w)[np.ndim(w) - axes :]
    windows = sliding_window_view(x, taps, tuple(range(-axes, 0)))
    places, weights = list(range(axes)), list(range(axes, 2 * axes))
    return np.einsum(windows, [..., *places, *weights], w, [..., *weights], [..., *places])


def _correlate_vjp(i: int, g: Any, y: Any, x: Any, w: Any, axes: int) -> Any:
    if i == 1:
        return _summed(correlate(conj(x), g, axes=axes), w, axes)
    (lead, _), (_, taps) = lead_and_sizes(g, axes), lead_and_sizes(w, axes)
    border = (*[0] * len(lead), *[k - 1 for k in taps])
    spread = pad(g, low=border, high=border, interior=(0,) * g.ndim)
    return _summed(correlate(spread, flip(conj(w), axes=tuple(range(w.ndim - axes, w.ndim))), axes=axes), x, axes)


def _summed(bar: Any, x: Any, axes: int) -> Any:
    """The cotangent of an operand that may serve all examples."""
    lead, own = bar.ndim - axes, x.ndim - axes
    return reduce_sum(bar, axes=tuple(range(lead))) if lead > own else bar


def _correlate_batch(op: Primitive, mapped: Mapped, x: Any, w: Any, axes: int) -> Any:
    size = (x, w)[mapped.index(True)].shape[0]
    leads = [lead_and_sizes(v, axes)[0][int(m) :] for v, m in zip((x, w), mapped)]
    lead = (size, *max(leads, key=len))
    operands = [
        over_lead(over_batch(v, m, size), lead, axes) if m or own else v for v, m, own in zip((x, w), mapped, leads)
    ]
    return op(*operands, axes=axes)


def over_lead(x: Any, lead: Shape, axes: int) -> Any:
    """An operand, for each example of a batch of which it has the first axes."""
    own, sizes = lead_and_sizes(x, axes)
    dims = (*range(len(own)), *range(len(lead), len(lead) + axes))
    return x if own == lead else broadcast(x, shape=(*lead, *sizes), dims=dims)


# --- In simpler operations


def _correlate_expand(x: Any, w: Any, axes: int) -> Any:
    lead = max(lead_and_sizes(x, axes)[0], lead_and_sizes(w, axes)[0], key=len)
    x, w = over_lead(x, lead, axes), over_lead(w, lead, axes)
    taps = lead_and_sizes(w, axes)[1]
    if prod(taps) > MOST_TERMS:
        return _by_windows(x, w, axes)
    total = None
    for term in _terms(x, w, axes):
        total = term if total is None else add(total, term)
    return total


def _terms(x: Any, w: Any, axes: int) -> Iterator[Any]:
    """For each weight its product with the elements that it meets."""
    (lead, sizes), (_, taps) = lead_and_sizes(x, axes), lead_and_sizes(w, axes)
    places, steps = tuple([n - k + 1 for n, k in zip(sizes, taps)]), (1,) * x.ndim
    nothing, dims = (0,) * len(lead), tuple(range(len(lead)))
    for at in product(*map(range, taps)):
        met = slice_(x, starts=(*nothing, *at), stops=(*lead, *[a + n for a, n in zip(at, places)]), steps=steps)
        weight = slice_(w, starts=(*nothing, *at), stops=(*lead, *[a + 1 for a in at]), steps=steps)
        yield mul(met, broadcast(reshape(weight, shape=lead), shape=met.shape, dims=dims))


def _by_windows(x: Any, w: Any, axes: int) -> Any:
    """As the product of the matrix of all windows with the weights."""
    (lead, sizes), (_, taps) = lead_and_sizes(x, axes), lead_and_sizes(w, axes)
    windows = sliding_window_view(np.arange(prod(sizes)).reshape(sizes), taps)
    places, count = windows.shape[:axes], prod(taps)
    flat = transpose(reshape(x, shape=(*lead, prod(sizes))), perm=(len(lead), *range(len(lead))))
    rows = reshape(gather(flat, x.builder.tracer(windows.reshape(-1))), shape=(prod(places), count, *lead))
    matrices = transpose(rows, perm=(*range(2, rows.ndim), 0, 1))
    return reshape(matmul(matrices, reshape(w, shape=(*lead, count, 1))), shape=(*lead, *places))


# y[i] = sum over j of x[i + j] w[j], for all places i where all j meet elements, along the last axes.
correlate = Primitive(
    "correlate", _correlate_type, _correlate_evaluate, vjp=_correlate_vjp, expand=_correlate_expand,
    batch=_correlate_batch, total=True,
)
