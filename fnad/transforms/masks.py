"""Zeros that stay zero: a cotangent that is 0 because of a choice does not become nan on its way back.

The derivative of ``where(c, f(x), 0)`` is 0 where ``c`` is false, whatever ``f`` does there. Reverse mode has the
cotangent ``select(c, g, 0)`` and multiplies it by slopes, which behind the mask may be infinite or nan; 0 times these
is nan. So this pass, over the equations of the way back, keeps track of where a cotangent is 0 by choice, its *mask*:

- the transposes of choices begin a mask;
- what is linear in cotangents is 0 where all of them are: a product, a quotient, a sum has the mask of its operands.
  Behind the mask there is now any number, so the value counts as *unclean*;
- where elements come together (sums, matrix products) or the way ends, an unclean value is cleaned by one ``select``.
  A product of matrices also leaves out the rows of its other operand that only zeros are multiplied by.

Masks are ordinary values, so a derivative of the result begins from the same selects. A value that is 0 for another
reason is not touched: 0 times nan is nan where nobody has chosen. Without a choice on the way back the Program stays
the same, equation for equation.

Masks by ``select`` are *firm*. Those of `maximum`, ReLU and their like, of conventions at kinks, and of elements that
are overwritten, are there in most models: they end where a matrix product or a loop would have to look at them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.program import Atom, Equation, Literal, Program, Var, prune, subprograms
from fnad.ir.program import filled
from fnad.ir.types import ArrayType, is_inexact
from fnad.memo import Memo
from fnad.ops import elementwise as e
from fnad.ops import shaping as s
from fnad.ops.contractions import matmul
from fnad.ops.dense import relu_backward, relu_backward_sum
from fnad.ops.indexing import gather, scatter
from fnad.ops.reductions import cumsum, recurrence, reduce_or
from fnad.tracing.builder import Builder, build
from fnad.tracing.tracer import Tracer

BOOL, INT = np.dtype(bool), np.dtype(np.int64)

Mask = Tracer | bool
"""Where a value may differ from 0; True where nothing is known, False for zeros."""


class Known(NamedTuple):
    """What is known of a cotangent: it is 0 where ``mask`` is false, though its array, if not clean, may say else."""

    mask: Mask
    is_clean: bool = True
    is_firm: bool = True


UNKNOWN = Known(True)


def keep_zeros(program: Program, first: int, cotangents: set[Var]) -> Program:
    """The Program in which the masks of cotangents are kept.

    Args:
        program: a joint Program.
        first: the number of its first equation on the way back.
        cotangents: which inputs and results of equations on the way back are cotangents; what is computed
            from these is one too.
    """
    if not any([_begins(eqn, _BEGIN) for eqn in program.equations[first:]]):
        return program
    keeper = Keeper(program.inputs, cotangents)

    def body() -> Program:
        for eqn in program.equations[:first]:
            keeper.emit(eqn)
        keeper.run(program.equations[first:])
        return keeper.finish([keeper.cleaned(a) for a in program.outputs])

    return build(keeper.builder, body)


def _begins(eqn: Equation, beginning: set[Primitive]) -> bool:
    """Whether a mask may begin with an equation, or inside of the Programs that it calls."""
    inner = subprograms(eqn.params) if eqn.params else ()
    return eqn.primitive in beginning or any([_begins(one, beginning) for p in inner for one in p.equations])


def begins_firmly(program: Program) -> bool:
    """Whether a firm mask may begin in a Program."""
    return any([_begins(eqn, {e.select}) for eqn in program.equations])


class Keeper:
    """The equations of the way back, written anew with what is known of the cotangents."""

    def __init__(self, inputs: Sequence[Var], cotangents: set[Var]) -> None:
        self.builder = Builder()
        self.builder.inputs = list(inputs)
        self.cotangents = set(cotangents)
        self.known: dict[Var, Known] = {}
        self._clean: dict[Var, Atom] = {}
        self._inverse: dict[Atom, Tracer] = {}
        self._made: dict[tuple[Any, ...], Tracer] = {}
        self._weights: set[Atom] = set()

    def run(self, equations: Sequence[Equation]) -> None:
        """Append equations."""
        for eqn in equations:
            if self.cotangents.isdisjoint((*eqn.inputs, *eqn.outputs)):
                self.emit(eqn)
            else:
                self.builder.source = eqn.source
                self.cotangents.update(eqn.outputs)
                self._rule(eqn)(self, eqn)

    def _rule(self, eqn: Equation) -> Rule:
        rule = RULES.get(eqn.primitive)
        if rule is not None:
            return rule
        return _unmasked if eqn.primitive.is_elementwise else whole

    def emit(self, eqn: Equation, *known: Known) -> None:
        """Append an equation, of whose results this is known."""
        self.builder.equations.append(eqn)
        if eqn.primitive in _WEIGHTS:
            self._weights.update(eqn.outputs)
        for v, k in zip(eqn.outputs, known):
            if k.mask is not True:
                self.known[v] = k

    def finish(self, outputs: Sequence[Atom]) -> Program:
        """The Program of all equations that these outputs need."""
        return prune(self.builder.finish(outputs)[0])

    def of(self, atom: Atom) -> Known:
        """What is known of an operand."""
        if type(atom) is Literal:
            return Known(bool(atom.value))
        return self.known.get(atom, UNKNOWN)

    def note(self, results: Sequence[Var], masks: Sequence[Var]) -> None:
        """Know masks of results that are clean."""
        self.known.update(zip(results, [Known(self.tracer(m)) for m in masks]))

    def is_weight(self, atom: Atom) -> bool:
        """Whether an operand is the share of an operand in a `maximum`."""
        return atom in self._weights

    def is_cotangent(self, atom: Atom) -> bool:
        """Whether an operand of an operation on cotangents is one of them; zeros in the place of one are."""
        return atom in self.cotangents or type(atom) is Literal and is_inexact(atom.type.dtype) and not atom.value

    def firm(self, atom: Atom) -> Mask:
        """The mask of an operand, if it is firm."""
        known = self.of(atom)
        return known.mask if known.is_firm else True

    def tracer(self, atom: Atom) -> Tracer:
        return Tracer(self.builder, atom)

    def cleaned(self, atom: Atom) -> Atom:
        """An operand as an array that is 0 behind its mask."""
        known = self.of(atom)
        if known.is_clean:
            return atom
        if known.mask is False:
            return filled(0, atom.type)
        clean = self._clean.get(atom)
        if clean is None:
            pick = e.select if known.is_firm else e.choose
            clean = self._clean[atom] = pick(known.mask, self.tracer(atom), 0.0).atom
            self.cotangents.add(clean)
            self.known[clean] = known._replace(is_clean=True)
        return clean

    def clean(self, eqn: Equation) -> Equation:
        """An equation that reads clean operands."""
        return eqn._replace(inputs=tuple([self.cleaned(a) for a in eqn.inputs]))

    # Logic of masks

    def inverse(self, mask: Mask) -> Mask:
        if isinstance(mask, bool):
            return not mask
        known = self._inverse.get(mask.atom)
        if known is None:
            known = self._inverse[mask.atom] = e.not_(mask)
            self._inverse[known.atom] = mask
        return known

    def both(self, a: Mask, b: Mask) -> Mask:
        if isinstance(a, bool) or isinstance(b, bool) or a.atom is b.atom:
            return (b if a else False) if isinstance(a, bool) else (a if b else False) if isinstance(b, bool) else a
        return self._combined(e.and_, a, b)

    def either(self, a: Mask, b: Mask) -> Mask:
        if isinstance(a, bool) or isinstance(b, bool) or a.atom is b.atom:
            return (True if a else b) if isinstance(a, bool) else (True if b else a) if isinstance(b, bool) else a
        if self._inverse.get(a.atom, a).atom is b.atom:
            return True
        return self._combined(e.or_, a, b)

    def _combined(self, op: Primitive, a: Tracer, b: Tracer) -> Tracer:
        key = op, a.atom, b.atom
        if key not in self._made:
            self._made[key] = op(a, b)
        return self._made[key]

    def array(self, mask: Mask, atom: Atom) -> Any:
        """The mask of an operand as an array."""
        return self.tracer(filled(mask, ArrayType(atom.type.shape, BOOL))) if isinstance(mask, bool) else mask


Rule = Callable[[Keeper, Equation], None]
"""Appends an equation to a `Keeper`, with what is known of its results."""

# --- Elementwise


def _unmasked(keeper: Keeper, eqn: Equation) -> None:
    """What need not be 0 where its operands are."""
    keeper.emit(keeper.clean(eqn))


def _unary(keeper: Keeper, eqn: Equation) -> None:
    """What is 0 where its first operand is."""
    keeper.emit(eqn, keeper.of(eqn.inputs[0]))


def _is_plain(factor: Atom) -> bool:
    """Whether 0 times and 0 over a factor are known to be 0."""
    return type(factor) is Literal and bool(np.isfinite(factor.value)) and bool(factor.value)


def _scaled(keeper: Keeper, eqn: Equation, x: Atom, factor: Atom) -> None:
    """What is 0 where ``x`` is, though an infinite factor would make it nan."""
    known = keeper.of(x)
    plain = keeper.is_weight(factor) or _is_plain(factor)
    keeper.emit(eqn, known._replace(is_clean=known.is_clean and plain))


def _product(keeper: Keeper, eqn: Equation) -> None:
    for x, weight in (eqn.inputs, eqn.inputs[::-1]):
        if keeper.of(x).mask is not True and x in keeper.cotangents:
            return _scaled(keeper, eqn, x, weight)
    for weight in filter(keeper.is_weight, eqn.inputs):
        return keeper.emit(eqn, Known(e.ne(keeper.tracer(weight), 0.0), is_firm=False))
    return keeper.emit(eqn)


def _quotient(keeper: Keeper, eqn: Equation) -> None:
    x, y = eqn.inputs
    if y in keeper.cotangents:
        return _unmasked(keeper, eqn)
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
    if known.mask is True:
        known = Known(e.not_(e.le(keeper.tracer(y), 0.0)), is_firm=False)
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
        return _unmasked(keeper, eqn)
    masks = [keeper.array(k.mask, a) for a, k in zip((x, updates), known)]
    if mode == "set":
        made = scatter(*masks, *places, mode="set")
        return keeper.emit(eqn, _together(known, made)._replace(is_firm=known[0].mask is not True))
    if known[0].mask is True or known[1].mask is True:
        return _unmasked(keeper, eqn)
    counts = [e.convert(m, dtype=INT) for m in masks]
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
    return e.ne(cumsum(e.convert(mask, dtype=INT), axis=axis), 0)


def _recurred(keeper: Keeper, eqn: Equation) -> None:
    """y[i] = a[i] y[i-1] + b[i] is 0 up to the first place of b's mask, and a is read after it."""
    a, b = eqn.inputs
    mask = keeper.firm(b)
    if mask is True:
        return _unmasked(keeper, eqn)
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
        return _unmasked(keeper, eqn)
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


