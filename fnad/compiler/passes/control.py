""""control", Schedule → Schedule: loops and branches get the plans of their Programs, and memory for these.

Invariant: an inner plan writes to nothing but its outputs, what is replaced, and the workspace of its step.

The value of a carry moves from step to step without being copied. Where the body can write the new value over
the old one, it lies in one piece of memory. Otherwise it changes between two pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from math import prod
from typing import NamedTuple

from fnad.compiler.passes.memory import Layout
from fnad.compiler.steps import Call, Control, Schedule
from fnad.control.loops import while_p
from fnad.control.scan_rules import scan_p
from fnad.control.switch import switch_p
from fnad.ir.primitive import Primitive
from fnad.ir.program import Atom, Equation, Program
from fnad.ops.strides import is_contiguous
from fnad.runtime.plan import Copy, DoubleBuffer, Inner, Instruction, Place, Plan, Scan, Switch, View, While

MakePlan = Callable[[Program, Mapping[int, int]], tuple[Plan, Collection[int]]]
"""The plan of a Program, and which of the outputs that may replace an input do so."""


def takes_slices(eqn: Equation, i: int, view: View) -> bool:
    """Whether an operand is an array whose slices a loop reads, and lies so that each of them is C-contiguous."""
    if eqn.primitive is not scan_p or i < eqn.params["constants"] + eqn.params["carries"]:
        return False
    return is_contiguous(View(view.buffer, view.offset, view.shape[1:], view.strides[1:], view.dtype))


def plan_controls(schedule: Schedule, make_plan: MakePlan) -> Schedule:
    """Make the plans of a schedule's loops and branches."""
    steps = [
        _CONTROLS[step.equation.primitive](step, schedule, make_plan)
        if isinstance(step, Call) and step.equation.primitive in _CONTROLS else step
        for step in schedule.steps
    ]
    return replace(schedule, steps=steps)


def lower_control(step: Control, layout: Layout) -> list[Instruction]:
    """The instructions of a loop or a branch."""
    operands = [[layout.view(v) for v in kind] for kind in (step.inputs, step.outputs, step.workspace)]
    return _LOWERINGS[step.equation.primitive](step, *operands)


def _arena(schedule: Schedule, *plans: Plan) -> View:
    """Room for the temporaries of plans that do not run at the same time."""
    return schedule.new_storage(max([plan.arena_bytes for plan in plans]))


def _bytes(view: View) -> int:
    return prod(view.shape) * view.dtype.itemsize


def _place(view: View) -> Place:
    return Place(view.buffer, view.offset)


# --- Carries


class _Carries(NamedTuple):
    """The memory of a loop's carries at its start and from step to step."""

    copies: list[Instruction]
    inputs: list[Place]
    outputs: list[Place]
    double_buffers: tuple[DoubleBuffer, ...]


def _carried(step: Control, first: int, initial: list[View], final: list[View], spare: list[View]) -> _Carries:
    """Carries that are read where they lie before the loop, or copied to where they are written over.

    Args:
        first: the number of the first one among the body's inputs.
        spare: a second piece of memory for each of those that are not written over; its first new value goes to
            that of ``final``.
    """
    found, pieces = _Carries([], [], [], ()), iter(spare)
    buffers = []
    for k, (before, after) in enumerate(zip(initial, final)):
        if k in step.replaced:
            found.copies.extend(_copied(before, after))
        elif spare:
            buffers.append(DoubleBuffer(first + k, k, _place(next(pieces))))
        found.inputs.append(_place(after if k in step.replaced else before))
        found.outputs.append(_place(after))
    return found._replace(double_buffers=tuple(buffers))


def _copied(source: View, target: View) -> list[Instruction]:
    different = _place(source) != _place(target) and _bytes(target)
    return [Copy(_place(source), _place(target), _bytes(target))] if different else []


def _ends_in_final(carries: _Carries, length: int) -> _Carries:
    """The same where the last of ``length`` steps writes the final values to their place."""
    if length % 2:
        return carries
    outputs, buffers = list(carries.outputs), []
    for buffer in carries.double_buffers:
        buffers.append(replace(buffer, other=outputs[buffer.output]))
        outputs[buffer.output] = buffer.other
    return carries._replace(outputs=outputs, double_buffers=tuple(buffers))


# --- scan


def _plan_scan(step: Call, schedule: Schedule, make_plan: MakePlan) -> Control:
    params = step.equation.params
    constants, carries = params["constants"], params["carries"]
    plan, replaced = make_plan(params["body"], {constants + k: k for k in range(carries)})
    others = [view for k, view in enumerate(step.outputs[:carries]) if k not in replaced]
    spare = [schedule.new_storage(_bytes(view)) for view in others] if params["length"] > 1 else []
    workspace = [_arena(schedule, plan), *spare]
    return Control(step.equation, step.inputs, step.outputs, (plan,), workspace, {k: constants + k for k in replaced})


