"""`scan`: a loop of a known number of steps, over the slices of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import isqrt
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.checks import is_integer, require_flag
from fnad.control.bodies import (
    Body, Leaves, apply, as_types, leaves_of, require_functions, require_structure, stage_body, stage_loop,
)
from fnad.control.carries import active_inputs, chosen, read_by, spread_over_carries
from fnad.control.invariants import hoist
from fnad.errors import boundary
from fnad.ir.evaluate import evaluate
from fnad.ir.primitive import Primitive
from fnad.ir.program import Equation, Program, Var, prune
from fnad.ir.program import filled
from fnad.ir.types import ArrayType, is_inexact
from fnad.memo import Memo
from fnad.ops.contractions import matmul
from fnad.ops.elementwise import add
from fnad.ops.shaping import over_batch, reshape, transpose
from fnad.tracing.builder import Builder, build
from fnad.tracing.staging import call_program
from fnad.tracing.tracer import Tracer, value_type
from fnad.transforms.calls import bare, interned, listed
from fnad.transforms.remat import checkpoint as recomputed
from fnad.transforms.vjp import split_joint, vjp_program
from fnad.transforms.vmap import vmap_program

# --- The operation


def _type(*types: ArrayType, body: Program, constants: int, carries: int, length: int, reverse: bool) -> Any:
    first = constants + carries
    given = [*types[:first], *[ArrayType(t.shape[1:], t.dtype) for t in types[first:]]]
    if [t[:2] for t in given] != [t[:2] for t in body.input_types]:
        raise TypeError(f"scan: requires operands as its body takes them, {body.input_types}, got {given}.")
    if any([t.shape[:1] != (length,) for t in types[first:]]):
        raise ValueError(f"scan: requires arrays of {length} slices, got {types[first:]}.")
    made = [ArrayType(*t[:2]) for t in body.output_types]
    if [t[:2] for t in made[:carries]] != [t[:2] for t in types[constants:first]]:
        raise TypeError(f"scan: requires a carry of one type, got {types[constants:first]} and {made[:carries]}.")
    return bare([*made[:carries], *[ArrayType((length, *t.shape), t.dtype) for t in made[carries:]]])


def _evaluate(*args: Any, body: Program, constants: int, carries: int, length: int, reverse: bool) -> Any:
    args = [np.asarray(a) for a in args]
    fixed, carry, sequences = args[:constants], args[constants : constants + carries], args[constants + carries :]
    made = [np.empty((length, *t.shape), t.dtype) for t in body.output_types[carries:]]
    for i in reversed(range(length)) if reverse else range(length):
        results = evaluate(body, [*fixed, *carry, *[np.asarray(x[i]) for x in sequences]])
        carry = results[:carries]
        for array, value in zip(made, results[carries:]):
            array[i] = value
    return bare([*carry, *made])


# --- Its derivative: the residuals of all steps are stacked, and a second scan goes back over them


class _Way(NamedTuple):
    """How a scan is differentiated in some of the inputs of its body."""

    active: tuple[bool, ...]
    """Which inputs of the body a derivative flows to."""
    forward: Program
    """The body of the scan that also stacks the residuals of its steps."""
    backward: Program
    """From the residuals of a step and the cotangents of its inexact outputs to those of the active inputs."""
    rules: list[Any]
    """Further constants of ``forward``, after the body's own."""
    origins: list[tuple[str, int]]
    """Where each residual is found: a ``"constant"`` of ``forward``, one of the ``"slices"``, or ``"stacked"``."""


_ways = Memo()


def _make_way(body: Program, constants: int, carries: int, flags: tuple[bool, ...]) -> _Way:
    active = active_inputs(body, flags, constants, carries)
    count, own = len(body.outputs), len(body.inputs)
    joint = vjp_program(body, [i for i, a in enumerate(active) if a], count)
    parts = split_joint(joint, count)
    inputs = parts.forward.inputs
    fixed = (*inputs[:constants], *inputs[own:])
    places = {v: ("constant", i) for i, v in enumerate(fixed)}
    places |= {v: ("slices", i) for i, v in enumerate(inputs[constants + carries : own])}
    residuals = parts.forward.outputs[count:]
    stacked = [v for v in residuals if v not in places]
    places |= {v: ("stacked", i) for i, v in enumerate(stacked)}
    forward = Program(
        (*fixed, *inputs[constants:own]), parts.forward.equations, (*parts.forward.outputs[:count], *stacked)
    )
    return _Way(active, interned(forward), parts.backward, joint.constants, [places[v] for v in residuals])


