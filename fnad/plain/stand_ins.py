"""What stands for a library's function while functions are staged."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Iterable
from importlib import import_module
from types import FrameType
from typing import Any

from fnad.errors import is_library_file, is_numpy_file
from fnad.instructions import callees
from fnad.tracing.state import thread
from fnad.tracing.tracer import Tracer

Function = Callable[..., Any]

_OTHERS = tuple([
    f"{os.sep}{name}{os.sep}" for name in ("scipy", "pandas", "sklearn", "numba", "llvmlite", "matplotlib", "xarray")
])
MOST_LEVELS = 64
"""Levels of nested lists that are looked through: NumPy takes no more."""


class StandIn:
    """A function that is called as the original, unless a user's code gives it a traced value.

    It is equal to the original and hashes as that does, for who looks functions up, and cannot be told from it.
    """

    __slots__ = ("original", "rule", "names", "__dict__")

    def __init__(self, original: Function, rule: Function) -> None:
        self.original, self.rule = original, rule
        self.names: set[str] = set()
        """Names that code calls it by."""
        for name in ("__module__", "__name__", "__qualname__", "__doc__"):
            self.__dict__[name] = getattr(original, name, None)
        self.__dict__["__wrapped__"] = original

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if thread.builder is not None and meets_traced(args, kwargs) and self.is_called_by(sys._getframe(1)):
            return self.rule(*args, **kwargs)
        return self.original(*args, **kwargs)

    def is_called_by(self, frame: FrameType) -> bool:
        """Whether a frame is of a user's code that calls this: code in C has none, and may take any array for one."""
        if not is_users(frame):
            return False
        name = callees(frame.f_code).get(frame.f_lasti)
        return name is not None and (name in self.names or frame.f_locals.get(name) is self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def __eq__(self, other: Any) -> bool:
        return self is other or self.original == (other.original if issubclass(type(other), StandIn) else other)

    def __hash__(self) -> int:
        return hash(self.original)

    def __repr__(self) -> str:
        return repr(self.original)

    def __reduce__(self) -> Any:
        return _found, (self.original.__module__, self.original.__qualname__)

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        return type(self.original)


class _WithReferences(StandIn):
    """One for an original that can be referred to weakly: who keeps such references finds either by the other."""

    __slots__ = ("__weakref__",)


def kind_for(original: Function, kind: type[StandIn]) -> type[StandIn]:
    """The class of stand-ins for a function; only where that can be referred to weakly can they."""
    try:
        weakref.ref(original)
    except TypeError:
        return kind
    return _REFERRED.setdefault(kind, type(kind.__name__, (kind,), {"__slots__": ("__weakref__",)}))


_REFERRED: dict[type, type] = {StandIn: _WithReferences}


def _found(module: str, name: str) -> Any:
    """A function by its name, as it was pickled: never a stand-in."""
    value = getattr(import_module(module), name)
    return value.original if issubclass(type(value), StandIn) else value


def meets_traced(args: Iterable[Any], kwargs: dict[str, Any]) -> bool:
    """Whether an argument is traced, or is a list or tuple that has a traced value in it."""
    for a in args:
        kind = type(a)
        if kind is Tracer or (kind is list or kind is tuple) and holds_traced(a):
            return True
    return bool(kwargs) and meets_traced(kwargs.values(), {})


def holds_traced(nested: Any, levels: int = MOST_LEVELS) -> bool:
    """Whether there is a traced value in nested lists and tuples."""
    kinds = {*map(type, nested)}
    if Tracer in kinds:
        return True
    further = [k for k in kinds if issubclass(k, (list, tuple))]
    return bool(further) and levels > 0 and any(
        [holds_traced(part, levels - 1) for part in nested if type(part) in further]
    )


def is_users(frame: FrameType) -> bool:
    """Whether code that runs is neither this library's nor one's that goes on in C, which takes no traced values."""
    file = frame.f_code.co_filename
    known = _files.get(file)
    if known is None:
        known = _files[file] = not (is_library_file(file) or is_numpy_file(file) or any([n in file for n in _OTHERS]))
    return known


_files: dict[str, bool] = {}
