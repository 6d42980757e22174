"""A function's uses of what does not say the same each time, and whether it came to them while it ran.

What is named is told from the code; that it is run is seen by tracing the functions which name such, and no others.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from fnad.dispatch.chains import Chain, Use, uses_in
from fnad.dispatch.kinds import is_library
from fnad.dispatch.outside import Outside
from fnad.dispatch.unsteady import DISTINCT, METHODS, UNRESOLVED, method_of, resolved, unsteady


class Suspect(NamedTuple):
    """A place in code where something is named that is not always the same."""

    code: CodeType
    offset: int
    line: int
    what: str

    @property
    def where(self) -> str:
        """The place in words, as in errors."""
        return f'\n  at "{self.code.co_filename}", line {self.line}, in {self.code.co_name}'


def suspects_in(outside: Outside) -> list[Suspect]:
    """The suspects in all functions of the user's that are reached."""
    found, unresolved = [], []
    for function in [n.value for n in outside.nodes.values() if n.kind == "function" and not is_library(n.value)]:
        for chain, uses in uses_in(function.__code__).items():
            value = resolved(chain, function)
            if value is not UNRESOLVED:
                found += _suspects(chain, uses, value)
            elif chain.how == "attribute" and chain.name in METHODS:
                unresolved.append((chain, uses))
    return [*found, *_by_methods(outside, unresolved)]


def _suspects(chain: Chain, uses: Iterable[Use], value: Any) -> Iterator[Suspect]:
    steady, bare = unsteady(value), unsteady(value, True)
    for use in uses if bare is not None else ():
        if steady is not None or use.is_call and use.is_bare:
            yield Suspect(use.code, use.offset, use.line, _in_words(str(chain), bare))


def _in_words(said: str, name: str) -> str:
    """The code's words, and the name itself where they do not tell it."""
    is_said = said.rpartition(".")[2] == name.rpartition(".")[2]
    return said if is_said else f"{said}, {name}"


def _by_methods(outside: Outside, unresolved: Sequence[tuple[Chain, list[Use]]]) -> Iterator[Suspect]:
    """Methods of what is not known, told from the kinds of objects that are reached and from their names."""
    if not unresolved:
        return
    own = {p.key[1] if p.how == "class" else p.key for p in outside.places() if p.how in ("class", "attribute")}
    kinds = {p.value if isinstance(p.value, type) else type(p.value): p.path for p in outside.leaves()}
    for chain, uses in [(chain, uses) for chain, uses in unresolved if chain.name not in own]:
        paths = [path for kind, path in kinds.items() if unsteady(method_of(kind, chain.name)) is not None]
        if paths or chain.name in DISTINCT:
            what = ".".join([*paths[:1], chain.name])
            yield from [Suspect(use.code, use.offset, use.line, what) for use in uses]


def kept_functions(outside: Outside) -> dict[str, str]:
    """Paths of attributes and items that are such functions, and what they are."""
    places = [p for p in outside.places() if p.how in ("attribute", "item", "class")]
    named = {p.path: unsteady(p.value) for p in places}
    return {path: _in_words(path, name) for path, name in named.items() if name is not None}


def seen_while(suspects: Iterable[Suspect], run: Callable[[], Any]) -> tuple[Any, list[Suspect]]:
    """A function's result, and the suspects that it has come to.

    Where somebody else traces, as a debugger, all of them count.
    """
    suspects = list(suspects)
    if not suspects or sys.gettrace() is not None:
        return run(), suspects
    offsets: dict[CodeType, set[int]] = {}
    for suspect in suspects:
        offsets.setdefault(suspect.code, set()).add(suspect.offset)
    seen = set()

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code not in offsets:
            return None
        frame.f_trace_opcodes = True
        return step

    def step(frame: FrameType, event: str, _: Any) -> Any:
        if event == "opcode" and frame.f_lasti in offsets[frame.f_code]:
            seen.add((frame.f_code, frame.f_lasti))
        return step

    sys.settrace(enter)
    try:
        made = run()
    finally:
        sys.settrace(None)
    return made, [s for s in suspects if (s.code, s.offset) in seen]


def generators_of(outside: Outside) -> list[tuple[str, Any]]:
    """Generators whose state tells whether random numbers were drawn: those reached, and what libraries use."""
    known = {id(generator) for _, generator in outside.generators}
    if threading.active_count() > 1:  # others may draw
        return outside.generators
    return [*outside.generators, *[(path, g) for path, g in _global_generators() if id(g) not in known]]


def _global_generators() -> Iterator[tuple[str, Any]]:
    """The generators that libraries draw from; NumPy's where its module, which takes long to import, is there."""
    yield "random", random._inst
    if "numpy.random" in sys.modules:
        yield "np.random", np.random.mtrand._rand
