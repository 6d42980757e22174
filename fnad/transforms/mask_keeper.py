"""Known zeros of cotangents, kept while equations are written anew: see `fnad.transforms.masks`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fnad.ir.primitive import Kind, Primitive
from fnad.ir.program import Atom, Equation, Literal, Program, Var, filled, prune
from fnad.ir.types import BOOL, ArrayType, is_inexact
from fnad.ops import elementwise as e
from fnad.ops import shaping as s
from fnad.ops.reductions import reduce_or
from fnad.tracing.builder import Builder
from fnad.tracing.tracer import Tracer

WEIGHTS = {e.max_weight, e.min_weight}

Mask = Tracer | bool
"""Elements that may differ from 0; True where nothing is known, False for zeros."""


class Known(NamedTuple):
    """The known zeros of a cotangent: where ``mask`` is false, though its array, if not clean, may say else."""

    mask: Mask
    is_clean: bool = True
    is_firm: bool = True


UNKNOWN = Known(True)


class Keeper:
    """The equations of the backward pass, written anew with what is known of the cotangents."""

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
        return RULES.get(eqn.primitive) or RULES.get(eqn.primitive.kind, whole)

    def emit(self, eqn: Equation, *known: Known) -> None:
        """Append an equation, of whose results this is known."""
        self.builder.equations.append(eqn)
        if eqn.primitive in WEIGHTS:
            self._weights.update(eqn.outputs)
        for v, k in zip(eqn.outputs, known):
            if k.mask is not True:
                self.known[v] = k

    def finish(self, outputs: Sequence[Atom]) -> Program:
        """The Program of all equations that these outputs need."""
        return prune(self.builder.finish(outputs)[0])

    def of(self, atom: Atom) -> Known:
        """The known zeros of an operand."""
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

RULES: dict[Primitive | Kind, Rule] = {}
"""The rules of operations and, for those that have none, of kinds of them; for all others, `whole` holds."""


def unmasked(keeper: Keeper, eqn: Equation) -> None:
    """The rule of results that need not be 0 where the operands are."""
    keeper.emit(keeper.clean(eqn))


def whole(keeper: Keeper, eqn: Equation) -> None:
    """Of any other operation: all results are 0 where all cotangents among the operands are 0 altogether."""
    _by_parts(keeper, eqn, None)


def by_matrices(keeper: Keeper, eqn: Equation) -> None:
    """Of a batch of matrices: those of the results are 0 where those of all cotangents among the operands are."""
    _by_parts(keeper, eqn, 2)


def _by_parts(keeper: Keeper, eqn: Equation, own: int | None) -> None:
    """The rule of results that are 0 in a part where the operands are; so many last axes are in one, None for all."""
    eqn = keeper.clean(eqn)
    some: Mask = False
    for x in eqn.inputs:
        if x in keeper.cotangents or type(x) is Literal and is_inexact(x.type.dtype):
            mask = keeper.firm(x)
            some = keeper.either(some, mask if isinstance(mask, bool) else _anywhere(mask, own))
    if isinstance(some, bool):
        return keeper.emit(eqn)
    known = [
        Known(s.broadcast(some, shape=v.type.shape, dims=tuple(range(some.ndim))), False)
        if is_inexact(v.type.dtype) else UNKNOWN
        for v in eqn.outputs
    ]
    return keeper.emit(eqn, *known)


def _anywhere(mask: Tracer, own: int | None) -> Tracer:
    axes = tuple(range(0 if own is None else mask.ndim - own, mask.ndim))
    return reduce_or(mask, axes=axes) if axes else mask
