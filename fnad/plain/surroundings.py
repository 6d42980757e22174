"""What is different around functions that are being staged: put there for the first one, taken away after the last."""

from __future__ import annotations

import cmath
import math
import os
import sys
from collections.abc import Callable
from threading import RLock, get_ident
from types import FrameType
from typing import Any

import numpy as np

from fnad.numpy import grids
from fnad.numpy.dispatch import RULES
from fnad.plain import items, making, numbers, scipys
from fnad.plain.modules import Names, Replaced
from fnad.plain.stand_ins import Function, StandIn, is_users, kind_for
from fnad.shield import renewed
from fnad.surroundings import Surroundings, surround
from fnad.tracing.builder import build

MOST_MODULES = 1000
"""Modules of the user's whose own names for NumPy's functions have stand-ins."""
MOST_REPEATS = 16
"""Repetitions in one staging of the outermost function."""
_NAMESPACES = (np, np.linalg, np.fft, math, cmath)


class _Plain(Surroundings):
    """Stand-ins in the modules while any thread stages."""

    def __init__(self) -> None:
        self._lock = renewed(RLock())
        self._threads: set[int] = set()
        self._is_put = False
        self._modules: dict[int, Replaced] | None = None
        self._by_function: dict[int, StandIn] = {}
        self._detours: list[Any] | None = None
        """What reads ordinary arrays at traced indices, once a staging has wanted that; it may be none."""

    def run(self, call: Callable[[], Any]) -> Any:
        if get_ident() in self._threads:
            return call()
        try:
            self._begin()
            return call()
        finally:
            try:
                self._end()
            except BaseException:  # an interrupt, which may come at any moment, but hardly twice
                self._end()
                raise

    def _begin(self) -> None:
        making.forget()
        with self._lock:
            self._threads.add(get_ident())
            if not self._is_put:
                self._is_put = True
                self._add_scipys()
                for replaced in self._all():
                    replaced.put()

    def _end(self) -> None:
        making.forget()
        with self._lock:
            self._threads.discard(get_ident())
            self._restore()

    def _restore(self) -> None:
        if self._is_put and not self._threads:
            for replaced in self._all():
                replaced.take()
            self._is_put = False

    def _all(self) -> list[Any]:
        return [*self._replaced().values(), *(self._detours or ())]

    def begin_again(self) -> None:
        """In a forked child, which has no other thread."""
        self._threads &= {get_ident()}
        self._restore()

    def settled(self, array: Any) -> Any:
        return making.settled(array)

    def widen(self, what: str, array: Any) -> bool:
        frames = _frames()
        if not making.may_repeat(MOST_REPEATS):
            return False
        found = any([self._add_names_of(frame) for frame in frames])
        if what == "written":
            found |= making.trace(array, frames[:1])
        return found or what == "read at" and self._detours is None and self._add_detour()

    def _add_detour(self) -> bool:
        made = items.detour()
        with self._lock:
            self._detours = [] if made is None else [made]
            if self._is_put:
                for detour in self._detours:
                    detour.put()
        return made is not None

    def _replaced(self) -> dict[int, Replaced]:
        if self._modules is None:
            made = {id(vars(m)): Replaced(vars(m), self._stand_ins(vars(m))) for m in _NAMESPACES}
            self._modules = made
        return self._modules

    def _add_scipys(self) -> None:
        """Replace the names of SciPy's modules, of those that have come since."""
        for module in scipys.loaded():
            names, modules = vars(module), self._replaced()
            if id(names) not in modules:
                made = _named(scipys.stand_ins(module))
                self._by_function.update({id(own.original): own for own in made.values()})
                self._modules = {**modules, id(names): Replaced(names, made)}

    def _stand_ins(self, names: Names) -> dict[str, StandIn]:
        """The stand-ins for what a module's names stand for."""
        found = {}
        for name, value in list(names.items()):
            if id(value) in self._by_function:
                found[name] = self._by_function[id(value)]
            elif name.startswith("_"):
                continue
            elif id(value) in _OBJECTS:
                found[name] = _OBJECTS[id(value)]
            elif callable(value) and not isinstance(value, (type, np.ufunc)):
                made = _stand_in(value)
                if made is not None:
                    found[name] = self._by_function[id(value)] = made
        return _named(found)

    def _add_names_of(self, frame: FrameType) -> bool:
        """Replace what the module of a frame calls by names of its own; whether there is any."""
        names = frame.f_globals
        names = getattr(sys.modules.get(names.get("__name__", "")), "__dict__", names)
        modules = self._replaced()
        if id(names) in modules or len(modules) > MOST_MODULES:
            return False
        own = {n: self._by_function[id(v)] for n, v in list(names.items()) if id(v) in self._by_function}
        if not own:
            return False
        made = Replaced(names, _named(own))
        with self._lock:
            self._modules = {**modules, id(names): made}
            if self._is_put:
                made.put()
        return True


# What is indexed, and not called.
_OBJECTS = {id(own.original): own for own in (grids.r_, grids.c_, grids.mgrid, grids.ogrid)}


def _named(stand_ins: dict[str, StandIn]) -> dict[str, StandIn]:
    """Stand-ins that know their names."""
    for name, stand_in in stand_ins.items():
        stand_in.names.add(name)
    return stand_ins


def _stand_in(function: Function) -> StandIn | None:
    """The stand-in for a function, if there is something else that takes traced values."""
    if function in making.MAKERS:
        return making.maker(function)
    rule = numbers.RULES.get(function) or RULES.get(function)
    return None if rule is None else kind_for(function, StandIn)(function, rule)


def _frames() -> list[FrameType]:
    """The frames of the user's code between here and the innermost staging."""
    frame: FrameType | None = sys._getframe(1)
    found = []
    while frame is not None and frame.f_code is not build.__code__:
        if is_users(frame):
            found.append(frame)
        frame = frame.f_back
    return found


plain = _Plain()
surround(plain)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=plain.begin_again)
