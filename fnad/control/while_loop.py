"""`while_loop` and `fori_loop`: loops whose number of steps is found while they run.

The way back needs the states of all steps in reverse, but nobody knows how many there will be. The loop counts its
steps; on the way back it runs again and keeps some of the states on the way, at distances that depend on the
count, then again between these, so that the memory is bounded and a step is computed a few times. That is
checkpointing in two levels, see Griewank and Walther, "Evaluating derivatives", chapter 12 (2008).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.control.bodies import (
    Body, Leaves, apply, as_types, leaves_of, require_functions, require_structure, stage_body, stage_loop,
)
from fnad.control.carries import active_inputs, chosen, read_by, spread_over_carries
from fnad.control.conditional import conditional
from fnad.control.invariants import hoist
from fnad.control.scan import scan_leaves
from fnad.errors import boundary
from fnad.ir.evaluate import evaluate
from fnad.ir.primitive import Primitive
from fnad.ir.program import Atom, Equation, Program, prune, without_effects
from fnad.ir.types import ArrayType, is_inexact
from fnad.numpy.promotion import INDEX, MOST, as_places
from fnad.ops.elementwise import and_, select
from fnad.ops.indexing import gather, scatter
from fnad.ops.reductions import reduce_or
from fnad.ops.shaping import broadcast, over_batch, reshape
from fnad.tracing.builder import Builder, Tracer, build, call_program, filled, inline, is_value, stage, value_type
from fnad.transforms.calls import bare, interned, listed
from fnad.transforms.jvp import jvp_program
from fnad.transforms.vjp import pullback_program, split_joint, vjp_program
from fnad.transforms.vmap import vmap_program

# --- The operation


def _type(*types: ArrayType, condition: Program, body: Program, condition_constants: int, body_constants: int) -> Any:
    first = condition_constants + body_constants
    carries = [t[:2] for t in types[first:]]
    for program, own in ((condition, types[:condition_constants]), (body, types[condition_constants:first])):
        if [*[t[:2] for t in own], *carries] != [t[:2] for t in program.input_types]:
            raise TypeError(
                f"while_loop: requires operands as its Programs take them, {program.input_types}, got {types}."
            )
    if [t[:2] for t in body.output_types] != carries:
        raise TypeError(f"while_loop: requires a carry of one type, got {carries} and {body.output_types}.")
    if [t[:2] for t in condition.output_types] != [((), np.dtype(bool))]:
        raise TypeError(f"while_loop: requires a condition that is one boolean, got {condition.output_types}.")
    return bare([ArrayType(*t) for t in carries])


def _evaluate(*args: Any, condition: Program, body: Program, condition_constants: int, body_constants: int) -> Any:
    args = [np.asarray(a) for a in args]
    first = condition_constants + body_constants
    asked, fixed, carry = args[:condition_constants], args[condition_constants:first], args[first:]
    while evaluate(condition, [*asked, *carry])[0]:
        carry = evaluate(body, [*fixed, *carry])
    return bare(carry)


def _run(condition: Body, body: Body, carry: Sequence[Any]) -> list[Any]:
    """A loop as one operation; what is the same in all steps is computed before it."""
    hoisted = hoist(body.program, len(body.constants), is_run=False)
    fixed = [*body.constants, *call_program(hoisted.before, body.constants)]
    return apply(
        while_p, [*condition.constants, *fixed, *carry], condition=condition.program, body=interned(hoisted.body),
        condition_constants=len(condition.constants), body_constants=len(fixed),
    )


def _loop(condition: Callable[..., Any], body: Callable[..., Any], carry: Sequence[Any]) -> list[Any]:
    """A loop of functions of the carry's arrays; the body returns them as a list."""
    types = [ArrayType(*value_type(c)[:2]) for c in carry]
    staged = [stage_body("while_loop", function, types, "loop") for function in (condition, body)]
    return _run(*staged, carry)


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
    params = {"body": interned(without_effects(body)), "constants": body_constants, "varying": flags}
    bars = iter(apply(loop_pullback, [*values, count, *given], **params))
    return [None] * condition_constants + [next(bars) if flag else None for flag in flags]


