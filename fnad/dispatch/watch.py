"""Whether what a function reads from outside is as it was: a comparison or two for each place, written out as source.

Arrays are not compared but given back, for they are read anew; only their types have to be as they were.
"""

from __future__ import annotations

import keyword
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import is_dataclass
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from fnad.arrays import has_plain_meaning, is_array, is_numeric
from fnad.dispatch.comparing import arithmetic, has_new, is_unassigned, same, same_items, same_keys, unchanged
from fnad.dispatch.kinds import is_foreign, is_input, is_number, is_users, taken
from fnad.dispatch.outside import UNBOUND, Node, Outside, Place
from fnad.generated import define
from fnad.runtime.cuda.arrays import DeviceArray
from fnad.tracing.tracer import Tracer, value_type

Static = Sequence[Any]
Reader = Callable[[Static], "list[Any] | None"]


class Watch:
    """A function's reads from outside, as they were then."""

    def __init__(self, outside: Outside, numbers: Collection[str] = (), contents: Collection[str] = ()) -> None:
        self.outside = outside
        self.numbers, self.contents = numbers, contents
        """Paths of numbers that are inputs, and of arrays that Python has looked into."""
        self._checking = _Checking(outside, numbers, contents)
        self.places = self._checking.places
        """By path, those of the arrays and numbers that may be read anew."""
        self._kept = self._checking.kept
        self._read: Reader | None = None
        self.has_static = any([p.how == "static" for p in outside.root.places])
        self._found = {id(p.value): path for path, p in self.places.items() if not is_number(p.value)}

    def find(self, value: Any) -> str | None:
        """The path at which an array is found."""
        return self._found.get(id(value))

    def values(self) -> dict[str, Any]:
        """The arrays and numbers as they were, by path."""
        return {path: place.value for path, place in self.places.items()}

    def read(self, static: Static) -> dict[str, Any] | None:
        """The arrays and numbers as they are now, by path; ``None`` where something else is not as it was."""
        if self._read is None:
            self._read = self.reader([(path, None) for path in self.places], True) or (lambda static: [])
        values = self._read(static)
        return None if values is None else dict(zip(self.places, values))

    def reader(self, wanted: Sequence[tuple[str | None, Any]], is_strict: bool) -> Reader | None:
        """A function that gives what is found at these paths now, or ``None`` where something is not as it was.

        Where there is no path it gives the value beside it. Without anything to look at there is no function. That an
        array which it gives has got another shape or dtype where it lies, only a strict one sees.
        """
        return self._checking.function(wanted, is_strict)

    def changes(self, now: Outside) -> dict[str, tuple[Any, Any]]:
        """The changes, by path: what was there, and what is."""
        before, after = _by_path(self.outside), _by_path(now)
        changed = {path: (v, after.get(path, _GONE)) for path, v in before.items()
                   if path not in after or not self._is_as_before(path, v, after[path])}
        return changed | {path: (_GONE, v) for path, v in after.items() if path not in before}

    def _is_as_before(self, path: str, before: Any, after: Any) -> bool:
        if path in self._kept and is_input(after) and not unchanged(after, self._kept[path]):
            return False
        if is_input(before) and is_input(after):
            return _type(before) == _type(after)
        if path in self.numbers and type(before) is type(after):
            return True
        return before is after or same(before, after)


class _Gone:
    def __repr__(self) -> str:
        return "nothing"


_GONE = _Gone()


def _by_path(outside: Outside) -> dict[str, Any]:
    return {p.path: p.value for p in outside.leaves()} | {
        p.path: p.value for p in outside.places() if p.node is not None and not _is_structural(p.node)
    }


def shown(value: Any) -> str:
    """A value in a message."""
    if is_array(value) or type(value) is Tracer:
        is_fit = type(value) is Tracer or is_numeric(value.dtype) and has_plain_meaning(value)
        return str(value_type(value)) if is_fit else f"{type(value).__name__} of {value.dtype}"
    return f"{value!r:.40}"


