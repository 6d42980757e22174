"""A function's reads from outside: a walk from it through globals, closures, attributes and items.

What is read is told from the names in the code of all functions that are reached: an attribute that none of them loads
is not looked at, nor are the insides of libraries. A name that is made while the code runs, as for ``getattr``, may be
any: then all attributes of the objects that are reached count as read.
"""

from __future__ import annotations

import decimal
import gc
import logging
import os
import random
import sys
from argparse import Namespace
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import fields, is_dataclass
from importlib.util import resolve_name
from operator import attrgetter, methodcaller
from types import FunctionType, MemberDescriptorType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from fnad.dispatch.chains import uses_in
from fnad.dispatch.comparing import arithmetic
from fnad.dispatch.kinds import (
    FILLED, MOST_ITEMS, generator_of, is_foreign, is_generated, is_input, is_library, is_looked_into,
    is_meant_as_array, is_opaque, is_plain, is_special, is_users, kind_of, parts_of,
)
from fnad.dispatch.names import MAKING, OF_FUNCTIONS, Code, read_by
from fnad.dispatch.unsteady import is_of_secrets, resolved

MOST_OBJECTS = 1000
"""Functions, objects and containers that are looked through."""


class Place:
    """The place of a value: in a node, by a cell, a name, an attribute or an index."""

    __slots__ = ("how", "key", "path", "value", "node")

    def __init__(self, how: str, key: Any, path: str, value: Any) -> None:
        self.how, self.key, self.path, self.value = how, key, path, value
        self.node: Node | None = None
        """The node of the value; a leaf has none."""


class Node:
    """An object that is looked into, once however often it is found."""

    __slots__ = ("kind", "value", "path", "places")

    def __init__(self, kind: str, value: Any, path: str) -> None:
        self.kind, self.value, self.path = kind, value, path
        self.places: list[Place] = []


_USUAL = {"np", "numpy", "fnad", "math", "os", "sys", "time", "scipy", "functools", "itertools", "random"}
"""Names that libraries go by: nobody binds them anew."""
UNBOUND = object()
"""The value of a ContextVar that has none."""


