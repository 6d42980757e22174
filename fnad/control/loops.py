"""Loops whose number of steps is found while they run: the operation, and its rules.

The backward pass needs the states of all steps in reverse, but nobody knows how many there will be. The loop counts its
steps; in the backward pass it runs again and keeps some of the states on the way, at distances that depend on the
count, then again between these, so that the memory is bounded and a step is computed a few times. That is
checkpointing in two levels, see Griewank and Walther, "Evaluating derivatives", chapter 12 (2008).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.control.bodies import Body, apply, stage_body
from fnad.control.carries import active_inputs, chosen, read_by, spread_over_carries
from fnad.control.conditional import conditional
from fnad.control.hoist import hoist
from fnad.control.steps import (
    Back, Operands, operands_of, pullback_evaluate, pullback_type, pulled, pushed, pushforward_evaluate,
    pushforward_type,
)
from fnad.interpreter.evaluate import evaluate
from fnad.ir.primitive import Kind, Primitive
from fnad.ir.program import Atom, Equation, Program, filled, prune, without_effects
from fnad.ir.types import BOOL, ArrayType
from fnad.ops.arrays import unset_p
from fnad.ops.elementwise import and_, select
from fnad.ops.indexing import gather, scatter
from fnad.ops.reductions import reduce_or
from fnad.ops.shaping import broadcast, over_batch, reshape
from fnad.tracing.builder import Builder, build
from fnad.tracing.staging import call_program
from fnad.tracing.tracer import Tracer, value_type
from fnad.transforms.calls import bare, interned, listed
from fnad.transforms.vmap import vmap_program

# --- The operation


def _type(*types: ArrayType, condition: Program, body: Program, condition_constants: int, body_constants: int) -> Any:
    first = condition_constants + body_constants
    carries = [t.strong for t in types[first:]]
    for p, own in ((condition, types[:condition_constants]), (body, types[condition_constants:first])):
        if [*[t.strong for t in own], *carries] != [t.strong for t in p.input_types]:
            raise TypeError(f"while_loop: requires operands as its Programs take them, {p.input_types}, got {types}.")
    if [t.strong for t in body.output_types] != carries:
        raise TypeError(f"while_loop: requires a carry of one type, got {carries} and {body.output_types}.")
    if [t.strong for t in condition.output_types] != [ArrayType((), BOOL)]:
        raise TypeError(f"while_loop: requires a condition that is one boolean, got {condition.output_types}.")
    return bare(carries)


def _evaluate(*args: Any, condition: Program, body: Program, condition_constants: int, body_constants: int) -> Any:
    args = [np.asarray(a) for a in args]
    first = condition_constants + body_constants
    asked, fixed, carry = args[:condition_constants], args[condition_constants:first], args[first:]
    while evaluate(condition, [*asked, *carry])[0]:
        carry = evaluate(body, [*fixed, *carry])
    return bare(carry)


def run_loop(condition: Body, body: Body, carry: Sequence[Any]) -> list[Any]:
    """A loop as one operation; what is the same in all steps is computed before it."""
    hoisted = hoist(body.program, len(body.constants), is_run=False)
    fixed = [*body.constants, *call_program(hoisted.before, body.constants)]
    return apply(
        while_p, [*condition.constants, *fixed, *carry], condition=condition.program, body=interned(hoisted.body),
        condition_constants=len(condition.constants), body_constants=len(fixed),
    )


def _loop(condition: Callable[..., Any], body: Callable[..., Any], carry: Sequence[Any]) -> list[Any]:
    """A loop of functions of the carry's arrays; the body returns them as a list."""
    types = [value_type(c).strong for c in carry]
    staged = [stage_body("while_loop", function, types, "loop") for function in (condition, body)]
    return run_loop(*staged, carry)


def _repeat(steps: Any, body: Callable[..., Any], carry: Sequence[Any], first: Any = 0) -> list[Any]:
    """``body(i, *carry)`` for ``i`` from ``first`` up to but not including ``steps``, a value known when it runs."""
    start = np.int64(first) if isinstance(first, int) else first
    return _loop(lambda i, *c: i < steps, lambda i, *c: [i + 1, *body(i, *c)], [start, *carry])[1:]


