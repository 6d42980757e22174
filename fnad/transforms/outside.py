"""What a function reads from outside: a walk from it through globals, closures, attributes and items.

What is read is told from the names in the code of all functions that are reached: an attribute that none of them loads
is not looked at, nor are the insides of libraries. A name that is made while the code runs, as for ``getattr``, may be
any: then all attributes of the objects that are reached count as read.
"""

from __future__ import annotations

import builtins
import dis
import enum
import os
import random
import sys
import time
from argparse import Namespace
from array import array
from collections import ChainMap, UserDict, UserList, deque
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from functools import cached_property, partial
from types import (
    BuiltinFunctionType, CodeType, FunctionType, GetSetDescriptorType, MappingProxyType, MemberDescriptorType,
    MethodType, ModuleType, SimpleNamespace,
)
from typing import Any, NamedTuple

import numpy as np

from fnad.errors import is_library_file
from fnad.ir.types import has_plain_meaning, is_array, is_numeric
from fnad.memo import Memo
from fnad.tracing import Tracer

MOST_OBJECTS = 1000
"""Functions, objects and containers that are looked through."""
MOST_ITEMS = 64
"""Items of a container that are looked at one by one; numbers and texts in longer ones are compared all at once."""


class Code(NamedTuple):
    """What a function's code, and the code of the functions written in it, may read."""

    globals: tuple[str, ...]
    cells: frozenset[str]
    attributes: frozenset[str]
    is_dynamic: bool
    """Whether it reads attributes by names that are made while it runs."""