def _rectified_and_summed(keeper: Keeper, eqn: Equation) -> None:
    known = keeper.of(eqn.inputs[0])
    sums = known.mask if isinstance(known.mask, bool) else reduce_or(known.mask, axes=(0,))
    keeper.emit(keeper.clean(eqn), known._replace(is_clean=True), Known(sums, is_firm=known.is_firm))


def whole(keeper: Keeper, eqn: Equation) -> None:
    """Of any other operation: all results are 0 where all cotangents among the operands are 0 altogether."""
    eqn = keeper.clean(eqn)
    some: Mask = False
    for x in eqn.inputs:
        if x in keeper.cotangents or type(x) is Literal and is_inexact(x.type.dtype):
            mask = keeper.firm(x)
            some = keeper.either(some, mask if isinstance(mask, bool) else _anywhere(mask))
    if isinstance(some, bool):
        return keeper.emit(eqn)
    known = [
        Known(s.broadcast(some, shape=v.type.shape, dims=()), False) if is_inexact(v.type.dtype) else UNKNOWN
        for v in eqn.outputs
    ]
    return keeper.emit(eqn, *known)


def _anywhere(mask: Tracer) -> Tracer:
    return reduce_or(mask, axes=tuple(range(mask.ndim))) if mask.ndim else mask