def _forward(active: tuple[bool, ...], *args: Any, body: Program, constants: int, carries: int, **rest: Any) -> Any:
    way = _ways.get((body, constants, carries, active), lambda: _make_way(body, constants, carries, active))
    fixed = [*args[:constants], *way.rules]
    results = run_scan([*fixed, *args[constants:]], way.forward, len(fixed), carries, **rest)
    count = len(body.outputs)
    found = {"constant": fixed, "slices": args[constants + carries :], "stacked": results[count:]}
    return tuple(results[:count]), (way, [(place, found[place][i]) for place, i in way.origins])


def _backward(
    residuals: Any, g: Any, body: Program, constants: int, carries: int, length: int, reverse: bool
) -> list[Any]:
    way, values = residuals
    first = constants + carries
    moving = [constants + k for k in range(carries) if way.active[constants + k]]
    summed = [i for i in range(constants) if way.active[i]]
    stacked = [i for i in range(first, len(way.active)) if way.active[i]]
    given = listed(g)
    # A cotangent that is zero is no array to go over.
    sequences = {k: c for k, c in enumerate(given) if k >= carries and type(c.atom) is Var}
    stacks = [v for place, v in values if place != "constant"]

    def step(*tracers: Tracer) -> list[Any]:
        own = iter(tracers)
        bars = {i - constants: next(own) for i in moving}
        operands = [v if place == "constant" else next(own) for place, v in values]
        bars |= {k: next(own) for k in sequences}
        cotangents = [bars.get(k, filled(0, t)) for k, t in enumerate(body.output_types) if is_inexact(t.dtype)]
        found = iter(call_program(way.backward, [*operands, *cotangents]))
        by_input = {i: next(found) for i, flag in enumerate(way.active) if flag}
        return [by_input[i] for i in (*moving, *stacked, *summed)]

    starts = [given[i - constants] for i in moving]
    slices = [*stacks, *sequences.values()]
    types = [value_type(x) for x in starts] + [ArrayType(x.shape[1:], x.dtype) for x in slices]
    back = stage_body("scan", step, [ArrayType(*t[:2]) for t in types], "loop")
    results = _run_summed(
        [*back.constants, *starts, *slices], back.program, len(back.constants), len(starts), len(summed), length,
        not reverse,
    )
    bars = dict(zip((*moving, *stacked, *summed), results))
    return [bars.get(i) for i in range(len(way.active))]


def _run_summed(
    args: Sequence[Any], body: Program, constants: int, carries: int, count: int, length: int, reverse: bool
) -> list[Any]:
    """A scan that gives of the last ``count`` outputs of its body the sums over all steps."""
    first, own = constants + carries, len(body.outputs) - count
    builder = Builder()

    def summed() -> tuple[Program, list[Any], list[Tracer]]:
        inputs = [builder.input(ArrayType(*t[:2])) for t in body.input_types]
        results = builder.inline(body, inputs)
        terms, factors = results[own:], [_factors(builder, y) for y in results[own:]]
        added = [y for y, pair in zip(terms, factors) if pair is None]
        totals = [builder.input(ArrayType(*y.type[:2])) for y in added]
        outputs = [*results[:carries], *[add(total, y) for total, y in zip(totals, added)], *results[carries:own]]
        outputs += [x for pair in factors if pair is not None for x in pair]
        return builder.finish([y.atom for y in outputs])[0], factors, totals

    step, factors, totals = build(builder, summed)
    last = len(body.inputs)
    step = Program(
        (*step.inputs[:first], *step.inputs[last:], *step.inputs[first:last]), step.equations, step.outputs
    )
    zeros = [filled(0, t.type) for t in totals]
    made = run_scan(
        [*args[:first], *zeros, *args[first:]], prune(step), constants, carries + len(totals), length, reverse
    )
    sums, pairs = iter(made[carries : carries + len(totals)]), iter(made[own + len(totals) :])
    whole = [next(sums) if pair is None else _sum_of_products(next(pairs), next(pairs)) for pair in factors]
    return [*made[:carries], *made[carries + len(totals) : own + len(totals)], *whole]