_codes = Memo(4096)
_GLOBALS = {"LOAD_GLOBAL", "LOAD_NAME"}
_CELLS = {"LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"}
_ATTRIBUTES = {"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "DELETE_ATTR", "IMPORT_FROM"}
_WRITES = {"append", "appendleft", "extend", "extendleft", "insert", "add", "clear"}
"""Methods of containers that read nothing of them: a list to which a function only appends is no input of it."""
_DYNAMIC = {"getattr", "hasattr", "vars", "globals", "eval", "exec", "attrgetter", "methodcaller", "__dict__",
            "__getattribute__", "asdict", "astuple", "fields", "replace", "copy", "deepcopy", "dir", "getmembers"}


def read_by(code: CodeType) -> Code:
    """The names that code loads."""
    return _codes.get(code, lambda: _read_by(code))


def _read_by(code: CodeType) -> Code:
    found: dict[str, dict[str, None]] = {"globals": {}, "cells": {}, "attributes": {}}
    instructions = list(dis.get_instructions(code))
    for instruction, following in zip(instructions, [*instructions[1:], None]):
        name, kind = instruction.argval, _KINDS.get(instruction.opname)
        is_written = following is not None and following.opname in _ATTRIBUTES and following.argval in _WRITES
        if kind is not None and not is_written:
            found[kind][name] = None
    names, cells, attributes = found["globals"], set(found["cells"]), set(found["attributes"])
    is_dynamic = not _DYNAMIC.isdisjoint(names) or not _DYNAMIC.isdisjoint(attributes)
    for inner in [read_by(c) for c in code.co_consts if isinstance(c, CodeType)]:
        names.update(dict.fromkeys(inner.globals))
        cells |= inner.cells
        attributes |= inner.attributes
        is_dynamic |= inner.is_dynamic
    return Code(tuple(names), frozenset(cells), frozenset(attributes), is_dynamic)


_KINDS = {
    **dict.fromkeys(_GLOBALS, "globals"), **dict.fromkeys(_CELLS, "cells"), **dict.fromkeys(_ATTRIBUTES, "attributes"),
}


class Place:
    """Where a value was found: in a node, by a cell, a name, an attribute or an index."""

    __slots__ = ("how", "key", "path", "value", "node")

    def __init__(self, how: str, key: Any, path: str, value: Any) -> None:
        self.how, self.key, self.path, self.value = how, key, path, value
        self.node: Node | None = None
        """What is found further in; a leaf has nothing."""


class Node:
    """An object that is looked into, once however often it is found."""

    __slots__ = ("kind", "value", "path", "places")

    def __init__(self, kind: str, value: Any, path: str) -> None:
        self.kind, self.value, self.path = kind, value, path
        self.places: list[Place] = []


def is_number(value: Any) -> bool:
    """Whether a value is a number of Python's that may become an input."""
    return type(value) in (int, float, complex)


def is_foreign(value: Any) -> bool:
    """Whether a value is an array of another library, which NumPy can read."""
    return _is_meant_as_array(value) and taken(value) is not None


def _is_meant_as_array(value: Any) -> bool:
    kind = type(value)
    if is_array(value) or kind is Tracer or isinstance(value, type):
        return False
    return any([hasattr(kind, name) for name in ("__array__", "__dlpack__", "__array_interface__")])


def taken(value: Any) -> np.ndarray | None:
    """An array of another library as one of NumPy's, of the same memory where that can be."""
    try:
        value = value.detach() if hasattr(value, "detach") else value  # of what is recorded about a tensor
        return np.asarray(value) if hasattr(type(value), "__array__") else np.from_dlpack(value)
    except Exception:  # it is elsewhere, or of several arrays
        return None


def is_input(value: Any) -> bool:
    """Whether a value is an array, which may be taken anew at each call."""
    return (is_array(value) and not isinstance(value, np.generic)) or type(value) is Tracer or is_foreign(value)


def is_traceable(value: Any) -> bool:
    """Whether a traced value may stand for an array while a function is staged."""
    if type(value) is Tracer or not is_input(value):
        return False
    if is_foreign(value):
        return not hasattr(type(value), "__array_ufunc__")
    return is_numeric(value.dtype) and has_plain_meaning(value)


_STANDARD = os.path.dirname(os.__file__) + os.sep
_LIBRARIES = {
    *sys.stdlib_module_names, "fnad", "numpy", "scipy", "numba", "llvmlite", "optree", "torch", "jax", "jaxlib",
    "pandas", "xarray", "h5py", "matplotlib", "sklearn", "tensorflow", "pytest", "_pytest", "hypothesis",
} - {"__main__"}
_USUAL = {"np", "numpy", "fnad", "math", "os", "sys", "time", "scipy", "functools", "itertools", "random"}
"""Names that libraries go by: nobody binds them anew."""
_SEQUENCES = (list, tuple, deque)
_ITSELF = {  # functions and objects that say something else each time
    id(f): name for name, f in {
        **{f"time.{n}": getattr(time, n) for n in ("time", "perf_counter", "monotonic", "time_ns", "process_time")},
        "os.environ": os.environ, "os.getenv": os.getenv, "open": open, "input": input,
    }.items()
}


def is_library(function: FunctionType) -> bool:
    """Whether nothing in a function's globals is the user's; what it closes over may be."""
    file = function.__code__.co_filename
    return is_library_file(file) or _is_installed(file) and _is_known(str(function.__globals__.get("__name__")))


def _is_known(module: str) -> bool:
    """Whether a module is of a known library, and not only called so."""
    top = module.partition(".")[0]
    if top not in _LIBRARIES:
        return False
    file = getattr(sys.modules.get(top), "__file__", None)
    return file is None or is_library_file(file) or _is_installed(file)


def _is_installed(file: str) -> bool:
    return file.startswith(_STANDARD) or "site-packages" in file or file.startswith("<frozen")


def _is_users(owner: Any) -> bool:
    """Whether a class or module is the user's."""
    return not _is_known(str(owner.__name__ if isinstance(owner, ModuleType) else getattr(owner, "__module__", "")))


class Outside:
    """All that a function, called with some static arguments, reads from outside, as a graph of nodes and places."""

    def __init__(self, function: Any, static: tuple[Any, ...] = ()) -> None:
        self.names: frozenset[str] = frozenset()
        """Of globals and builtins that are read."""
        self.attributes: frozenset[str] = frozenset()
        self.is_dynamic = False
        while True:
            known = self.attributes, self.is_dynamic
            self._walk(function, static)
            if known == (self.attributes, self.is_dynamic):
                break

    def _walk(self, function: Any, static: tuple[Any, ...]) -> None:
        self.nodes: dict[int, Node] = {}
        self.unwatched: dict[str, str] = {}
        """What cannot be watched: paths, and what is there."""
        self.generators: list[tuple[str, Any]] = []
        """Generators of random numbers, which draws change."""
        self._pending: deque[Node] = deque()
        self._shared: dict[tuple[int, str], Place] = {}  # of cells and globals, which several functions may read
        self._paths: dict[str, int] = {}
        self.root = Node("root", None, "")
        self._add(self.root, "constant", function, getattr(function, "__name__", "function"), function)
        for i, value in enumerate(static):
            self._add(self.root, "static", i, _name_of(value), value)
        while self._pending:
            node = self._pending.popleft()
            getattr(self, f"_into_{node.kind}")(node)

    def places(self) -> Iterator[Place]:
        """All places."""
        for node in (self.root, *self.nodes.values()):
            yield from node.places

    def leaves(self) -> Iterator[Place]:
        """Where what is not looked into is found."""
        return (p for p in self.places() if p.node is None)

    def _share(self, node: Node, identity: tuple[int, str], how: str, key: Any, path: str, value: Any) -> None:
        """Add a place that several functions may read."""
        known = self._shared.get(identity)
        if known is not None:
            node.places.append(known)
        elif not (isinstance(value, ModuleType) and not _is_users(value) and path in _USUAL):
            self._add(node, how, key, path, value)
            self._shared[identity] = node.places[-1]
        else:
            self._pending.append(Node("library", value, path))

    def _add(self, node: Node, how: str, key: Any, path: str, value: Any) -> None:
        count = self._paths[path] = self._paths.get(path, 0) + 1
        place = Place(how, key, path if count == 1 else f"{path} ({count})", value)
        node.places.append(place)
        kind = _kind(value)
        if kind is None:
            self._note(path, value)
            return
        known = self.nodes.get(id(value))
        if known is None:
            if len(self.nodes) >= MOST_OBJECTS:
                self.unwatched.setdefault("", f"more than {MOST_OBJECTS} objects, as {path}")
                return
            known = self.nodes[id(value)] = Node(kind, value, path)
            self._pending.append(known)
        place.node = known

    def _note(self, path: str, value: Any) -> None:
        """Remember what cannot be watched."""
        generator = _generator_of(value)
        if id(value) in _ITSELF:
            name = _ITSELF[id(value)]
            self.unwatched[path] = f"{'' if name == path else f'{name}, '}which is not always the same"
        elif isinstance(value, ContextVar):
            self.unwatched[path] = "a ContextVar"
        elif isinstance(generator, random.SystemRandom):
            self.unwatched[path] = "random numbers of the system, which are not always the same"
        elif generator is not None:
            self.generators.append((path, generator))
        elif _is_meant_as_array(value) and not is_foreign(value) or _is_opaque(value):
            self.unwatched[path] = f"a {type(value).__module__}.{type(value).__name__}, which cannot be looked into"
        elif isinstance(value, Iterator):
            self.unwatched[path] = f"an iterator ({type(value).__name__}), which reading it changes"

    # What is in a node, by its kind

    def _into_function(self, node: Node) -> None:
        function, code = node.value, node.value.__code__
        read = read_by(code)
        for name, cell in zip(code.co_freevars, function.__closure__ or ()):
            try:
                value = cell.cell_contents
            except ValueError:  # not yet assigned
                continue
            if name in read.cells:
                self._share(node, (id(cell), ""), "cell", cell, name, value)
        for what in ("__defaults__", "__kwdefaults__"):
            if getattr(function, what):
                self._add(node, "attribute", what, f"{node.path}.{what}", getattr(function, what))
        if is_library(function):
            return
        self.names |= set(read.globals)
        self.attributes |= read.attributes
        self.is_dynamic |= read.is_dynamic
        is_open = not {"globals", "eval", "exec"}.isdisjoint(read.globals)
        for name in [n for n in function.__globals__ if not n.startswith("__")] if is_open else read.globals:
            if name in function.__globals__:
                value, where = function.__globals__[name], (function.__globals__, name)
                self._share(node, (id(function.__globals__), name), "global", where, name, value)
            elif name in ("open", "input"):
                self._note(name, getattr(builtins, name))
        if function.__dict__:
            self._attributes(node, function.__dict__)

    def _into_method(self, node: Node) -> None:
        self._add(node, "constant", node.value.__self__, node.path.rpartition(".")[0] or "self", node.value.__self__)
        self._add(node, "constant", node.value.__func__, node.path, node.value.__func__)

    def _into_partial(self, node: Node) -> None:
        for name in ("func", "args", "keywords"):
            self._add(node, "attribute", name, f"{node.path}.{name}", getattr(node.value, name))

    def _into_wrapper(self, node: Node) -> None:
        """An object of the library, or of functools, that calls functions of the user's."""
        own = vars(node.value)
        for name, value in list(own.items()):
            is_twice = name == "__wrapped__" and "function" in own
            if (callable(value) or name == "_declared") and not isinstance(value, type) and not is_twice:
                self._add(node, "attribute", name, node.path, value)

    def _into_module(self, node: Node) -> None:
        for name in sorted(self._wanted(vars(node.value))):
            self._add(node, "attribute", name, f"{node.path}.{name}", vars(node.value)[name])

    def _into_library(self, node: Node) -> None:
        for name in self.attributes & {"time", "perf_counter", "monotonic", "time_ns", "process_time", "environ",
                                       "getenv"}:
            self._note(f"{node.path}.{name}", vars(node.value).get(name))
        if node.value is np and "random" in self.attributes:
            self._note(f"{node.path}.random", np.random.random)
        elif node.value in (random, np.random):
            self._note(node.path, node.value.random)

    def _into_dict(self, node: Node) -> None:
        for key, value in list(node.value.items()):
            self._add(node, "item", key, f"{node.path}[{key!r:.40}]", value)

    def _into_sequence(self, node: Node) -> None:
        for i, value in enumerate(list(node.value)):
            self._add(node, "item", i, f"{node.path}[{i}]", value)

    def _into_flat(self, node: Node) -> None:
        """Compared as a whole."""

    _into_memory = _into_flat

    def _into_class(self, node: Node) -> None:
        for base in node.value.__mro__:
            if not _is_users(base):
                continue
            own = vars(base)
            for name in own:
                if name in self.attributes or (_is_special(name) and isinstance(own[name], FunctionType)):
                    for part in _parts_of(own[name]):
                        self._add(node, "class", (base, name, own[name]), f"{base.__name__}.{name}", part)

    def _into_object(self, node: Node) -> None:
        value, kind = node.value, type(node.value)
        self._add(node, "type", None, kind.__name__, kind)
        own = getattr(value, "__dict__", {})
        self._attributes(node, own)
        for name in self.slots(kind):
            if hasattr(value, name):
                self._add(node, "attribute", name, f"{node.path}.{name}", getattr(value, name))

    def slots(self, kind: type) -> list[str]:
        """The slots of a class that may be read."""
        names = [n for base in kind.__mro__ for n, d in vars(base).items() if type(d) is MemberDescriptorType]
        return [n for n in dict.fromkeys(names) if self.is_dynamic or n in self.attributes]

    def _attributes(self, node: Node, own: dict[str, Any]) -> None:
        wanted = self._wanted(own)
        if hasattr(type(node.value), "__getattr__") or isinstance(node.value, _PLAIN):  # whose names others know
            wanted = {n for n in own if not _is_special(n)}
        if is_dataclass(node.value) and not isinstance(node.value, type):
            wanted = {*wanted, *(f.name for f in fields(node.value) if f.name in own)}
        for name in [n for n in list(own) if n in wanted]:
            self._add(node, "attribute", name, f"{node.path}.{name}", own[name])

    def _wanted(self, own: dict[str, Any]) -> set[str]:
        names = set(own) if self.is_dynamic and len(own) <= MOST_ITEMS else self.attributes & set(own)
        return {n for n in names if not _is_special(n)}


def _is_opaque(value: Any) -> bool:
    """Whether a value is a container of another library."""
    kind = type(value)
    known = kind in _LEAVES or is_input(value) or isinstance(value, (np.generic, enum.Enum, type))
    return not known and not _is_standard(kind) and hasattr(kind, "__getitem__")


def _is_standard(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in {*sys.stdlib_module_names, "numpy", "fnad"} - {"__main__"}


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in ("__init_subclass__", "__class_getitem__")


def _parts_of(attribute: Any) -> list[Any]:
    """What is read where a class has this attribute."""
    if isinstance(attribute, property):
        return [f for f in (attribute.fget,) if f is not None]
    if isinstance(attribute, (staticmethod, classmethod)):
        return [attribute.__func__]
    if isinstance(attribute, cached_property):
        return [attribute.func]
    return [] if isinstance(attribute, (MemberDescriptorType, GetSetDescriptorType)) else [attribute]


def _name_of(value: Any) -> str:
    return "self" if hasattr(value, "__dict__") and not isinstance(value, type) else f"{value!r:.40}"


def _kind(value: Any) -> str | None:
    """How a value is looked into; ``None`` for a leaf."""
    kind = type(value)
    if is_input(value) or kind in _LEAVES or isinstance(value, (np.generic, enum.Enum, BuiltinFunctionType, np.ufunc)):
        return None
    if _generator_of(value) is not None:
        return None
    if kind is FunctionType:
        return "function"
    if kind is MethodType:
        return "method"
    if isinstance(value, ModuleType):
        return "module" if _is_users(value) else "library"
    if isinstance(value, type):
        return "class" if _is_users(value) else None
    if isinstance(value, partial):
        return "partial"
    if isinstance(value, (dict, MappingProxyType)):
        return "flat" if len(value) > MOST_ITEMS and all(map(_is_flat, value.values())) else "dict"
    if isinstance(value, _SEQUENCES):
        return "flat" if len(value) > MOST_ITEMS and all(map(_is_flat, value)) else "sequence"
    if isinstance(value, set):
        return "flat"
    if isinstance(value, (memoryview, bytearray, array)):
        return "memory"
    if isinstance(value, _PLAIN):
        return "object"
    if hasattr(value, "__wrapped__") or not _is_users(kind):
        return "wrapper" if hasattr(value, "__dict__") and (hasattr(value, "__wrapped__") or _is_ours(kind)) else None
    return "object"


def _generator_of(value: Any) -> Any:
    """The generator of random numbers that a value is, or that a function such as ``np.random.normal`` is bound to."""
    found = value.__self__ if type(value) in (MethodType, BuiltinFunctionType) else value
    return found if isinstance(found, (np.random.Generator, np.random.RandomState, random.Random)) else None


def is_looked_into(value: Any) -> bool:
    """Whether there is more to a value than what it is."""
    return type(value) not in _LEAVES and _kind(value) is not None


def _is_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "fnad"


def _is_flat(value: Any) -> bool:
    return type(value) in _LEAVES


_PLAIN = (SimpleNamespace, Namespace, UserDict, UserList, ChainMap)
"""Classes of Python's own that hold what is the user's in their attributes."""
_LEAVES = {
    int, float, complex, bool, str, bytes, type(None), type(...), range, slice, CodeType, np.dtype, property, frozenset,
}
