"""Loops rearranged for a GPU, where all elements are at work at a time.

What a loop's reductions keep decides how its threads share the work, so each loop gets reductions that keep the same
axes. Where there are few results to many terms, parts of them are made first, each of so many terms, and a small
loop joins these in their order: how many depends on shapes alone, so the same numbers are added in the same order
on any GPU.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from math import prod

from fnad.compiler.cuda.nests import reduced_axes, reductions_of, team_of
from fnad.compiler.expressions import is_reduction
from fnad.compiler.passes.rows import RowRule
from fnad.compiler.steps import Loop, Schedule, Step
from fnad.ir.program import Equation, Var
from fnad.kernels.cuda.sizes import THREADS
from fnad.runtime.plan import View

WIDE = 1 << 16
"""Threads that keep a GPU busy, and elements of a loop that is worth two launches."""

EACH = 16
"""Terms that a thread of a divided reduction takes, at least."""

MOST = 4096
"""Terms that a thread adds one after the other, at most: the error of a long sum stays small."""

MOST_PARTS = 1024

VECTORS = 4
"""Terms that a thread may load at a time: parts are of whole ones."""


def prepare_loops(schedule: Schedule) -> Schedule:
    """Give each loop reductions of the same axes, and as few axes as its rows allow."""
    steps = [part for step in schedule.steps for part in (_apart(step) if isinstance(step, Loop) else [step])]
    loops = [step for step in steps if isinstance(step, Loop)]
    rows = {loop.space[:-1] for loop in loops if len(loop.space) > 2 and _reduces_last(loop)}
    return replace(schedule, steps=[_by_rows(step, rows) if isinstance(step, Loop) else step for step in steps])


# --- Reductions of the same axes


def _apart(loop: Loop) -> list[Loop]:
    """Loops that compute together what one does: the first all elements, and each the reductions of some axes."""
    kinds: dict[tuple[int, ...], list[Equation]] = {}
    for eqn in reductions_of(loop):
        kinds.setdefault(tuple(eqn.params["axes"]), []).append(eqn)
    if len(kinds) < 2:
        return [loop]
    first, *others = kinds.values()
    plain = [eqn for eqn in loop.equations if not is_reduction(eqn)]
    stored = [v for eqn in plain for v in eqn.outputs if v in loop.writes]
    # The others come first: what they read may be written over by the elements.
    return [*[_part(loop, plain, kind, []) for kind in others], _part(loop, plain, first, stored)]


def _part(loop: Loop, plain: list[Equation], reductions: list[Equation], stored: list[Var]) -> Loop:
    """A loop of some reductions and what they need."""
    needed = {a for eqn in reductions for a in eqn.inputs} | set(stored)
    equations = []
    for eqn in reversed(plain):
        if not needed.isdisjoint(eqn.outputs):
            equations.append(eqn)
            needed.update(eqn.inputs)
    made = [*reversed(equations), *reductions]
    results = {v for eqn in reductions for v in eqn.outputs} | set(stored)
    return Loop(
        loop.space, made, {v: view for v, view in loop.reads.items() if v in needed},
        {v: view for v, view in loop.writes.items() if v in results},
    )


# --- Rows


def _by_rows(loop: Loop, rows: Collection[tuple[int, ...]]) -> Loop:
    """A loop with the axes of rows made one; ``rows`` are extents before the last of loops that reduce it."""
    return _one_a_row(loop) if loop.space in rows else _by_two_axes(loop)


def _reduces_last(loop: Loop) -> bool:
    return set(reduced_axes(loop)) == {len(loop.space) - 1}


def _by_two_axes(loop: Loop) -> Loop:
    """A loop whose leading axes are one where its operands allow, so that rows are those of the last axis."""
    last = len(loop.space) - 1
    if last < 2 or reductions_of(loop) and not _reduces_last(loop):
        return loop
    merged = {v: _merged(view) for v, view in (loop.reads | loop.writes).items()}
    if None in merged.values():
        return loop
    space = (prod(loop.space[:last]), loop.space[last])
    equations = [
        eqn._replace(params=eqn.params | {"axes": (1,)}) if is_reduction(eqn) else eqn
        for eqn in loop.equations
    ]
    return Loop(space, equations, {v: merged[v] for v in loop.reads}, {v: merged[v] for v in loop.writes})


def _one_a_row(loop: Loop) -> Loop:
    """A loop of one element for each row of other loops as one over these rows, where its operands allow."""
    if reductions_of(loop):
        return _by_two_axes(loop)
    reads, writes = ({v: _narrow(view) for v, view in kind.items()} for kind in (loop.reads, loop.writes))
    narrow = Loop((*loop.space, 1), loop.equations, reads, writes)
    merged = _by_two_axes(narrow)
    return _by_two_axes(loop) if merged is narrow else merged


def _narrow(view: View) -> View:
    return replace(view, shape=(*view.shape, 1), strides=(*view.strides, 0))


def _merged(view: View) -> View | None:
    """A view with its axes before the last made one; ``None`` where they do not lie like one."""
    extent, stride = 1, 0
    for n, s in zip(reversed(view.shape[:-1]), reversed(view.strides[:-1])):
        if n == 1:
            continue
        if extent == 1:
            stride = s
        elif s != extent * stride:
            return None
        extent *= n
    return replace(view, shape=(prod(view.shape[:-1]), view.shape[-1]), strides=(stride, view.strides[-1]))


def _is_by_rows(loop: Loop) -> bool:
    """Whether blocks of threads can each do a row of a loop, and a GPU is busy with them."""
    if reductions_of(loop) and set(reduced_axes(loop)) != set(range(1, len(loop.space))):
        return False
    return prod(loop.space[:1]) * THREADS >= WIDE or prod(loop.space[1:]) <= EACH * THREADS


SHORT = 8
"""Elements of the longest row that pay for a warp: the others leave its lanes idle, but each loop is a launch less."""

ROWS = RowRule(accepts=_is_by_rows, shortest=1, widest=SHORT, large=0)


# --- Parts of reductions


def divide_loops(schedule: Schedule) -> Schedule:
    """Divide the reductions of a schedule that have few results of many terms."""
    steps: list[Step] = []
    for step in schedule.steps:
        steps.append(step)
        if isinstance(step, Loop) and reductions_of(step):
            step.chunk = chunk_of_loop(step)
            steps += _joining(step, schedule) if step.chunk else []
    return replace(schedule, steps=steps)


def chunk_of_loop(loop: Loop) -> int:
    """The terms of a part of a reduction; 0 where it is made at once."""
    axes = set(reduced_axes(loop))
    terms = prod([loop.space[a] for a in axes])
    elements, team = prod(loop.space), team_of(loop)
    if elements == 0:
        return 0
    threads = elements // terms * team
    parts = -(-terms // (MOST * team))
    if elements >= WIDE and threads < WIDE:
        parts = max(parts, min(-(-WIDE // threads), terms // (EACH * team), MOST_PARTS))
    chunk = -(-terms // parts)
    chunk = -(-chunk // (VECTORS * team)) * VECTORS * team if team > 1 else chunk
    return chunk if chunk < terms else 0


def _joining(loop: Loop, schedule: Schedule) -> list[Loop]:
    """The loops that join the parts, for which a divided loop is given room."""
    count = -(-prod([loop.space[a] for a in reduced_axes(loop)]) // loop.chunk)
    return [schedule.in_parts(loop, eqn, count) for eqn in reductions_of(loop)]
