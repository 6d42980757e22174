"""Keys that are equal for what is the same in every way: Python calls more than that equal.

What is compiled for a value, or for pytrees of a structure, is right for another one only where Python cannot tell the
two apart: ``1 == True == 1.0``, ``0.0 == -0.0`` and ``{"a": x, "b": y} == {"b": y, "a": x}``, but a function may.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import Enum
from struct import Struct
from types import FunctionType, MethodType, NoneType
from typing import Any

import numpy as np

from fnad.tree import TreeDef


def typed(value: Any) -> Any:
    """A hashable key that is equal for values which are the same in every way: ``1``, ``1.0`` and ``True`` are not, nor
    are ``0.0`` and ``-0.0``, wherever they stand in a value.

    What an object of the user's own class is equal to is for its ``__eq__`` to say, but for attributes that are equal
    and yet not the same.

    Raises:
        TypeError: the value cannot be hashed.

    >>> typed((1, 2)) == typed((1, 2)), typed(1) == typed(True), typed((0.0,)) == typed((-0.0,))
    (True, False, False)
    """
    kind = type(value)
    if kind is int or kind is str:
        return value
    make = _CONTENTS.get(kind)
    return (kind, make(value)) if make is not None else (kind, _content(value, kind))


def typed_if_hashable(value: Any) -> Any:
    """As `typed`; what cannot be hashed stays what it is."""
    try:
        return typed(value)
    except TypeError:
        return value


def exact(treedef: TreeDef) -> tuple[Any, ...]:
    """In what structures may differ that are equal: the order and types of keys, and types in static data.

    Raises:
        TypeError: the static data of a class cannot be hashed.

    >>> from fnad import tree
    >>> one, other = tree.structure({"a": 1, "b": 2}), tree.structure({"b": 2, "a": 1})
    >>> one == other, exact(one) == exact(other)
    (True, False)
    """
    return tuple([_node(data, ordered) for _, _, data, _, _, _, _, ordered in treedef.__getstate__()[0]
                  if data is not None])


def _node(data: Any, ordered: dict[Any, Any] | None) -> Any:
    """The data of a node in optree: static data or a dict's keys in an order of its own, and the keys in Python's."""
    if ordered is not None:
        return tuple([typed(key) for key in ordered])
    return tuple(map(typed, data)) if type(data) is list else typed(data)


def _content(value: Any, kind: type) -> Any:
    """The key that tells a value from others of its type."""
    if kind.__eq__ is object.__eq__ or isinstance(value, (np.dtype, Enum)):
        return value
    hash(value)
    if isinstance(value, np.generic):
        return value.dtype, repr(value) if value.dtype.char in "gG" else value.tobytes()  # some of theirs mean nothing
    for base, make in _CONTENTS.items():
        if isinstance(value, base):
            is_bare = kind.__dictoffset__ == 0 and kind.__basicsize__ == base.__basicsize__
            return make(value) if is_bare else (make(value), _Own(None, value))
    own = _Own(value, value)
    return own if own.parts or isinstance(kind.__eq__, FunctionType) else (value, repr(value))


class _Own:
    """An object by its own equality, and its attributes as they are now."""

    __slots__ = ("value", "parts")

    def __init__(self, value: Any, owner: Any) -> None:
        self.value = value
        self.parts: dict[str, tuple[Any, Any]] = {}
        if id(owner) not in _thread.open:  # else it is a part of itself
            _thread.open.add(id(owner))
            try:
                self.parts = {name: (part, _part(part)) for name, part in _attributes(owner)}
            finally:
                _thread.open.discard(id(owner))

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: Any) -> bool:
        if not _are_equal(self.value, other.value):
            return False
        pairs = [(self.parts[name], other.parts[name]) for name in self.parts.keys() & other.parts.keys()]
        # Attributes that differ are none of the equality's business, if it says so.
        return all([ours == theirs or not _are_equal(a, b) for (a, ours), (b, theirs) in pairs])


class _Identity:
    """An object as itself alone."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: Any) -> bool:
        return type(other) is _Identity and self.value is other.value


class _Thread(threading.local):
    """The objects whose attributes are being looked at on a thread."""

    def __init__(self) -> None:
        self.open: set[int] = set()


_thread = _Thread()


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    yield from getattr(value, "__dict__", {}).items()
    for base in type(value).__mro__:
        names = base.__dict__.get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                yield name, getattr(value, name)


def _part(value: Any) -> Any:
    """As `typed`, also of lists, dicts and sets; nothing for what cannot be told from others."""
    try:
        if type(value) is dict:
            return dict, tuple([(_part(k), _part(v)) for k, v in value.items()])
        return (type(value), tuple(map(_part, value))) if type(value) in (list, set) else typed(value)
    except (TypeError, RecursionError):
        return None


def _are_equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except Exception:  # as that of arrays, which have no truth, or of what does not expect the other
        return False


def _itself(value: Any) -> Any:
    return value


def _items(value: Any) -> tuple[Any, ...]:
    return tuple(map(typed, value))


_CONTENTS: dict[type, Callable[[Any], Any]] = {
    bool: _itself, int: int.__int__, str: str.__str__, bytes: bytes.__bytes__, NoneType: _itself, type: _itself,
    FunctionType: _itself, tuple: _items, frozenset: _items, float: Struct("d").pack, Decimal: str,
    complex: lambda z: _items((z.real, z.imag)), range: lambda r: _items((r.start, r.stop, r.step)),
    slice: lambda s: _items((s.start, s.stop, s.step)),
    MethodType: lambda m: (_Identity(m.__self__), m.__func__), TreeDef: lambda t: (t, exact(t)),
}
"""The whole content of a value of a type, or, in a class derived from it, all but its attributes."""