def _parts(args: Sequence[Any], body: Program, constants: int) -> tuple[Any, ...]:
    """The constants, the carry, the number of steps, and the vectors of a map of tangents or cotangents."""
    last = len(body.inputs)
    return args[:constants], args[constants:last], args[last], args[last + 1 :]


def _active_types(types: Sequence[ArrayType], active: Sequence[bool]) -> list[ArrayType]:
    return [ArrayType(*t[:2]) for t, flag in zip(types, active) if flag]


def _pullback_type(*types: ArrayType, body: Program, constants: int, varying: tuple[bool, ...]) -> Any:
    return bare(_active_types(body.input_types, varying))


def _pushforward_evaluate(*args: Any, body: Program, constants: int, varying: tuple[bool, ...]) -> Any:
    fixed, carry, count, given = _parts([np.asarray(a) for a in args], body, constants)
    joint = jvp_program(body, [i for i, a in enumerate(varying) if a], len(body.outputs))
    own = sum(varying[:constants])
    tangents = given[own:]
    inexact = [flag for flag, t in zip(varying[constants:], body.output_types) if is_inexact(t.dtype)]
    for _ in range(int(count)):
        results = evaluate(joint.program, [*fixed, *carry, *given[:own], *tangents, *joint.constants])
        carry = results[: len(carry)]
        tangents = [t for t, flag in zip(results[len(carry) :], inexact) if flag]
    return bare(tangents)


def _pushforward_type(*types: ArrayType, body: Program, constants: int, varying: tuple[bool, ...]) -> Any:
    return bare(_active_types(body.output_types, varying[constants:]))


def _pullback_evaluate(*args: Any, body: Program, constants: int, varying: tuple[bool, ...]) -> Any:
    """The way back over the residuals of all steps, which the interpreter keeps in a list."""
    fixed, carry, count, given = _parts([np.asarray(a) for a in args], body, constants)
    joint = vjp_program(body, [i for i, a in enumerate(varying) if a], len(body.outputs))
    parts = split_joint(joint, len(body.outputs))
    kept = []
    for _ in range(int(count)):
        results = evaluate(parts.forward, [*fixed, *carry, *joint.constants])
        carry = results[: len(carry)]
        kept.append(results[len(carry) :])
    bars = list(given)
    sums = [np.zeros(*t[:2]) for t in _active_types(body.input_types[:constants], varying)]
    while kept:
        cotangents = _spread(bars, varying[constants:], body.output_types, lambda t: np.zeros(*t[:2]))
        found = evaluate(parts.backward, [*kept.pop(), *cotangents])
        sums = [a + b for a, b in zip(sums, found)]
        bars = found[len(sums) :]
    return bare([*sums, *bars])


def _spread(
    bars: Sequence[Any], varying: Sequence[bool], types: Sequence[ArrayType], zeros: Callable[[ArrayType], Any]
) -> list[Any]:
    """Cotangents of all inexact outputs of a step, of which those of the varying carries are given."""
    own = iter(bars)
    return [next(own) if flag else zeros(t) for flag, t in zip(varying, types) if is_inexact(t.dtype)]


MOST_BYTES = 1 << 22
"""Memory for the states that one level of checkpoints keeps, where that is no less than 8 states."""
MOST_STATES = 512


def _row(store: Any, k: Any) -> Any:
    return reshape(gather(store, reshape(k, shape=(1,))), shape=store.shape[1:])


def _with_row(store: Any, k: Any, x: Any) -> Any:
    return scatter(store, reshape(x, shape=(1, *x.shape)), reshape(k, shape=(1,)), mode="set")


