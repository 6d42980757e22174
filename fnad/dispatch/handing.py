"""Handing what a function reads from outside in as traced values, so that what is computed from it is staged too.

The function runs as a copy of itself, in whose globals, closures, objects and containers traced values stand for
arrays. Only what leads to such a place is copied, and what the function changes there is changed in the original
afterwards.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection
from copy import copy
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from fnad import tree
from fnad.dispatch.kinds import is_foreign, is_input, is_number, is_traceable, taken
from fnad.dispatch.outside import Node, Outside, Place
from fnad.ir.program import Program, Var, subprograms
from fnad.ir.types import ArrayType, type_of
from fnad.tracing.builder import Builder
from fnad.tracing.tracer import Tracer
from fnad.tracing.values import inputs_of, is_from_outside


class Handing:
    """The places read from outside that are handed in, and what stands for them in one staging."""

    def __init__(self, outside: Outside, constants: Collection[str], numbers: Collection[str]) -> None:
        self.outside = outside
        self.fixed = _fixed(outside)
        """Places that are read by what cannot be copied, as the methods of a class."""
        leaves = [p for p in outside.leaves() if id(p) not in self.fixed and p.path not in constants]
        named = outside.names | outside.attributes
        # A traced value is of another type, for code that asks for that.
        kinds = {"ndarray", "__name__", "__qualname__"}
        asks = "type" in outside.names and (not named.isdisjoint(kinds) or _are_met(outside))
        # A copy of an object is another one.
        are_arrays = not asks and "id" not in outside.names
        are_numbers = named.isdisjoint({"type", "isinstance", "isscalar"})
        self.places = {
            id(p): p for p in leaves
            if are_arrays and is_traceable(p.value) or are_numbers and p.path in numbers and is_number(p.value)
        }
        self._leading = _leading(outside, self.places)
        self.paths: dict[Var, str] = {}
        """The path of each variable that was handed in."""
        self.dropped: dict[str, None] = {}
        """Paths where the function has put a traced value, not kept."""
        self.replaced: dict[str, None] = {}
        """Paths where it has put one, derived from what was handed in, in place of an array."""

    def handed(self, builder: Builder, function: Any, static: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """The function and its static arguments with traced values in them."""
        self._builder = builder
        self._tracers: dict[int, tuple[Tracer, Var, Any]] = {}
        self._copies: dict[int, Any] = {}
        self._modules: dict[int, ModuleType] = {}
        self._originals: dict[int, Any] = {}
        self._put: list[tuple[Any, Any, Any]] = []
        fresh = list(static)
        for place in self.outside.root.places:
            if place.how == "static":
                fresh[place.key] = self._value(place)
        return self._value(self.outside.root.places[0]), tuple(fresh)

    @property
    def written(self) -> list[str]:
        """The paths of arrays that were handed in and written to."""
        return [self.paths[v] for tracer, v, _ in self._tracers.values() if tracer.atom is not v]

    def held(self, program: Program) -> set[Var]:
        """The inputs handed in that Python code of a Program still holds, as the rules of derivatives."""
        own = {id(tracer): v for tracer, v, _ in self._tracers.values()}
        params = [v for e in program.equations for v in e.params.values() if _may_hold(v)]
        leaves = [v if type(v) is Tracer else p.value for v in params for p in Outside(v).leaves()]
        inner = [v for e in program.equations for p in subprograms(e.params) for v in self.held(p)]
        return {own[id(v)] for v in leaves if id(v) in own} | set(inner)

    def leaked(self) -> set[Var]:
        """Inputs handed in that came to be kept outside, as in a memo of the user's, which then forgets them."""
        found: set[Var] = set()
        for original, made, put in self._put:
            before = put if isinstance(made, dict) else {} if isinstance(made, CellType) else dict(enumerate(put))
            now = made if isinstance(made, dict) else {} if isinstance(made, CellType) else dict(enumerate(made))
            for key, value in now.items():
                inputs = self._followed(value) if _is_dead(value) and not _is_in(value, put) else set()
                found |= inputs
                if inputs and type(before.get(key)) is Tracer:
                    self.replaced[self._path(original, key)] = None
        for node in self.outside.nodes.values():
            names = node.value if type(node.value) is dict else getattr(node.value, "__dict__", None)
            if node.kind in ("dict", "object") and type(names) is dict:
                known = {p.key: p.value for p in node.places}
                for key, value in list(names.items()):
                    inputs = self._followed(value) if known.get(key) is not value else set()
                    found |= inputs
                    if inputs and key in known:
                        names[key] = known[key]
                    elif inputs:
                        del names[key]
        return found

    def _followed(self, value: Any) -> set[Var]:
        """The inputs that a value kept outside follows from, if all were handed in."""
        traced = [t for t in tree.leaves(value) if type(t) is Tracer and t.builder is self._builder]
        inputs = {v for t in traced if type(t.atom) is Var for v in inputs_of(self._builder, t.atom)}
        return inputs & self._builder.handed if is_from_outside(self._builder, inputs) else set()

    # Copies

    def _value(self, place: Place) -> Any:
        """The value at a place."""
        if id(place) in self.places:
            return self._traced(place)
        return place.value if place.node is None else self._copy(place.node)

    def _traced(self, place: Place) -> Tracer:
        known = self._tracers.get(id(place.value) if is_input(place.value) else id(place))
        if known is None:
            known = self._tracers[id(place.value) if is_input(place.value) else id(place)] = self._new(place)
        return known[0]

    def _new(self, place: Place) -> tuple[Tracer, Var, Any]:
        value, builder = place.value, self._builder
        if is_input(value):
            array = taken(value) if is_foreign(value) else value
            dtype = array.dtype if array.dtype.isnative else array.dtype.newbyteorder("=")
            tracer = builder.captured(array, array, ArrayType(array.shape, dtype))
        else:
            tracer = builder.captured(place, value, type_of(value))
        self.paths[tracer.atom] = place.path
        return tracer, tracer.atom, value

    def _copy(self, node: Node) -> Any:
        """A node with traced values in it; itself where none of them is further in."""
        if id(node) not in self._leading:
            return node.value
        if id(node) not in self._copies:
            made = _COPIES[node.kind](self, node)
            self._copies[id(node)] = made
            self._originals[id(made)] = node.value
        return self._copies[id(node)]

    def _keep(self, node: Node, made: Any) -> None:
        """Let a node that leads back to itself find its copy."""
        self._copies[id(node)] = made

    def _function(self, node: Node) -> FunctionType:
        function = node.value
        cells = {id(p.key): CellType() for p in node.places if p.how == "cell" and self._is_changed(p)}
        for p in node.places:
            if p.how == "cell" and id(p.key) in cells:
                cells[id(p.key)] = self._copies.setdefault(id(p.key), cells[id(p.key)])
        names = any([p.how == "global" and self._is_changed(p) for p in node.places])
        made = FunctionType(
            function.__code__, self._names(function.__globals__) if names else function.__globals__,
            function.__name__, function.__defaults__,
            tuple([cells.get(id(c), c) for c in function.__closure__]) if function.__closure__ else None,
        )
        made.__kwdefaults__ = function.__kwdefaults__
        made.__qualname__, made.__module__, made.__doc__ = function.__qualname__, function.__module__, function.__doc__
        made.__dict__.update(function.__dict__)
        self._keep(node, made)
        for p in node.places:
            if not self._is_changed(p):
                continue
            if p.how == "cell":
                cell = cells[id(p.key)]
                cell.cell_contents = self._value(p)
                self._put.append((p.key, cell, cell.cell_contents))
            elif p.how == "attribute":
                setattr(made, p.key, self._value(p))
        return made

    def _names(self, names: dict[str, Any]) -> dict[str, Any]:
        """A copy of a module's globals, with traced values in it."""
        module = self._modules.get(id(names))
        if module is None:
            module = self._modules[id(names)] = ModuleType(names.get("__name__", ""))
            known = vars(module)
            known.update(names)
            for p in self.outside.places():
                if p.how == "global" and p.key[0] is names and self._is_changed(p):
                    known[p.key[1]] = self._value(p)
            self._put.append((names, known, dict(known)))
        return vars(module)

    def _module(self, node: Node) -> ModuleType:
        names = self._names(vars(node.value))
        names.update({p.key: self._value(p) for p in node.places if self._is_changed(p)})
        self._put.append((vars(node.value), names, dict(names)))
        return self._modules[id(vars(node.value))]

    def _is_changed(self, place: Place) -> bool:
        return id(place) in self.places or place.node is not None and id(place.node) in self._leading

    def _method(self, node: Node) -> MethodType:
        owner, function = [self._value(p) for p in node.places]
        return MethodType(function, owner)

    def _partial(self, node: Node) -> Any:
        function, args, keywords = [self._value(p) for p in node.places]
        return type(node.value)(function, *args, **keywords)

    def _dict(self, node: Node) -> Any:
        made = node.value.copy()
        self._keep(node, made)
        for p in node.places:
            if p.how == "item":
                made[p.key] = self._value(p)
            elif p.how == "attribute":
                setattr(made, p.key, self._value(p))
        self._put.append((node.value, made, dict(made)))
        return made

    def _sequence(self, node: Node) -> Any:
        value = node.value
        if isinstance(value, tuple):
            items = [self._value(p) for p in node.places]
            return type(value)._make(items) if hasattr(value, "_make") else tuple(items)
        made = copy(value)
        self._keep(node, made)
        for i, p in enumerate(node.places):
            made[i] = self._value(p)
        self._put.append((value, made, list(made)))
        return made

    def _object(self, node: Node) -> Any:
        value = node.value
        made = object.__new__(type(value))
        self._keep(node, made)
        own = {p.key: self._value(p) for p in node.places if p.how == "attribute"}
        if hasattr(value, "__dict__"):
            made.__dict__.update(vars(value))
            made.__dict__.update({k: v for k, v in own.items() if k in vars(value)})
            self._put.append((value.__dict__, made.__dict__, dict(made.__dict__)))
        for name in _slots(type(value)):
            if hasattr(value, name):
                object.__setattr__(made, name, own.get(name, getattr(value, name)))
        return made

    def _reference(self, node: Node) -> weakref.ref:
        return weakref.ref(self._value(node.places[0]))

    def _wrapper(self, node: Node) -> Any:
        return node.value.with_function(self._value(next(p for p in node.places if p.key == "function")))

    # What the function has changed

    def give_back(self) -> None:
        """Change in the originals what the function has changed in their copies."""
        for original, made, put in self._put:
            if isinstance(made, CellType):
                self._give_cell(original, made, put)
            elif isinstance(made, dict):
                for key in [k for k in put if k not in made]:
                    original.pop(key, None)
                for key in [k for k, v in made.items() if k not in put or v is not put[k]]:
                    if _is_dead(self._back(made[key])):
                        self.dropped[self._path(original, key)] = None
                    else:
                        original[key] = self._back(made[key])
            elif len(made) != len(put) or any([a is not b for a, b in zip(made, put)]):
                items = [self._back(v) for v in made]
                if any(map(_is_dead, items)):
                    self.dropped[self._path(original)] = None
                else:
                    original.clear()
                    original.extend(items)

    def changed(self, is_last: bool) -> dict[str, str]:
        """The changes to what the function reads, by path; those not kept count in the last staging only."""
        kept = (*self.replaced, *self.dropped) if is_last else self.replaced
        return {
            **dict.fromkeys(self.written, "an array that it writes to"),
            **dict.fromkeys(kept, "which it sets to another value"),
        }

    def _give_cell(self, original: CellType, made: CellType, put: Any) -> None:
        try:
            value = self._back(made.cell_contents)
        except ValueError:  # deleted
            return
        if made.cell_contents is put:
            return
        if _is_dead(value):
            self.dropped[next(p.path for p in self.outside.places() if p.key is original)] = None
        else:
            original.cell_contents = value

    def _path(self, container: Any, key: Any = None) -> str:
        """The path of an item of a container, or of an attribute."""
        for node in self.outside.nodes.values():
            if node.value is container:
                return node.path if key is None else f"{node.path}[{key!r:.40}]"
            if node.kind in ("object", "module") and getattr(node.value, "__dict__", None) is container:
                return f"{node.path}.{key}"
        return str(key)  # of a function's globals

    def _back(self, value: Any) -> Any:
        if type(value) is Tracer:
            return next((own for tracer, _, own in self._tracers.values() if tracer is value), value)
        return self._originals.get(id(value), value)