def _factors(builder: Builder, y: Tracer) -> tuple[Tracer, Tracer] | None:
    """The factors ``a, b`` of a matrix ``aᵀ b``, if to keep them costs less than to add the matrix to a sum."""
    eqn = builder.producer(y.atom) if type(y.atom) is Var else None
    if eqn is None or eqn.primitive is not matmul or y.ndim != 2:
        return None
    a, b = [Tracer(builder, atom) for atom in eqn.inputs]
    return (transpose(a, perm=(1, 0)), b) if a.size + b.size <= 2 * y.size else None


def _sum_of_products(a: Any, b: Any) -> Any:
    """The sum of the products ``aᵀ b`` of all steps, as one product of all their rows."""
    rows = [reshape(x, shape=(x.shape[0] * x.shape[1], x.shape[2])) for x in (a, b)]
    return matmul(transpose(rows[0], perm=(1, 0)), rows[1])


def run_scan(
    args: Sequence[Any], body: Program, constants: int, carries: int, length: int, reverse: bool = False
) -> list[Any]:
    """A scan as one operation; what is the same in all steps is computed before it."""
    hoisted = hoist(body, constants, length > 0)
    fixed = [*args[:constants], *call_program(hoisted.before, args[:constants])]
    return apply(
        scan_p, [*fixed, *args[constants:]], body=interned(hoisted.body), constants=len(fixed), carries=carries,
        length=length, reverse=reverse,
    )


# --- Its other rules


def _without(eqn: Equation, needed: set[Any]) -> Equation:
    """Without the outputs that nobody needs, the carries that no needed one depends on, and operands for these."""
    body, constants, carries = eqn.params["body"], eqn.params["constants"], eqn.params["carries"]
    live = [v in needed for v in eqn.outputs]
    while True:
        pruned = prune(Program(body.inputs, body.equations, chosen(body.outputs, live)))
        read = read_by(pruned)
        grown = [flag or k < carries and body.inputs[constants + k] in read for k, flag in enumerate(live)]
        if grown == live:
            break
        live = grown
    # A carry is kept as input and output together.
    kept = [v in read for v in body.inputs]
    kept[constants : constants + carries] = live[:carries]
    if all(kept) and all(live):
        return eqn
    inner = interned(Program(chosen(body.inputs, kept), pruned.equations, pruned.outputs))
    params = eqn.params | {"body": inner, "constants": sum(kept[:constants]), "carries": sum(live[:carries])}
    return eqn._replace(inputs=chosen(eqn.inputs, kept), params=params, outputs=chosen(eqn.outputs, live))


def _batch(
    op: Primitive, mapped: tuple[bool, ...], *args: Any, body: Program, constants: int, carries: int, **rest: Any
) -> Any:
    size, last = args[mapped.index(True)].shape[0], constants + carries
    flags = spread_over_carries(mapped, constants, carries, lambda fs: vmap_program(body, fs, size).mapped)
    batched = vmap_program(body, flags, size)
    with_axis = [*flags[constants:last], *batched.mapped[carries:]]
    step = _over_batch(batched.program, batched.mapped, with_axis, size)
    # The constants that rules have made come last among the inputs.
    fixed, own = [*args[:constants], *batched.constants], len(args)
    inputs = (*step.inputs[:constants], *step.inputs[own:], *step.inputs[constants:own])
    starts = [
        over_batch(x, m, size) if flag else x
        for x, m, flag in zip(args[constants:last], mapped[constants:last], flags[constants:last])
    ]
    sequences = [_swapped(x) if m else x for x, m in zip(args[last:], mapped[last:])]
    results = run_scan(
        [*fixed, *starts, *sequences], Program(inputs, step.equations, step.outputs), len(fixed), carries, **rest
    )
    return tuple([_swapped(y) if k >= carries and m else y for k, (y, m) in enumerate(zip(results, with_axis))])


def _over_batch(program: Program, mapped: Sequence[bool], wanted: Sequence[bool], size: int) -> Program:
    """A batched Program whose outputs have the batch axis where it is wanted."""
    builder = Builder()

    def body() -> Program:
        inputs = [builder.input(t) for t in program.input_types]
        results = builder.inline(program, inputs)
        outputs = [over_batch(y, m, size) if w else y for y, m, w in zip(results, mapped, wanted)]
        return builder.finish([y.atom for y in outputs])[0]

    return build(builder, body)


