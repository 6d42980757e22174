"""What a Program was compiled to, in words for people."""

from __future__ import annotations

from collections.abc import Iterator

from fnad.compiler.compile import Compiled
from fnad.compiler.plan import (
    Copy, HostStep, Instruction, Launch, Plan, Scan, Switch, While, inner_plans, walk,
)


def describe(compiled: Compiled) -> str:
    """The simplified Program, the instructions, the buffers, the kernels, and what compiling took."""
    parts = [str(compiled.program), "\n".join(_instructions(compiled)), "\n".join(_buffers(compiled.plan))]
    return "\n\n".join([*parts, *_sources(compiled.plan), _summary(compiled)])


def _instructions(compiled: Compiled) -> Iterator[str]:
    yield "instructions:"
    yield from _plan(compiled.plan, "  ")


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
    return f"{instruction.label or instruction.kernel.name} over {instruction.extent}"


def _buffers(plan: Plan) -> Iterator[str]:
    yield "buffers:"
    for k, buffer in enumerate(plan.buffers):
        place = f" at {buffer.offset} of the arena" if buffer.kind == "temporary" else ""
        yield f"  {k:3d} {buffer.kind}, {buffer.nbytes} bytes{place}"
    yield f"  arena: {plan.arena_bytes} bytes"


def _sources(plan: Plan) -> Iterator[str]:
    kernels = {i.kernel.source: i.kernel for i, _ in walk(plan) if isinstance(i, Launch)}
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
