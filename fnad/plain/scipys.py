"""What stands for SciPy's functions and distributions: those of fnad.scipy, by the names of modules and functions."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from fnad.plain.stand_ins import Function, StandIn, is_users, kind_for, meets_traced
from fnad.tracing.state import thread


def loaded() -> list[ModuleType]:
    """The modules of SciPy's that the user has and that fnad.scipy has, too."""
    names = [f"scipy.{name}" for name in import_module("fnad.scipy").__all__]
    found = [sys.modules[name] for name in names if name in sys.modules]
    return [module for module in found if not getattr(module.__spec__, "_initializing", False)]


def stand_ins(module: ModuleType) -> dict[str, StandIn]:
    """The stand-ins for the names of a module that are in fnad.scipy's."""
    ours = import_module(f"fnad.{module.__name__}")
    made = {name: _stand_in(getattr(module, name, None), getattr(ours, name)) for name in ours.__all__}
    return {name: stand_in for name, stand_in in made.items() if stand_in is not None}


def _stand_in(original: Any, rule: Any) -> StandIn | None:
    if not callable(original) or original is rule or isinstance(original, np.ufunc):
        return None
    is_distribution = hasattr(original, "logpdf") or hasattr(original, "logpmf")
    kind = _Class if isinstance(original, type) else _Distribution if is_distribution else _Function
    return kind_for(original, kind)(original, rule)


class _Function(StandIn):
    """One that also hands on what calls functions of the user's, in which there may be traced values."""

    __slots__ = ()

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if thread.builder is not None and (
            meets_traced(args, kwargs) or any(map(callable, (*args, *kwargs.values())))
        ) and is_users(sys._getframe(1)):
            return self.rule(*args, **kwargs)
        return self.original(*args, **kwargs)


class _Maker(StandIn):
    """One for what makes an object, which may meet traced values later."""

    __slots__ = ()

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        is_staged = thread.builder is not None and is_users(sys._getframe(1))
        return (self.rule if is_staged else self.original)(*args, **kwargs)


class _Class(_Maker):
    """One for a class."""

    __slots__ = ()

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, self.original)

    def __subclasscheck__(self, value: Any) -> bool:
        return issubclass(value, self.original)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.original,)


class _Distribution(_Maker):
    """One for a distribution, whose methods are handed on, and so it is to be given its parameters."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        theirs = getattr(self.original, name)
        ours = None if name.startswith("_") else getattr(self.rule, name, None)
        return theirs if ours is None or not callable(theirs) else _method(theirs, ours)


def _method(theirs: Function, ours: Function) -> Function:
    """A method of a distribution, ours where it is given a traced value."""

    def method(*args: Any, **kwargs: Any) -> Any:
        is_met = thread.builder is not None and meets_traced(args, kwargs) and is_users(sys._getframe(1))
        return (ours if is_met else theirs)(*args, **kwargs)

    return method