def _lower_scan(step: Control, inputs: list[View], outputs: list[View], workspace: list[View]) -> list[Instruction]:
    params = step.equation.params
    constants, carries, length = params["constants"], params["carries"], params["length"]
    fixed, initial, read = inputs[:constants], inputs[constants : constants + carries], inputs[constants + carries :]
    final, written = outputs[:carries], outputs[carries:]
    if length == 0:
        return [copy for pair in zip(initial, final) for copy in _copied(*pair)]
    arena, *spare = workspace
    carried = _ends_in_final(_carried(step, constants, initial, final, spare), length)
    places = [*map(_place, fixed), *carried.inputs]
    sequences = {len(places) + k: view for k, view in enumerate(read)}
    places += [_first_slice(view, params["reverse"]) for view in read]
    places += carried.outputs
    sequences.update({len(places) + k: view for k, view in enumerate(written)})
    places += [_first_slice(view, params["reverse"]) for view in written]
    direction = -1 if params["reverse"] else 1
    advances = tuple([(k, direction * v.strides[0]) for k, v in sequences.items() if v.strides[0] and _bytes(v)])
    body = Inner(step.plans[0], tuple(places), arena.buffer)
    return [*carried.copies, Scan(length, body, advances, carried.double_buffers)]


def _first_slice(view: View, reverse: bool) -> Place:
    return Place(view.buffer, view.offset + (view.strides[0] * (view.shape[0] - 1) if reverse else 0))


# --- while_loop


def _plan_while(step: Call, schedule: Schedule, make_plan: MakePlan) -> Control:
    params, carries = step.equation.params, len(step.outputs)
    constants, first = params["body_constants"], len(step.inputs) - carries
    condition, _ = make_plan(params["condition"], {})
    body, replaced = make_plan(params["body"], {constants + k: k for k in range(carries)})
    spare = [schedule.new_storage(_bytes(view)) for k, view in enumerate(step.outputs) if k not in replaced]
    workspace = [_arena(schedule, condition, body), schedule.new_storage(1), *spare]
    replaced = {k: first + k for k in replaced}
    return Control(step.equation, step.inputs, step.outputs, (condition, body), workspace, replaced)


def _lower_while(step: Control, inputs: list[View], outputs: list[View], workspace: list[View]) -> list[Instruction]:
    asked, constants = step.equation.params["condition_constants"], step.equation.params["body_constants"]
    arena, answer, *spare = workspace
    carried = _carried(step, constants, inputs[asked + constants :], outputs, spare)
    asking = [*map(_place, inputs[:asked]), *carried.inputs, _place(answer)]
    places = [*map(_place, inputs[asked : asked + constants]), *carried.inputs, *carried.outputs]
    condition, body = [Inner(p, tuple(at), arena.buffer) for p, at in zip(step.plans, (asking, places))]
    watched = tuple([(asked + buffer.output, buffer.input) for buffer in carried.double_buffers])
    results = tuple([(t.input, _place(outputs[t.output]), _bytes(outputs[t.output])) for t in carried.double_buffers])
    return [*carried.copies, While(condition, body, carried.double_buffers, watched, results)]


# --- switch


def _plan_switch(step: Call, schedule: Schedule, make_plan: MakePlan) -> Control:
    branches = step.equation.params["branches"]
    passed = _passed_on(branches)
    while True:
        made = [make_plan(branch, passed) for branch in branches]
        replaced = {i: k for i, k in passed.items() if all([k in found for _, found in made])}
        if len(replaced) == len(passed):
            break
        passed = replaced
    plans = tuple([plan for plan, _ in made])
    arena = _arena(schedule, *plans)
    return Control(step.equation, step.inputs, step.outputs, plans, [arena], {k: 1 + i for i, k in replaced.items()})


def _passed_on(branches: tuple[Program, ...]) -> dict[int, int]:
    """The operands that each branch gives back, updated perhaps, as one of the results, and which."""
    origins = [[_origin(branch, a) for a in branch.outputs] for branch in branches]
    common = {k: set(found) for k, found in enumerate(zip(*origins))}
    return {i: k for k, found in common.items() for i in found if i is not None and len(found) == 1}


def _origin(program: Program, atom: Atom) -> int | None:
    """The input that a value is, or is by writing to some of its places."""
    for eqn in reversed(program.equations):
        if atom in eqn.outputs:
            if eqn.primitive.overwrites is None:
                return None
            atom = eqn.inputs[eqn.primitive.overwrites]
    return next((i for i, v in enumerate(program.inputs) if v is atom), None)


def _lower_switch(step: Control, inputs: list[View], outputs: list[View], workspace: list[View]) -> list[Instruction]:
    index, *operands = inputs
    copies = [copy for k, i in step.replaced.items() for copy in _copied(inputs[i], outputs[k])]
    for k, i in step.replaced.items():
        operands[i - 1] = outputs[k]
    places = tuple(map(_place, [*operands, *outputs]))
    return [*copies, Switch(index, tuple([Inner(plan, places, workspace[0].buffer) for plan in step.plans]))]


_CONTROLS: dict[Primitive, Callable[[Call, Schedule, MakePlan], Control]] = {
    scan_p: _plan_scan, while_p: _plan_while, switch_p: _plan_switch,
}
_LOWERINGS: dict[Primitive, Callable[..., list[Instruction]]] = {
    scan_p: _lower_scan, while_p: _lower_while, switch_p: _lower_switch,
}
