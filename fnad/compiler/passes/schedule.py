""""schedule", Program → Schedule: what is computed together in one pass over memory, and in which order.

Invariant: no step reads what a later one writes, and each storage that is read was written whole, or is an input or a
constant. Only what a later step reads is stored.

Operations that only move elements become views and cost nothing. Elementwise work and the
reductions of it are fused into loops over a common space, as long as no value that a loop reads is
made later. Everything else is a call.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from fnad.compiler.steps import Call, Loop, Schedule, Step
from fnad.ir.primitive import Kind
from fnad.ir.program import Atom, Equation, Literal, Program, Var
from fnad.ir.types import ArrayType
from fnad.ops.arrays import array_of, array_p
from fnad.ops.elementwise import copy
from fnad.ops.shaping import kept_axes, reshape
from fnad.ops.strides import broadcast, is_contiguous
from fnad.runtime import views
from fnad.runtime.plan import View

MOST_OPERANDS = 28
"""Arrays that one loop may touch: pointers beyond a fixed number slow a loop down."""

MOST_EQUATIONS = 120
"""Equations in one loop: the time to compile grows with them."""

MOST_INPUTS = 3
"""Operands of an elementwise equation."""


@dataclass(frozen=True)
class Abilities:
    """A target's abilities, by equation.

    ``is_loop``: it compiles as part of a loop. ``takes``: a call can read its operand number ``i`` through
    a view as it is; C-contiguous ones it always can.
    """

    is_loop: Callable[[Equation], bool]
    takes: Callable[[Equation, int, View], bool]


def make_schedule(program: Program, abilities: Abilities) -> Schedule:
    """Arrange a simplified Program in steps."""
    scheduler = _Scheduler(abilities)
    program = own_outputs(program)
    inputs = [scheduler.new_storage(v.type, made=-1) for v in program.inputs]
    scheduler.place.update(zip(program.inputs, inputs))
    for equation in program.equations:
        scheduler.add(equation)
    outputs = [scheduler.view_of(a) for a in program.outputs]
    steps = [step for step in scheduler.steps if step is not None]
    return Schedule(steps, scheduler.nbytes, inputs, outputs, scheduler.arrays)


def own_outputs(program: Program) -> Program:
    """Copy those results that would share their memory with an input, a constant or another result."""
    producers = {v: eqn for eqn in program.equations for v in eqn.outputs}
    equations, outputs, taken = list(program.equations), [], set()
    for atom in program.outputs:
        origin = atom
        while origin in producers and producers[origin].primitive is reshape:
            origin = producers[origin].inputs[0]
        maker = producers[origin].primitive if origin in producers else None
        if maker is None or maker.kind is Kind.VIEW or maker is array_p or origin in taken:
            copied = Var(atom.type.strong)
            equations.append(Equation(copy, (atom,), {}, (copied,)))
            atom = origin = copied
        taken.add(origin)
        outputs.append(atom)
    return Program(program.inputs, tuple(equations), tuple(outputs))


class _Index:
    """The steps that touch a storage and the loops that read a variable: no step is compared with all others."""

    def __init__(self) -> None:
        self.touching: dict[int, list[int]] = {}  # by the number of the storage
        self.readers: dict[tuple[Var, int], list[int]] = {}  # by the operands that the loop has room for

    def add(self, number: int, step: Step) -> None:
        """Note all that a step touches and reads."""
        for view in (*step.inputs, *step.outputs):
            self.touch(number, view)
        for v in step.reads if isinstance(step, Loop) else ():
            self.read(number, v)

    def touch(self, number: int, view: View) -> None:
        """Note that a step touches a storage."""
        _insert(self.touching.setdefault(view.buffer, []), number)

    def read(self, number: int, v: Var) -> None:
        """Note that a loop reads a variable."""
        for room in range(1, MOST_INPUTS + 1):
            _insert(self.readers.setdefault((v, room), []), number)

    def forget(self, number: int, step: Step) -> None:
        """Forget what a step touches, since it goes."""
        for buffer in {view.buffer for view in (*step.inputs, *step.outputs)}:
            self.touching[buffer].remove(number)

    def is_touched(self, storage: int, after: int, until: int) -> bool:
        """Whether one of the steps after one, until another one, touches a storage."""
        numbers = self.touching.get(storage, [])
        at = bisect(numbers, after)
        return at < len(numbers) and numbers[at] <= until

    def first_reader(self, v: Var, after: int, room: int, has_room: Callable[[int], bool]) -> int | None:
        """The first loop after a step that reads a variable and has room; those that have none never will."""
        numbers = self.readers.get((v, min(room, MOST_INPUTS)), [])
        at = bisect(numbers, after)
        while at < len(numbers):
            if has_room(numbers[at]):
                return numbers[at]
            del numbers[at]
        return None


def _insert(numbers: list[int], number: int) -> None:
    """Add a number to a sorted list, unless it is there."""
    at = bisect(numbers, number)
    if at == 0 or numbers[at - 1] != number:
        numbers.insert(at, number)


class _Scheduler:
    def __init__(self, abilities: Abilities) -> None:
        self.abilities = abilities
        self.index = _Index()
        self.steps: list[Step | None] = []  # None: a loop that became part of a later one
        self.nbytes: list[int] = []
        self.arrays: dict[int, np.ndarray] = {}
        self.made: list[int] = []  # the step that makes each storage
        self.place: dict[Var, View] = {}  # variables that have memory
        self.loop_of: dict[Var, int] = {}  # variables of a loop, where its other equations can use them

    def new_storage(self, type: ArrayType, made: int) -> View:
        """Memory for a value that step ``made`` fills."""
        self.nbytes.append(type.nbytes)
        self.made.append(made)
        return views.whole(len(self.nbytes) - 1, type.shape, type.dtype)

    def view_of(self, atom: Atom) -> View:
        """The view of a value, stored now if it was not."""
        if isinstance(atom, Literal):
            return self.copied(atom)
        if atom not in self.place:
            number = self.loop_of[atom]
            loop = self.steps[number]
            assert isinstance(loop, Loop)
            self.place[atom] = loop.writes[atom] = self.new_storage(atom.type, number)
            self.index.touch(number, self.place[atom])
        return self.place[atom]

    def copied(self, atom: Atom | View) -> View:
        """A C-contiguous copy of a value, or of what a view shows."""
        type = ArrayType(atom.shape, atom.dtype) if isinstance(atom, View) else atom.type.strong
        target = self.new_storage(type, len(self.steps))
        self.write(atom, target)
        return target

    def write(self, value: Atom | View, target: View) -> None:
        """A loop that writes a value through a view."""
        loop = Loop(target.shape)
        if isinstance(value, View):
            value, view = Var(ArrayType(value.shape, value.dtype)), value
            loop.reads[value] = view
        elif isinstance(value, Var):
            loop.reads[value] = self.view_of(value)
        written = Var(ArrayType(target.shape, target.dtype))
        loop.equations.append(Equation(copy, (value,), {}, (written,)))
        loop.writes[written] = target
        self._append(loop)

    def _append(self, step: Step) -> None:
        self.index.add(len(self.steps), step)
        self.steps.append(step)

    def add(self, eqn: Equation) -> None:
        """Put one equation where it belongs."""
        kind = eqn.primitive.kind
        if eqn.primitive is array_p:
            view = self.place[eqn.outputs[0]] = self.new_storage(eqn.outputs[0].type, made=-1)
            self.arrays[view.buffer] = array_of(eqn)
        elif kind is Kind.VIEW:
            self.place[eqn.outputs[0]] = self._moved(eqn)
        elif kind is Kind.WINDOW and self.abilities.is_loop(eqn):
            self._add_windows(eqn)
        elif self.abilities.is_loop(eqn):
            self._add_to_loop(eqn)
        else:
            self._add_call(eqn)

    # Views and windows

    def _moved(self, eqn: Equation) -> View:
        view = self.view_of(eqn.inputs[0])
        rule = eqn.primitive.view
        return rule(view, **eqn.params) or rule(self.copied(view), **eqn.params)

    def _add_windows(self, eqn: Equation) -> None:
        """Parts of the result written one by one."""
        (out,) = eqn.outputs
        for atom in eqn.inputs:
            if isinstance(atom, Var):
                self.view_of(atom)
        inputs = eqn.inputs if eqn.primitive.overwrites is None else self._apart(*eqn.inputs)
        target = self.place[out] = self.new_storage(out.type, len(self.steps))
        for value, window in eqn.primitive.windows(target, *inputs, **eqn.params):
            self.write(value, window)
        self.made[target.buffer] = len(self.steps) - 1

    def _apart(self, x: Atom, value: Atom) -> tuple[Atom, Atom]:
        """An array and a value for a window of it, a copy where it lies in the array: so that can be written over."""
        if x in self.place and value in self.place and self.place[x].buffer == self.place[value].buffer:
            fresh = Var(value.type.strong)
            self.place[fresh] = self.copied(self.place[value])
            return x, fresh
        return x, value

    # Loops

    def _add_to_loop(self, eqn: Equation) -> None:
        (out,) = eqn.outputs
        is_reduction = eqn.primitive.kind is Kind.REDUCTION
        number = self._loop_for(eqn, eqn.inputs[0].type.shape if is_reduction else out.type.shape)
        loop = self.steps[number]
        assert isinstance(loop, Loop)
        through_memory = {self.place[a].buffer for a in eqn.inputs if a in self.place and a not in self.loop_of}
        for atom in eqn.inputs:
            if atom in self.loop_of and self._can_move(self.loop_of[atom], number, through_memory):
                self._move(self.loop_of[atom], number)
                loop = self.steps[number]
            if isinstance(atom, Var) and self.loop_of.get(atom) != number:
                loop.reads[atom] = self.view_of(atom)
                self.index.read(number, atom)
                self.index.touch(number, loop.reads[atom])
        loop.equations.append(eqn)
        if is_reduction:
            self.place[out] = view = self.new_storage(out.type, number)
            loop.writes[out] = broadcast(view, loop.space, kept_axes(len(loop.space), eqn.params["axes"]))
            self.index.touch(number, view)
        else:
            self.loop_of[out] = number

    def _loop_for(self, eqn: Equation, space: tuple[int, ...]) -> int:
        """The number of a loop that the equation can join; a new one if there is none."""
        variables = [a for a in eqn.inputs if isinstance(a, Var)]
        needs = [self._needs(v) for v in variables]
        latest = max(needs, default=-1)
        direct = all([v in self.loop_of for v, step in zip(variables, needs) if step == latest])
        if latest >= 0 and direct and self._has_room(latest, space, variables):
            return latest
        has_room = partial(self._has_room, space=space, variables=variables)
        sharing = [self.index.first_reader(v, latest, len(variables), has_room) for v in set(variables)]
        found = min([number for number in sharing if number is not None], default=len(self.steps))
        if found == len(self.steps):
            self._append(Loop(space))
        return found

    def _can_move(self, source: int, number: int, through_memory: set[int]) -> bool:
        """Whether a loop can become part of a later one: no step on the way touches what it stores.

        Nor may the equation that joins the later loop read any of it ``through_memory``.
        """
        moved, loop = self.steps[source], self.steps[number]
        if source >= number or not isinstance(moved, Loop):
            return False
        if not self._has_room(number, moved.space, list(moved.reads)):
            return False
        assert isinstance(loop, Loop)
        written = {view.buffer for view in moved.outputs}
        fits = len(moved.equations) + len(loop.equations) < MOST_EQUATIONS and written.isdisjoint(through_memory)
        return fits and not any([self.index.is_touched(storage, source, number) for storage in written])

    def _move(self, source: int, number: int) -> None:
        moved, loop = self.steps[source], self.steps[number]
        assert isinstance(moved, Loop) and isinstance(loop, Loop)
        self.index.forget(source, moved)
        self.steps[source] = None
        self.index.add(number, moved)
        self.steps[number] = Loop(
            loop.space, moved.equations + loop.equations, moved.reads | loop.reads, moved.writes | loop.writes
        )
        self.loop_of.update((v, number) for eqn in moved.equations for v in eqn.outputs if v in self.loop_of)
        for view in moved.outputs:
            self.made[view.buffer] = number

    def _needs(self, v: Var) -> int:
        """The step after which a value is there."""
        return self.loop_of[v] if v in self.loop_of else self.made[self.place[v].buffer]

    def _has_room(self, number: int, space: tuple[int, ...], variables: list[Var]) -> bool:
        loop = self.steps[number]
        return (
            isinstance(loop, Loop)
            and loop.space == space
            and len(loop.equations) < MOST_EQUATIONS
            and len(loop.reads) + len(loop.writes) + len(variables) < MOST_OPERANDS
        )

    # Calls

    def _add_call(self, eqn: Equation) -> None:
        inputs = [self._operand(eqn, i, a) for i, a in enumerate(eqn.inputs)]
        outputs = [self.new_storage(v.type, len(self.steps)) for v in eqn.outputs]
        self.place.update(zip(eqn.outputs, outputs))
        self._append(Call(eqn, inputs, outputs))

    def _operand(self, eqn: Equation, i: int, atom: Atom) -> View:
        view = self.view_of(atom)
        return view if is_contiguous(view) or self.abilities.takes(eqn, i, view) else self.copied(view)
