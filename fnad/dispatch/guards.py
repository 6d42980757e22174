"""Python's own control flow in a compiled function: the branches that it has taken, as a tree of guards.

A function that is staged on its real arguments may ask for the values of what it has computed. Each such value is
computed by compiled code, a guard, and what Python makes of it leads to the next guard, or to a branch, which is the
whole function without Python in it. A call goes by the guards in the same order. What one guard has computed and a
later one needs is carried along, so that a loop computes each time what belongs to its last trip only.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from fnad.compiler.compile import compile_program
from fnad.dispatch.cache_info import Timer
from fnad.dispatch.reading import Reading, Sources
from fnad.dispatch.watch import Watch
from fnad.errors import ConcreteValueError, InPlaceError
from fnad.ir.program import Equation, Program, Var
from fnad.ir.types import type_of
from fnad.shield import renewed
from fnad.tracing.errors import NotConcrete
from fnad.tracing.state import is_recording
from fnad.tracing.tracer import Tracer
from fnad.tracing.values import Concretization

MOST_GUARDS = 256
"""Guards before one branch: a longer loop is not compiled trip by trip."""


class TooManyGuards(BaseException):
    """A function asks for too many values; raised past the user's ``except Exception``."""


class Answer(NamedTuple):
    """Python's answer for a value; it goes on alike for equal keys."""

    key: Any
    value: Any
    """The answer, or the exception that Python raised instead of one."""


class Edge(NamedTuple):
    """An answer's successor."""

    shown: str
    child: Any


Place = tuple[int, int]
"""A carried value's guard, by its depth, and its number among those that it carries."""


class Guard:
    """A value that a function asks for, compiled, and where each answer leads.

    Other threads go by it, so it stays what it is: a tree that grows has new ones before what is new.
    """

    __slots__ = ("wanted", "equations", "taken", "carried", "captured", "sources", "compiled", "edges", "runtime")

    def __init__(
        self, reading: Reading, wanted: Concretization, equations: Sequence[Equation], taken: dict[Var, Place],
        runtime: Any,
    ) -> None:
        program, count = wanted.program, len(wanted.program.inputs) - len(wanted.captured)
        used = {a for e in equations for a in e.inputs} | set(program.outputs)
        self.wanted = wanted
        self.equations = tuple(equations)
        """The part of the value's Program not carried along."""
        self.taken = taken
        self.carried: tuple[Var, ...] = ()
        captured = {v: c for v, c in zip(program.inputs[count:], wanted.captured) if v in used}
        self.captured = tuple(captured)
        self.sources: Sources = reading.sources(captured, captured.values())
        self.edges: dict[Any, Edge] = {}
        self.runtime = runtime
        self.compile()

    def __str__(self) -> str:
        return str(self.wanted)

    def carrying(self, more: Sequence[Var]) -> Guard:
        """The same, giving on more of what it computes."""
        made = copy(self)
        made.carried = (*self.carried, *more)
        made.compile()
        return made

    def leading(self, answer: Answer, child: Any) -> Guard:
        """The same, leading to a guard or a branch for an answer."""
        made = copy(self)
        made.edges = {**self.edges, answer.key: Edge(_shown(answer.value), child)}
        return made

    def compile(self) -> None:
        """Compile what computes the asked value and those that are carried on."""
        program, count = self.wanted.program, len(self.wanted.program.inputs) - len(self.wanted.captured)
        inputs = (*program.inputs[:count], *self.captured, *self.taken)
        outputs = (*program.outputs, *self.carried)
        self.compiled = compile_program(Program(inputs, self.equations, outputs), runtime=self.runtime)

    def has_met_others(self, answer: Answer) -> bool:
        """Whether it reads what may have many values, no truths and no integer, and an answer is not its first."""
        asked = self.wanted.program.outputs[0].type
        may_be_many = asked.dtype.kind in "fc" or asked.dtype.kind != "b" and asked.size > 1
        is_read = self.wanted.convert not in (bool, int) and may_be_many
        return is_read and not self.edges.keys() <= {answer.key}

    def is_asked_by(self, wanted: Concretization) -> bool:
        """Whether a concretization is the guarded one."""
        return _signature(self.wanted) == _signature(wanted)

    def ask(
        self, arrays: Sequence[np.ndarray], known: Sequence[Sequence[np.ndarray]], outside: dict[str, Any]
    ) -> tuple[Answer, list]:
        """The answer for these inputs and what is read from outside, and what is carried on."""
        captured = found(self.sources, outside)
        if Tracer in map(type, captured):
            raise NotConcrete
        closed = [np.asarray(c, v.type.dtype) for c, v in zip(captured, self.captured)]
        taken = [known[depth][k] for depth, k in self.taken.values()]
        value, *carried = self.compiled([*arrays, *closed, *taken])
        try:
            answer = self.wanted.convert(np.asarray(value))
        except Exception as error:  # int(nan): the user's function has to see it
            return Answer((type(error), str(error)), error.with_traceback(None)), carried
        return Answer(_key(answer), answer), carried


