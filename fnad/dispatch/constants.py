"""Arguments that are part of the compiled code: they are looked up by what they are, not by what they are equal to."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from types import FunctionType, MethodType, NoneType
from typing import Any, NamedTuple

import numpy as np

from fnad.arrays import Unfit, is_array_like
from fnad.dispatch.kinds import is_looked_into
from fnad.memo import kept
from fnad.sameness import typed
from fnad.tracing.tracer import Tracer


class Constant:
    """A part of the compiled code: a value that is equal to those which are the same, as `typed` says."""

    def __init__(self, value: Any) -> None:
        self.value, self.key = value, _key(value)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: Any) -> bool:
        return type(other) is Constant and self.key == other.key

    @kept
    def is_looked_into(self) -> bool:
        """Whether it may hold something which changes, as the ``self`` of a method."""
        return is_looked_into(self.value)

    @kept
    def is_itself(self) -> bool:
        """Whether those that are the same hold the same, now and later: no class of the user's says what is equal."""
        return _is_itself(self.value)

    def is_for(self, value: Any) -> bool:
        """Whether another value is the same, so that this one may stand in its place."""
        try:
            return (self.is_itself or not self.is_looked_into) and self.key == typed(value)
        except TypeError:
            return False


def _is_itself(value: Any) -> bool:
    kind = type(value)
    if kind is MethodType:
        return type(value.__func__) is FunctionType
    if kind in (tuple, frozenset):
        return all(map(_is_itself, value))
    return kind in _FIXED or kind.__eq__ is object.__eq__ or isinstance(value, (np.dtype, Enum))


_FIXED = {bool, int, float, complex, str, bytes, NoneType}


def _key(value: Any) -> Any:
    if type(value) is Tracer:
        raise TypeError(
            f"jit: requires static arguments that are known, got a traced {value.type}. Leave it out of "
            "static_argnums and static_argnames, or pass a number that is no argument of the function around."
        )
    try:
        is_array_like(value)
        return typed(value)
    except Unfit as unfit:
        raise unfit.at("jit", "a static argument") from None
    except TypeError:
        raise TypeError(
            "jit: requires arguments that are arrays, numbers or hashable constants, got "
            f"{type(value).__name__} {value!r:.60}. Make it an array, a tuple, or close over it."
        ) from None


class Static(NamedTuple):
    """The static arguments of a call: by position and by name."""

    positional: tuple[tuple[int, Constant], ...]
    named: tuple[tuple[str, Constant], ...]
    order: tuple[str, ...] = ()
    """All keywords as they were given, where some are static."""

    def constants(self) -> list[Constant]:
        """All of them."""
        return [constant for _, constant in (*self.positional, *self.named)]

    def restored(
        self, args: Sequence[Any], kwargs: dict[str, Any], values: Sequence[Any] | None = None
    ) -> tuple[list[Any], dict[str, Any]]:
        """All arguments, from those that are not static; with others in the place of the constants, where given."""
        given = iter([constant.value for constant in self.constants()] if values is None else values)
        full = list(args)
        for i, _ in self.positional:
            full.insert(i, next(given))
        named = kwargs | {name: next(given) for name, _ in self.named}
        return full, {name: named[name] for name in self.order or kwargs}