def _pullback_expand(*args: Any, body: Program, constants: int, varying: tuple[bool, ...]) -> Any:
    """The way back as loops: over the segments from the last one, and in each over its steps from the last one."""
    fixed, carry, count, given = _parts(args, body, constants)
    back = pullback_program(body, [i for i, a in enumerate(varying) if a], len(body.outputs))
    nbytes = sum(t.nbytes for t in body.output_types)
    slots = max(8, min(MOST_STATES, MOST_BYTES // max(nbytes, 1)))
    builder = args[-1].builder
    sums = [Tracer(builder, filled(0, t)) for t in _active_types(body.input_types[:constants], varying)]

    def step(i: Any, *state: Any) -> list[Any]:
        return call_program(body, [*fixed, *state])

    def segments(steps: Any) -> tuple[Any, Any]:
        """The number of steps in a segment and of segments, at most as many as there are slots."""
        length = np.maximum((steps + (slots - 1)) // slots, 1)
        return length, (steps + length - 1) // length

    def run(steps: Any, state: Sequence[Any]) -> list[Any]:
        """Run, and keep the state at the start of each segment."""
        length, number = segments(steps)

        def segment(k: Any, *both: Any) -> list[Any]:
            stores, now = both[: len(state)], both[len(state) :]
            kept = [_with_row(store, k, x) for store, x in zip(stores, now)]
            # What follows the last segment's start is not needed here.
            end = np.where(k + 1 < number, (k + 1) * length, k * length)
            return [*kept, *_repeat(end, step, now, k * length)]

        empty = [Tracer(builder, filled(0, ArrayType((slots, *x.shape), x.dtype))) for x in state]
        return _repeat(number, segment, [*empty, *state])[: len(state)]

    def pull_back(state: Sequence[Any], bars: Sequence[Any]) -> list[Any]:
        totals, own = bars[: len(sums)], bars[len(sums) :]
        zeros = _spread(own, varying[constants:], body.output_types, lambda t: filled(0, t))
        found = call_program(back.program, [*fixed, *state, *zeros, *back.constants])
        return [*[a + b for a, b in zip(totals, found)], *found[len(sums) :]]

    stores = run(count, carry)
    length, number = segments(count)

    def segment_back(k: Any, *bars: Any) -> list[Any]:
        first = (number - 1 - k) * length
        steps = np.minimum(length, count - first)
        inner = run(steps, [_row(store, number - 1 - k) for store in stores])
        distance, _ = segments(steps)

        def step_back(j: Any, *bars: Any) -> list[Any]:
            i = steps - 1 - j
            nearest = i // distance
            state = _repeat(i, step, [_row(store, nearest) for store in inner], nearest * distance)
            return pull_back(state, bars)

        return _repeat(steps, step_back, bars)

    return bare(_repeat(number, segment_back, [*sums, *given]))


def _pushforward_expand(*args: Any, body: Program, constants: int, varying: tuple[bool, ...]) -> Any:
    """The loop with the tangents beside the carry."""
    fixed, carry, count, given = _parts(args, body, constants)
    joint = jvp_program(body, [i for i, a in enumerate(varying) if a], len(body.outputs))
    own = sum(varying[:constants])
    inexact = [flag for flag, t in zip(varying[constants:], body.output_types) if is_inexact(t.dtype)]

    def step(i: Any, *both: Any) -> list[Any]:
        state, tangents = both[: len(carry)], both[len(carry) :]
        results = call_program(joint.program, [*fixed, *state, *given[:own], *tangents, *joint.constants])
        pushed = [t for t, flag in zip(results[len(carry) :], inexact) if flag]
        return [*results[: len(carry)], *pushed]

    return bare(_repeat(count, step, [*carry, *given[own:]])[len(carry) :])


def _linear(name: str, type_rule: Any, evaluate: Any, expand: Any, transpose: Callable[[], Primitive]) -> Primitive:
    """A map of vectors along a loop: linear in these, with another operation as its transpose.

    In its other operands it is differentiated through its expansion.
    """

    def forward(active: tuple[bool, ...], *args: Any, body: Program, **rest: Any) -> tuple[Any, Any]:
        params, first = {"body": body, **rest}, len(body.inputs) + 1
        if not any(active[:first]):
            return bare(apply(made, args, **params)), args[:first]
        staged = stage(lambda *xs: expand(*xs, **params), [value_type(a) for a in args])
        count = len(staged.program.outputs)
        joint = vjp_program(staged.program, [i for i, a in enumerate(active) if a], count)
        parts = split_joint(joint, count)
        results = call_program(parts.forward, [*args, *staged.captured, *joint.constants])
        return bare(results[:count]), _Expanded(parts.backward, results[count:], active)

    def backward(residuals: Any, g: Any, **params: Any) -> list[Any]:
        if isinstance(residuals, _Expanded):
            bars = iter(call_program(residuals.backward, [*residuals.values, *listed(g)]))
            return [next(bars) if a else None for a in residuals.active]
        return [*[None] * len(residuals), *apply(transpose(), [*residuals, *listed(g)], **params)]

    made = Primitive(
        name, type_rule, evaluate, vjp_forward=forward, vjp_backward=backward, expand=expand,
        conditional=_map_conditional,
    )
    return made


def _map_conditional(op: Primitive, flag: Any, only_if: Any, *args: Any, body: Program, **rest: Any) -> Any:
    """The map along a loop of no steps where the flag is false."""
    at = len(body.inputs)
    count = select(flag, args[at], 0)
    return op(*args[:at], count, *args[at + 1 :], body=body, **rest)


class _Expanded(NamedTuple):
    """The pullback of an expansion, and what it takes from the way forward."""

    backward: Program
    values: list[Any]
    active: tuple[bool, ...]


loop_pullback = _linear(
    "loop_pullback", _pullback_type, _pullback_evaluate, _pullback_expand, lambda: loop_pushforward
)
"""Inputs: the constants and the first carry of a loop's body, the number of its steps, the cotangents of the carries
that are varying. Outputs: the cotangents of the constants and first carries that are ``varying``."""

loop_pushforward = _linear(
    "loop_pushforward", _pushforward_type, _pushforward_evaluate, _pushforward_expand, lambda: loop_pullback
)
"""Inputs: as those of `loop_pullback`, with tangents of the varying constants and first carries in the place of the
cotangents. Outputs: the tangents of the varying last carries."""

# --- Its other rules


def _without(eqn: Equation, needed: set[Atom]) -> Equation:
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
        (holds,) = inline(builder, condition, inputs)
        return builder.finish([and_(inputs[0], holds).atom])[0]

    return interned(build(builder, body))


while_p = Primitive(
    "while_loop", _type, _evaluate, vjp_forward=_forward, vjp_backward=_backward, batch=_batch,
    conditional=_conditional, without=_without,
)
"""Inputs: ``condition_constants`` values that the condition reads, ``body_constants`` values that the body reads, and
the carries. The ``condition`` takes its constants and the carries and gives one boolean; the ``body`` takes its
constants and the carries and gives the new carries. Outputs: the last carries."""

# --- The functions that users call


@boundary
def while_loop(cond: Callable[[Any], Any], body: Callable[[Any], Any], init: Any) -> Any:
    """A loop that goes on as long as a condition holds: ``while cond(carry): carry = body(carry)``.

    It is staged once, and under `jit` a native loop. It can be differentiated forwards and in reverse, mapped and
    nested. The way back runs the loop up to three times more and keeps a bounded number of states.

    Under `vmap` the examples go through the loop together, and each ends at its own step: from then on its carry stays,
    and nothing of ``body`` or ``cond`` is run for it that could be noticed: no index is checked, nothing is written, no
    callback and no operation of `primitive` called, no inner loop entered. Operations that cannot fail go on for all
    examples at once; what is neither these nor reading, writing or a loop of such runs for one example after the other.

    Args:
        cond: from the carry to one boolean.
        body: from the carry to the next carry, a pytree of the same structure, shapes and dtypes. Both are pure
            functions that may close over traced values.
        init: the first carry, a pytree of arrays or numbers. A Python number takes the dtype that ``body`` makes
            of it.

    Returns:
        the first carry for which ``cond`` is false.

    Raises:
        TypeError: a leaf is no array, ``cond`` gives no boolean scalar, or the carry changes; the message names the
            path.
        ConcreteValueError: one of the functions asks Python about a value, as in ``if carry > 0``.

    >>> from fnad import grad
    >>> def root(a):  # Newton's method
    ...     return while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: (x + a / x) / 2, a)
    >>> root(2.0), grad(root)(2.0)
    (array(1.41421356), array(0.35355339))
    """
    require_functions("while_loop", cond, body)
    carry = leaves_of("while_loop", "init", init)

    def step(state: Any) -> Any:
        result = body(state)
        require_structure("while_loop", "a carry", tree.structure(result), "init", carry.treedef)
        return result

    return _while_leaves("while_loop", cond, step, carry)


def _while_leaves(name: str, cond: Callable[[Any], Any], body: Callable[[Any], Any], carry: Leaves) -> Any:
    """A loop with a condition, for the function that ``name`` says."""

    def stage_with(state: Leaves, types: Sequence[ArrayType]) -> Body:
        return stage_body(name, lambda *tracers: body(state.restored(tracers)), types, "loop")

    staged, types = stage_loop(name, stage_with, carry)
    condition = stage_body(name, lambda *tracers: cond(carry.restored(tracers)), types, "loop")
    _require_truth(condition.program.output_types)
    return carry.restored(_run(condition, staged, as_types(carry.values, types)))


def _require_truth(types: Sequence[ArrayType]) -> None:
    if [t[:2] for t in types] != [((), np.dtype(bool))]:
        raise TypeError(
            f"while_loop: requires a condition that returns one boolean, got {', '.join(map(str, types)) or 'none'}. "
            "Compare the carry with something, and use np.any or np.all for an array."
        )


@boundary
def fori_loop(lower: Any, upper: Any, body: Callable[[Any, Any], Any], init: Any) -> Any:
    """``for i in range(lower, upper): carry = body(i, carry)``, staged once.

    With bounds that are Python's integers it is a `scan`; with traced ones a `while_loop`. Both can be
    differentiated, mapped and nested, and are native loops under `jit`.

    Args:
        lower, upper: integer scalars.
        body: ``(i, carry) -> carry``, a pure function of pytrees; the carry keeps its structure, shapes and dtypes.
        init: the first carry, a pytree of arrays or numbers.

    Returns:
        the last carry.

    Raises:
        TypeError: as `while_loop`, or a bound is no integer.

    >>> fori_loop(0, 4, lambda i, total: total + i, 0)
    array(6)
    """
    require_functions("fori_loop", body)
    for bound, name in ((lower, "lower"), (upper, "upper")):
        if isinstance(bound, int) and abs(bound) >= 2**63:
            raise ValueError(f"fori_loop: requires bounds that an int64 holds, got {bound!r:.60} as {name}.")
        type = value_type(bound) if is_value(bound) else None
        if type is None or type.shape != () or type.dtype.kind not in "iu":
            got = type or bound.__class__.__name__
            raise TypeError(f"fori_loop: requires integer scalars as bounds, got {got} as {name}. Convert it first.")
    own = leaves_of("fori_loop", "init", init)

    def step(state: Any) -> Any:
        i, carry = state
        result = body(i, carry)
        require_structure("fori_loop", "a carry", tree.structure(result), "init", own.treedef)
        return i + 1, result

    is_known = not isinstance(lower, Tracer) and not isinstance(upper, Tracer)
    if is_known:
        lower, upper = int(lower), int(upper)
        dtype = np.dtype(np.uint64 if max(lower, upper) > MOST and min(lower, upper) >= 0 else np.int64)
        first = dtype.type(min(lower, upper))
    else:
        dtype = np.result_type(value_type(lower).dtype, value_type(upper).dtype)
        if dtype.kind == "f":  # of int64 and uint64
            dtype = INDEX
            lower, upper = [as_places(x if isinstance(x, Tracer) else np.asarray(x)) for x in (lower, upper)]
        first, last = as_types([lower, upper], [ArrayType((), dtype)] * 2)
    carry = leaves_of("fori_loop", "init", (first, init))._replace(paths=["i", *own.paths])
    if not is_known:
        return _while_leaves("fori_loop", lambda state: state[0] < last, step, carry)[1]
    steps, nothing = max(upper - lower, 0), leaves_of("fori_loop", "xs", ())
    return scan_leaves("fori_loop", lambda state, _: (step(state), ()), carry, nothing, steps, False)[0][1]
