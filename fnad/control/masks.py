"""Masks of cotangents through loops and branches in the backward pass: see `fnad.transforms.masks`.

In a loop they are constants, carries and slices beside those that they belong to; in a `switch` they are operands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from fnad.control.carries import active_inputs, chosen
from fnad.control.loops import loop_pullback, while_p
from fnad.control.scan_rules import scan_p
from fnad.control.steps import pulled
from fnad.control.switch import switch_p
from fnad.ir.program import Atom, Equation, Program, Var
from fnad.ir.types import BOOL, ArrayType
from fnad.transforms.calls import interned
from fnad.transforms.mask_keeper import RULES, Keeper, whole
from fnad.transforms.masks import Inside, begins_firmly, given_masks, keep_inside

# --- Loops


class _Loop(NamedTuple):
    """The values of a loop: operands of its body, which are constants, carries and slices, and its outputs."""

    body: Program
    constants: int
    carries: int
    operands: tuple[Atom, ...]
    outputs: tuple[Var, ...]


class _Masked(NamedTuple):
    """A loop that also has masks, and which of its first outputs these belong to."""

    loop: _Loop
    results: list[Var]
    masks: list[Var]


def _with_masks(keeper: Keeper, loop: _Loop) -> _Masked | None:
    """The loop with masks; ``None`` where there are none."""
    body, first, carries, operands, outputs = loop
    last, count = first + carries, len(outputs)
    known = [keeper.firm(a) for a in operands if keeper.is_cotangent(a)]
    if all([isinstance(mask, bool) for mask in known]) and not begins_firmly(body):
        return None  # masks of carries would come back from each step, but none has ever begun
    inside, masked = _with_carried_masks(keeper, loop)
    found = [k for k in inside.masked if k >= carries or masked[first + k]]
    if not any(masked) and not found:
        return None
    given = [i for i, flag in enumerate(masked) if flag]
    groups = range(first), range(first, last), range(last, len(operands))
    out_groups = range(carries), range(carries, count)
    inner = dict(zip(given, inside.program.inputs[len(operands) :]))
    inner_results = {k: a for k, a in zip(inside.masked, inside.program.outputs[count:]) if k in found}
    step = Program(
        _beside(body.inputs, inner, groups), inside.program.equations,
        _beside(inside.program.outputs, inner_results, out_groups),
    )
    masks = {i: keeper.array(keeper.firm(operands[i]), operands[i]).atom for i in given}
    made = {k: Var(ArrayType(outputs[k].type.shape, BOOL)) for k in found}
    whole_loop = _Loop(
        interned(step), first + sum(masked[:first]), carries + sum(masked[first:last]),
        _beside(operands, masks, groups), _beside(outputs, made, out_groups),
    )
    return _Masked(whole_loop, [outputs[k] for k in found], list(made.values()))


def _with_carried_masks(keeper: Keeper, loop: _Loop) -> tuple[Inside, list[bool]]:
    """The body with masks, and which of its inputs have one: a carry if the mask comes back from each step."""
    body, first, carries, operands, _ = loop
    flags = active_inputs(body, [keeper.is_cotangent(a) for a in operands], first, carries)
    is_carry = [first <= i < first + carries for i in range(len(flags))]
    masked = [
        flag and (carried or keeper.firm(a) is not True) for a, flag, carried in zip(operands, flags, is_carry)
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


def _through_scan(keeper: Keeper, eqn: Equation) -> None:
    eqn = keeper.clean(eqn)
    loop = _Loop(eqn.params["body"], eqn.params["constants"], eqn.params["carries"], eqn.inputs, eqn.outputs)
    made = _with_masks(keeper, loop)
    if made is None:
        return keeper.emit(eqn)
    body, constants, carries, operands, outputs = made.loop
    params = eqn.params | {"body": body, "constants": constants, "carries": carries}
    keeper.emit(eqn._replace(inputs=operands, params=params, outputs=outputs))
    return keeper.note(made.results, made.masks)


def _through_while(keeper: Keeper, eqn: Equation) -> None:
    eqn = keeper.clean(eqn)
    condition, asked = eqn.params["condition"], eqn.params["condition_constants"]
    loop = _Loop(
        eqn.params["body"], eqn.params["body_constants"], len(eqn.outputs), eqn.inputs[asked:], eqn.outputs
    )
    made = _with_masks(keeper, loop)
    if made is None:
        return keeper.emit(eqn)
    body, constants, _, operands, outputs = made.loop
    unread = tuple([Var(v.type) for v in made.masks])
    params = {
        "condition": interned(Program((*condition.inputs, *unread), condition.equations, condition.outputs)),
        "body": body, "condition_constants": asked, "body_constants": constants,
    }
    keeper.emit(eqn._replace(inputs=(*eqn.inputs[:asked], *operands), params=params, outputs=outputs))
    return keeper.note(made.results, made.masks)


def _through_pullback(keeper: Keeper, eqn: Equation) -> None:
    eqn = keeper.clean(eqn)
    body, constants, varying = [eqn.params[name] for name in ("body", "constants", "varying")]
    step = pulled(body, constants, varying)
    first = len(body.inputs) + 1
    last = first + len(step.carried)
    given = eqn.inputs[first:last]
    masks = [keeper.firm(a) if keeper.is_cotangent(a) else True for a in given]
    if eqn.params["masked"]:
        own = iter(eqn.inputs[last:])
        masks = [keeper.both(keeper.tracer(next(own)), m) if flag else m for m, flag in zip(masks, step.carried)]
    if not step.found or all([m is True for m in masks]) and not begins_firmly(body):
        return whole(keeper, eqn)
    operands = chosen([keeper.array(m, a).atom for m, a in zip(masks, given)], step.carried)
    results = eqn.outputs[: sum(varying)]
    known = [results[i] for i in step.found]
    made = eqn.outputs[len(results) :] or tuple([Var(ArrayType(v.type.shape, BOOL)) for v in known])
    params = eqn.params | {"masked": True}
    keeper.emit(eqn._replace(inputs=(*eqn.inputs[:last], *operands), params=params, outputs=(*results, *made)))
    return keeper.note(known, made)


# --- Branches


def _through_switch(keeper: Keeper, eqn: Equation) -> None:
    eqn = keeper.clean(eqn)
    index, *operands = eqn.inputs
    branches = eqn.params["branches"]
    flags = tuple(map(keeper.is_cotangent, operands))
    masked, masks = given_masks(keeper, operands)
    # A branch that knows nothing of a mask that another one has gives one that hides nothing.
    wanted = tuple(sorted({k for branch in branches for k in keep_inside(branch, flags, masked).masked}))
    if not any(masked) and not wanted:
        return keeper.emit(eqn)
    made = tuple([Var(ArrayType(eqn.outputs[k].type.shape, BOOL)) for k in wanted])
    inside = tuple([interned(keep_inside(branch, flags, masked, wanted).program) for branch in branches])
    keeper.emit(eqn._replace(
        inputs=(index, *operands, *masks), params={"branches": inside}, outputs=(*eqn.outputs, *made),
    ))
    return keeper.note([eqn.outputs[k] for k in wanted], made)


RULES.update({
    scan_p: _through_scan, while_p: _through_while, loop_pullback: _through_pullback, switch_p: _through_switch,
})
