"""Reading and writing at computed places: gather and scatter.

The places are k index arrays of one shape (n,), one for each of the first k axes; each place names
the slice of the remaining axes. Negative indices count from the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.program import filled
from fnad.ir.types import INDEX, ArrayType, Shape
from fnad.ops.elementwise import choose, conj, convert, if_flag
from fnad.ops.operands import rule
from fnad.ops.reductions import argsort
from fnad.ops.shaping import (
    Mapped, all_over_batch, broadcast, concatenate, flip, merge_batch, over_batch, reshape, slice_,
)


def _slices_type(name: str, x: ArrayType, indices: tuple[ArrayType, ...]) -> ArrayType:
    """The type of the slices of ``x`` that the indices name."""
    fits = 1 <= len(indices) <= x.ndim
    if not fits or any([t.dtype != INDEX or t.ndim != 1 or t.shape != indices[0].shape for t in indices]):
        got = ", ".join(map(str, indices))
        raise TypeError(f"{name}: requires 1 to {x.ndim} int64 index arrays of one shape (n,) for {x}, got [{got}].")
    return ArrayType(indices[0].shape + x.shape[len(indices) :], x.dtype)


def _rows(size: int, places: int) -> np.ndarray:
    """The number of its example for each place of a batch: the index into the batch axis."""
    return np.repeat(np.arange(size), places)


def _places_if(flag: Any, x: Any, indices: Any) -> list[Any] | None:
    """Indices that are within bounds where the flag is false; none where there are no such."""
    return [if_flag(flag, index) for index in indices] if all(x.shape[: len(indices)]) else None


# --- gather


def _gather_type(x: ArrayType, *indices: ArrayType) -> ArrayType:
    return _slices_type("gather", x, indices)


def _gather_vjp(i: int, g: Any, y: Any, x: Any, *indices: Any) -> Any:
    return scatter(filled(0, x.type), g, *indices, mode="add")


def _gather_batch(op: Primitive, mapped: Mapped, x: Any, *indices: Any) -> Any:
    size, places = (x, *indices)[mapped.index(True)].shape[0], indices[0].shape[-1]
    merged = [merge_batch(over_batch(index, m, size)) for index, m in zip(indices, mapped[1:])]
    rows = [_rows(size, places)] if mapped[0] else []
    slices = op(x, *rows, *merged)
    return reshape(slices, shape=(size, places, *slices.shape[1:]))


def _gather_conditional(op: Primitive, flag: Any, only_if: Any, x: Any, *indices: Any) -> Any:
    places = _places_if(flag, x, indices)
    return NotImplemented if places is None else op(x, *places)


# out[i] = x[indices[0][i], indices[1][i], ...]
gather = Primitive(
    "gather", _gather_type, lambda x, *indices: np.asarray(x)[indices], vjp=_gather_vjp, differentiable=(0,),
    batch=_gather_batch, conditional=_gather_conditional,
)

# --- scatter


def _scatter_type(x: ArrayType, updates: ArrayType, *indices: ArrayType, mode: str) -> ArrayType:
    slices = _slices_type("scatter", x, indices)
    if updates.strong != slices.strong or mode not in MODES:
        modes = ", ".join(MODES)
        raise TypeError(f"scatter: requires updates {slices} and a mode among {modes}, got {updates} and {mode!r}.")
    return ArrayType(x.shape, x.dtype)


def _set_at(y: np.ndarray, indices: Any, updates: Any) -> None:
    y[indices] = updates


def _scatter_evaluate(x: Any, updates: Any, *indices: Any, mode: str) -> np.ndarray:
    y = np.array(x)
    MODES[mode].write(y, indices, updates)
    return y


@rule
def _scatter_vjp(i: int, g: Any, y: Any, x: Any, updates: Any, *indices: Any, mode: str) -> Any:
    rules = MODES[mode]
    return rules.pull_old(g, y, x, updates, indices) if i == 0 else rules.pull_new(g, y, x, updates, indices)


def _scatter_batch(op: Primitive, mapped: Mapped, *inputs: Any, mode: str) -> Any:
    x, updates, *indices = all_over_batch(mapped, inputs)
    rows = _rows(*updates.shape[:2])
    return op(x, merge_batch(updates), rows, *[merge_batch(index) for index in indices], mode=mode)


def _scatter_conditional(
    op: Primitive, flag: Any, only_if: Any, x: Any, updates: Any, *indices: Any, mode: str
) -> Any:
    places = _places_if(flag, x, indices)
    return NotImplemented if places is None else op(x, updates, *places, mode=mode)


scatter = Primitive(
    "scatter", _scatter_type, _scatter_evaluate, vjp=_scatter_vjp, differentiable=(0, 1), batch=_scatter_batch,
    conditional=_scatter_conditional, overwrites=0,
)


# --- "set": the last write to a place wins


def _pull_overwritten(g: Any, y: Any, x: Any, updates: Any, indices: Any) -> Any:
    return scatter(g, filled(0, updates.type), *indices, mode="set")


def _pull_winners(g: Any, y: Any, x: Any, updates: Any, indices: Any) -> Any:
    if updates.shape[0] == 1:
        return gather(g, *indices)
    order = np.arange(updates.shape[0])
    last = scatter(filled(0, ArrayType(x.shape[: len(indices)], INDEX)), order, *indices, mode="set")
    wins = gather(last, *indices) == order
    return choose(_over_slices(wins, updates.shape), gather(g, *indices), 0)


def _over_slices(x: Any, shape: Shape) -> Any:
    """A value for each place, over the slices."""
    return broadcast(x, shape=shape, dims=(0,))


# --- "mul": each factor's derivative is the product of the others


def _pull_factors(g: Any, y: Any, x: Any, updates: Any, indices: Any) -> Any:
    others = gather(x, *indices) * _products_of_others(updates, _flat_places(x.shape, indices))
    return gather(g, *indices) * conj(others)


def _flat_places(shape: Shape, indices: Any) -> Any:
    """The number of each place, counted through the indexed axes."""
    flat: Any = None
    for index, n in zip(indices, shape):
        index = choose(index < 0, index + n, index)
        flat = index if flat is None else flat * n + index
    return flat


def _products_of_others(updates: Any, places: Any) -> Any:
    """For each update the product of the others at its place: no division, so exact with zeros among them."""
    order = argsort(places, axis=0)
    sorted_places, factors = gather(places, order), gather(updates, order)
    before = _products_before(factors, sorted_places)
    after = flip(_products_before(flip(factors, axes=(0,)), flip(sorted_places, axes=(0,))), axes=(0,))
    return gather(before * after, argsort(order, axis=0))


def _products_before(factors: Any, places: Any) -> Any:
    """The product of the earlier factors at the same place, where equal places stand together."""
    products, step = choose(_same_before(places, 1, factors.shape), _shifted(factors, 1, 1.0), 1.0), 1
    while step < factors.shape[0]:
        products = products * choose(_same_before(places, step, factors.shape), _shifted(products, step, 1.0), 1.0)
        step *= 2
    return products


def _same_before(places: Any, step: int, shape: Shape) -> Any:
    return _over_slices(places == _shifted(places, step, -1), shape)


def _shifted(x: Any, step: int, fill: Any) -> Any:
    """``x`` moved up by ``step`` along its first axis, ``fill`` in front."""
    n = x.shape[0]
    if n <= step:
        return filled(fill, x.type)
    front = filled(fill, ArrayType((step, *x.shape[1:]), x.dtype))
    rest = slice_(x, starts=(0,) * x.ndim, stops=(n - step, *x.shape[1:]), steps=(1,) * x.ndim)
    return concatenate(front, rest, axis=0)


# --- "min" and "max": shared evenly among ties, the old value among them


def _hits(x: Any, y: Any) -> Any:
    return (x == y) | (x != x)


def _shares(g: Any, y: Any, x: Any, updates: Any, indices: Any) -> Any:
    own = convert(_hits(x, y), dtype=x.dtype)
    theirs = convert(_hits(updates, gather(y, *indices)), dtype=x.dtype)
    return g / scatter(own, theirs, *indices, mode="add")


def _pull_old_extreme(g: Any, y: Any, x: Any, updates: Any, indices: Any) -> Any:
    return choose(_hits(x, y), _shares(g, y, x, updates, indices), 0)


def _pull_new_extreme(g: Any, y: Any, x: Any, updates: Any, indices: Any) -> Any:
    shares = gather(_shares(g, y, x, updates, indices), *indices)
    return choose(_hits(updates, gather(y, *indices)), shares, 0)


class _Mode(NamedTuple):
    """The values that a mode writes, and its cotangents of the old values and of the updates.

    ``combine`` is the word of kernel source that joins an old and a new element.
    """

    combine: str
    write: Callable[..., None]
    pull_old: Callable[..., Any]
    pull_new: Callable[..., Any]


MODES = {
    "set": _Mode("second", _set_at, _pull_overwritten, _pull_winners),
    "add": _Mode("add", np.add.at, lambda g, y, x, u, indices: g, lambda g, y, x, u, indices: gather(g, *indices)),
    "mul": _Mode(
        "multiply", np.multiply.at,
        lambda g, y, x, u, indices: scatter(g, conj(u), *indices, mode="mul"), _pull_factors,
    ),
    "min": _Mode("minimum", np.minimum.at, _pull_old_extreme, _pull_new_extreme),
    "max": _Mode("maximum", np.maximum.at, _pull_old_extreme, _pull_new_extreme),
}
