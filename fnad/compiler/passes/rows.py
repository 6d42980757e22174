""""rows", Schedule → Schedule: loops over the same rows run together, one row after the other.

Invariant: where one loop of a step writes what another one touches, both touch in step i of their first
axis nothing but the row i of that storage. Then no loop can tell that the others have not ended yet, or
that they have not begun. Steps that are passed on the way touch nothing of what the moved loop writes.

A softmax is three loops over an array: its rows' maxima, the exponentials and their sums, the quotients.
Here they become one step, which does to a row all that they do while it is in the cache. When that pays is
for the target to say.
"""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod

from fnad.compiler.passes.schedule import MOST_EQUATIONS, MOST_OPERANDS
from fnad.compiler.steps import Loop, Rows, Schedule, Step
from fnad.runtime import views
from fnad.runtime.plan import View


@dataclass(frozen=True)
class RowRule:
    """The loops a target runs together.

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


@dataclass
class _Group:
    """Steps that may run together, and what decides which others can join them."""

    steps: list[Step]
    is_open: bool
    """Whether all of them are loops that the target can run row by row; no other step can then join."""
    space: tuple[int, ...]
    equations: int
    touched: set[int]

    def is_full(self) -> bool:
        """Whether no loop can join that brings memory of its own."""
        return self.equations >= MOST_EQUATIONS or len(self.touched) >= MOST_OPERANDS


MOST_CANDIDATES = 64
"""Groups that share memory with a loop, of which the latest are looked at for one that it can join."""


class _Grouping:
    """The groups in order, and where each piece of memory was touched, so that no step is compared with all groups."""

    def __init__(self, nbytes: list[int], rule: RowRule) -> None:
        self.nbytes, self.rule = nbytes, rule
        self.groups: list[_Group] = []
        self.written: dict[int, int] = {}  # the latest group that writes a storage,
        self.read: dict[int, int] = {}  # ... that reads it,
        self.sharing: dict[int, list[int]] = {}  # ... and those that touch it and are not full, in order

    def add(self, step: Step) -> None:
        """Put a step into the latest group that it can join, none of whose successors stands in its way."""
        is_open = isinstance(step, Loop) and 0 not in step.space and step.space[:1] > (1,) and self.rule.accepts(step)
        number = self._group_for(step) if is_open else None
        reads, writes = {view.buffer for view in step.inputs}, {view.buffer for view in step.outputs}
        if number is None:
            number = len(self.groups)
            self.groups.append(_Group([], is_open, getattr(step, "space", ()), 0, set()))
        group = self.groups[number]
        if is_open:
            for buffer in (reads | writes) - group.touched:
                insort(self.sharing.setdefault(buffer, []), number)
            group.touched |= reads | writes
            group.equations += len(step.equations)
        group.steps.append(step)
        for latest, touched in ((self.read, reads), (self.written, writes)):
            latest.update([(buffer, max(number, latest.get(buffer, -1))) for buffer in touched])

    def _group_for(self, loop: Loop) -> int | None:
        """The number of the latest group that a loop fits in and gains by, from that on which must come before it."""
        nearest = self._nearest(loop)
        candidates = self._sharing_rows(loop, nearest) if prod(loop.space[1:]) >= self.rule.shortest else []
        return next((n for n in [*candidates, *[nearest][: nearest >= 0]] if self._accepts(n, loop)), None)

    def _accepts(self, number: int, loop: Loop) -> bool:
        group = self.groups[number]
        return group.is_open and _fits(loop, group, self.nbytes) and _gains(loop, group.steps, self.nbytes, self.rule)

    def _nearest(self, loop: Loop) -> int:
        """The latest group that a loop must stay behind; -1 for none."""
        before = [self.written.get(view.buffer, -1) for view in (*loop.inputs, *loop.outputs)]
        return max([*before, *[self.read.get(view.buffer, -1) for view in loop.outputs]], default=-1)

    def _sharing_rows(self, loop: Loop, after: int) -> list[int]:
        """The groups that touch rows which a loop reads too and may come before, the latest first."""
        found: set[int] = set()
        for known in [self.sharing.get(buffer, []) for buffer in {view.buffer for view in loop.inputs}]:
            known[:] = known[: -MOST_CANDIDATES] + [n for n in known[-MOST_CANDIDATES:] if not self.groups[n].is_full()]
            found.update(known[bisect(known, after) :][-MOST_CANDIDATES:])
        return sorted(found, reverse=True)


def fuse_rows(schedule: Schedule, rule: RowRule) -> Schedule:
    """Put loops together that share rows."""
    grouping = _Grouping(schedule.nbytes, rule)
    for step in schedule.steps:
        grouping.add(step)
    steps = [step for group in grouping.groups for step in _steps_of(group.steps, schedule.nbytes, rule)]
    return replace(schedule, steps=steps)


def _touches(step: Step, later: Step) -> bool:
    """Whether two steps must stay in order."""
    written, read = ({view.buffer for view in kind} for kind in (step.outputs, step.inputs))
    return any([v.buffer in written for v in (*later.inputs, *later.outputs)]) or any(
        [v.buffer in read for v in later.outputs]
    )


def _fits(loop: Loop, group: _Group, nbytes: list[int]) -> bool:
    if group.space[:1] != loop.space[:1] or group.equations + len(loop.equations) > MOST_EQUATIONS:
        return False
    if len(group.touched.union([view.buffer for view in (*loop.inputs, *loop.outputs)])) > MOST_OPERANDS:
        return False
    return all([
        views.is_by_rows(mine, nbytes[mine.buffer]) and views.is_by_rows(theirs, nbytes[mine.buffer])
        for other in group.steps
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
