"""What a Program was compiled to, in words for people."""

from __future__ import annotations

from collections.abc import Iterator

from fnad.compiler.compile import Compiled
from fnad.compiler.plan import HostStep, Instruction, Plan


def describe(compiled: Compiled) -> str:
    """The simplified Program, the instructions, the buffers, the kernels, and what compiling took."""
    parts = [str(compiled.program), "\n".join(_instructions(compiled)), "\n".join(_buffers(compiled.plan))]
    return "\n\n".join([*parts, *_sources(compiled.plan), _summary(compiled)])


def _instructions(compiled: Compiled) -> Iterator[str]:
    yield "instructions:"
    for k, (instruction, source) in enumerate(zip(compiled.plan.instructions, compiled.sources)):
        where = f"   # {source}" if source else ""
        yield f"  {k:3d} {_instruction(instruction)}{where}"


def _instruction(instruction: Instruction) -> str:
    if isinstance(instruction, HostStep):
        return f"host step {instruction.name}"
    return f"{instruction.label or instruction.kernel.name} over {instruction.extent}"


def _buffers(plan: Plan) -> Iterator[str]:
    yield "buffers:"
    for k, buffer in enumerate(plan.buffers):
        place = f" at {buffer.offset} of the arena" if buffer.kind == "temporary" else ""
        yield f"  {k:3d} {buffer.kind}, {buffer.nbytes} bytes{place}"
    yield f"  arena: {plan.arena_bytes} bytes"


def _sources(plan: Plan) -> Iterator[str]:
    kernels = {i.kernel.source: i.kernel for i in plan.instructions if not isinstance(i, HostStep)}
    for kernel in kernels.values():
        yield f"kernel {kernel.name}:\n{kernel.source}".rstrip()


def _summary(compiled: Compiled) -> str:
    counts, plan = compiled.kernels, compiled.plan
    host_steps = sum(isinstance(i, HostStep) for i in plan.instructions)
    return (
        f"compiled in {compiled.seconds:.3f} s: {counts.compiled} kernels compiled in {counts.compile_seconds:.3f} s, "
        f"{counts.disk_hits} from disk, {counts.memory_hits} from memory; "
        f"{len(plan.instructions)} instructions, {host_steps} of them host steps"
    )