def _is_in(value: Any, put: Any) -> bool:
    return any([v is value for v in (put.values() if isinstance(put, dict) else put)])


def _may_hold(value: Any) -> bool:
    """Whether a parameter of an operation may hold traced values."""
    if isinstance(value, (tuple, list)):
        return any(map(_may_hold, value))
    return not isinstance(value, (int, float, complex, str, np.generic, np.dtype, type(None), slice, Program))


def _is_dead(value: Any) -> bool:
    """Whether a value holds a traced one, which nobody may keep."""
    return any([type(leaf) is Tracer for leaf in tree.leaves(value)])


_COPIES: dict[str, Callable[[Handing, Node], Any]] = {
    "function": Handing._function, "method": Handing._method, "partial": Handing._partial, "dict": Handing._dict,
    "sequence": Handing._sequence, "module": Handing._module, "object": Handing._object, "wrapper": Handing._wrapper,
    "reference": Handing._reference,
}


def _slots(kind: type) -> list[str]:
    slots = [vars(base).get("__slots__", ()) for base in kind.__mro__]
    return [n for names in slots for n in ((names,) if isinstance(names, str) else names)
            if n not in ("__dict__", "__weakref__")]


def _are_met(outside: Outside) -> bool:
    """Whether NumPy's type of arrays is read, to which the type of a value may be compared."""
    return any([p.value is np.ndarray or type(p.value) in (dict, set) and np.ndarray in p.value
                for p in outside.places()])


