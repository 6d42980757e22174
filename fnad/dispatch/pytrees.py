"""Functions written for one structure of pytrees: they take it apart and rebuild it without a walk.

A walk asks every object what it is; a call of a compiled function most times has arguments like those of the
call before, and to see that they are takes a comparison or two for each. Structures that hold more than dicts,
lists, tuples, namedtuples and None are left to the walk: there is no function for them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

from fnad import tree
from fnad.dispatch.constants import Constant, Static
from fnad.generated import define, word
from fnad.sameness import typed

MOST_LEAVES = 1024
"""Leaves of a structure that a function is written for."""
MOST_LEVELS = 32

Matcher = Callable[[tuple[Any, ...], dict[str, Any]], "list[Any] | None"]


def matcher(treedef: tree.TreeDef, leaf_keys: Sequence[Any], static: Static | None = None) -> Matcher | None:
    """A function of ``args, kwargs``, whose structure this is, that gives the leaves, where each is what its key says.

    A key is ``(shape, dtype)`` of an array, the same and the type of one that is not NumPy's, the type of a Python
    number, or a `Constant`, which is not given; other leaves are not known here. Static arguments are none of the
    structure, and are not given either.

    >>> match = matcher(tree.structure(((1,), {"b": [2]})), [int, ((3,), np.dtype(float))])
    >>> match((1,), {"b": [np.ones(3)]})
    [1, array([1., 1., 1.])]
    >>> match((1.0,), {"b": [np.ones(3)]}) is match((1,), {"b": [np.ones(4)]}) is None
    True
    """
    if not all(map(_is_known_key, leaf_keys)):
        return None
    example = _example(treedef)
    if example is None:
        return None
    (args, kwargs), keys = example[0], [*leaf_keys]
    if static is not None:
        keys += static.constants()
        args, kwargs = static.restored(args, kwargs, range(len(leaf_keys), len(keys)))
    return _Matching(keys).function(args, kwargs)


def _is_known_key(key: Any) -> bool:
    return isinstance(key, type) or type(key) is Constant or type(key) is tuple and _array_class(key) is not None


def _array_class(key: Any) -> Any:
    """The class of the arrays that a key stands for; ``None`` for traced ones and NumPy's scalars."""
    kind = np.ndarray if len(key) == 2 else key[2]
    return kind if isinstance(kind, type) else None


def rebuilder(treedef: tree.TreeDef) -> Callable[[Sequence[Any]], Any] | None:
    """A function that rebuilds a pytree of this structure from its leaves.

    >>> rebuilder(tree.structure({"w": 1, "b": [2]}))([10, 20])
    {'w': 20, 'b': [10]}
    """
    example = _example(treedef)
    if example is None:
        return None
    words: dict[str, Any] = {}
    names = "".join([f"v{i}, " for i in range(treedef.num_leaves)])
    unpack = f"    {names}= leaves\n" if names else ""
    return define(f"def function(leaves):\n{unpack}    return {_expression(example[0], words)}\n", words)


def _example(treedef: tree.TreeDef) -> tuple[Any] | None:
    """A pytree of the structure whose leaves are their numbers; ``None`` where it holds what is not known here."""
    if treedef.num_leaves > MOST_LEAVES:
        return None
    try:
        example = tree.unflatten(treedef, range(treedef.num_leaves))
    except Exception:  # a class of the user's that is particular about what it holds
        return None
    return (example,) if _is_known(example, MOST_LEVELS) else None


def _is_known(node: Any, levels: int) -> bool:
    if not _is_node(node):
        return type(node) is int or node is None
    return levels > 0 and all([_is_known(child, levels - 1) for child in _children(node)])


def _is_node(node: Any) -> bool:
    kind = type(node)
    return kind in (dict, list, tuple) or isinstance(node, tuple) and hasattr(kind, "_fields")


def _children(node: Any) -> Collection[Any]:
    return node.values() if type(node) is dict else node


