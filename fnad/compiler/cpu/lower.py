"""A schedule as a plan: each step as launches of kernels or as a host step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from fnad.compiler import views
from fnad.compiler.control import is_control, lower_control, takes_slices
from fnad.compiler.cpu import foreign, layers, library
from fnad.compiler.cpu.divide import chunk_of_loop
from fnad.compiler.cpu.expressions import DTYPES, has_source
from fnad.compiler.cpu.loops import ACCUMULATIONS, emit_loop, emit_rows
from fnad.compiler.memory import Layout
from fnad.compiler.plan import HostStep, Instruction, Launch, Plan, View
from fnad.compiler.schedule import Abilities, Control, Loop, Rows, Schedule, Step
from fnad.ir.evaluate import QUIET
from fnad.ir.primitive import Primitive
from fnad.ir.program import Equation, Source, Var
from fnad.ir.types import ArrayType
from fnad.ops.elementwise import stop_gradient as identity

COMPUTED = DTYPES | {np.dtype(np.complex64), np.dtype(np.complex128)}
"""The dtypes that kernels of the library compute with."""

COPIED = COMPUTED | {np.dtype(np.float16), np.dtype(np.longdouble)}
"""The dtypes that loops can copy."""

Row = Callable[..., list[Launch] | None]


def lower(schedule: Schedule, layout: Layout) -> Plan:
    """Lay the steps of a schedule out as instructions."""
    instructions: list[Instruction] = []
    sources: list[Source | None] = []
    for step in schedule.steps:
        made = _instructions(step, layout)
        instructions += made
        sources += [step.source] * len(made)
    inputs, outputs = len(schedule.inputs), len(schedule.outputs)
    return Plan(
        layout.buffers, tuple(range(inputs)), tuple(range(inputs, inputs + outputs)), layout.arena_bytes,
        tuple(instructions), tuple(sources),
    )


def _instructions(step: Step, layout: Layout) -> list[Instruction]:
    if isinstance(step, Loop):
        empty = 0 in step.space and not any(eqn.primitive.name in ACCUMULATIONS for eqn in step.equations)
        return [] if empty or _stays(step, layout) else [emit_loop(step, layout.view)]
    if isinstance(step, Rows):
        return [emit_rows(step, layout.view)]
    if isinstance(step, Control):
        return lower_control(step, layout)
    inputs, outputs = ([layout.view(view) for view in operands] for operands in (step.inputs, step.outputs))
    eqn = step.equation
    launches = _launches(eqn, inputs, outputs)
    if launches is not None:
        return list(launches)
    function = partial(_evaluate, eqn.primitive, eqn.params)
    return [HostStep(eqn.primitive.name, function, tuple(inputs), tuple(outputs))]


def _stays(loop: Loop, layout: Layout) -> bool:
    """Whether a loop copies values to where they are."""
    copied = [eqn.inputs[0] if eqn.primitive is identity else None for eqn in loop.equations]
    return all([
        v in loop.reads and layout.view(loop.reads[v]) == layout.view(loop.writes[eqn.outputs[0]])
        for v, eqn in zip(copied, loop.equations)
    ])


def _evaluate(primitive: Primitive, params: dict, *inputs: np.ndarray) -> Sequence[np.ndarray]:
    """An equation's results by its NumPy meaning."""
    with np.errstate(**QUIET):
        result = primitive.evaluate(*inputs, **params)
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def _launches(eqn: Equation, inputs: Sequence[View], outputs: Sequence[View]) -> list[Launch] | None:
    """What the library runs for an equation; ``None`` where it has nothing for these operands."""
    row = ROWS.get(eqn.primitive.name)
    return foreign.launch(eqn.primitive, eqn.params, inputs, outputs) if row is None else row(
        inputs, outputs, **eqn.params
    )


def _copy(source: View, target: View) -> list[Launch]:
    """A launch that copies one view to another, unless they are the same."""
    if source == target or 0 in target.shape:
        return []
    given, written = (Var(ArrayType(view.shape, view.dtype)) for view in (source, target))
    loop = Loop(target.shape, [Equation(identity, (given,), {}, (written,))], {given: source}, {written: target})
    loop.chunk = chunk_of_loop(loop)
    return [emit_loop(loop, lambda view: view)]


