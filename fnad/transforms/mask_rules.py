"""The zeros in results of an operation on cotangents, by those of its operands: see `fnad.transforms.masks`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fnad.ir.primitive import Kind
from fnad.ir.program import Atom, Equation, Literal, filled
from fnad.ir.types import INDEX, ArrayType
from fnad.ops import elementwise as e
from fnad.ops import shaping as s
from fnad.ops.contractions import matmul
from fnad.ops.convolution import correlate, lead_and_sizes, over_lead
from fnad.ops.dense import relu_backward, relu_backward_sum
from fnad.ops.filters import all_pole
from fnad.ops.indexing import gather, scatter
from fnad.ops.linalg import lu_solve, triangular_p
from fnad.ops.matrix_functions import sylvester
from fnad.ops.reductions import cumsum, recurrence, reduce_or
from fnad.tracing.tracer import Tracer
from fnad.transforms.mask_keeper import RULES, UNKNOWN, WEIGHTS, Keeper, Known, Mask, by_matrices, unmasked


# --- Elementwise


def _unary(keeper: Keeper, eqn: Equation) -> None:
    """The rule of a result that is 0 where its first operand is."""
    keeper.emit(eqn, keeper.of(eqn.inputs[0]))


def _is_plain(factor: Atom) -> bool:
    """Whether 0 times and 0 over a factor are known to be 0."""
    return type(factor) is Literal and bool(np.isfinite(factor.value)) and bool(factor.value)


def _scaled(keeper: Keeper, eqn: Equation, x: Atom, factor: Atom) -> None:
    """The rule of a result that is 0 where ``x`` is, though an infinite factor would make it nan."""
    known = keeper.of(x)
    plain = keeper.is_weight(factor) or _is_plain(factor)
    keeper.emit(eqn, known._replace(is_clean=known.is_clean and plain))


def _product(keeper: Keeper, eqn: Equation) -> None:
    for x, weight in (eqn.inputs, eqn.inputs[::-1]):
        known = keeper.of(x)
        if known.mask is True or x not in keeper.cotangents:
            continue
        if known.is_firm or not keeper.is_weight(weight):
            return _scaled(keeper, eqn, x, weight)
        return keeper.emit(eqn, known._replace(mask=keeper.both(known.mask, e.ne(keeper.tracer(weight), 0.0))))
    for weight in filter(keeper.is_weight, eqn.inputs):
        return keeper.emit(eqn, Known(e.ne(keeper.tracer(weight), 0.0), is_firm=False))
    return keeper.emit(eqn)


def _quotient(keeper: Keeper, eqn: Equation) -> None:
    x, y = eqn.inputs
    if y in keeper.cotangents:
        return unmasked(keeper, eqn)
    return _scaled(keeper, eqn, x, y)


def _sum_of_two(keeper: Keeper, eqn: Equation) -> None:
    """A sum is 0 where both terms are; terms with different masks are cleaned first."""
    a, b = [keeper.of(x) for x in eqn.inputs]
    mask = keeper.either(a.mask, b.mask)
    if a.mask is b.mask or _atom(a.mask) is _atom(b.mask) is not None:
        keeper.emit(eqn, Known(mask, a.is_clean and b.is_clean, a.is_firm and b.is_firm))
    else:
        keeper.emit(keeper.clean(eqn), Known(mask, is_firm=a.is_firm and b.is_firm))


def _atom(mask: Mask) -> Atom | None:
    return None if isinstance(mask, bool) else mask.atom


def _choice(keeper: Keeper, eqn: Equation) -> None:
    condition, x, y = eqn.inputs
    chosen = keeper.tracer(condition)
    a, b = keeper.of(x), keeper.of(y)
    is_firm = eqn.primitive is e.select
    if is_firm and not (a.is_firm and b.is_firm):
        eqn, a, b = keeper.clean(eqn), *[k if k.is_firm else UNKNOWN for k in (a, b)]
    # What is behind the condition has gone.
    clean = (a.is_clean or _atom(a.mask) is condition) and (b.is_clean or _atom(keeper.inverse(b.mask)) is condition)
    own = keeper.either(a.mask, b.mask)
    if not is_firm and own is not True and a.is_firm and b.is_firm:
        return keeper.emit(eqn, Known(own, clean))
    mask = keeper.either(keeper.both(chosen, a.mask), keeper.both(keeper.inverse(chosen), b.mask))
    return keeper.emit(eqn, Known(mask, clean, is_firm))


def _rectified(keeper: Keeper, eqn: Equation) -> None:
    g, y = eqn.inputs
    known = keeper.of(g)
    if known.mask is True or not known.is_firm:
        own = e.not_(e.le(keeper.tracer(y), 0.0))
        known = Known(keeper.both(known.mask, own), known.is_clean, is_firm=False)
    keeper.emit(eqn, known)


# --- Elements that move


def _moved(keeper: Keeper, eqn: Equation) -> None:
    """Elements are where the operation puts them, and so are those of the masks."""
    known = [keeper.of(x) for x in eqn.inputs]
    if all([isinstance(k.mask, bool) for k in known]):
        zero = keeper.cotangents.issuperset(eqn.inputs) and not any([k.mask for k in known])
        return keeper.emit(eqn, UNKNOWN._replace(mask=not zero))
    masks = [keeper.array(k.mask, x) for x, k in zip(eqn.inputs, known)]
    return keeper.emit(eqn, _together(known, eqn.primitive(*masks, **eqn.params)))


def _together(known: Sequence[Known], mask: Mask) -> Known:
    return Known(mask, all([k.is_clean for k in known]), all([k.is_firm for k in known]))


def _gathered(keeper: Keeper, eqn: Equation) -> None:
    x, *indices = eqn.inputs
    known = keeper.of(x)
    if isinstance(known.mask, bool):
        return keeper.emit(eqn, known)
    mask = gather(keeper.array(known.mask, x), *map(keeper.tracer, indices))
    return keeper.emit(eqn, known._replace(mask=mask))


def _window_set(keeper: Keeper, eqn: Equation) -> None:
    """Overwritten elements have the cotangent 0."""
    known = [keeper.of(x) for x in eqn.inputs]
    if all([k.mask is True for k in known]):
        return keeper.emit(eqn)
    masks = [keeper.array(k.mask, x) for x, k in zip(eqn.inputs, known)]
    firm = known[0].mask is not True
    return keeper.emit(eqn, _together(known, s.set_slice(*masks, **eqn.params))._replace(is_firm=firm))


def _scattered(keeper: Keeper, eqn: Equation) -> None:
    x, updates, *indices = eqn.inputs
    known = [keeper.of(a) for a in (x, updates)]
    places = [keeper.tracer(i) for i in indices]
    mode = eqn.params["mode"]
    if mode == "mul":
        return keeper.emit(eqn, known[0]._replace(is_clean=known[0].mask is True))
    if mode not in ("set", "add") or all([k.mask is True for k in known]):
        return unmasked(keeper, eqn)
    masks = [keeper.array(k.mask, a) for a, k in zip((x, updates), known)]
    if mode == "set":
        made = scatter(*masks, *places, mode="set")
        return keeper.emit(eqn, _together(known, made)._replace(is_firm=known[0].mask is not True))
    if known[0].mask is True or known[1].mask is True:
        return unmasked(keeper, eqn)
    counts = [e.convert(m, dtype=INDEX) for m in masks]
    made = e.ne(scatter(*counts, *places, mode="add"), 0)
    return keeper.emit(keeper.clean(eqn), Known(made, is_firm=all([k.is_firm for k in known])))


# --- Elements that come together


def _summed(keeper: Keeper, eqn: Equation) -> None:
    known = keeper.of(eqn.inputs[0])
    mask = known.mask if isinstance(known.mask, bool) else reduce_or(known.mask, **eqn.params)
    keeper.emit(keeper.clean(eqn), Known(mask, is_firm=known.is_firm))


def _cumulated(keeper: Keeper, eqn: Equation) -> None:
    known = keeper.of(eqn.inputs[0])
    mask = known.mask if isinstance(known.mask, bool) else _so_far(known.mask, **eqn.params)
    keeper.emit(keeper.clean(eqn), Known(mask, is_firm=known.is_firm))


def _so_far(mask: Tracer, axis: int) -> Tracer:
    """Whether a mask is true somewhere up to each place."""
    return e.ne(cumsum(e.convert(mask, dtype=INDEX), axis=axis), 0)


def _recurred(keeper: Keeper, eqn: Equation) -> None:
    """y[i] = a[i] y[i-1] + b[i] is 0 up to the first place of b's mask, and a is read after it."""
    a, b = eqn.inputs
    mask = keeper.firm(b)
    if mask is True:
        return unmasked(keeper, eqn)
    begun = _so_far(keeper.array(mask, b), **eqn.params)
    before = _one_later(begun, **eqn.params) if begun.size else begun
    factors = e.select(before, keeper.tracer(keeper.cleaned(a)), 0.0)
    return keeper.emit(eqn._replace(inputs=(factors.atom, keeper.cleaned(b))), Known(begun))


