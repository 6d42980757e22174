"""A staging's reads from outside, and what stagings have shown about them: which are inputs, which constants.

Arrays are handed in as traced values, numbers too once they have changed twice. What Python looks into, or an operation
takes that has no rule for traced values, is a constant instead, whose content is watched.
"""

from __future__ import annotations

import pickle
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from fnad.dispatch.constants import Constant
from fnad.dispatch.handing import Handing
from fnad.dispatch.kinds import is_input, is_number
from fnad.dispatch.outside import Outside
from fnad.dispatch.signatures import Signature
from fnad.dispatch.suspects import generators_of, kept_functions, seen_while, suspects_in
from fnad.dispatch.watch import Watch, shown
from fnad.errors import warn
from fnad.ir.program import Program, Var
from fnad.surroundings import Again
from fnad.tracing.errors import LookedInto
from fnad.tracing.staging import Staged
from fnad.tracing.state import current_builder

Sources = list[tuple["str | None", Any]]
"""The paths of captured values; one that has none is the value beside it."""
MOST_CHANGES = 2
"""Changes of a number after which it becomes an input."""
MANY_CHANGES = 8
"""Stagings for a change in the same place after which the user is told."""
MOST_HELD = 1000
"""Items of a container up to which it is looked at whether the function takes some out."""
MUCH = 1 << 20
"""Bytes of arrays that are compared at every call from which on the user is told."""


class Learned:
    """The findings of a function's stagings about what it reads, by paths."""

    def __init__(self) -> None:
        self.constants: set[str] = set()
        """Of arrays and numbers that Python looks into."""
        self.numbers: set[str] = set()
        """Of numbers that are inputs, since they keep changing."""
        self.changes: Counter[str] = Counter()
        self._told: set[str] = set()

    def note(self, changes: dict[str, tuple[Any, Any]]) -> str:
        """Count what has changed; in words, what that is."""
        for path, (before, after) in changes.items():
            self.changes[path] += 1
            if is_number(before) and is_number(after) and self.changes[path] >= MOST_CHANGES:
                self.numbers.add(path)
            if self.changes[path] == MANY_CHANGES:
                self.tell(
                    f"jit: requires what a function reads from outside to change seldom, got {path}, which has "
                    f"changed {MANY_CHANGES} times, each time with a staging. Pass it as an argument."
                )
        return ", ".join([_in_words(path, before, after) for path, (before, after) in changes.items()])

    def tell(self, message: str) -> None:
        """Warn, once."""
        if message not in self._told:
            self._told.add(message)
            warn(message)


class Reading:
    """One staging's reads from outside, as they were before it."""

    def __init__(self, learned: Learned, function: Any, static: Sequence[Any], is_plain: bool = False) -> None:
        self.learned, self.function, self.static = learned, function, tuple(static)
        self.outside = Outside(function, self.static)
        handing = None if is_plain else Handing(self.outside, learned.constants, learned.numbers)
        self.handing = handing if handing is not None and handing.places else None
        self.watch = self._watch(self.outside)
        self.now = self.watch.values()
        self.changed: dict[str, str] = {}
        """The changes outside by the function, in words."""
        self._states = [(path, g, _state(g)) for path, g in generators_of(self.outside)]
        self._suspects = suspects_in(self.outside)
        self._memos = [(p.value, len(p.value)) for p in self.outside.places() if p.how == "memo"]
        self._held = [(n, list(n.value)) for n in self.outside.nodes.values()
                      if n.kind in ("dict", "sequence", "flat") and len(n.value) <= MOST_HELD]

    def _watch(self, outside: Outside) -> Watch:
        handed = {p.path for p in self.handing.places.values()} if self.handing is not None else set()
        leaves = list(outside.leaves())
        numbers = {p.path for p in leaves if is_number(p.value)} & handed
        return Watch(outside, numbers, {p.path for p in leaves if is_input(p.value)} - handed)

    def seeing(self, attempt: Callable[[Reading], Staged]) -> Staged:
        """Stage by ``attempt``; remember what it comes to that is not always the same."""
        made, self._suspects = seen_while(self._suspects, lambda: attempt(self))
        return made

    def handed(self) -> tuple[Any, tuple[Any, ...]]:
        """The function and the static arguments to stage it with."""
        if self.handing is None:
            return self.function, self.static
        return self.handing.handed(current_builder(), self.function, self.static)

    def sources(self, variables: Iterable[Var], values: Iterable[Any]) -> Sources:
        """The sources of captured values."""
        handed = self.handing.paths if self.handing is not None else {}
        return [(handed.get(v) or self.watch.find(value), value) for v, value in zip(variables, values)]

    def paths(self, variables: Iterable[Var]) -> set[str]:
        """The paths of handed-in variables."""
        return {self.handing.paths[v] for v in variables} if self.handing is not None else set()

    def settle(self) -> dict[str, tuple[Any, Any]]:
        """Let what the staging itself has changed be as it is now; gives that."""
        taken_from = [node.path for node, items in self._held if _is_taken_from(node.value, items)]
        self.changed.update({path: "from which it takes what is there" for path in taken_from})
        self.changed.update({
            node.path: "which grows" for node, items in self._held
            if isinstance(node.value, (list, deque)) and len(node.value) > len(items) and node.path not in taken_from
        })
        has_learned = any([len(memo) != count for memo, count in self._memos])  # so that these answers are watched too
        if self.watch.read(self.static) is not None and not has_learned:
            return {}
        after = Outside(self.function, self.static)
        changes = self.watch.changes(after)
        self.changed.update({
            path: f"which became {shown(now)} while it was staged" for path, (before, now) in changes.items()
            if is_number(before) and is_number(now) and path.rpartition("[")[0] not in taken_from
        })
        watch = self._watch(after)
        if self.now.keys() <= watch.places.keys():
            self.watch = watch
        return changes

    def tell(self) -> None:
        """Warn of what cannot be watched, costs much, or is changed by the function."""
        for path, how in self.changed.items():
            self.learned.tell(
                f"jit: requires a function that changes nothing outside, got {path}, {how}. What it changes is changed "
                "when it is staged, and not in every call: return it, and pass it as an argument."
            )
        for what, where in self._unwatched():
            self.learned.tell(
                f"jit: requires that what a function reads from outside can be seen to change, got {what}. What it is "
                f"now stays part of the compiled code: pass it as an argument.{where}"
            )
        for path, generator, state in self._states:
            if _state(generator) != state:
                self.learned.tell(
                    f"jit: requires random numbers that follow from arguments, got {path}, a "
                    f"{type(generator).__name__}. What it has drawn stays part of the compiled code: use fnad.random "
                    "with a key."
                )
        contents = [p for path, p in self.watch.places.items() if path in self.watch.contents]
        large = {p.path: p.value for p in contents if getattr(p.value, "nbytes", 0) >= MUCH}
        if large:
            self.learned.tell(
                "jit: requires large arrays that are read from outside to meet traced values, got "
                f"{', '.join(large)}, which Python looks into while the function is staged, so that they are compared "
                "at every call. Pass what is computed from them as an argument."
            )

    def _unwatched(self) -> list[tuple[str, str]]:
        """Unwatched values, and where the code names them; one for a line."""
        named = {s.where: s.what for s in reversed(self._suspects)}
        kept = ", ".join(kept_functions(self.outside).values())
        unsteady = [*([(kept, "")] if kept else []), *[(what, where) for where, what in reversed(named.items())]]
        said = [what.rpartition(".")[0] for what in named.values()]
        return [
            *[(f"{path}, {what}" if path else what, "") for path, what in self.outside.unwatched.items()
              if path not in said],
            *[(f"{what}, which is not always the same", where) for what, where in unsteady],
        ]


