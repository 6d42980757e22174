"""`switch` and `cond`: one of several functions, chosen by a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.control.bodies import Body, Leaves, apply, leaves_of, require_functions, require_structure, stage_body
from fnad.control.carries import chosen, read_by
from fnad.control.scan_rules import run_scan
from fnad.errors import boundary
from fnad.interpreter.evaluate import evaluate
from fnad.ir.primitive import Kind, Primitive
from fnad.ir.program import Atom, Equation, Program, Var, filled, prune
from fnad.ir.types import ArrayType, is_inexact
from fnad.memo import Memo
from fnad.ops.elementwise import convert
from fnad.ops.shaping import over_batch
from fnad.tracing.builder import Builder, build
from fnad.tracing.staging import call_program
from fnad.tracing.tracer import Tracer, is_value, value_type
from fnad.transforms.calls import bare, interned, listed
from fnad.transforms.joint import split_joint
from fnad.transforms.vjp import vjp_program
from fnad.transforms.vmap import vmap_program

# --- The operation


def _type(index: ArrayType, *types: ArrayType, branches: tuple[Program, ...]) -> Any:
    if index.shape != () or index.dtype.kind not in "biu":
        raise TypeError(f"switch: requires an integer or boolean scalar as index, got {index}.")
    results = [[t.strong for t in branch.output_types] for branch in branches]
    for branch, made in zip(branches, results):
        if [t.strong for t in branch.input_types] != [t.strong for t in types]:
            raise TypeError(f"switch: requires operands as its branches take them, {branch.input_types}, got {types}.")
        if made != results[0]:
            raise TypeError(f"switch: requires branches with results of the same types, got {results[0]} and {made}.")
    return bare([ArrayType(*t) for t in results[0]])


def _evaluate(index: Any, *args: Any, branches: tuple[Program, ...]) -> Any:
    return bare(evaluate(_taken(branches, index), args))


def _taken(branches: Sequence[Program], index: Any) -> Program:
    return branches[min(max(int(index), 0), len(branches) - 1)]


# --- Its derivative: the branches' residuals share slots, and a second switch goes back from there


class _Way(NamedTuple):
    """The derivative of a switch in some of its operands."""

    forward: tuple[Program, ...]
    """Branches that also fill the slots."""
    backward: tuple[Program, ...]
    """From the operands, the slots and the cotangents of the inexact outputs to those of the active operands."""
    rules: list[Any]
    """Further operands of both, after the branches' own."""


_ways = Memo()


def _make_way(branches: tuple[Program, ...], active: tuple[bool, ...]) -> _Way:
    count, own = len(branches[0].outputs), len(branches[0].inputs)
    joints = [vjp_program(branch, [i for i, a in enumerate(active) if a], count) for branch in branches]
    parts = [split_joint(joint, count) for joint in joints]
    rules = [c for joint in joints for c in joint.constants]
    operands = [*branches[0].input_types, *map(value_type, rules)]
    residuals = [
        [v for v in part.forward.outputs[count:] if v not in part.forward.inputs] for part in parts
    ]
    slots, places = _slots(residuals)
    forward, backward, first = [], [], own
    for part, joint, place in zip(parts, joints, places):
        positions = [*range(own), *range(first, first + len(joint.constants))]
        first += len(joint.constants)
        forward.append(_forward_branch(part.forward, positions, operands, count, slots, place))
        backward.append(_backward_branch(part, positions, operands, count, slots, place))
    return _Way(tuple(forward), tuple(backward), rules)


def _slots(residuals: Sequence[Sequence[Var]]) -> tuple[list[ArrayType], list[dict[Var, int]]]:
    """Types of memory that hold the residuals of any one branch, and where each branch keeps its own."""
    slots: list[ArrayType] = []
    places: list[dict[Var, int]] = []
    for own in residuals:
        free, place = list(range(len(slots))), {}
        for v in own:
            fitting = [i for i in free if slots[i] == v.type.strong]
            if not fitting:
                slots.append(v.type.strong)
                fitting = [len(slots) - 1]
            else:
                free.remove(fitting[0])
            place[v] = fitting[0]
        places.append(place)
    return slots, places


def _forward_branch(
    program: Program, positions: Sequence[int], operands: Sequence[ArrayType], count: int,
    slots: Sequence[ArrayType], place: dict[Var, int],
) -> Program:
    builder = Builder()

    def body() -> Program:
        inputs = [builder.input(t.strong) for t in operands]
        results = builder.inline(program, [inputs[p] for p in positions])
        kept: list[Any] = [filled(0, t) for t in slots]
        for v, result in zip(program.outputs[count:], results[count:]):
            if v in place:
                kept[place[v]] = result.atom
        return builder.finish([*[r.atom for r in results[:count]], *kept])[0]

    return interned(build(builder, body))