class Outside:
    """All that a function, called with some static arguments, reads from outside, as a graph of nodes and places."""

    def __init__(self, function: Any, static: tuple[Any, ...] = ()) -> None:
        self.names: frozenset[str] = frozenset()
        """Of globals and builtins that are read."""
        self.attributes: frozenset[str] = frozenset()
        self.filled: frozenset[str] = frozenset()
        """Attributes that are only loaded for methods which fill what they stand for."""
        self.is_dynamic = self.is_matching = False
        self._made: set[int] = set()
        """Classes of which objects may be made: what only such objects' own code leads to makes none of it."""
        while True:
            known = self._known()
            self._walk(function, static)
            if known == self._known():
                break

    def _known(self) -> tuple[Any, ...]:
        return self.attributes, self.is_dynamic, self.is_matching, len(self._made)

    def _walk(self, function: Any, static: tuple[Any, ...]) -> None:
        self.nodes: dict[int, Node] = {}
        self.unwatched: dict[str, str] = {}
        """Paths that cannot be watched, and what is there."""
        self.generators: list[tuple[str, Any]] = []
        """Generators of random numbers, which draws change."""
        self._pending: deque[Node] = deque()
        self._bases: set[int] = set()
        self.asked: set[int] = set()
        """Functions of which the code asks for attributes."""
        self._shared: dict[tuple[int, str], Place] = {}  # of cells and globals, which several functions may read
        self._paths: dict[str, int] = {}
        self.absent: dict[int, tuple[dict[str, Any], set[str]]] = {}
        """Names that are read and are no globals, as those of builtins, with the dictionaries that they would be in."""
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
        """The places of what is not looked into."""
        return (p for p in self.places() if p.node is None)

    def _share(self, node: Node, identity: tuple[int, str], how: str, key: Any, path: str, value: Any) -> None:
        """Add a place that several functions may read."""
        known = self._shared.get(identity)
        if known is not None:
            node.places.append(known)
        elif not (isinstance(value, ModuleType) and not is_users(value) and path in _USUAL):
            self._add(node, how, key, path, value)
            self._shared[identity] = node.places[-1]
        else:
            self._pending.append(Node("library", value, path))

    def _add(self, node: Node, how: str, key: Any, path: str, value: Any) -> None:
        count = self._paths[path] = self._paths.get(path, 0) + 1
        place = Place(how, key, path if count == 1 else f"{path} ({count})", value)
        node.places.append(place)
        kind = kind_of(value)
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
        if kind == "class" and how != "type":
            self._made.update(map(id, value.__mro__))
        place.node = known

    def _note_arithmetic(self) -> None:
        """Remember that decimal numbers are computed with."""
        if not self._shared.setdefault((0, "decimal"), None):
            self._shared[0, "decimal"] = Place("decimal", None, "decimal.getcontext()", arithmetic())
            self.root.places.append(self._shared[0, "decimal"])

    def _note(self, path: str, value: Any) -> None:
        """Remember what cannot be watched."""
        generator = generator_of(value)
        if isinstance(generator, random.SystemRandom) and not is_of_secrets(generator):
            self.unwatched[path] = "random numbers of the system, which are not always the same"
        elif generator is not None and not is_of_secrets(generator):
            self.generators.append((path, generator))
        elif isinstance(value, decimal.Decimal) or value is decimal.Decimal:
            self._note_arithmetic()
        elif is_meant_as_array(value) and not is_foreign(value) or is_opaque(value):
            self.unwatched[path] = f"a {type(value).__module__}.{type(value).__name__}, which cannot be looked into"
        elif isinstance(value, Iterator):
            self.unwatched[path] = f"an iterator ({type(value).__name__}), which reading it changes"

    # What is in a node, by its kind

    def _into_function(self, node: Node) -> None:
        function, code = node.value, node.value.__code__
        read = read_by(code)
        for name, cell in zip(code.co_freevars, function.__closure__ or ()):
            if name not in read.cells:
                continue
            try:
                value = cell.cell_contents
            except ValueError:
                self._add(node, "unassigned", cell, name, None)
                continue
            if not _is_filled(name, value, read.filled):
                self._share(node, (id(cell), ""), "cell", cell, name, value)
        for what in ("__defaults__", "__kwdefaults__"):
            if getattr(function, what):
                self._add(node, "attribute", what, f"{node.path}.{what}", getattr(function, what))
        for what in self.attributes & OF_FUNCTIONS:
            self._add(node, "attribute", what, f"{node.path}.{what}", getattr(function, what))
        if function is os.getenv:
            self._add(node, "constant", None, "os.environ", os.environ)
        if is_library(function):
            return
        self._add(node, "attribute", "__code__", f"{node.path}.__code__", code)
        self.names |= set(read.globals)
        self.filled = (self.filled | read.filled) - (read.attributes - read.filled) - self.attributes
        self.attributes |= read.attributes - self.filled
        self.is_dynamic |= read.is_dynamic
        self.is_matching |= read.is_matching
        self._into_names(node, read)
        if function.__dict__:
            self._attributes(node, function.__dict__)
        owners = [c.of for c in uses_in(code) if c.how == "attribute" and c.of.how in ("global", "cell")]
        self.asked.update([id(resolved(owner, function)) for owner in owners])

    def _into_names(self, node: Node, read: Code) -> None:
        """The globals and modules that a function reads."""
        known = node.value.__globals__
        is_open = not {"globals", "eval", "exec"}.isdisjoint(read.globals) or "__globals__" in self.attributes
        for name in [n for n in known if not n.startswith("__")] if is_open else read.globals:
            if name in known:
                if not _is_filled(name, known[name], read.filled):
                    self._share(node, (id(known), name), "global", (known, name), name, known[name])
                continue
            self.absent.setdefault(id(known), (known, set()))[1].add(name)
        for name, level in read.imports:
            if level:
                name = resolve_name("." * level + (name or ""), known.get("__package__") or known["__name__"])
            parts = name.split(".")
            for path in [".".join(parts[: n + 1]) for n in range(len(parts))]:
                self._share(node, (id(sys.modules), path), "module", path, path, sys.modules.get(path))

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
        if hasattr(node.value, "cache_clear"):  # its answers, by what it was called with
            memos = [r for r in gc.get_referents(node.value) if type(r) is dict and r is not own]
            node.places += [Place("memo", None, f"{node.path}.cache", memo) for memo in memos]

    def _into_module(self, node: Node) -> None:
        for name in sorted(self._wanted(vars(node.value)) | {"__getattr__"} & vars(node.value).keys()):
            self._add(node, "attribute", name, f"{node.path}.{name}", vars(node.value)[name])

    def _into_library(self, node: Node) -> None:
        if node.value is os and {"environ", "getenv"} & self.attributes:
            self._add(self.root, "constant", None, "os.environ", os.environ)
        known = vars(node.value)
        for name in self.attributes & known.keys() if node.value is sys else ():
            if type(known[name]) in (list, dict) and known[name] is not sys.modules:
                self._share(self.root, (id(known), name), "global", (known, name), f"{node.path}.{name}", known[name])
        if node.value is decimal:
            self._note_arithmetic()
        if node.value is logging and "root" in self.attributes:
            self._add(self.root, "constant", None, f"{node.path}.root", logging.root)
        if node.value is np and "random" in self.attributes:
            self._note(f"{node.path}.random", np.random.random)
        elif node.value in (random, np.random):
            self._note(node.path, node.value.random)

    def _into_dict(self, node: Node) -> None:
        items = list(node.value.items())
        for key, value in items:
            self._add(node, "item", key, f"{node.path}[{key!r:.40}]", value)
        self._into_held(node, [key for key, _ in items])
        if isinstance(node.value, defaultdict):
            self._add(node, "attribute", "default_factory", f"{node.path}.default_factory", node.value.default_factory)
        self._into_derived(node)

    def _into_sequence(self, node: Node) -> None:
        for i, value in enumerate(items_of(node)):
            self._add(node, "item", i, f"{node.path}[{i}]", value)
        self._into_derived(node)

    _into_objects = _into_sequence

    def _into_flat(self, node: Node) -> None:
        """Compared as a whole, but for what is looked into in a set."""
        if isinstance(node.value, (set, frozenset)):
            self._into_held(node, node.value)
        if getattr(node.value, "_objects", None):  # of ctypes
            self.unwatched[node.path] = f"a {type(node.value).__name__}, which points elsewhere"
        self._into_derived(node)

    _into_memory = _into_flat

    def _into_environ(self, node: Node) -> None:
        """Compared as a whole."""

    def _into_context(self, node: Node) -> None:
        self._add(node, "context", None, node.path, node.value.get(UNBOUND))

    def _into_reference(self, node: Node) -> None:
        self._add(node, "reference", None, node.path, node.value())

    def _into_logger(self, node: Node) -> None:
        """From which level on it is heard, which those above it decide too."""
        if self.attributes.isdisjoint({"level", "getEffectiveLevel", "isEnabledFor"}):
            return
        for name in ("level", "parent", "disabled"):
            self._add(node, "attribute", name, f"{node.path}.{name}", getattr(node.value, name))
        known = vars(node.value.manager)
        self._share(node, (id(known), ""), "global", (known, "_disable"), "logging.disable", known["_disable"])

    def _into_holder(self, node: Node) -> None:
        if isinstance(node.value, (attrgetter, methodcaller)):
            names = [n for n in node.value.__reduce__()[1] if isinstance(n, str)]
            self.attributes |= {part for name in names for part in name.split(".")}
        self._into_held(node, gc.get_referents(node.value))

    def _into_held(self, node: Node, values: Iterable[Any]) -> None:
        """The constants that an object leads to."""
        for value in values:
            if is_looked_into(value) or is_input(value):
                self._add(node, "constant", None, node.path, value)

    def _into_derived(self, node: Node) -> None:
        """A container of a class of the user's, with attributes and methods of its own."""
        kind = type(node.value)
        if is_users(kind) and not is_generated(kind):
            self._into_object(node)

    def _into_class(self, node: Node) -> None:
        if is_users(type(node.value)):
            self._add(node, "type", None, type(node.value).__name__, type(node.value))
        for name in self.attributes & {"__name__", "__qualname__"}:
            self._add(node, "attribute", name, f"{node.path}.{name}", getattr(node.value, name))
        for base in [b for b in node.value.__mro__ if is_users(b) and id(b) not in self._bases]:
            self._bases.add(id(base))
            for name, part in list(vars(base).items()):
                if isinstance(part, classmethod) and name in self.attributes:
                    self._made.update(map(id, node.value.__mro__))
                if name in MAKING and not self._is_made(base):
                    continue
                if self._is_read(name, part):
                    for read in parts_of(part):
                        self._add(node, "class", (base, name, part), f"{base.__name__}.{name}", read)
            if self.is_matching:
                self.attributes |= set(vars(base).get("__match_args__", ()))

    def _is_made(self, kind: type) -> bool:
        """Whether objects of a class may be made."""
        ways = {"type", "__class__", "__init__", "replace"}
        return id(kind) in self._made or self.is_dynamic or not ways.isdisjoint(self.names | self.attributes)

    def _is_read(self, name: str, attribute: Any) -> bool:
        """Whether an attribute of a class may be read."""
        if is_special(name):
            return isinstance(attribute, (FunctionType, staticmethod, classmethod)) or name in self.attributes
        return self.is_dynamic or name in self.attributes or name in self.filled and type(attribute) not in FILLED

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
        names = [n for base in kind.__mro__ if is_users(base)
                 for n, d in vars(base).items() if type(d) is MemberDescriptorType]
        return [n for n in dict.fromkeys(names) if self.is_dynamic or n in self.attributes]

    def _attributes(self, node: Node, own: dict[str, Any]) -> None:
        wanted = self._wanted(own)
        is_by_name = isinstance(node.value, (SimpleNamespace, Namespace))
        if hasattr(type(node.value), "__getattr__") or is_plain(node.value) and not is_by_name:  # others know the names
            wanted = {n for n in own if not is_special(n)}
        if is_dataclass(node.value) and not isinstance(node.value, type):
            wanted = {*wanted, *(f.name for f in fields(node.value) if f.name in own)}
        for name in [n for n in list(own) if n in wanted]:
            self._add(node, "attribute", name, f"{node.path}.{name}", own[name])

    def _wanted(self, own: dict[str, Any]) -> set[str]:
        named = {n for n in own if n in self.attributes or n in self.filled and type(own[n]) not in FILLED}
        if not self.is_dynamic:
            return named
        is_large = len(own) > MOST_ITEMS  # as a module, of whose functions few are meant
        return named | {n for n, v in own.items() if not (is_special(n) or is_large and kind_of(v) in _LARGE)}


_LARGE = {"function", "class", "module", "library", "method", "holder"}


def items_of(node: Node) -> list[Any]:
    """The items of a sequence, or of an array of objects."""
    return node.value.ravel().tolist() if node.kind == "objects" else list(node.value)


def _is_filled(name: str, value: Any, filled: Collection[str]) -> bool:
    """Whether what a name stands for is only filled, and not read."""
    return name in filled and type(value) in FILLED


def _name_of(value: Any) -> str:
    return "self" if hasattr(value, "__dict__") and not isinstance(value, type) else f"{value!r:.40}"