def found(sources: Sources, outside: dict[str, Any]) -> list[Any]:
    """The captured values, as of now."""
    return [value if path is None else outside[path] for path, value in sources]


def _signature(wanted: Concretization) -> tuple[Any, ...]:
    program = wanted.program
    operations = [(e.primitive, e.source) for e in program.equations]
    return wanted.what, wanted.source, program.input_types, program.output_types, operations


def _key(answer: Any) -> Any:
    if isinstance(answer, (bool, int)):
        return answer
    return np.asarray(answer).tobytes()  # so that nan is equal to itself, and -0.0 is not 0.0


class Branches:
    """The branches that a function has taken for one signature, on a runtime."""

    def __init__(self, runtime: Any) -> None:
        self.runtime = runtime
        self.root: Any = None  # a guard, a branch, or nothing yet
        self.watch: Watch | None = None  # of what is read from outside on any branch
        self.is_closed = False  # whether no more branches are to be compiled
        self.may_cut = False  # whether a guard makes a number of a value that a derivative may flow through

    def find(self, arrays: Sequence[np.ndarray], outside: dict[str, Any]) -> tuple[Any, str]:
        """The branch for these inputs; or ``None``, and why there is none."""
        node, known = self.root, []
        while type(node) is Guard:
            answer, carried = node.ask(arrays, known, outside)
            edge = node.edges.get(answer.key)
            if edge is None:
                return None, f"{node} was {_shown(answer.value)} for the first time"
            known.append(carried)
            node = edge.child
        return node, "first call with known values" if node is None else ""

    def grow(self, before: Any, root: Any) -> None:
        """Put a tree in the place of the one that it was made from; what another thread has put there meanwhile
        stays, and this one's branch is staged again when it is next taken."""
        with _growing:
            if self.root is before:
                self.root = root

    def walk(self) -> Iterator[tuple[list[tuple[Guard, str]], Any]]:
        """Each branch, with the guards before it and their answers."""
        pending: list[tuple[list[tuple[Guard, str]], Any]] = [([], self.root)]
        while pending:
            path, node = pending.pop()
            if type(node) is Guard:
                pending.extend(([*path, (node, e.shown)], e.child) for e in reversed(list(node.edges.values())))
            elif node is not None:
                yield path, node

    def count(self) -> int:
        """The number of branches."""
        return sum(1 for _ in self.walk())

    def seconds(self) -> float:
        """The guards' compilation time."""
        guards = {guard for path, _ in self.walk() for guard, _ in path}
        return sum([guard.compiled.seconds for guard in guards])


_growing = renewed(threading.Lock())


def _shown(value: Any) -> str:
    return f"{value!r:.60}"


def known_leaves(leaves: Sequence[Any]) -> list[Any] | None:
    """The leaves with the arrays and numbers that traced ones stand for; ``None`` where one is not to be had.

    While an outer function's guards are recorded none is: which of its elements matter is for a guard to say.
    """
    if is_recording():
        return None
    known = [_value(leaf) if type(leaf) is Tracer else leaf for leaf in leaves]
    return None if any([k is None for k in known]) else known