def _one_later(mask: Tracer, axis: int) -> Tracer:
    """The mask moved up by one along an axis, False in front."""
    edge, zeros = tuple([int(i == axis) for i in range(mask.ndim)]), (0,) * mask.ndim
    stops = tuple([n - m for n, m in zip(mask.shape, edge)])
    inner = s.slice_(mask, starts=zeros, stops=stops, steps=(1,) * mask.ndim)
    return s.pad(inner, low=edge, high=zeros, interior=zeros)


def _multiplied(keeper: Keeper, eqn: Equation) -> None:
    """Rows of zeros give rows of zeros; what columns of zeros are multiplied by is left out."""
    a, b = eqn.inputs
    left = keeper.firm(a) is not True and a in keeper.cotangents
    right = keeper.firm(b) is not True and b in keeper.cotangents
    if left is right:
        return unmasked(keeper, eqn)
    x, other = (a, b) if left else (b, a)
    last = x.type.shape, len(x.type.shape) - 1
    kept_axis, summed_axis = (last[1] - 1, last[1]) if left else (last[1], last[1] - 1)
    mask = keeper.array(keeper.firm(x), x)
    rows, read = [reduce_or(mask, axes=(axis,)) for axis in (summed_axis, kept_axis)]
    batch = tuple(range(last[1] - 1))
    read = s.broadcast(read, shape=other.type.shape, dims=(*batch, last[1] - 1 if left else last[1]))
    other = e.select(read, keeper.tracer(other), 0.0).atom
    made = s.broadcast(rows, shape=eqn.outputs[0].type.shape, dims=(*batch, kept_axis))
    x = keeper.cleaned(x)
    return keeper.emit(eqn._replace(inputs=(x, other) if left else (other, x)), Known(made))


