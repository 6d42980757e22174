"""Schedule → Schedule: loops over the same rows run together, one row after the other.

A softmax is three loops over an array: its rows' maxima, the exponentials and their sums, the quotients.
Here they become one step, which does to a row all that they do while it is in the cache. When that pays is
for the target to say.

Invariant: where one loop of a step writes what another one touches, both touch in step i of their first
axis nothing but the row i of that storage. Then no loop can tell that the others have not ended yet, or
that they have not begun. Steps that are passed on the way touch nothing of what the moved loop writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod

from fnad.compiler import views
from fnad.compiler.plan import View
from fnad.compiler.schedule import MOST_EQUATIONS, MOST_OPERANDS, Loop, Rows, Schedule, Step


@dataclass(frozen=True)
class RowRule:
    """Which loops a target runs together.

    Attributes:
        accepts: whether the target can run a loop row by row.
        shortest: elements of a row that pay for a loop of their own.
        widest: elements that the longest row has at least.
        large: bytes of the rows that loops touch, from which on it pays to touch them together.
    """

    accepts: Callable[[Loop], bool]
    shortest: int
    widest: int
    large: int


def fuse_rows(schedule: Schedule, rule: RowRule) -> Schedule:
    """Put loops together that share rows."""
    groups: list[list[Step]] = []
    for step in schedule.steps:
        group = _group_for(step, groups, schedule.nbytes, rule)
        if group is None:
            groups.append([step])
        else:
            group.append(step)
    steps = [step for group in groups for step in _steps_of(group, schedule.nbytes, rule)]
    return replace(schedule, steps=steps)


def _group_for(step: Step, groups: list[list[Step]], nbytes: list[int], rule: RowRule) -> list[Step] | None:
    """The latest group that a step can join, none of whose successors stands in its way."""
    if not isinstance(step, Loop) or 0 in step.space or not step.space or step.space[0] < 2 or not rule.accepts(step):
        return None
    for group in reversed(groups):
        if _fits(step, group, nbytes, rule) and _gains(step, group, nbytes, rule):
            return group
        if any([_touches(other, step) for other in group]):
            return None
    return None


def _touches(step: Step, later: Step) -> bool:
    """Whether two steps must stay in order."""
    written, read = ({view.buffer for view in kind} for kind in (step.outputs, step.inputs))
    return any([v.buffer in written for v in (*later.inputs, *later.outputs)]) or any(
        [v.buffer in read for v in later.outputs]
    )


def _fits(loop: Loop, group: list[Step], nbytes: list[int], rule: RowRule) -> bool:
    loops = [other for other in group if isinstance(other, Loop) and rule.accepts(other)]
    if len(loops) < len(group) or any([other.space[:1] != loop.space[:1] for other in loops]):
        return False
    touched = {view.buffer for other in (*loops, loop) for view in (*other.inputs, *other.outputs)}
    if sum([len(other.equations) for other in (*loops, loop)]) > MOST_EQUATIONS or len(touched) > MOST_OPERANDS:
        return False
    return all([
        views.is_by_rows(mine, nbytes[mine.buffer]) and views.is_by_rows(theirs, nbytes[mine.buffer])
        for other in loops
        for mine, theirs in _conflicts(loop, other)
    ])


def _conflicts(loop: Loop, other: Loop) -> Iterator[tuple[View, View]]:
    """Views of one storage that both loops touch, and one writes."""
    for mine, written in [*[(v, False) for v in loop.inputs], *[(v, True) for v in loop.outputs]]:
        yield from [(mine, v) for v in other.outputs if v.buffer == mine.buffer]
        yield from [(mine, v) for v in other.inputs if written and v.buffer == mine.buffer]


def _gains(loop: Loop, group: list[Step], nbytes: list[int], rule: RowRule) -> bool:
    """Whether a loop finds rows in the cache, or has one step a row, for which the group's own loops wait."""
    if prod(loop.space[1:]) < rule.shortest:
        return max([prod(o.space[1:]) for o in group if isinstance(o, Loop)]) >= rule.shortest and any(
            [_touches(other, loop) for other in group]
        )
    shared = {v.buffer for other in group for v in (*other.inputs, *other.outputs)}
    rows = [v for v in (*loop.inputs, *loop.outputs) if v.buffer in shared and views.is_by_rows(v, nbytes[v.buffer])]
    return any([nbytes[v.buffer] // v.shape[0] >= rule.shortest * v.dtype.itemsize for v in rows])


def _steps_of(group: list[Step], nbytes: list[int], rule: RowRule) -> list[Step]:
    """A group as steps: loops with one step a row that nothing in the group waits for vectorize better alone."""
    end = len(group)
    while end > 1 and _is_short(group[end - 1], rule):
        end -= 1
    loops = [step for step in group[:end] if isinstance(step, Loop)]
    touched = {v.buffer for loop in loops for v in (*loop.inputs, *loop.outputs)}
    if len(loops) < 2 or max([prod(loop.space[1:]) for loop in loops]) < rule.widest:
        return group
    if sum([nbytes[buffer] for buffer in touched]) < rule.large:
        return group
    return [Rows(loops), *group[end:]]


def _is_short(step: Step, rule: RowRule) -> bool:
    return isinstance(step, Loop) and prod(step.space[1:]) < rule.shortest