def _value(tracer: Tracer) -> Any:
    try:
        value = tracer.concrete("a branch")
    except (ConcreteValueError, InPlaceError):
        return None
    if tracer.type.weak:
        value = value.item() if not tracer.shape else None
    return value if value is not None and type_of(value) == tracer.type else None


class Recorder:
    """Gives the values that one staging asks for, and adds its guards and its branch to the tree."""

    def __init__(self, branches: Branches, reading: Reading, arrays: Sequence[Any], timer: Timer) -> None:
        self.branches = branches
        self.before = branches.root
        self.reading = reading
        self.arrays = arrays
        self.path: list[tuple[Guard, Answer]] = []
        self.runaway: TooManyGuards | None = None
        self.timer = timer
        self.known: list[Sequence[np.ndarray]] = []  # what each guard on the path carries
        self.places: dict[Var, Place] = {}  # where a variable of this staging is carried
        self.computed: dict[Var, tuple[int, Var]] = {}  # which guard has computed it, and what it is called there

    def __call__(self, wanted: Concretization) -> Any:
        if len(self.path) >= MOST_GUARDS:
            self.runaway = TooManyGuards(str(wanted))
            raise self.runaway
        known = self._next()
        same = type(known) is Guard and known.is_asked_by(wanted)
        asked = known.ask(self.arrays, self.known, self.reading.now) if same else None
        guard = known if asked is not None else self._new_guard(wanted)
        answer, carried = asked or guard.ask(self.arrays, self.known, self.reading.now)
        self.known.append(carried)
        self._note(guard, wanted)
        self.path.append((guard, answer))
        if isinstance(answer.value, Exception):
            raise answer.value
        return answer.value

    def _note(self, guard: Guard, wanted: Concretization) -> None:
        """Note what a guard has computed, by its name in this staging."""
        depth, own = len(self.path), {id(e) for e in guard.equations}
        for theirs, ours in zip(guard.wanted.program.equations, wanted.program.equations):
            if id(theirs) in own:
                for name, v in zip(theirs.outputs, ours.outputs):
                    self.computed[v] = depth, name
                    if name in guard.carried:
                        self.places[v] = depth, guard.carried.index(name)

    def _new_guard(self, wanted: Concretization) -> Guard:
        """Compile a value that is asked for, from what the guards before it have computed."""
        producers = {v: e for e in wanted.program.equations for v in e.outputs}
        own: set[int] = set()
        taken: dict[Var, None] = {}
        pending = list(wanted.program.outputs)
        while pending:
            v = pending.pop()
            if v in self.computed:
                taken[v] = None
            elif v in producers and id(producers[v]) not in own:
                own.add(id(producers[v]))
                pending.extend([a for a in producers[v].inputs if type(a) is Var])
        self._carry([v for v in taken if v not in self.places])
        equations = [e for e in wanted.program.equations if id(e) in own]
        taken_from = {v: self.places[v] for v in taken}
        guard = Guard(self.reading, wanted, equations, taken_from, self.branches.runtime)
        self.timer.compiling += guard.compiled.seconds
        return guard

    def _carry(self, wanted: Sequence[Var]) -> None:
        """Let the guards that have computed these values give them on."""
        more: dict[int, list[Var]] = {}
        for v in wanted:
            depth, name = self.computed[v]
            names = more.setdefault(depth, [])
            self.places[v] = depth, len(self.path[depth][0].carried) + len(names)
            names.append(name)
        for depth in sorted(more):
            guard, answer = self.path[depth]
            guard = guard.carrying(more[depth])
            self.timer.compiling += guard.compiled.seconds
            self.path[depth] = guard, answer
            _, self.known[depth] = guard.ask(self.arrays, self.known, self.reading.now)

    def _next(self) -> Any:
        if not self.path:
            return self.before
        guard, answer = self.path[-1]
        edge = guard.edges.get(answer.key)
        return edge.child if edge is not None else None

    def keep(self, branch: Any) -> None:
        """Add the branch behind its guards."""
        self.branches.may_cut |= any([guard.wanted.convert not in (bool, int) for guard, _ in self.path])
        child = branch
        for guard, answer in reversed(self.path):
            child = guard.leading(answer, child)
        self.branches.grow(self.before, child)