def _is_taken_from(container: Any, before: list[Any]) -> bool:
    """Whether items are gone from a container, or stand elsewhere in a sequence."""
    now = list(container)
    if len(now) < len(before):
        return True
    if not isinstance(container, (list, deque)):
        return isinstance(container, (dict, set)) and not all([item in container for item in before])
    return any([a is not b and any([a is c for c in now]) for a, b in zip(before, now)])


def _in_words(path: str, before: Any, after: Any) -> str:
    if is_input(before) and shown(before) == shown(after):
        return f"{path} holds other values"
    return f"{path}: {shown(before)} became {shown(after)}"


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return pickle.dumps(generator.bit_generator.state)
    if isinstance(generator, np.random.RandomState):
        kind, key, *rest = generator.get_state()
        return kind, key.tobytes(), rest
    return generator.getstate()


def staged_reading(
    learned: Learned, function: Any, static: Sequence[Any], attempt: Callable[[Reading], Staged]
) -> tuple[Staged, Reading]:
    """The staging by ``attempt``, with as much handed in as can be, and its reading."""
    refused: set[str] = set()
    changed: dict[str, str] = {}
    while True:
        reading = Reading(learned, function, static, bool(refused))
        handing = reading.handing
        try:
            made = reading.seeing(attempt)
            held = handing.held(made.program) | handing.leaked() if handing is not None else set()
            if held:
                raise LookedInto(held)
            if handing is None or not handing.written:
                break
        except Again:
            continue
        except LookedInto as looked:
            _keep_constant(learned, reading.paths(looked.variables))
            continue
        except Exception:
            if handing is None:
                raise
        finally:
            if handing is not None:
                handing.give_back()
                changed.update(handing.changed(is_last=False))
        refused = {p.path for p in handing.places.values()}
    _keep_constant(learned, refused)
    reading.changed.update(changed if handing is None else {**changed, **handing.changed(is_last=True)})
    return made, reading


def _keep_constant(learned: Learned, paths: set[str]) -> None:
    learned.constants |= paths
    learned.numbers -= paths


def only_read(staged: Staged, count: int) -> Staged:
    """A staged function without what it was handed and has not used; its own inputs are the first ones."""
    program = staged.program
    used = {a for e in program.equations for a in e.inputs} | set(program.outputs)
    kept = [(v, c) for v, c in zip(program.inputs[count:], staged.captured) if v in used]
    inputs = (*program.inputs[:count], *[v for v, _ in kept])
    return staged._replace(
        program=Program(inputs, program.equations, program.outputs), captured=[c for _, c in kept]
    )


def with_static(
    signature: Signature, leaves: Sequence[Any], static: Sequence[Any]
) -> tuple[Signature, list[Any]]:
    """The same arguments with others in the place of those constants."""
    others = iter(static)
    fresh = [next(others) if type(key) is Constant and key.is_looked_into else leaf
             for leaf, key in zip(leaves, signature.leaves)]
    if signature.static is None:
        return signature, fresh
    positional, named = [
        tuple([(k, _Other(next(others)) if c.is_looked_into else c) for k, c in group])
        for group in (signature.static.positional, signature.static.named)
    ]
    return signature._replace(static=signature.static._replace(positional=positional, named=named)), fresh


class _Other:
    """A constant that nothing is looked up by."""

    def __init__(self, value: Any) -> None:
        self.value = value