# --- Its derivative


def _forward(
    active: tuple[bool, ...], *args: Any, condition: Program, body: Program, condition_constants: int,
    body_constants: int,
) -> tuple[Any, Any]:
    first = condition_constants + body_constants
    asked, fixed, carry = args[:condition_constants], args[condition_constants:first], args[first:]
    counted = _loop(
        lambda n, *c: call_program(condition, [*asked, *c])[0],
        lambda n, *c: [n + 1, *call_program(body, [*fixed, *c])],
        [np.int64(0), *carry],
    )
    flags = active_inputs(body, active[condition_constants:], body_constants, len(carry))
    return tuple(counted[1:]), (flags, [*fixed, *carry], counted[0])


def _backward(residuals: Any, g: Any, body: Program, condition_constants: int, body_constants: int, **rest: Any) -> Any:
    flags, values, count = residuals
    given = [c for c, flag in zip(listed(g), flags[body_constants:]) if flag]
    params = {"body": interned(without_effects(body)), "constants": body_constants, "varying": flags, "masked": False}
    bars = iter(apply(loop_pullback, [*values, count, *given], **params))
    return [None] * condition_constants + [next(bars) if flag else None for flag in flags]


MOST_BYTES = 1 << 22
"""Memory for the states that one level of checkpoints keeps, where that is no less than 8 states."""
MOST_STATES = 512


def _row(store: Any, k: Any) -> Any:
    return reshape(gather(store, reshape(k, shape=(1,))), shape=store.shape[1:])


def _with_row(store: Any, k: Any, x: Any) -> Any:
    return scatter(store, reshape(x, shape=(1, *x.shape)), reshape(k, shape=(1,)), mode="set")


def _pullback_expand(*args: Any, body: Program, constants: int, varying: tuple[bool, ...], masked: bool) -> Any:
    """The backward pass as loops: over the segments from the last one, and in each over its steps from the last one."""
    parts = operands_of(args, body, constants, sum(varying[constants:]))
    back = Back(body, constants, varying, masked)
    builder = parts.count.builder

    def step(i: Any, *state: Any) -> list[Any]:
        return call_program(body, [*parts.constants, *state])

    slots = _slots(body)
    stores = _run_and_keep(step, parts.count, parts.carry, slots)
    length, number = _segments(parts.count, slots)

    def segment_back(k: Any, *bars: Any) -> list[Any]:
        first = (number - 1 - k) * length
        steps = np.minimum(length, parts.count - first)
        inner = _run_and_keep(step, steps, [_row(store, number - 1 - k) for store in stores], slots)
        distance, _ = _segments(steps, slots)

        def step_back(j: Any, *bars: Any) -> list[Any]:
            i = steps - 1 - j
            nearest = i // distance
            state = _repeat(i, step, [_row(store, nearest) for store in inner], nearest * distance)
            return back.step([*parts.constants, *state], bars, call_program)

        return _repeat(steps, step_back, bars)

    start = back.start(parts, lambda t: Tracer(builder, filled(0, t)))
    return back.results(_repeat(number, segment_back, start))