# --- Calls


class Inside(NamedTuple):
    """A Program that also takes the masks of some of its inputs, and gives those of some of its outputs."""

    program: Program
    masked: tuple[int, ...]
    """The outputs whose masks follow."""


_insides = Memo()


def keep_inside(
    program: Program, cotangents: tuple[bool, ...], masked: tuple[bool, ...], wanted: tuple[int, ...] = ()
) -> Inside:
    """A Program with the masks kept inside.

    Args:
        program: what an operation on the way back calls.
        cotangents: which of its inputs are cotangents.
        masked: of which inputs the masks are given, after all inputs.
        wanted: of which outputs the masks are wanted, though nothing be known of them.
    """
    key = program, cotangents, masked, wanted
    return _insides.get(key, lambda: _keep_inside(*key))


def _keep_inside(
    program: Program, cotangents: tuple[bool, ...], masked: tuple[bool, ...], wanted: tuple[int, ...]
) -> Inside:
    keeper = Keeper(program.inputs, {v for v, flag in zip(program.inputs, cotangents) if flag})

    def body() -> Inside:
        for v, flag in zip(program.inputs, masked):
            if flag:
                keeper.known[v] = Known(keeper.builder.input(ArrayType(v.type.shape, BOOL)))
        keeper.run(program.equations)
        masks = [keeper.firm(a) for a in program.outputs]
        found = tuple([i for i, m in enumerate(masks) if i in wanted or not isinstance(m, bool)])
        given = [keeper.array(masks[i], program.outputs[i]).atom for i in found]
        return Inside(keeper.finish([*[keeper.cleaned(a) for a in program.outputs], *given]), found)

    return build(keeper.builder, body)


