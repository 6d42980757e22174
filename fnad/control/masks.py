"""Masks of cotangents through loops and branches on the way back: see `fnad.transforms.masks`.

Through a `scan` they are constants, carries and slices beside those that they belong to; through a `switch` they are
operands. Of other loops only this is known: all is 0 where all that comes in is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fnad.control.carries import active_inputs
from fnad.control.scan import scan_p
from fnad.control.switch import switch_p
from fnad.ir.program import Equation, Program, Var
from fnad.ir.types import ArrayType
from fnad.transforms.calls import interned
from fnad.transforms.masks import BOOL, RULES, Inside, Keeper, given_masks, keep_inside


def _through_scan(keeper: Keeper, eqn: Equation) -> None:
    eqn = keeper.clean(eqn)
    body, first, carries = eqn.params["body"], eqn.params["constants"], eqn.params["carries"]
    last, count = first + carries, len(eqn.outputs)
    inside, masked = _with_carried_masks(keeper, eqn)
    found = [k for k in inside.masked if k >= carries or masked[first + k]]
    if not any(masked) and not found:
        return keeper.emit(eqn)
    given = [i for i, flag in enumerate(masked) if flag]
    mask_inputs = dict(zip(given, inside.program.inputs[len(body.inputs) :]))
    mask_outputs = {k: a for k, a in zip(inside.masked, inside.program.outputs[count:]) if k in found}
    operands = {i: keeper.array(keeper.firm(eqn.inputs[i]), eqn.inputs[i]).atom for i in given}
    made = {k: Var(ArrayType(eqn.outputs[k].type.shape, BOOL)) for k in found}
    groups = range(first), range(first, last), range(last, len(body.inputs))
    out_groups = range(carries), range(carries, count)
    step = Program(
        _beside(body.inputs, mask_inputs, groups), inside.program.equations,
        _beside(inside.program.outputs, mask_outputs, out_groups),
    )
    sizes = {"constants": first + sum(masked[:first]), "carries": carries + sum(masked[first:last])}
    keeper.emit(eqn._replace(
        inputs=_beside(eqn.inputs, operands, groups), params=eqn.params | {"body": interned(step), **sizes},
        outputs=_beside(eqn.outputs, made, out_groups),
    ))
    return keeper.note([eqn.outputs[k] for k in made], list(made.values()))


def _with_carried_masks(keeper: Keeper, eqn: Equation) -> tuple[Inside, list[bool]]:
    """The body with masks, and which of its inputs have one: a carry if the mask comes back from each step."""
    body, first, carries = eqn.params["body"], eqn.params["constants"], eqn.params["carries"]
    flags = active_inputs(body, [keeper.is_cotangent(a) for a in eqn.inputs], first, carries)
    is_carry = [first <= i < first + carries for i in range(len(flags))]
    masked = [
        flag and (carried or keeper.firm(a) is not True) for a, flag, carried in zip(eqn.inputs, flags, is_carry)
    ]
    while True:
        inside = keep_inside(body, flags, tuple(masked))
        kept = [m and (not is_carry[i] or i - first in inside.masked) for i, m in enumerate(masked)]
        if kept == masked:
            return inside, masked
        masked = kept


def _beside(values: Sequence[Any], masks: dict[int, Any], groups: Iterable[range]) -> tuple[Any, ...]:
    """The values of each group, and then their masks."""
    return tuple([x for at in groups for x in (*[values[i] for i in at], *[masks[i] for i in at if i in masks])])


def _through_switch(keeper: Keeper, eqn: Equation) -> None:
    eqn = keeper.clean(eqn)
    index, *operands = eqn.inputs
    branches = eqn.params["branches"]
    flags = tuple(map(keeper.is_cotangent, operands))
    masked, masks = given_masks(keeper, operands)
    inside: Callable[[tuple[int, ...]], list[Inside]] = lambda wanted: [
        keep_inside(branch, flags, masked, wanted) for branch in branches
    ]
    wanted = tuple(sorted({k for each in inside(()) for k in each.masked}))
    if not any(masked) and not wanted:
        return keeper.emit(eqn)
    made = tuple([Var(ArrayType(eqn.outputs[k].type.shape, BOOL)) for k in wanted])
    keeper.emit(eqn._replace(
        inputs=(index, *operands, *masks), params={"branches": tuple([interned(b.program) for b in inside(wanted)])},
        outputs=(*eqn.outputs, *made),
    ))
    return keeper.note([eqn.outputs[k] for k in wanted], made)


RULES.update({scan_p: _through_scan, switch_p: _through_switch})
