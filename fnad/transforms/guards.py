"""Python's own control flow in a compiled function: the ways that it has gone, as a tree.

A function that is staged on its real arguments may ask for the values of what it has computed. Each
question is compiled and answered by what was compiled, and its answer leads to the next one, or to the
leaf, which is the whole function without Python in it. A call asks the questions in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad.compiler.compile import compile_program
from fnad.tracing import AskedOutside, Question, Tracer
from fnad.transforms.closures import find_readers, read_anew

MOST_GUARDS = 256
"""Questions on one way through a function: a longer loop is not compiled trip by trip."""
CHANGED = "what is closed over has other types"
"""Why a function is staged again."""


class Runaway(BaseException):
    """A function asked too many questions; raised past the user's ``except Exception``."""


class Answer(NamedTuple):
    """What Python made of a value; it goes the same way for equal keys."""

    key: Any
    value: Any
    """The answer, or the exception that Python raised instead of one."""


class Edge(NamedTuple):
    """Where an answer leads."""

    shown: str
    child: Any


class Guard:
    """A question that a function asks, compiled, and where each answer to it leads."""

    __slots__ = ("question", "readers", "compiled", "edges")

    def __init__(self, function: Callable[..., Any], question: Question) -> None:
        self.question = question
        self.readers = find_readers(function, question.captured)
        self.compiled = compile_program(question.program)
        self.edges: dict[Any, Edge] = {}

    def __str__(self) -> str:
        return f"{self.question.what} at {self.question.source}"

    def is_asked_by(self, question: Question) -> bool:
        """Whether a function that is staged again asks the same."""
        mine = self.question
        return (mine.what, mine.source, mine.program.input_types, mine.program.output_types) == (
            question.what, question.source, question.program.input_types, question.program.output_types
        )

    def ask(self, arrays: Sequence[np.ndarray]) -> Answer | None:
        """The answer for these inputs; ``None`` where what is closed over is of other types now."""
        types = self.question.program.input_types[len(arrays) :]
        captured = read_anew(self.readers, self.question.captured, types)
        if captured is None:
            return None
        if Tracer in map(type, captured):
            raise AskedOutside
        (value,) = self.compiled([*arrays, *[np.asarray(c, t.dtype) for c, t in zip(captured, types)]])
        try:
            found = self.question.convert(value)
        except Exception as error:  # int(nan): the user's function has to see it
            return Answer((type(error), str(error)), error.with_traceback(None))
        return Answer(_key(found), found)


def _key(answer: Any) -> Any:
    if isinstance(answer, (bool, int)):
        return answer
    return np.asarray(answer).tobytes()  # so that nan is equal to itself, and -0.0 is not 0.0


class Branches:
    """The ways that a function has gone for one signature."""

    def __init__(self) -> None:
        self.root: Any = None  # a guard, a leaf, or nothing yet
        self.is_closed = False  # whether no more branches are to be compiled

    def find(self, arrays: Sequence[np.ndarray]) -> tuple[Any, list[Any], str]:
        """The leaf for these inputs and what it closes over; or ``None``, and why there is none."""
        node = self.root
        while type(node) is Guard:
            answer = node.ask(arrays)
            if answer is None:
                return None, [], CHANGED
            edge = node.edges.get(answer.key)
            if edge is None:
                return None, [], f"{node} was {_shown(answer.value)} for the first time"
            node = edge.child
        if node is None:
            return None, [], "first call with known values"
        captured = node.read()
        return (None, [], CHANGED) if captured is None else (node, captured, "")

    def walk(self) -> Iterator[tuple[list[tuple[Guard, str]], Any]]:
        """Each leaf, with the guards on the way to it and their answers."""
        pending: list[tuple[list[tuple[Guard, str]], Any]] = [([], self.root)]
        while pending:
            path, node = pending.pop()
            if type(node) is Guard:
                pending.extend(([*path, (node, e.shown)], e.child) for e in reversed(list(node.edges.values())))
            elif node is not None:
                yield path, node

    def count(self) -> int:
        """How many leaves there are."""
        return sum(1 for _ in self.walk())

    def seconds(self) -> float:
        """What compiling the guards took."""
        guards = {guard for path, _ in self.walk() for guard, _ in path}
        return sum([guard.compiled.seconds for guard in guards])


def _shown(value: Any) -> str:
    return f"{value!r:.60}"


class Recorder:
    """Answers the questions of one staging, and adds the way that they lead to the tree."""

    def __init__(self, branches: Branches, function: Callable[..., Any], arrays: Sequence[Any]) -> None:
        self.branches = branches
        self.function = function
        self.arrays = arrays
        self.path: list[tuple[Guard, Answer]] = []

    def __call__(self, question: Question) -> Any:
        if Tracer in map(type, self.arrays):
            raise AskedOutside
        if len(self.path) >= MOST_GUARDS:
            raise Runaway(f"{question.what} at {question.source}")
        known = self._next()
        guard = known if type(known) is Guard and known.is_asked_by(question) else Guard(self.function, question)
        answer = guard.ask(self.arrays)
        if answer is None:  # another thread has put another array in place
            guard = Guard(self.function, question)
            answer = guard.ask(self.arrays)
        self.path.append((guard, answer))
        if isinstance(answer.value, Exception):
            raise answer.value
        return answer.value

    def _next(self) -> Any:
        if not self.path:
            return self.branches.root
        guard, answer = self.path[-1]
        edge = guard.edges.get(answer.key)
        return edge.child if edge is not None else None

    def keep(self, leaf: Any) -> None:
        """Add the leaf at the end of the way; what leads to it is linked last, for calls in other threads."""
        child = leaf
        for guard, answer in reversed(self.path):
            guard.edges[answer.key] = Edge(_shown(answer.value), child)
            child = guard
        self.branches.root = child