def _correlated(keeper: Keeper, eqn: Equation) -> None:
    """What meets zeros only is left out; windows of zeros give 0."""
    x, w = eqn.inputs
    first, second = [keeper.firm(a) is not True and a in keeper.cotangents for a in (x, w)]
    if first is second:
        return unmasked(keeper, eqn)
    axes = eqn.params["axes"]
    (lead, places), (_, taps) = [lead_and_sizes(a.type, axes) for a in (eqn.outputs[0], w)]
    zeros, other = (x, w) if first else (w, x)
    counts = e.convert(keeper.array(keeper.firm(zeros), zeros), dtype=INDEX)
    ones = lambda shape: counts.builder.tracer(filled(1, ArrayType(shape, INDEX)))
    made: Mask = True
    if first:
        made = e.ne(over_lead(correlate(counts, ones(taps), axes=axes), lead, axes), 0)
    else:
        around = (*[0] * (counts.ndim - axes), *[n - 1 for n in places])
        counts = s.pad(counts, low=around, high=around, interior=(0,) * counts.ndim)
    read = correlate(counts, ones(places), axes=axes)
    other, zeros = _if_read(keeper, other, e.ne(read, 0)), keeper.cleaned(zeros)
    return keeper.emit(eqn._replace(inputs=(zeros, other) if first else (other, zeros)), Known(made))


def _if_read(keeper: Keeper, atom: Atom, read: Tracer) -> Atom:
    """An operand with 0 for what is not read; of several examples', where it serves all of them."""
    ndim = len(atom.type.shape)
    if read.ndim > ndim:
        read = reduce_or(read, axes=tuple(range(read.ndim - ndim)))
    if read.ndim < ndim:
        read = s.broadcast(read, shape=atom.type.shape, dims=tuple(range(ndim - read.ndim, ndim)))
    return e.select(read, keeper.tracer(atom), 0.0).atom


def _filtered(keeper: Keeper, eqn: Equation) -> None:
    """y[t] = x[t] - a[0] y[t-1] - ... is 0 up to the first place of x's mask, and a is read after it."""
    a, x = eqn.inputs
    mask = keeper.firm(x)
    if mask is True:
        return unmasked(keeper, eqn)
    begun = _so_far(keeper.array(mask, x), axis=len(x.type.shape) - 1)
    *lead, n = begun.shape
    order = a.type.shape[-1]
    known, nothing = max(n - 1 - order, 0), (0,) * len(lead)
    early = s.slice_(begun, starts=(*nothing, known), stops=(*lead, n - 1), steps=(1,) * begun.ndim)
    read = s.flip(
        s.pad(early, low=(*nothing, order - early.shape[-1]), high=(0,) * begun.ndim, interior=(0,) * begun.ndim),
        axes=(len(lead),),
    )
    return keeper.emit(eqn._replace(inputs=(_if_read(keeper, a, read), keeper.cleaned(x))), Known(begun))


def _rectified_and_summed(keeper: Keeper, eqn: Equation) -> None:
    known = keeper.of(eqn.inputs[0])
    sums = known.mask if isinstance(known.mask, bool) else reduce_or(known.mask, axes=(0,))
    keeper.emit(keeper.clean(eqn), known._replace(is_clean=True), Known(sums, is_firm=known.is_firm))


RULES.update({
    e.mul: _product, e.guarded_mul: _product, e.div: _quotient, e.guarded_div: _quotient,
    e.add: _sum_of_two, e.sub: _sum_of_two, e.select: _choice, e.choose: _choice, relu_backward: _rectified,
    **dict.fromkeys([e.neg, e.convert, e.real, e.imag, e.conjugate, e.copy, e.stop_gradient, s.barrier], _unary),
    Kind.ELEMENTWISE: unmasked, Kind.VIEW: _moved, Kind.WINDOW: _moved,
    gather: _gathered, s.set_slice: _window_set, scatter: _scattered,
    **dict.fromkeys([triangular_p, lu_solve, sylvester], by_matrices),
    s.reduce_sum: _summed, cumsum: _cumulated, recurrence: _recurred, matmul: _multiplied,
    correlate: _correlated, all_pole: _filtered, relu_backward_sum: _rectified_and_summed,
})
BEGINNING = {e.select, e.choose, relu_backward, relu_backward_sum, s.set_slice, scatter, *WEIGHTS}
"""The operations that a mask may begin with."""