def _slots(body: Program) -> int:
    """The number of states that one level of checkpoints keeps."""
    return max(8, min(MOST_STATES, MOST_BYTES // max(sum([t.nbytes for t in body.output_types]), 1)))


def _segments(steps: Any, slots: int) -> tuple[Any, Any]:
    """The number of steps in a segment and of segments, at most as many as there are slots."""
    length = np.maximum((steps + (slots - 1)) // slots, 1)
    return length, (steps + length - 1) // length


def _run_and_keep(step: Callable[..., Any], steps: Any, state: Sequence[Any], slots: int) -> list[Any]:
    """Run, and keep the state at the start of each segment."""
    length, number = _segments(steps, slots)

    def segment(k: Any, *both: Any) -> list[Any]:
        stores, now = both[: len(state)], both[len(state) :]
        kept = [_with_row(store, k, x) for store, x in zip(stores, now)]
        # What follows the last segment's start is not needed here.
        end = np.where(k + 1 < number, (k + 1) * length, k * length)
        return [*kept, *_repeat(end, step, now, k * length)]

    unset = [steps.builder.apply(unset_p, (), {"type": ArrayType((slots, *x.shape), x.dtype)}) for x in state]
    return _repeat(number, segment, [*unset, *state])[: len(state)]


def _pushforward_expand(*args: Any, body: Program, constants: int, varying: tuple[bool, ...]) -> Any:
    """The loop with the tangents beside the carry."""
    parts = operands_of(args, body, constants, sum(varying))
    step, own = pushed(body, constants, varying), sum(varying[:constants])
    fixed = [*parts.constants, *step.rules, *parts.given[:own]]
    state = _repeat(
        parts.count, lambda i, *state: call_program(step.body, [*fixed, *state]), [*parts.carry, *parts.given[own:]]
    )
    return bare(state[len(parts.carry) :])


# Both maps are linear in their vectors, and each is the other's transpose. In the point x they are differentiated
# alike: with tangents t and cotangents g the derivative of <g, J(x) t> is that of the loop with tangents, pulled back.


def _map_forward(op: Primitive, active: tuple[bool, ...], *args: Any, **params: Any) -> tuple[Any, Any]:
    return bare(apply(op, args, **params)), (active, args)


def _pullback_backward(residuals: Any, g: Any, masked: bool, **params: Any) -> list[Any]:
    active, args = residuals
    body, constants, varying = params["body"], params["constants"], params["varying"]
    parts = operands_of(args, body, constants, sum(varying[constants:]))
    tangents = listed(g)[: sum(varying)]
    bars = _of_point(active, parts, tangents, parts.given, params)
    after = len(bars) + 1
    given: list[Any] = [None] * len(parts.given)
    if any(active[after:]):
        given = apply(loop_pushforward, [*args[:after], *tangents], **params)
    return [*bars, None, *given, *[None] * len(parts.masks)]


def _pushforward_backward(residuals: Any, g: Any, **params: Any) -> list[Any]:
    active, args = residuals
    parts = operands_of(args, params["body"], params["constants"], sum(params["varying"]))
    bars = _of_point(active, parts, parts.given, listed(g), params)
    after = len(bars) + 1
    given: list[Any] = [None] * len(parts.given)
    if any(active[after:]):
        given = apply(loop_pullback, [*args[:after], *listed(g)], **params, masked=False)
    return [*bars, None, *given]


def _of_point(
    active: Sequence[bool], parts: Operands, tangents: Sequence[Any], cotangents: Sequence[Any], params: dict[str, Any]
) -> list[Any]:
    """The cotangents of the constants and of the first carry, ``None`` where none is asked for."""
    body, constants, varying = params["body"], params["constants"], params["varying"]
    step, own, last = pushed(body, constants, varying), sum(varying[:constants]), len(body.inputs)
    fixed = [*parts.constants, *step.rules, *tangents[:own]]
    carry = [*parts.carry, *tangents[own:]]
    flags = [*active[:constants], *[False] * (len(fixed) - constants), *active[constants:last]]
    flags += [False] * (len(fixed) + len(carry) - len(flags))
    both = active_inputs(step.body, flags, len(fixed), len(carry))
    of_carry = both[len(fixed) :]
    if not any(of_carry[len(parts.carry) :]):
        return [None] * last
    zeros = [parts.count.builder.tracer(filled(0, value_type(x))) for x in parts.carry]
    given, masks = chosen([*zeros, *cotangents], of_carry), []
    if parts.masks:
        masks = _masks_of_both(parts, pulled(body, constants, varying).carried, of_carry)
        carried = pulled(step.body, len(fixed), both).carried
        masks = chosen(masks, carried)
    made = apply(
        loop_pullback, [*fixed, *carry, parts.count, *given, *masks], body=step.body, constants=len(fixed),
        varying=both, masked=bool(parts.masks),
    )
    bars = iter(made)
    found = [next(bars) if flag else None for flag in both]
    return [*found[:constants], *found[len(fixed) : len(fixed) + last - constants]]


def _masks_of_both(parts: Operands, carried: Sequence[bool], of_carry: Sequence[bool]) -> list[Any]:
    """The masks of the cotangents of carries, which are 0, and of tangents, for those that vary."""
    builder, known = parts.count.builder, iter(parts.masks)
    of_tangents = [next(known) if flag else _constant(builder, True, g) for g, flag in zip(parts.given, carried)]
    return list(chosen([*[_constant(builder, False, x) for x in parts.carry], *of_tangents], of_carry))


def _constant(builder: Builder, mask: bool, like: Any) -> Tracer:
    return builder.tracer(filled(mask, ArrayType(like.shape, BOOL)))


def _map_conditional(op: Primitive, flag: Any, only_if: Any, *args: Any, body: Program, **rest: Any) -> Any:
    """The map along a loop of no steps where the flag is false."""
    at = len(body.inputs)
    count = select(flag, args[at], 0)
    return op(*args[:at], count, *args[at + 1 :], body=body, **rest)


loop_pullback = Primitive(
    "loop_pullback", pullback_type, pullback_evaluate,
    vjp_forward=lambda active, *args, **params: _map_forward(loop_pullback, active, *args, **params),
    vjp_backward=_pullback_backward, expand=_pullback_expand, conditional=_map_conditional,
)
"""Inputs: the constants and the first carry of a loop's body, the number of its steps, the cotangents of the carries
that are varying, and, if ``masked``, masks of some (see `Pulled.carried`). Outputs: the cotangents of the constants and
first carries that are ``varying``, and, if ``masked``, the masks `Pulled.found`."""

loop_pushforward = Primitive(
    "loop_pushforward", pushforward_type, pushforward_evaluate,
    vjp_forward=lambda active, *args, **params: _map_forward(loop_pushforward, active, *args, **params),
    vjp_backward=_pushforward_backward, expand=_pushforward_expand, conditional=_map_conditional,
)
"""Inputs: as those of `loop_pullback`, with tangents of the varying constants and first carries in the place of the
cotangents. Outputs: the tangents of the varying last carries."""

# --- Its other rules


def _dead_code(eqn: Equation, needed: set[Atom]) -> Equation:
    """Without the carries that neither the condition nor a needed result depends on, and operands for these."""
    condition, body = eqn.params["condition"], eqn.params["body"]
    asked, fixed = eqn.params["condition_constants"], eqn.params["body_constants"]
    read_by_condition = read_by(condition)
    live = [v in needed or c in read_by_condition for v, c in zip(eqn.outputs, condition.inputs[asked:])]
    while True:
        pruned = prune(Program(body.inputs, body.equations, chosen(body.outputs, live)))
        read = read_by(pruned)
        grown = [flag or v in read for flag, v in zip(live, body.inputs[fixed:])]
        if grown == live:
            break
        live = grown
    kept = [v in read_by_condition for v in condition.inputs[:asked]], [v in read for v in body.inputs[:fixed]]
    if all((*live, *kept[0], *kept[1])):
        return eqn
    params = {
        "condition": _with_inputs(condition, [*kept[0], *live]), "body": _with_inputs(pruned, [*kept[1], *live]),
        "condition_constants": sum(kept[0]), "body_constants": sum(kept[1]),
    }
    inputs = chosen(eqn.inputs, [*kept[0], *kept[1], *live])
    return eqn._replace(inputs=inputs, params=params, outputs=chosen(eqn.outputs, live))


def _with_inputs(program: Program, kept: Sequence[bool]) -> Program:
    return interned(Program(chosen(program.inputs, kept), program.equations, program.outputs))


def _batch(
    op: Primitive, mapped: tuple[bool, ...], *args: Any, condition: Program, body: Program, condition_constants: int,
    body_constants: int,
) -> Any:
    size, first = args[mapped.index(True)].shape[0], condition_constants + body_constants
    asked, fixed, carry = args[:condition_constants], args[condition_constants:first], args[first:]
    of_condition, of_body = mapped[:condition_constants], mapped[condition_constants:]
    flags = spread_over_carries(of_body, body_constants, len(carry), lambda fs: vmap_program(body, fs, size).mapped)
    asks = vmap_program(condition, [*of_condition, *flags[body_constants:]], size)
    if asks.mapped[0]:
        return _batch_of_ends(condition, body, mapped, args, condition_constants, body_constants)
    steps = vmap_program(body, flags, size)
    with_axis = flags[body_constants:]
    starts = [over_batch(x, m, size) if w else x for x, m, w in zip(carry, mapped[first:], with_axis)]

    def goes_on(*state: Any) -> Any:
        return call_program(asks.program, [*asked, *state, *asks.constants])[0]

    def step(*state: Any) -> list[Any]:
        results = call_program(steps.program, [*fixed, *state, *steps.constants])
        return [over_batch(y, m, size) if w else y for y, m, w in zip(results, steps.mapped, with_axis)]

    return tuple(_loop(goes_on, step, starts))


def _batch_of_ends(
    condition: Program, body: Program, mapped: tuple[bool, ...], args: Sequence[Any], condition_constants: int,
    body_constants: int,
) -> tuple[Any, ...]:
    """The loops of examples that end each at its own step: it keeps its state, and runs nothing, while others go on."""
    size, first = args[mapped.index(True)].shape[0], condition_constants + body_constants
    asked, fixed, carry = args[:condition_constants], args[condition_constants:first], args[first:]
    alone = [True] * len(carry)
    asks = vmap_program(condition, [*mapped[:condition_constants], *alone], size)
    asks_again = vmap_program(conditional(condition), [True, *mapped[:condition_constants], *alone], size, whole=True)
    steps = vmap_program(conditional(body), [True, *mapped[condition_constants:first], *alone], size, whole=True)

    def step(going: Any, *state: Any) -> list[Any]:
        results = call_program(steps.program, [going, *fixed, *state, *steps.constants])
        after = [select(_like(going, y), y, x) for x, y in zip(state, results)]
        (goes_on,) = call_program(asks_again.program, [going, *asked, *after, *asks_again.constants])
        return [and_(going, goes_on), *after]

    starts = [over_batch(x, m, size) for x, m in zip(carry, mapped[first:])]
    (going,) = call_program(asks.program, [*asked, *starts, *asks.constants])
    return tuple(_loop(lambda going, *state: reduce_or(going, axes=(0,)), step, [going, *starts])[1:])


def _like(flags: Any, x: Any) -> Any:
    """A flag for each example as one for each element of its array."""
    return broadcast(flags, shape=x.shape, dims=(0,))


def _conditional(
    op: Primitive, flag: Any, only_if: Any, *args: Any, condition: Program, condition_constants: int, **rest: Any
) -> Any:
    """A loop that makes no step where the flag is false."""
    params = {"condition": _also(only_if(condition)), "condition_constants": condition_constants + 1, **rest}
    return tuple(apply(op, [flag, *args], **params))


def _also(condition: Program) -> Program:
    """A condition that holds where its first input does too."""
    builder = Builder()

    def body() -> Program:
        inputs = [builder.input(t) for t in condition.input_types]
        (holds,) = builder.inline(condition, inputs)
        return builder.finish([and_(inputs[0], holds).atom])[0]

    return interned(build(builder, body))


while_p = Primitive(
    "while_loop", _type, _evaluate, vjp_forward=_forward, vjp_backward=_backward, batch=_batch,
    conditional=_conditional, kind=Kind.CONTROL, dead_code=_dead_code,
)
"""Inputs: ``condition_constants`` values that the condition reads, ``body_constants`` values that the body reads, and
the carries. The ``condition`` takes its constants and the carries and gives one boolean; the ``body`` takes its
constants and the carries and gives the new carries. Outputs: the last carries."""
