""""lowering", Schedule and Layout → Plan: each step as instructions of a target, or as a host step.

Invariant: instructions come in the order of the steps, and touch no memory but that of their step's views.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fnad.compiler.expressions import has_source, is_reduction
from fnad.compiler.passes.control import lower_control, takes_slices
from fnad.compiler.passes.memory import Layout, aligned
from fnad.compiler.passes.schedule import Abilities
from fnad.compiler.steps import Call, Control, Loop, Rows, Schedule, Step
from fnad.interpreter.evaluate import QUIET
from fnad.ir.primitive import Kind, Primitive
from fnad.ir.program import Equation, Var
from fnad.ir.types import ArrayType
from fnad.kernels.dtypes import COMPUTED
from fnad.ops.elementwise import copy
from fnad.runtime import views
from fnad.runtime.plan import Buffer, HostStep, Instruction, Plan, View
from fnad.sources import Source

COPIED = COMPUTED | {np.dtype(np.float16), np.dtype(np.longdouble), np.dtype(np.clongdouble)}
"""The dtypes that loops can copy."""

Placing = Callable[[View], View]
"""The view of a buffer for that of a storage."""


class Workspace:
    """Memory for the instructions of one step, which those of the next one use again."""

    def __init__(self, layout: Layout) -> None:
        self.buffers = list(layout.buffers)
        self.start = self.arena_bytes = layout.arena_bytes
        self.used = 0

    def next_step(self) -> None:
        """Give all of it back."""
        self.used = 0

    def __call__(self, nbytes: int) -> int:
        """The number of a buffer of so many bytes."""
        self.buffers.append(Buffer(nbytes, "temporary", self.start + self.used))
        self.used += aligned(nbytes)
        self.arena_bytes = max(self.arena_bytes, self.start + self.used)
        return len(self.buffers) - 1


@dataclass(frozen=True)
class Emitter:
    """The instructions of a target.

    ``call`` gives ``None`` for an equation that the target has nothing for on these operands.
    """

    loop: Callable[[Loop, Placing], list[Instruction]]
    rows: Callable[[Rows, Placing], list[Instruction]]
    call: Callable[[Equation, Sequence[View], Sequence[View], Workspace], Sequence[Instruction] | None]


def lower(schedule: Schedule, layout: Layout, emitter: Emitter) -> Plan:
    """Lay the steps of a schedule out as instructions."""
    instructions: list[Instruction] = []
    sources: list[Source | None] = []
    workspace = Workspace(layout)
    for step in schedule.steps:
        workspace.next_step()
        made = _instructions(step, layout, emitter, workspace)
        instructions += made
        sources += [step.source] * len(made)
    inputs, outputs = len(schedule.inputs), len(schedule.outputs)
    return Plan(
        tuple(workspace.buffers), tuple(range(inputs)), tuple(range(inputs, inputs + outputs)), workspace.arena_bytes,
        tuple(instructions), tuple(sources),
    )


def _instructions(step: Step, layout: Layout, emitter: Emitter, workspace: Workspace) -> Sequence[Instruction]:
    if isinstance(step, Loop):
        empty = 0 in step.space and not any(map(is_reduction, step.equations))
        return [] if empty or _stays(step, layout) else emitter.loop(step, layout.view)
    if isinstance(step, Rows):
        return emitter.rows(step, layout.view)
    if isinstance(step, Control):
        return lower_control(step, layout)
    return _called(step, layout, emitter, workspace)


def _called(step: Call, layout: Layout, emitter: Emitter, workspace: Workspace) -> Sequence[Instruction]:
    inputs, outputs = ([layout.view(view) for view in operands] for operands in (step.inputs, step.outputs))
    eqn = step.equation
    made = emitter.call(eqn, inputs, outputs, workspace)
    if made is not None:
        return made
    function = partial(_evaluate, eqn.primitive, eqn.params)
    return [HostStep(eqn.primitive.name, function, tuple(inputs), tuple(outputs))]


def copying(source: View, target: View) -> Loop | None:
    """The loop that copies one view to another, unless they are the same."""
    if source == target or 0 in target.shape:
        return None
    given, written = (Var(ArrayType(view.shape, view.dtype)) for view in (source, target))
    return Loop(target.shape, [Equation(copy, (given,), {}, (written,))], {given: source}, {written: target})


def _stays(loop: Loop, layout: Layout) -> bool:
    """Whether a loop copies values to where they are."""
    copied = [eqn.inputs[0] if eqn.primitive is copy else None for eqn in loop.equations]
    return all([
        v in loop.reads and layout.view(loop.reads[v]) == layout.view(loop.writes[eqn.outputs[0]])
        for v, eqn in zip(copied, loop.equations)
    ])


def _evaluate(primitive: Primitive, params: dict, *inputs: np.ndarray) -> Sequence[np.ndarray]:
    """An equation's results by its NumPy meaning."""
    with np.errstate(**QUIET):
        result = primitive.evaluate(*inputs, **params)
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def has_code(eqn: Equation, call: Callable[[Sequence[View], Sequence[View]], Any] | None) -> bool:
    """Whether an equation runs as native code as it is; ``call`` is what the target's library has for it, if any."""
    if eqn.primitive.kind is Kind.CONTROL or is_loop(eqn):
        return True
    if call is None:
        return False
    atoms = [*eqn.inputs, *eqn.outputs]
    operands = [views.whole(k, a.type.shape, a.type.dtype) for k, a in enumerate(atoms)]
    return call(operands[: len(eqn.inputs)], operands[len(eqn.inputs) :]) is not None


def _takes(eqn: Equation, i: int, view: View) -> bool:
    if eqn.primitive.kind is Kind.PRODUCT and i != eqn.primitive.overwrites:
        return len(view.shape) >= 2 and views.matrix_layout(view) is not None
    return takes_slices(eqn, i, view)


def is_loop(eqn: Equation) -> bool:
    """Whether an equation compiles as part of a loop."""
    if not eqn.outputs:
        return False
    dtype = eqn.outputs[0].type.dtype
    if is_reduction(eqn):
        return eqn.primitive.combine is not None and dtype in COMPUTED
    if eqn.primitive is copy or eqn.primitive.kind is Kind.WINDOW:
        return dtype in COPIED
    return has_source(eqn)


ABILITIES = Abilities(is_loop, _takes)
"""The abilities of every target."""