def _swapped(x: Any) -> Any:
    """The array with its first two axes in each other's place."""
    return transpose(x, perm=(1, 0, *range(2, x.ndim)))


def _conditional(op: Primitive, flag: Any, only_if: Any, *args: Any, body: Program, constants: int, **rest: Any) -> Any:
    return tuple(run_scan([flag, *args], only_if(body), constants + 1, **rest))


scan_p = Primitive(
    "scan", _type, _evaluate, vjp_forward=_forward, vjp_backward=_backward, batch=_batch, conditional=_conditional,
    without=_without,
)
"""Inputs: ``constants`` values that every step reads, ``carries`` values that go from step to step, and arrays of
``length`` slices. The ``body`` takes the constants, the carries and a slice of each array; it gives the new carries
and a slice of each stacked output. ``reverse`` goes from the last slice to the first. Outputs: the last carries, and
the stacked arrays, each slice where that of the inputs was."""

# --- The functions that users call


@boundary
def scan(
    body: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None, length: int | None = None,
    reverse: bool = False, checkpoint: bool | int = False,
) -> tuple[Any, Any]:
    """A loop over the slices of arrays that carries a state along and stacks what each step gives.

    It is ``for x in xs: carry, y = body(carry, x)``, staged once whatever the number of steps, and under `jit` a
    native loop. It can be differentiated, mapped and nested; the way back keeps of each step only what the
    derivative reads.

    Args:
        body: ``(carry, x) -> (carry, y)``, a pure function of pytrees; the carry keeps its structure, shapes and
            dtypes. It may close over traced values.
        init: the carry of the first step, a pytree of arrays or numbers. A Python number takes the dtype that
            ``body`` makes of it.
        xs: a pytree of arrays whose first axis counts the steps, or ``None``.
        length: the number of steps, which ``xs`` tells where it has arrays.
        reverse: whether to go from the last slice to the first; ``ys`` are stacked in the order of ``xs``.
        checkpoint: a number ``k`` of steps after which a derivative keeps the carry only, and computes the steps
            between again, for memory of ``length / k`` carries and the residuals of ``k`` steps; ``True`` takes the
            root of ``length`` for ``k``.

    Returns:
        ``(carry, ys)``: the last carry, and a pytree like ``y`` of arrays with one more axis in front.

    Raises:
        TypeError: a leaf is no array, ``body`` gives no pair, or the carry changes; the message names the path.
        ValueError: the arrays have first axes of different lengths, or no length is given.
        ConcreteValueError: ``body`` asks Python about a value, as in ``if carry > 0``.

    >>> import numpy as np
    >>> scan(lambda total, x: (total + x, total), 0.0, np.array([1.0, 2.0, 3.0]))
    (array(6.), array([0., 1., 3.]))
    """
    require_functions("scan", body)
    require_flag("scan", "reverse", reverse)
    carry, sequences = leaves_of("scan", "init", init), leaves_of("scan", "xs", xs)
    steps = _length("scan", sequences, length)
    if checkpoint is not False and steps:
        every = isqrt(steps - 1) + 1 if checkpoint is True else checkpoint
        _require_steps("checkpoint", every, least=1)
        return _in_segments(partial(scan, body, reverse=reverse), carry, sequences, steps, min(every, steps), reverse)

    def pair(state: Any, x: Any) -> tuple[Any, Any]:
        result = body(state, x)
        if not isinstance(result, tuple) or len(result) != 2:
            what = f"a tuple of {len(result)}" if isinstance(result, tuple) else type(result).__name__
            raise TypeError(f"scan: requires a body that returns (carry, y), got {what}. Return a pair.")
        require_structure("scan", "a carry", tree.structure(result[0]), "init", carry.treedef)
        return result

    return scan_leaves("scan", pair, carry, sequences, steps, bool(reverse))


