"""Where a function finds the arrays that it closes over, so that they can be read anew at every call."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any

from fnad import tree
from fnad.errors import is_library_file
from fnad.ir.types import ArrayType, is_array
from fnad.tracing import is_value, value_type

Reader = Callable[[], Any]
MOST_OBJECTS = 1000
"""Functions and objects that are looked through."""


def find_readers(function: Callable[..., Any], values: Sequence[Any]) -> list[Reader]:
    """For each value a function that reads it where ``function`` does: a closure's cell, a global, a default.

    A value that is not found is read once and for all.
    """
    wanted = {id(v) for v in values if is_array(v)}
    found: dict[int, Reader] = {}
    for value, read in _places(function):
        if id(value) in wanted:
            found.setdefault(id(value), read)
            if len(found) == len(wanted):
                break
    return [found.get(id(v), lambda v=v: v) for v in values]


def read_anew(readers: Sequence[Reader], known: Sequence[Any], types: Sequence[ArrayType]) -> list[Any] | None:
    """What a function closes over now; ``None`` where that is not of the types it was compiled for."""
    values = [read() for read in readers]
    fits = [v is k or (is_value(v) and value_type(v)[:2] == t[:2]) for v, k, t in zip(values, known, types)]
    return values if all(fits) else None


def changes(readers: Sequence[Reader], types: Sequence[ArrayType]) -> str:
    """In words, which types of what a function closes over are others than it was compiled for."""
    values = [read() for read in readers]
    got = [value_type(v) if is_value(v) else type(v).__name__ for v in values]
    return ", ".join([f"{t} became {g}" for g, t in zip(got, types) if g[:2] != t[:2]])


def _read(read: Reader) -> Any:
    try:
        return read()
    except (ValueError, KeyError):  # an empty cell, a name that is no longer there
        return None


def _places(function: Any) -> Iterator[tuple[Any, Reader]]:
    """All arrays that a function refers to, with their readers, the nearest first, and those of what it calls."""
    pending, seen = deque([function]), {id(function)}
    while pending and len(seen) < MOST_OBJECTS:
        for read in _names(pending.popleft()):
            value = _read(read)
            if is_array(value):
                yield value, read
            elif isinstance(value, (dict, list, tuple)):
                yield from _leaves(read, value)
            elif id(value) not in seen and not isinstance(value, (ModuleType, type, BuiltinFunctionType)):
                seen.add(id(value))
                pending.append(value)


def _names(function: Any) -> Iterator[Reader]:
    if isinstance(function, MethodType):
        yield lambda: function.__self__
        function = function.__func__
    if isinstance(function, FunctionType):
        for cell in function.__closure__ or ():
            yield _cell_reader(cell)
        # A function of the library may hold one of the user's, but nothing in its globals is the user's.
        names = () if is_library_file(function.__code__.co_filename) else _global_names(function.__code__)
        for name in names:
            if name in function.__globals__:
                yield _item_reader(function.__globals__, name)
        yield lambda: function.__defaults__ or ()
        yield lambda: function.__kwdefaults__ or {}
    elif hasattr(function, "__wrapped__"):
        yield lambda: function.__wrapped__
    elif hasattr(function, "__dict__"):
        for name in vars(function):
            yield _item_reader(vars(function), name)


def _global_names(code: Any) -> Iterator[str]:
    """The names that a function's code and the functions written in it may look up."""
    yield from code.co_names
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            yield from _global_names(constant)


def _leaves(read: Reader, container: Any) -> Iterator[tuple[Any, Reader]]:
    for i, leaf in enumerate(tree.leaves(container)):
        if is_array(leaf):
            yield leaf, lambda i=i: tree.leaves(read())[i]


def _cell_reader(cell: CellType) -> Reader:
    return lambda: cell.cell_contents


def _item_reader(names: Any, name: str) -> Reader:
    return lambda: names[name]