def _type(value: Any) -> Any:
    value = taken(value) if is_foreign(value) else value
    return type(value), value.shape, value.dtype


def _is_structural(node: Node) -> bool:
    """Whether another object of the same structure may take a node's place."""
    value = node.value
    return node.kind in ("dict", "sequence", "objects", "flat", "memory") or node.kind == "object" and (
        is_dataclass(value) or type(value) is SimpleNamespace
    )


class _Checking:
    """The source of the function that compares, as it is written."""

    def __init__(self, outside: Outside, numbers: Collection[str], contents: Collection[str]) -> None:
        self.outside, self.numbers, self.contents = outside, numbers, contents
        self.places: dict[str, Place] = {}
        self.lines: list[str] = []
        self.strict: dict[int, tuple[str, str]] = {}
        """Of lines about arrays, by their numbers, the array's path and the line that always looks at its type."""
        self.words: dict[str, Any] = {"same": same, "same_items": same_items, "unchanged": unchanged, "taken": taken,
                                      "same_keys": same_keys, "has_new": has_new, "is_unassigned": is_unassigned,
                                      "modules": sys.modules, "arithmetic": arithmetic, "UNBOUND": UNBOUND}
        self.known: dict[int, str] = {}
        self.names: dict[int, str] = {}  # what nodes are called
        self.arrays: dict[int, str] = {}  # and arrays
        self.given: dict[str, str] = {}  # and what is at a path
        self.kept: dict[str, np.ndarray] = {}  # copies of the arrays that Python has looked into
        self.done: set[int] = set()
        self._bases: set[int] = set()
        self._contents = {id(p.value) for p in outside.leaves() if p.path in contents}
        self.count = 0
        for names, absent in outside.absent.values():
            known = self._word(names)
            self._require(" or ".join([f"{name!r} in {known}" for name in sorted(absent)]))
        for node in (outside.root, *outside.nodes.values()):
            self._unpack(node)
            for i, place in enumerate(node.places):
                if id(place) not in self.done:
                    self.done.add(id(place))
                    self._place(node, i, place)

    def function(self, wanted: Sequence[tuple[str | None, Any]], is_strict: bool) -> Reader | None:
        """The function that gives what is wanted; a strict one looks at the types of arrays that it gives too."""
        if not self.lines and not wanted:
            return None
        given = [self._word(value) if path is None else self.given[path] for path, value in wanted]
        lines = {k: line for k, (path, line) in self.strict.items() if is_strict or self.given.get(path) not in given}
        body = [f"        {lines.get(k, line)}" for k, line in enumerate(self.lines)]
        source = ["def function(static):", "    try:", *body, f"        return [{', '.join(given)}]",
                  "    except Exception:", "        return None", ""]
        return define("\n".join(source), self.words)

    def _word(self, value: Any) -> str:
        known = self.known.get(id(value))
        if known is None:
            known = self.known[id(value)] = f"w{len(self.words)}"
            self.words[known] = value
        return known

    def _require(self, failure: str) -> None:
        self.lines += [f"if {failure}:", "    return None"]

    def _new(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def _unpack(self, node: Node) -> None:
        """Names for the items of a container, and that there is nothing new to be read."""
        items = [p for p in node.places if p.how == "item"]
        name = self.names.get(id(node), "")
        if items:
            self.count += 1
            values = "".join([f"i{self.count}_{k}, " for k in range(len(items))])
            part = {"dict": ".values()", "objects": ".ravel().tolist()"}.get(node.kind, "")
            self.lines.append(f"{values}= {name}{part}")
            self.names[-id(node)] = f"i{self.count}_"
        elif node.kind == "object":
            for slot in self.outside.slots(type(node.value)):
                if not hasattr(node.value, slot):
                    self._require(f"hasattr({name}, {slot!r})")
        elif node.kind == "function":
            self._unpack_function(node.value, name)
        elif node.kind == "class":
            self._require(f"{name}.__mro__ is not {self._word(node.value.__mro__)}")
            for base in [b for b in node.value.__mro__ if is_users(b) and id(b) not in self._bases]:
                self._bases.add(id(base))
                self._nothing_new(vars(base))
        elif node.kind == "module":
            self._nothing_new(vars(node.value))
        if any([p.how == "type" for p in node.places]) and hasattr(node.value, "__dict__") and node.kind != "class":
            own = node.value.__dict__
            if self.outside.is_dynamic:
                self._require(f"[*{name}.__dict__] != {self._word([*own])}")
            elif absent := self.outside.attributes - set(own):
                self._require(f"not {self._word(absent)}.isdisjoint({name}.__dict__)")

    def _unpack_function(self, function: FunctionType, name: str) -> None:
        """That a function has come to have no defaults, nor attributes that may be read."""
        code = function.__code__
        if code.co_argcount and not function.__defaults__:
            self._require(f"{name}.__defaults__")
        if code.co_kwonlyargcount and not function.__kwdefaults__:
            self._require(f"{name}.__kwdefaults__")
        if id(function) in self.outside.asked:
            absent = self._word(self.outside.attributes - set(function.__dict__))
            self._require(f"not {absent}.isdisjoint({name}.__dict__)")

    def _nothing_new(self, own: Any) -> None:
        """That a class or module has no attributes which it had not; most times it has as many as it had."""
        names, known, attributes = self._word(own), self._word(frozenset(own)), self._word(self.outside.attributes)
        self._require(f"len({names}) != {len(own)} and has_new({names}, {known}, {attributes})")

    def _expression(self, node: Node, i: int, place: Place) -> str:
        how, key = place.how, place.key
        if how == "static":
            return f"static[{key}]"
        if how == "item":
            return f"{self.names[-id(node)]}{i}"
        if how == "cell":
            return f"{self._word(key)}.cell_contents"
        if how == "global":
            return f"{self._word(key[0])}[{key[1]!r}]"
        if how == "class":
            return f"{self._word(vars(key[0]))}[{key[1]!r}]"
        if how == "module":
            return f"modules.get({key!r})"
        name = self.names[id(node)]
        if how in ("type", "context", "reference"):
            return {"type": f"type({name})", "context": f"{name}.get(UNBOUND)", "reference": f"{name}()"}[how]
        return f"{name}.{key}" if key.isidentifier() and not keyword.iskeyword(key) else f"{name}.__dict__[{key!r}]"

    def _place(self, node: Node, i: int, place: Place) -> None:
        """Require what is found in a place to be as it was."""
        if place.how == "unassigned":
            self._require(f"not is_unassigned({self._word(place.key)})")
            return
        if place.how == "memo":  # an answer that is gone is computed anew, of what is there now
            self._require(f"not {self._word(place.value.copy())}.items() <= {self._word(place.value)}.items()")
            return
        if place.how == "decimal":
            self._require(f"arithmetic() != {self._word(place.value)}")
            return
        if place.how == "constant":
            if place.node is not None and (_is_structural(place.node) or place.node.kind == "environ"):
                self._node(self._word(place.value), place.node)
            elif place.node is not None:
                self.names.setdefault(id(place.node), self._word(place.value))
            elif is_input(place.value):
                self._leaf(self._word(place.value), place)
            return
        if place.how == "type" and _is_structural(node) and place.node is not None:
            self.names.setdefault(id(place.node), self._word(place.value))  # it is compared where the object is found
            return
        expression = self._expression(node, i, place)
        if place.how == "class" and place.key[2] is not place.value:
            self._require(f"{expression} is not {self._word(place.key[2])}")
            if place.node is not None:
                self.names.setdefault(id(place.node), self._word(place.value))
        elif place.node is None:
            self._leaf(expression, place)
        else:
            self._node(expression, place.node)

    def _node(self, expression: str, node: Node) -> None:
        known = self.names.get(id(node))
        if known is not None:
            self._require(f"{expression} {'!=' if node.kind == 'method' else 'is not'} {known}")
        elif not _is_structural(node):
            known = self.names[id(node)] = self._word(node.value)
            if expression != known:
                self._require(f"{expression} {'!=' if node.kind == 'method' else 'is not'} {known}")
            if node.kind == "environ":
                self._require(f"{known}._data != {self._word(node.value._data.copy())}")
        else:
            name = self.names[id(node)] = self._new("n")
            kind = self._word(type(node.value))
            self.lines.append(f"{name} = {expression}")
            if node.kind == "flat":
                kept = node.value.copy() if isinstance(node.value, (set, frozenset, dict)) else tuple(node.value)
                self._require(f"not same_items({name}, {self._word(node.value)}, {self._word(kept)})")
            elif node.kind == "memory":  # not looked at through an array, which would keep it from growing
                self._require(f"type({name}) is not {kind} or bytes({name}) != {self._word(bytes(node.value))}")
            elif node.kind == "dict":
                keys = self._word([*node.value])
                are_texts = {*map(type, node.value)} <= {str}
                differ = f"[*{name}] != {keys}" if are_texts else f"not same_keys({name}, {keys})"
                self._require(f"type({name}) is not {kind} or {differ}")
            elif node.kind == "objects":
                self._require(f"type({name}) is not {kind} or {name}.dtype.char != 'O' or "
                              f"{name}.shape != {node.value.shape}")
            elif node.kind == "sequence":
                self._require(f"type({name}) is not {kind} or len({name}) != {len(node.value)}")
            else:
                self._require(f"type({name}) is not {kind}")

    def _leaf(self, expression: str, place: Place) -> None:
        value = place.value
        if is_input(value):
            self._array(expression, place)
        elif place.path in self.numbers and is_number(value):
            name = self._new("v")
            self.lines.append(f"{name} = {expression}")
            self._require(f"type({name}) is not {self._word(type(value))}")
            self._give(name, place)
        else:
            name = expression if expression.isidentifier() else self._new("v")
            read = name if name == expression else f"({name} := {expression})"
            self._require(f"{read} is not {self._word(value)} and not same({name}, {self._word(value)})")

    def _give(self, expression: str, place: Place) -> None:
        self.given[place.path] = expression
        self.places[place.path] = place

    def _array(self, expression: str, place: Place) -> None:
        value = place.value
        known = self.arrays.get(id(value))
        if known is not None:
            self._require(f"{expression} is not {known}")
            self._give(known, place)
            return
        name = self.arrays[id(value)] = self._new("v")
        self.lines.append(f"{name} = {expression}")
        array, read, kind = value, name, self._word(type(value))
        if is_foreign(value):
            self._require(f"type({name}) is not {kind}")
            self.lines.append(f"t{name} = taken({name})")
            array, read, kind = taken(value), f"t{name}", self._word(np.ndarray)
        dtype = self._word(array.dtype)
        differs = (f"type({read}) is not {kind} or {read}.shape != {array.shape!r} or "
                   f"{read}.dtype is not {dtype} and {read}.dtype != {dtype}")
        # Most times it is the same array. That it has got another shape is then for compiled code to see, if that
        # takes it.
        self.strict[len(self.lines)] = place.path, f"if {differs}:"
        self._require(f"{read} is not {self._word(array)} and ({differs})")
        if id(value) in self._contents and type(value) not in (Tracer, DeviceArray):
            is_kept_as_is = isinstance(array, np.ma.MaskedArray)
            kept = self.kept[place.path] = array.copy() if is_kept_as_is else np.array(array)
            self._require(f"not unchanged({read}, {self._word(kept)})")
        if own := getattr(array, "__dict__", {}):
            self._require(f"not same_items({read}.__dict__, {self._word(own)}, {self._word(dict(own))})")
        self._give(read, place)