def scan_leaves(
    name: str, body: Callable[[Any, Any], tuple[Any, Any]], carry: Leaves, sequences: Leaves, steps: int, reverse: bool
) -> tuple[Any, Any]:
    """A scan of the slices of arrays, for the function that ``name`` says."""
    slices = [ArrayType(t.shape[1:], t.dtype) for t in sequences.types]

    def stage_with(state: Leaves, types: Sequence[ArrayType]) -> Body:
        def flat(*tracers: Tracer) -> Any:
            return body(state.restored(tracers[: len(types)]), sequences.restored(tracers[len(types) :]))

        return stage_body(name, flat, [*types, *slices], "loop")

    staged, types = stage_loop(name, stage_with, carry, lambda result: result.child(0))
    args = [*staged.constants, *as_types(carry.values, types), *sequences.values]
    results = run_scan(args, staged.program, len(staged.constants), len(types), steps, reverse)
    return tree.unflatten(staged.out_tree, results)


MOST_STEPS = 2**63 - 1
"""As many as compiled code counts."""


def _require_steps(what: str, steps: Any, least: int) -> None:
    if isinstance(steps, Tracer):
        raise TypeError(
            f"scan: requires {what} to be a known integer, got a traced {steps.type}. Use fori_loop or while_loop, or "
            "int(n) outside of loops."
        )
    if not is_integer(steps) or not least <= steps <= MOST_STEPS:
        raise ValueError(
            f"scan: requires {what} to be an integer of at least {least} that an int64 holds, got {steps!r:.60}. "
            "Pass a number of steps."
        )


def _length(name: str, sequences: Leaves, length: Any) -> int:
    """The number of steps."""
    for t, path in zip(sequences.types, sequences.paths):
        if not t.shape:
            raise ValueError(
                f"{name}: requires arrays with a first axis that counts the steps, got {t} at {path}. "
                "Close over what is the same in all steps."
            )
    if length is not None:
        _require_steps("length", length, least=0)
    sizes = {path: t.shape[0] for t, path in zip(sequences.types, sequences.paths)}
    known = sizes if length is None else {"length": int(length), **sizes}
    if not known:
        raise ValueError(f"{name}: requires a number of steps, got no arrays and no length. Give length=n.")
    if len(set(known.values())) > 1:
        got = ", ".join(f"{n} of {path}" for path, n in known.items())
        raise ValueError(f"{name}: requires one number of steps, got {got}. Cut the arrays to one length.")
    return next(iter(known.values()))


def _in_segments(
    run: Callable[..., Any], carry: Leaves, sequences: Leaves, steps: int, every: int, reverse: bool
) -> tuple[Any, Any]:
    """The steps in segments, of which each is computed again on the way back."""
    count, rest = divmod(steps, every)
    whole = count * every
    heads = sequences.restored([np.reshape(x[:whole], (count, every, *x.shape[1:])) for x in sequences.values])
    tails = sequences.restored([x[whole:] for x in sequences.values])
    segment = recomputed(lambda state, part: run(state, part, length=every))
    remainder = recomputed(lambda state, part: run(state, part, length=rest))
    state, end = carry.restored(carry.values), None
    if rest and reverse:
        state, end = remainder(state, tails)
    state, stacks = scan(segment, state, heads, count, reverse)
    ys = tree.map(lambda y: np.reshape(y, (whole, *y.shape[2:])), stacks)
    if rest and not reverse:
        state, end = remainder(state, tails)
    return state, (tree.map(lambda a, b: np.concatenate([a, b]), ys, end) if rest else ys)


@boundary
def map(function: Callable[[Any], Any], xs: Any) -> Any:
    """A function of a slice for each slice of arrays, one after the other, with the results stacked.

    It gives what ``vmap(function)(xs)`` does, in a loop that needs the memory of one slice at a time.

    Args:
        function: a pure function of pytrees.
        xs: a pytree of arrays whose first axes have one length.

    Returns:
        a pytree like the function's result, of arrays with one more axis in front.

    Raises:
        TypeError, ValueError: as `scan`.

    >>> import numpy as np
    >>> map(lambda x: x * 2.0, np.array([1.0, 2.0]))
    array([2., 4.])
    """
    require_functions("map", function)
    sequences = leaves_of("map", "xs", xs)
    steps = _length("map", sequences, None)

    def apply_to(nothing: Any, x: Any) -> tuple[Any, Any]:
        result = function(x)
        leaves_of("map", "result", result)
        return nothing, result

    return scan_leaves("map", apply_to, leaves_of("map", "init", ()), sequences, steps, False)[1]