def given_masks(keeper: Keeper, atoms: Sequence[Atom]) -> tuple[tuple[bool, ...], list[Atom]]:
    """For which operands a mask is known, and these masks."""
    masks = [keeper.firm(a) if keeper.is_cotangent(a) else True for a in atoms]
    known = tuple([m is not True for m in masks])
    return known, [keeper.array(m, a).atom for m, a in zip(masks, atoms) if m is not True]


def through_call(keeper: Keeper, eqn: Equation) -> None:
    """The rule of a call of ``params["program"]``: the masks go with the cotangents."""
    eqn = keeper.clean(eqn)
    masked, masks = given_masks(keeper, eqn.inputs)
    inside = keep_inside(eqn.params["program"], tuple(map(keeper.is_cotangent, eqn.inputs)), masked)
    if not any(masked) and not inside.masked:
        return keeper.emit(eqn)
    made = tuple([Var(a.type) for a in inside.program.outputs[len(eqn.outputs) :]])
    params = eqn.params | {"program": inside.program}
    keeper.emit(eqn._replace(inputs=(*eqn.inputs, *masks), params=params, outputs=(*eqn.outputs, *made)))
    return keeper.note([eqn.outputs[i] for i in inside.masked], made)


RULES: dict[Primitive, Rule] = {
    e.mul: _product, e.guarded_mul: _product, e.div: _quotient, e.guarded_div: _quotient,
    e.add: _sum_of_two, e.sub: _sum_of_two, e.select: _choice, e.choose: _choice, relu_backward: _rectified,
    **dict.fromkeys([e.neg, e.convert, e.real, e.imag, e.conjugate, e.copy, e.stop_gradient, s.barrier], _unary),
    **dict.fromkeys([s.reshape, s.transpose, s.flip, s.slice_, s.pad, s.concatenate, s.broadcast], _moved),
    gather: _gathered, s.set_slice: _window_set, scatter: _scattered,
    s.reduce_sum: _summed, cumsum: _cumulated, recurrence: _recurred, matmul: _multiplied,
    relu_backward_sum: _rectified_and_summed,
}
_WEIGHTS = {e.max_weight, e.min_weight}
_BEGIN = {e.select, e.choose, relu_backward, relu_backward_sum, s.set_slice, scatter, *_WEIGHTS}