# --- What runs as a kernel of the library: (input views, output views, **params) -> launches, or None


def _matmul(inputs: Sequence[View], outputs: Sequence[View]) -> list[Launch] | None:
    a, b = inputs
    return [library.matmul(a, b, outputs[0])] if a.dtype in COMPUTED and a.dtype != bool else None


def _matmul_add(inputs: Sequence[View], outputs: Sequence[View], alpha: float) -> list[Launch] | None:
    c, a, b = inputs
    (out,) = outputs
    return [*_copy(c, out), library.matmul(a, b, out, alpha, beta=1.0)] if out.dtype in DTYPES else None


def _gather(inputs: Sequence[View], outputs: Sequence[View]) -> list[Launch] | None:
    x, *indices = inputs
    return [library.gather(x, indices, outputs[0])] if x.dtype.itemsize in (1, 2, 4, 8, 16) else None


def _scatter(inputs: Sequence[View], outputs: Sequence[View], mode: str) -> list[Launch] | None:
    x, updates, *indices = inputs
    (out,) = outputs
    if out.dtype not in COMPUTED:
        return None
    return [*_copy(x, out), library.scatter(out, indices, updates, mode)]


def _cumulative(combine: str) -> Row:
    def row(inputs: Sequence[View], outputs: Sequence[View], axis: int) -> list[Launch] | None:
        return [library.cumulative(*inputs, *outputs, axis, combine)] if outputs[0].dtype in COMPUTED else None

    return row


def _recurrence(inputs: Sequence[View], outputs: Sequence[View], axis: int) -> list[Launch] | None:
    return [library.recurrence(*inputs, *outputs, axis)] if outputs[0].dtype in DTYPES else None


def _extreme_place(name: str) -> Row:
    def row(inputs: Sequence[View], outputs: Sequence[View], axis: int) -> list[Launch] | None:
        return [library.extreme_place(*inputs, *outputs, axis, name)] if inputs[0].dtype in DTYPES else None

    return row


ROWS: dict[str, Row] = {
    "matmul": _matmul, "matmul_add": _matmul_add, "gather": _gather, "scatter": _scatter, "cumsum": _cumulative("add"),
    "cumprod": _cumulative("multiply"), "recurrence": _recurrence, "argmax": _extreme_place("argmax"),
    "argmin": _extreme_place("argmin"), "per_example": foreign.per_example, **layers.LAUNCHES,
}


# --- What the target can do


def _is_loop(eqn: Equation) -> bool:
    if not eqn.outputs or is_control(eqn):
        return False
    dtype = eqn.outputs[0].type.dtype
    if eqn.primitive.name in ACCUMULATIONS:
        return dtype in DTYPES
    if eqn.primitive is identity or eqn.primitive.name in ("concatenate", "pad", "set_slice"):
        return dtype in COPIED
    return has_source(eqn)


def _takes(eqn: Equation, i: int, view: View) -> bool:
    if eqn.primitive.name in ("matmul", "dense") or eqn.primitive.name == "matmul_add" and i > 0:
        return len(view.shape) >= 2 and views.matrix_layout(view) is not None
    return takes_slices(eqn, i, view)


ABILITIES = Abilities(_is_loop, _takes)


def has_code(eqn: Equation) -> bool:
    """Whether an equation runs as native code without being written in simpler primitives."""
    if is_control(eqn) or _is_loop(eqn):
        return True
    row = ROWS.get(eqn.primitive.name)
    if row is None:
        return False
    atoms = [*eqn.inputs, *eqn.outputs]
    operands = [views.whole(k, a.type.shape, a.type.dtype) for k, a in enumerate(atoms)]
    return row(operands[: len(eqn.inputs)], operands[len(eqn.inputs) :], **eqn.params) is not None


def failure(launch: Launch, status: int) -> Exception:
    """What a kernel's status other than 0 means: an index out of bounds, or an exception in a user's kernel."""
    if launch.kernel.words:
        return foreign.failed(launch)
    return IndexError(layers.FAILURES.get(launch.label, library.out_of_bounds)(launch, status))
