"""`scan` as an operation: a loop of a known number of steps, over the slices of arrays, and its rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad.control.bodies import apply, stage_body
from fnad.control.carries import active_inputs, chosen, read_by, spread_over_carries
from fnad.control.hoist import hoist
from fnad.interpreter.evaluate import evaluate
from fnad.ir.primitive import Kind, Primitive
from fnad.ir.program import Equation, Program, Var, filled, prune
from fnad.ir.types import ArrayType, is_inexact
from fnad.memo import Memo
from fnad.ops.contractions import matmul
from fnad.ops.elementwise import add
from fnad.ops.shaping import over_batch, reshape, transpose
from fnad.tracing.builder import Builder, build
from fnad.tracing.staging import call_program
from fnad.tracing.tracer import Tracer, value_type
from fnad.transforms.calls import bare, interned, listed
from fnad.transforms.joint import split_joint
from fnad.transforms.vjp import vjp_program
from fnad.transforms.vmap import vmap_program

# --- The operation


def _type(*types: ArrayType, body: Program, constants: int, carries: int, length: int, reverse: bool) -> Any:
    first = constants + carries
    given = [*types[:first], *[ArrayType(t.shape[1:], t.dtype) for t in types[first:]]]
    if [t.strong for t in given] != [t.strong for t in body.input_types]:
        raise TypeError(f"scan: requires operands as its body takes them, {body.input_types}, got {given}.")
    if any([t.shape[:1] != (length,) for t in types[first:]]):
        raise ValueError(f"scan: requires arrays of {length} slices, got {types[first:]}.")
    made = [t.strong for t in body.output_types]
    if [t.strong for t in made[:carries]] != [t.strong for t in types[constants:first]]:
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
    """The derivative of a scan in some of the inputs of its body."""

    active: tuple[bool, ...]
    """The inputs of the body that a derivative flows to."""
    forward: Program
    """The body of the scan that also stacks the residuals of its steps."""
    backward: Program
    """From the residuals of a step and the cotangents of its inexact outputs to those of the active inputs."""
    rules: list[Any]
    """Further constants of ``forward``, after the body's own."""
    origins: list[tuple[str, int]]
    """The place of each residual: a ``"constant"`` of ``forward``, one of the ``"slices"``, or ``"stacked"``."""


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
    back = stage_body("scan", step, [t.strong for t in types], "loop")
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
        inputs = [builder.input(t.strong) for t in body.input_types]
        results = builder.inline(body, inputs)
        terms, factors = results[own:], [_factors(builder, y) for y in results[own:]]
        added = [y for y, pair in zip(terms, factors) if pair is None]
        totals = [builder.input(y.type.strong) for y in added]
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


def _dead_code(eqn: Equation, needed: set[Any]) -> Equation:
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
    kind=Kind.CONTROL, dead_code=_dead_code, total=True,
)
"""Inputs: ``constants`` values that every step reads, ``carries`` values that go from step to step, and arrays of
``length`` slices. The ``body`` takes the constants, the carries and a slice of each array; it gives the new carries
and a slice of each stacked output. ``reverse`` goes from the last slice to the first. Outputs: the last carries, and
the stacked arrays, each slice where that of the inputs was."""