def _backward_branch(
    part: Any, positions: Sequence[int], operands: Sequence[ArrayType], count: int, slots: Sequence[ArrayType],
    place: dict[Var, int],
) -> Program:
    builder = Builder()

    def body() -> Program:
        inputs = [builder.input(t.strong) for t in operands]
        kept = [builder.input(t) for t in slots]
        residuals = part.forward.outputs[count:]
        cotangents = [builder.input(v.type.strong) for v in part.backward.inputs[len(residuals) :]]
        given = dict(zip(part.forward.inputs, [inputs[p] for p in positions]))
        values = [given[v] if v in given else kept[place[v]] for v in residuals]
        return builder.finish([t.atom for t in builder.inline(part.backward, [*values, *cotangents])])[0]

    return interned(build(builder, body))


def _forward(active: tuple[bool, ...], index: Any, *args: Any, branches: tuple[Program, ...]) -> Any:
    way = _ways.get((branches, active[1:]), lambda: _make_way(branches, active[1:]))
    operands = [*args, *way.rules]
    results = apply(switch_p, [index, *operands], branches=way.forward)
    count = len(branches[0].outputs)
    return tuple(results[:count]), (way, active, [index, *operands, *results[count:]])


def _backward(residuals: Any, g: Any, branches: tuple[Program, ...]) -> list[Any]:
    way, active, values = residuals
    cotangents = [c for c, t in zip(listed(g), branches[0].output_types) if is_inexact(t.dtype)]
    bars = iter(apply(switch_p, [*values, *cotangents], branches=way.backward))
    return [next(bars) if a else None for a in active]


# --- Its other rules


def _dead_code(eqn: Equation, needed: set[Atom]) -> Equation:
    """Without the outputs that nobody needs, and the operands that no branch reads for the others."""
    live = [v in needed for v in eqn.outputs]
    pruned = [
        prune(Program(b.inputs, b.equations, chosen(b.outputs, live))) for b in eqn.params["branches"]
    ]
    read = [read_by(p) for p in pruned]
    kept = [any([p.inputs[i] in own for p, own in zip(pruned, read)]) for i in range(len(eqn.inputs) - 1)]
    if all(live) and all(kept):
        return eqn
    branches = tuple([
        interned(Program(chosen(p.inputs, kept), p.equations, p.outputs)) for p in pruned
    ])
    inputs = (eqn.inputs[0], *chosen(eqn.inputs[1:], kept))
    return eqn._replace(inputs=inputs, params={"branches": branches}, outputs=chosen(eqn.outputs, live))


def _batch(op: Primitive, mapped: tuple[bool, ...], *args: Any, branches: tuple[Program, ...]) -> Any:
    size = args[mapped.index(True)].shape[0]
    if mapped[0]:
        return _batch_by_example(mapped, args, branches, size)
    batches = [vmap_program(branch, mapped[1:], size) for branch in branches]
    with_axis = [any(flags) for flags in zip(*[b.mapped for b in batches])]
    rules = [c for b in batches for c in b.constants]
    types, first, made = [value_type(x) for x in (*args[1:], *rules)], len(args) - 1, []
    for batch in batches:
        builder = Builder()

        def body() -> Program:
            inputs = [builder.input(t.strong) for t in types]
            own = [*inputs[: len(args) - 1], *inputs[first : first + len(batch.constants)]]
            results = zip(builder.inline(batch.program, own), batch.mapped, with_axis)
            outputs = [over_batch(y, m, size) if w else y for y, m, w in results]
            return builder.finish([y.atom for y in outputs])[0]

        made.append(interned(build(builder, body)))
        first += len(batch.constants)
    return tuple(apply(op, [*args, *rules], branches=tuple(made)))


def _batch_by_example(
    mapped: tuple[bool, ...], args: Sequence[Any], branches: tuple[Program, ...], size: int
) -> tuple[Any, ...]:
    """A loop over the examples: each takes its own branch, so that none computes what it did not choose."""
    order = sorted(range(len(args)), key=lambda i: mapped[i])
    constants = len(args) - sum(mapped)
    builder = Builder()

    def body() -> Program:
        types = [value_type(x).strong for x in args]
        inputs = {i: builder.input(ArrayType(t.shape[1:], t.dtype) if mapped[i] else t) for i, t in
                  ((i, types[i]) for i in order)}
        results = apply(switch_p, [inputs[i] for i in range(len(args))], branches=branches)
        return builder.finish([y.atom for y in results])[0]

    step = build(builder, body)
    return tuple(run_scan([args[i] for i in order], step, constants, 0, size))


def _conditional(
    op: Primitive, flag: Any, only_if: Any, index: Any, *args: Any, branches: tuple[Program, ...]
) -> Any:
    return tuple(apply(op, [index, flag, *args], branches=tuple(map(only_if, branches))))


switch_p = Primitive(
    "switch", _type, _evaluate, vjp_forward=_forward, vjp_backward=_backward, batch=_batch, conditional=_conditional,
    kind=Kind.CONTROL, dead_code=_dead_code, total=True,
)
"""Inputs: an index, a boolean or integer scalar, and the operands that each of the ``branches`` takes. Outputs: those
of the branch number ``index``, of the first one where it is negative, of the last where it is too large."""

# --- The functions that users call