def _is_copyable(node: Node) -> bool:
    value, kind = node.value, type(node.value)
    if hasattr(kind, "__getattr__"):  # which may look for attributes where they are not
        return False
    if node.kind == "dict":
        return kind in (dict, OrderedDict, defaultdict)
    if node.kind == "sequence":
        return kind in (list, tuple, deque) or isinstance(value, tuple) and hasattr(kind, "_make")
    if node.kind == "wrapper":
        return hasattr(value, "with_function")
    if node.kind == "object":
        if hasattr(kind, "__del__") or kind.__new__ is not object.__new__:
            return False
        try:
            object.__new__(kind)
        except TypeError:  # it is made of one of Python's own kinds
            return False
        return not isinstance(value, type)
    return node.kind in _COPIES


def _fixed(outside: Outside) -> set[int]:
    """The nodes and places that are read by what cannot be copied, or runs when the staging is long over."""
    pending = [n for n in outside.nodes.values() if not _is_copyable(n)]
    rules = [p for n in outside.nodes.values() for p in n.places if n.kind == "wrapper" and p.key != "function"
             or n.kind != "method" and p.how == "constant" or p.how == "module"]
    fixed = {id(n) for n in pending}
    while pending or rules:
        places, rules = [*rules, *(pending.pop().places if pending else ())], []
        for place in places:
            fixed.add(id(place))
            if place.node is not None and id(place.node) not in fixed:
                fixed.add(id(place.node))
                pending.append(place.node)
    return fixed


def _leading(outside: Outside, places: Collection[int]) -> set[int]:
    """The nodes in which there are such places, however far in."""
    owners: dict[int, list[Node]] = {}
    pending: list[Node] = []
    for node in outside.nodes.values():
        for place in node.places:
            if place.node is not None:
                owners.setdefault(id(place.node), []).append(node)
            elif id(place) in places:
                pending.append(node)
    leading = {id(n) for n in pending}
    while pending:
        for owner in owners.get(id(pending.pop()), ()):
            if id(owner) not in leading and _is_copyable(owner):
                leading.add(id(owner))
                pending.append(owner)
    return leading
