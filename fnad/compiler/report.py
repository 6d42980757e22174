"""A readable report of a compiled Program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from fnad.compiler.compile import Compiled, Placed, passes_on_simplified, run_passes, target_of
from fnad.compiler.passes.memory import Layout, plan_memory
from fnad.compiler.steps import Call, Loop, Rows, Schedule, Step
from fnad.ir.program import Program, format_equation, variable_names
from fnad.ir.types import short_dtype
from fnad.runtime.plan import (
    Copy, GridLaunch, HostStep, Instruction, Multiply, Plan, Scan, Switch, View, While, inner_plans, kernels_of, walk,
)


def describe(compiled: Compiled) -> str:
    """The simplified Program, the instructions, the buffers, the kernels, and what compiling took."""
    return "\n\n".join([str(compiled.program), describe_plan(compiled), describe_kernels(compiled), _summary(compiled)])


def describe_plan(compiled: Compiled) -> str:
    """The instructions and the buffers."""
    return _described(compiled.plan)


def describe_kernels(compiled: Compiled) -> str:
    """The source of each kernel."""
    return "\n\n".join(_sources(compiled.plan)) or "no kernels"


def describe_pass(compiled: Compiled, name: str) -> str:
    """The result of a compiler pass: a Program, its steps, these with their storages' allocations, or the plan."""
    if name == "simplify":
        return str(compiled.program)
    place = partial(plan_memory, donated=compiled.writable)
    made = run_passes(compiled.program, target_of(compiled.runtime), place, passes_on_simplified(name))
    return _described(made[name])


def _described(made: Program | Schedule | Placed | Plan) -> str:
    if isinstance(made, Placed):
        places = [f"  %{k} in buffer {number}" for k, number in enumerate(made.layout.buffer_of)]
        return "\n".join([_steps(made.schedule), "", "storages:", *places, "", *_buffers(made.layout)])
    if isinstance(made, Plan):
        return "\n".join(["instructions:", *_plan(made, "  "), "", *_buffers(made)])
    return _steps(made) if isinstance(made, Schedule) else str(made)


def _steps(schedule: Schedule) -> str:
    """Loops, with the equations that run together in each, and calls, with the storages they read and write."""
    given, made = (", ".join(map(_view, views)) for views in (schedule.inputs, schedule.outputs))
    lines = [f"steps from {given or 'nothing'}:"]
    for k, step in enumerate(schedule.steps):
        lines += _step(k, step)
    return "\n".join([*lines, f"  return {made}" if made else "  return"])


def _step(k: int, step: Step) -> Iterator[str]:
    where = f"   # {step.source}" if step.source else ""
    if isinstance(step, Call):
        operands = ", ".join(map(_view, step.inputs))
        yield f"  {k:3d} call {step.equation.primitive.name}({operands}){_stored(step.outputs)}{where}"
        return
    if isinstance(step, Rows):
        yield f"  {k:3d} loops row by row{where}"
        for loop in step.loops:
            yield from _loop(loop, "      loop", "")
        return
    yield from _loop(step, f"  {k:3d} loop", where)


def _loop(step: Loop, start: str, where: str) -> Iterator[str]:
    yield f"{start} over {'x'.join(map(str, step.space)) or 'one element'}{where}"
    made = [v for eqn in step.equations for v in eqn.outputs]
    names = variable_names([*step.reads, *made])
    for v, view in step.reads.items():
        yield f"        {names[v]} reads {_view(view)}"
    for eqn in step.equations:
        yield from [f"        {line}" for line in format_equation(eqn, names)]
    for v, view in step.writes.items():
        yield f"        {names[v]} written to {_view(view)}"


def _stored(views: Sequence[View]) -> str:
    return f" -> {', '.join(map(_view, views))}" if views else ""


def _view(view: View) -> str:
    """A part of a storage: its number, its type, and where and how it lies there if it is not the whole."""
    strides, expected = view.strides, view.dtype.itemsize
    is_whole = view.offset == 0
    for n, stride in zip(reversed(view.shape), reversed(strides)):
        is_whole = is_whole and (stride == expected or n == 1)
        expected *= n
    way = "" if is_whole else f" at {view.offset} by {','.join(map(str, strides))}"
    return f"%{view.buffer}: {short_dtype(view.dtype)}[{','.join(map(str, view.shape))}]{way}"


def _plan(plan: Plan, indent: str) -> Iterator[str]:
    for k, (instruction, source) in enumerate(zip(plan.instructions, plan.sources)):
        where = f"   # {source}" if source else ""
        yield f"{indent}{k:3d} {_instruction(instruction)}{where}"
        for name, inner in inner_plans(instruction).items():
            yield f"{indent}      {name}:"
            yield from _plan(inner, f"{indent}      ")


def _instruction(instruction: Instruction) -> str:
    if isinstance(instruction, HostStep):
        return f"host step {instruction.name}"
    if isinstance(instruction, Copy):
        return f"copy of {instruction.nbytes} bytes"
    if isinstance(instruction, Scan):
        return f"scan of {instruction.length} steps"
    if isinstance(instruction, While):
        return "while_loop"
    if isinstance(instruction, Switch):
        return f"switch of {len(instruction.branches)} branches"
    if isinstance(instruction, Multiply):
        return f"{'; '.join(map(_instruction, instruction.launches))}; or a library of the device's in their place"
    if isinstance(instruction, GridLaunch):
        blocks, threads = "x".join(map(str, instruction.grid)), "x".join(map(str, instruction.kernel.block))
        return f"{instruction.label or instruction.kernel.name} on a grid of {blocks} blocks of {threads} threads"
    divided = f" in chunks of {instruction.chunk}" if instruction.chunk else ""
    return f"{instruction.label or instruction.kernel.name} over {instruction.extent}{divided}"


def _buffers(plan: Plan | Layout) -> Iterator[str]:
    yield "buffers:"
    for k, buffer in enumerate(plan.buffers):
        place = f" at {buffer.offset} of the arena" if buffer.kind == "temporary" else ""
        yield f"  {k:3d} {buffer.kind}, {buffer.nbytes} bytes{place}"
    yield f"  arena: {plan.arena_bytes} bytes"


def _sources(plan: Plan) -> Iterator[str]:
    kernels = {kernel.source: kernel for kernel in kernels_of(plan)}
    for kernel in kernels.values():
        yield f"kernel {kernel.name}:\n{kernel.source}".rstrip()


def _summary(compiled: Compiled) -> str:
    counts, instructions = compiled.kernels, [i for i, _ in walk(compiled.plan)]
    host_steps = sum(isinstance(i, HostStep) for i in instructions)
    return (
        f"compiled in {compiled.seconds:.3f} s: {counts.compiled} kernels compiled in {counts.compile_seconds:.3f} s, "
        f"{counts.disk_hits} from disk, {counts.memory_hits} from memory; "
        f"{len(instructions)} instructions, {host_steps} of them host steps"
    )
