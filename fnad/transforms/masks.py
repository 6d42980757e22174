"""Zeros that stay zero: a cotangent that is 0 because of a choice does not become nan in the backward pass.

The derivative of ``where(c, f(x), 0)`` is 0 where ``c`` is false, whatever ``f`` does there. Reverse mode has the
cotangent ``select(c, g, 0)`` and multiplies it by slopes, which behind the mask may be infinite or nan; 0 times these
is nan. So the equations of the backward pass are written anew, with track kept of where a cotangent is 0 by choice, its
*mask*:

- the transposes of choices begin a mask;
- what is linear in cotangents is 0 where all of them are: a product, a quotient, a sum has the mask of its operands.
  Behind the mask there is now any number, so the value counts as *unclean*;
- where elements come together (sums, matrix products) or the way ends, an unclean value is cleaned by one ``select``.
  A product of matrices also leaves out the rows of its other operand that only zeros are multiplied by.

Masks are ordinary values, so a derivative of the result begins from the same selects. A value that is 0 for another
reason is not touched: 0 times nan is nan where nobody has chosen. Without a choice in the backward pass the Program
stays the same, equation for equation.

Masks by ``select`` are *firm*. Those of `maximum`, ReLU and their like, of conventions at kinks, and of elements that
are overwritten, are there in most models: they end where a matrix product or a loop would have to look at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fnad.ir.primitive import Primitive
from fnad.ir.program import Atom, Equation, Program, Var, subprograms
from fnad.ir.types import BOOL, ArrayType
from fnad.memo import Memo
from fnad.ops.elementwise import select
from fnad.tracing.builder import build
from fnad.transforms.mask_keeper import Keeper, Known
from fnad.transforms.mask_rules import BEGINNING


def keep_zeros(program: Program, first: int, cotangents: set[Var]) -> Program:
    """The Program in which the masks of cotangents are kept.

    Args:
        program: a joint Program.
        first: the number of its first equation in the backward pass.
        cotangents: which inputs and results of equations in the backward pass are cotangents; what is computed
            from these is one too.
    """
    if not any([_begins(eqn, BEGINNING) for eqn in program.equations[first:]]):
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
    return any([_begins(eqn, {select}) for eqn in program.equations])


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
        program: what an operation in the backward pass calls.
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
