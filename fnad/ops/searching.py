"""Searching in what is sorted, and what equal elements share."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.program import filled
from fnad.ir.types import INDEX, ArrayType
from fnad.ops.elementwise import add, choose, convert, imag, minimum, real
from fnad.ops.families import linear
from fnad.ops.indexing import gather, scatter
from fnad.ops.operands import rule
from fnad.ops.shaping import Mapped, all_over_batch, broadcast, merge_batch, reshape

# --- Search


def _search_type(a: ArrayType, v: ArrayType, side: str) -> ArrayType:
    if a.strong.dtype != v.dtype or not a.ndim == v.ndim > 0 or a.shape[:-1] != v.shape[:-1] or side not in _SIDES:
        raise TypeError(
            f"searchsorted: requires arrays of one dtype that differ in the last axis only, and a side among "
            f"{', '.join(_SIDES)}, got {a}, {v} and {side!r}."
        )
    return ArrayType(v.shape, INDEX)


_SIDES = ("left", "right")


def _search_evaluate(a: Any, v: Any, side: str) -> np.ndarray:
    places = np.empty(v.shape, INDEX)
    for row in np.ndindex(v.shape[:-1]):
        places[row] = np.searchsorted(a[row], v[row], side)
    return places


@rule
def _search_expand(a: Any, v: Any, side: str) -> Any:
    """By halving, all at once."""
    n, m = a.shape[-1], v.shape[-1]
    flat, sought = reshape(a, shape=(a.size,)), reshape(v, shape=(v.size,))
    rows = np.repeat(np.arange(v.size // max(m, 1)) * n, m)
    low, high = np.zeros(v.size, INDEX), np.full(v.size, n, INDEX)
    for _ in range(n.bit_length() if v.size else 0):
        middle = (low + high) // 2
        here = gather(flat, rows + minimum(middle, n - 1))
        goes = (low < high) & (_precedes(here, sought) if side == "left" else ~_precedes(sought, here))
        low, high = choose(goes, middle + 1, low), choose(goes | (low >= high), high, middle)
    return reshape(low, shape=v.shape)


def _precedes(x: Any, y: Any) -> Any:
    """Whether elements come before others in NumPy's order."""
    if x.dtype.kind == "c":
        a, b, c, d = real(x), imag(x), real(y), imag(y)
        # Those with nan in fewer and in later parts come first.
        one, other = (2 * convert(p != p, dtype=INDEX) + convert(q != q, dtype=INDEX) for p, q in ((a, b), (c, d)))
        tied = _precedes(a, c) | ((a == c) | ((a != a) & (c != c))) & _precedes(b, d)
        return choose(one == other, tied, one < other)
    return (x < y) | (y != y) & (x == x) if x.dtype.kind == "f" else x < y


# For each v[..., i] the place in the sorted a[...], of one dtype, before which it fits.
searchsorted = Primitive(
    "searchsorted", _search_type, _search_evaluate, differentiable=(), expand=_search_expand,
    batch=lambda op, mapped, *inputs, side: op(*all_over_batch(mapped, inputs), side=side), total=True,
)

# --- Shares


def _shared_type(x: ArrayType, groups: ArrayType) -> ArrayType:
    if x.ndim == 0 or groups.shape != x.shape[:1] or groups.dtype != INDEX:
        raise TypeError(f"shared: requires slices and the int64 numbers of their groups, got {x} and {groups}.")
    return x.strong


@rule
def _shared_transpose(g: Any, x: Any, groups: Any) -> Any:
    """The mean over each group, for all of its members."""
    ones = filled(1, ArrayType(groups.shape, g.dtype))
    sums = scatter(filled(0, g.type), g, groups, mode="add")
    counts = scatter(filled(0, ones.type), ones, groups, mode="add")
    return gather(sums, groups) / broadcast(gather(counts, groups), shape=g.shape, dims=(0,))


def _shared_batch(op: Primitive, mapped: Mapped, *inputs: Any) -> Any:
    x, groups = all_over_batch(mapped, inputs)
    offsets = np.repeat(np.arange(x.shape[0]) * x.shape[1], x.shape[1])
    return reshape(op(merge_batch(x), add(merge_batch(groups), offsets)), shape=x.shape)


# The slices of x, in which those of a group are equal; the members of a group share its cotangents evenly.
shared = linear(
    "shared", _shared_type, lambda x, groups: np.array(x), _shared_transpose, _shared_batch,
    expand=lambda x, groups: x, total=True,
)