class _Matching:
    """The source of a matcher, as it is written."""

    def __init__(self, leaf_keys: Sequence[Any]) -> None:
        self.leaf_keys = leaf_keys
        self.lines: list[str] = []
        self.words: dict[str, Any] = {}
        self.count = 0

    def function(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Matcher:
        """The finished function."""
        self.add_node(args, "args")
        self.add_node(kwargs, "kwargs")
        body = [f"        {line}" for line in self.lines]
        leaves = ", ".join([f"v{i}" for i, key in enumerate(self.leaf_keys) if type(key) is not Constant])
        source = ["def function(args, kwargs):", "    try:", *body, f"        return [{leaves}]",
                  "    except ValueError:  # more or fewer of them", "        return None", ""]
        return define("\n".join(source), {**self.words, "_are_same": _are_same})

    def add(self, node: Any, name: str) -> None:
        """Require a variable to be a node, or a leaf, like this one, and what is below it likewise."""
        if node is None:
            self.require(f"{name} is not None")
        elif not _is_node(node):
            self.add_leaf(name, self.leaf_keys[node])
        else:
            self.require(f"type({name}) is not {word(self.words, type(node))}")
            self.add_node(node, name)

    def add_node(self, node: Any, name: str) -> None:
        """Require a variable, which is of a node's type, to hold what the node does."""
        if not node:
            self.require(name)
            return
        if type(node) is dict:
            self.add_keys(list(node), name)
        names = []
        for child in _children(node):
            self.count += type(child) is not int
            names.append(f"v{child}" if type(child) is int else f"n{self.count}")
        if type(node) is dict:
            self.lines += [f"{below} = {name}[{word(self.words, key)}]" for below, key in zip(names, node)]
        else:
            self.lines.append(f"{', '.join(names)}, = {name}")
        for child, below in zip(_children(node), names):
            self.add(child, below)

    def add_keys(self, keys: list[Any], name: str) -> None:
        """Require a dict to have these keys in this order, which Python would see."""
        names, words = [f"k{i}" for i in range(len(keys))], [f"w{len(self.words) + i}" for i in range(len(keys))]
        self.words.update(zip(words, keys))
        known = word(self.words, [*map(typed, keys)])
        self.lines.append(f"{', '.join(names)}, = {name}")
        differs = " or ".join([f"{own} is not {key}" for own, key in zip(names, words)])
        # Most times they are the same objects.
        self.require(f"({differs}) and not _are_same({name}, {known})")

    def add_leaf(self, name: str, key: Any) -> None:
        """Require a variable to be a leaf of a kind."""
        if isinstance(key, type):
            self.require(f"type({name}) is not {word(self.words, key)}")
            return
        if type(key) is Constant:
            self.add_constant(name, key)
            return
        shape, dtype, *_ = key
        known, kind = word(self.words, dtype), word(self.words, _array_class(key))
        # The same dtype is most times the same object, but need not be: an unpickled array has its own.
        self.require(f"type({name}) is not {kind} or {name}.shape != {shape} or "
                     f"{name}.dtype is not {known} and {name}.dtype != {known}")

    def add_constant(self, name: str, constant: Constant) -> None:
        """Require a variable to be what a constant may stand in the place of: most times it is the same object."""
        is_for, known = word(self.words, constant.is_for), f"c{len(self.words)}"
        self.words[known] = constant.value  # also a text, which source could spell, but not ask for by `is`
        # What is the same object and looked into is watched, wherever it changes.
        is_same = constant.is_itself or constant.is_looked_into
        self.require(f"{f'{name} is not {known} and ' if is_same else ''}not {is_for}({name})")

    def require(self, failure: str) -> None:
        """Give up where a condition holds."""
        self.lines += [f"if {failure}:", "    return None"]


def _expression(node: Any, words: dict[str, Any]) -> str:
    if not _is_node(node):
        return "None" if node is None else f"v{node}"
    parts = [_expression(child, words) for child in _children(node)]
    if type(node) is dict:
        return f"{{{', '.join([f'{word(words, key)}: {part}' for key, part in zip(node, parts)])}}}"
    if type(node) is list:
        return f"[{', '.join(parts)}]"
    items = "".join([f"{part}, " for part in parts])
    return f"({items})" if type(node) is tuple else f"{word(words, type(node))}({items})"


def _are_same(keys: Iterable[Any], known: Sequence[Any]) -> bool:
    """Whether keys are these, in this order, not just equal ones: 1 is equal to True."""
    return [*map(typed, keys)] == known
