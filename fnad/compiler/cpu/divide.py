"""Large loops divided among threads: how much of its outermost axis a thread takes at a time.

A reduction over that axis becomes two: each chunk has a result of its own, and a small loop joins these in their
order. So the same numbers are added in the same order by any number of threads.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from fnad.compiler.cpu import chunks
from fnad.compiler.cpu.chunks import LANES, PER_BYTE, PER_FUNCTION, PER_OPERATION, chunk_of
from fnad.compiler.cpu.loops import Nest, make_nest, reductions_of_chunks
from fnad.compiler.expressions import is_elementary
from fnad.compiler.steps import Loop, Rows, Schedule, Step
from fnad.ir.program import Equation

LEAST_ROWS = 8
"""The least extent of a chunk along a reduced axis, so that the chunks' results are small beside the operands."""


def divide_loops(schedule: Schedule) -> Schedule:
    """Divide the loops of a schedule that take long enough."""
    steps: list[Step] = []
    for step in schedule.steps:
        steps.append(step)
        if isinstance(step, Loop):
            step.chunk = chunk_of_loop(step)
            steps += _joining(step, _nest(step), step.chunk, schedule) if step.chunk else []
        elif isinstance(step, Rows):
            step.chunk = _chunk_of_rows(step)
            for loop in step.loops if step.chunk else []:
                steps += _joining(loop, _nest(loop, apart=True), step.chunk, schedule)
    return replace(schedule, steps=steps)


def chunk_of_loop(loop: Loop) -> int:
    """The extent of a chunk along the outermost axis; 0 for an undivided loop."""
    total = _nanoseconds(loop) * prod(loop.space)
    if total == 0 or total < chunks.LEAST:
        return 0
    nest = _nest(loop)
    unit = LANES if len(nest.extents) == 1 else LEAST_ROWS if reductions_of_chunks(loop, nest) else 1
    return chunk_of(nest.extents[0], total / nest.extents[0], unit)


def _chunk_of_rows(rows: Rows) -> int:
    total = sum([_nanoseconds(loop) * prod(loop.space) for loop in rows.loops])
    extent = rows.loops[0].space[0]
    is_reduced = any([reductions_of_chunks(loop, _nest(loop, apart=True)) for loop in rows.loops])
    return chunk_of(extent, total / extent, LEAST_ROWS if is_reduced else 1)


def _nest(loop: Loop, apart: bool = False) -> Nest:
    return make_nest(loop.space, loop.reads | loop.writes, apart=apart)


def _nanoseconds(loop: Loop) -> float:
    """The time per element of a loop's space."""
    found = {(view.buffer, view.offset, view.strides): view for view in (*loop.inputs, *loop.outputs)}
    moved = sum([view.dtype.itemsize for view in found.values() if any(view.strides)])
    return PER_BYTE * moved + sum(map(_time_of, loop.equations))


def _time_of(eqn: Equation) -> float:
    words = eqn.outputs[0].type.dtype.itemsize / 4
    return PER_FUNCTION * words * words if is_elementary(eqn) else PER_OPERATION * words


def _joining(loop: Loop, nest: Nest, chunk: int, schedule: Schedule) -> list[Loop]:
    """The loops that join the chunks' results, for which a divided loop is given room."""
    count = -(-nest.extents[0] // chunk)
    return [schedule.in_parts(loop, eqn, count) for eqn in reductions_of_chunks(loop, nest)]