@boundary
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """The result of one of several functions, which a value chooses.

    Under `jit` only the chosen one runs. Under `vmap` with an index for each example, so does each example's own.

    Args:
        index: an integer scalar; one that is too small chooses the first function, one too large the last.
        branches: pure functions of ``operands`` that return pytrees of one structure, of arrays of the same shapes
            and dtypes. They may close over traced values.
        operands: pytrees of arrays or numbers.

    Returns:
        what the chosen function returns.

    Raises:
        TypeError: the index is no integer scalar, a leaf is no array, or the results differ; the message names
            the path.
        ValueError: there are no branches.

    >>> import numpy as np
    >>> switch(1, [np.sin, np.negative, np.cos], 2.0)
    array(-2.)
    """
    if not isinstance(branches, Iterable):
        raise TypeError(f"switch: requires a list of functions, got {type(branches).__name__}. Write [f, g].")
    branches = list(branches)
    if not branches:
        raise ValueError("switch: requires one branch at least, got none. Write [f, g].")
    require_functions("switch", *branches)
    _require_index("switch", index, "iu", "an integer")
    return _choose("switch", index, branches, [f"branches[{k}]" for k in range(len(branches))], operands)


@boundary
def cond(
    pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], *operands: Any
) -> Any:
    """``true_fn(*operands) if pred else false_fn(*operands)``, as one operation.

    It is for where Python's ``if`` cannot be: in the body of a loop, or under `vmap` for a condition that differs
    between the examples. Only the chosen function runs, so a derivative of the other one cannot spoil the result.

    Args:
        pred: a boolean scalar.
        true_fn, false_fn: pure functions as the branches of `switch`.
        operands: pytrees of arrays or numbers.

    Returns:
        what the chosen function returns.

    Raises:
        TypeError: as `switch`.

    >>> import numpy as np
    >>> from fnad import vmap
    >>> vmap(lambda x: cond(x > 0, np.sqrt, lambda x: 0.0 * x, x))(np.array([4.0, -1.0]))
    array([ 2., -0.])
    """
    require_functions("cond", true_fn, false_fn)
    _require_index("cond", pred, "b", "a boolean")
    return _choose("cond", pred, [false_fn, true_fn], ["false_fn", "true_fn"], operands)


def _require_index(name: str, index: Any, kinds: str, wanted: str) -> None:
    type = value_type(index) if is_value(index) else None
    if type is None or type.shape != () or type.dtype.kind not in kinds:
        got = type or index.__class__.__name__
        raise TypeError(f"{name}: requires {wanted} scalar to choose by, got {got}. Compare or convert it first.")


def _choose(
    name: str, index: Any, functions: Sequence[Callable[..., Any]], words: Sequence[str], operands: tuple[Any, ...]
) -> Any:
    given = leaves_of(name, "operands", operands)
    staged = [stage_body(name, _flat(f, given), given.types, "branch") for f in functions]
    types = _common_types(name, staged, words)
    args = [*given.values, *[c for body in staged for c in body.constants]]
    programs = _branches(staged, [value_type(a).strong for a in args], types)
    if isinstance(index, Tracer):
        results = apply(switch_p, [index, *args], branches=programs)
    else:
        results = call_program(_taken(programs, index), args)
    return tree.unflatten(staged[0].out_tree, results)


def _flat(function: Callable[..., Any], given: Leaves) -> Callable[..., Any]:
    return lambda *tracers: function(*given.restored(tracers))


def _common_types(name: str, staged: Sequence[Body], words: Sequence[str]) -> list[ArrayType]:
    """The types of the results, which are the same for all branches but for Python numbers, which adapt."""
    for body, word in zip(staged[1:], words[1:]):
        require_structure(name, f"a result of {word}", body.out_tree, f"that of {words[0]}", staged[0].out_tree)
    types = []
    for path, column in zip(tree.paths(staged[0].out_tree, "result"), zip(*[b.program.output_types for b in staged])):
        strong = [t for t in column if not t.weak] or [ArrayType((), np.result_type(*[t.dtype for t in column]))]
        if {t.shape for t in column} != {column[0].shape} or {t.dtype for t in strong} != {strong[0].dtype}:
            raise TypeError(
                f"{name}: requires branches whose results have the same shapes and dtypes, got "
                f"{', '.join(f'{t} of {word}' for t, word in zip(column, words))} at {path}. "
                "Convert or broadcast one like the other."
            )
        types.append(ArrayType(column[0].shape, strong[0].dtype))
    return types


def _branches(
    staged: Sequence[Body], operands: Sequence[ArrayType], results: Sequence[ArrayType]
) -> tuple[Program, ...]:
    """The branches as Programs of all operands: the arguments, then what each of them closes over."""
    own = len(operands) - sum(len(body.constants) for body in staged)
    first, made = own, []
    for branch in staged:
        builder = Builder()

        def body() -> Program:
            inputs = [builder.input(t) for t in operands]
            constants = inputs[first : first + len(branch.constants)]
            values = builder.inline(branch.program, [*constants, *inputs[:own]])
            outputs = [y if y.dtype == t.dtype else convert(y, dtype=t.dtype) for y, t in zip(values, results)]
            return builder.finish([y.atom for y in outputs])[0]

        made.append(interned(build(builder, body)))
        first += len(branch.constants)
    return tuple(made)
