"""Pytrees: nested dicts, lists, tuples, namedtuples, dataclasses, None and registered classes.

A thin layer over ``optree`` that knows dataclasses without registration and names every
leaf by its key path, written as the Python expression that reaches it.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sized
from functools import wraps
from typing import Any

import optree

from fnad.checks import require_function
from fnad.errors import boundary
from fnad.nodes import NAMESPACE, has_array, register_if_dataclass, registered
from fnad.shield import native
from fnad.vectors import Layout

__all__ = [
    "broadcast_prefix", "flatten", "leaves", "map", "paths", "ravel_pytree", "register", "structure", "TreeDef",
    "unflatten",
]
__dir__ = __all__.copy

TreeDef = optree.PyTreeSpec
"""The structure of a pytree."""


@native
def flatten(tree: Any) -> tuple[list[Any], TreeDef]:
    """Flatten a pytree into its leaves and its structure.

    Args:
        tree: a pytree; what is no node of one is a leaf.

    Returns:
        The list of leaves, dicts in the order of their sorted keys, and the structure.

    Raises:
        ValueError: the tree holds itself, or is too deep.
        TypeError: the static data of a registered class holds an array.

    >>> flatten({"b": 1, "a": (2, None)})[0]
    [2, 1]
    """
    try:
        leaves, treedef = optree.tree_flatten(tree, namespace=NAMESPACE)
    except _StaticArray:
        raise TypeError(_static_array(tree)) from None
    except RecursionError:
        raise _without_end(tree) from None
    if _LEAF_TYPES.issuperset([type(x) for x in leaves]) or not any([register_if_dataclass(type(x)) for x in leaves]):
        return leaves, treedef
    return flatten(tree)


@boundary
@native
def unflatten(treedef: TreeDef, leaves: Iterable[Any]) -> Any:
    """Rebuild a pytree from its structure and its leaves.

    Args:
        treedef: a structure, as `flatten` and `structure` give.
        leaves: as many leaves as it has, in order; any objects.

    Returns:
        The pytree.

    Raises:
        TypeError: ``treedef`` is no structure, or ``leaves`` no list.
        ValueError: there are more or fewer leaves.

    >>> leaves, treedef = flatten([1, {"x": 2}])
    >>> unflatten(treedef, [10, 20])
    [10, {'x': 20}]
    """
    try:
        return optree.tree_unflatten(treedef, leaves)
    except (AttributeError, TypeError, ValueError):
        _require_structure("tree.unflatten", treedef)
        if not isinstance(leaves, Iterable):
            raise TypeError(
                f"tree.unflatten: requires the leaves as a list, got {type(leaves).__name__}. Pass [leaf, ...]."
            ) from None
        if isinstance(leaves, Sized) and len(leaves) != treedef.num_leaves:
            raise ValueError(
                f"tree.unflatten: requires {treedef.num_leaves} leaves for {treedef}, got {len(leaves)}. "
                "Pass those that flatten gave, in their order."
            ) from None
        raise


def leaves(tree: Any) -> list[Any]:
    """The leaves of a pytree, in order.

    Args:
        tree: a pytree.

    Returns:
        The list that `flatten` gives.

    Raises:
        ValueError: as `flatten`.
        TypeError: as `flatten`.

    >>> leaves({"w": 1.0, "b": [2.0, 3.0]})
    [2.0, 3.0, 1.0]
    """
    return flatten(tree)[0]


def structure(tree: Any) -> TreeDef:
    """The structure of a pytree: equal for trees that differ in their leaves only.

    Args:
        tree: a pytree.

    Returns:
        A ``TreeDef``, which can be compared, hashed, and given to `unflatten`.

    Raises:
        ValueError: as `flatten`.
        TypeError: as `flatten`.

    >>> structure({"w": 1.0, "b": 2.0}) == structure({"w": 3, "b": None}), structure([1, 2]) == structure([3, 4])
    (False, True)
    """
    return flatten(tree)[1]


@boundary
def map(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply a function to every leaf of one tree, or to corresponding leaves of several.

    Args:
        function: takes a leaf of each tree.
        tree: a pytree.
        rest: pytrees of the same structure.

    Returns:
        A pytree of that structure with the results as leaves.

    Raises:
        TypeError: ``function`` is no function.
        ValueError: the trees differ in structure; the message names the first path.

    >>> map(lambda x, y: x + y, {"a": 1}, {"a": 10})
    {'a': 11}
    """
    require_function("tree.map", function)
    first, treedef = flatten(tree)
    columns = [first]
    for other in rest:
        other_leaves, other_treedef = flatten(other)
        if other_treedef != treedef:
            raise ValueError(mismatch("tree.map", treedef, other_treedef))
        columns.append(other_leaves)
    return unflatten(treedef, [function(*row) for row in zip(*columns)])


@boundary
def ravel_pytree(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The elements of all arrays of a pytree as one vector, and the function that makes such a tree of a vector.

    Args:
        tree: a pytree of arrays, numbers and traced values.

    Returns:
        The vector, in the dtype that the leaves promote to, and ``unravel``: from a vector as long to a pytree with
        the shapes and dtypes of ``tree``. Both are linear, and can be differentiated and compiled.

    Raises:
        TypeError: a leaf is neither an array nor a number.
        ValueError: ``unravel`` is given what is no vector of that length.

    >>> import numpy as np
    >>> flat, unravel = ravel_pytree({"w": np.ones((2, 1)), "b": 3.0})
    >>> flat, unravel(2 * flat)["b"]
    (array([3., 1., 1.]), array(6.))
    """
    leaves, treedef = flatten(tree)
    layout = Layout.of(leaves, lambda: paths(treedef, "tree"))
    return layout.join(leaves), lambda vector: unflatten(treedef, layout.part(vector))


@boundary
@native
def paths(treedef: TreeDef, root: str = "") -> list[str]:
    """The key path of every leaf as a Python expression on ``root``.

    Args:
        treedef: a structure, as `flatten` and `structure` give.
        root: what the expressions begin with.

    Returns:
        A list of texts, in the order of the leaves.

    Raises:
        TypeError: ``treedef`` is no structure.

    >>> paths(structure({"w": [1, 2]}), "params")
    ["params['w'][0]", "params['w'][1]"]
    """
    _require_structure("tree.paths", treedef)
    return [accessor.codify(root) for accessor in treedef.accessors()]


def _require_structure(name: str, treedef: Any) -> None:
    if not isinstance(treedef, TreeDef):
        raise TypeError(
            f"{name}: requires a structure of pytrees, got {type(treedef).__name__}. "
            "Take it by fnad.tree.structure(tree)."
        )


@boundary
@native
def broadcast_prefix(prefix: Any, tree: Any) -> list[Any]:
    """For every leaf of a tree, the leaf of its prefix that stands there or above; ``None`` is a leaf of a prefix.

    Args:
        prefix: a pytree that ends where the other goes on, or before.
        tree: a pytree.

    Returns:
        A list with an entry for each leaf of ``tree``.

    Raises:
        ValueError: ``prefix`` is no prefix of the tree.

    >>> broadcast_prefix((0, None), ({"w": 1.0, "b": 2.0}, [3.0]))
    [0, 0, None]
    """
    flatten(prefix), flatten(tree)  # makes dataclasses known
    try:
        spread = optree.broadcast_prefix(prefix, tree, none_is_leaf=True, namespace=NAMESPACE)
    except ValueError as error:
        raise ValueError(
            "tree.broadcast_prefix: requires a prefix that is nested as the tree is, as far as it goes, got "
            f"{prefix!r:.60} for {tree!r:.60} ({str(error).rstrip('.')}). "
            "Pass one leaf for all that is below it, or the same keys."
        ) from None
    leaves = optree.tree_leaves(tree, none_is_leaf=True, namespace=NAMESPACE)
    return [own for own, leaf in zip(spread, leaves) if leaf is not None]


@native
def flatten_like(name: str, treedef: TreeDef, tree: Any) -> list[Any]:
    """The parts of a tree at the leaves of a structure: leaves, or ``None``.

    Raises:
        ValueError: the tree has another structure; the message names the first path.

    >>> flatten_like("f", structure({"a": 1, "b": 2}), {"a": None, "b": 3})
    [None, 3]
    """
    try:
        found = treedef.flatten_up_to(tree)
    except ValueError:
        found = None
    if found is None or any([x is not None and not structure(x).is_leaf() for x in found]):
        raise ValueError(mismatch(name, treedef, structure(tree)))
    return found


@boundary
@native
def register(
    cls: type,
    flatten_function: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten_function: Callable[[Any, Iterable[Any]], Any],
) -> type:
    """Make a class of your own a node of pytrees.

    Args:
        cls: the class.
        flatten_function: object → ``(children, static)``; ``static`` is compared by ``==`` and holds no arrays.
        unflatten_function: ``(static, children)`` → object.

    Returns:
        The class, so that it can be used as part of a decorator.

    Raises:
        TypeError: ``cls`` is no class, or what comes with it no function.
        ValueError: ``cls`` is a node already.

    >>> class Point:
    ...     def __init__(self, x, y): self.x, self.y = x, y
    >>> _ = register(Point, lambda p: ((p.x, p.y), None), lambda _, xy: Point(*xy))
    >>> leaves(Point(1, 2))
    [1, 2]
    """

    if not isinstance(cls, type):
        raise TypeError(f"tree.register: requires a class, got {type(cls).__name__}. Pass the class, not an instance.")
    if cls in _BUILT_IN:
        raise ValueError(
            f"tree.register: requires a class of your own, got {cls.__name__}, which is a node already. Derive a class."
        )
    require_function("tree.register", flatten_function, "a function as flatten_function")
    require_function("tree.register", unflatten_function, "a function as unflatten_function")

    @wraps(flatten_function)
    def flatten_checked(instance: Any) -> Any:
        parts = flatten_function(instance)
        if has_array(parts[1]):
            raise _StaticArray
        return parts

    optree.register_pytree_node(cls, flatten_checked, unflatten_function, namespace=NAMESPACE)
    registered.add(cls)
    return cls


_BUILT_IN = {dict, list, tuple, type(None), OrderedDict, defaultdict, deque}


class _StaticArray(Exception):
    """An array stands in static data, where neither its values nor their changes would be seen."""


@native
def _static_array(tree: Any, path: str = "tree") -> str:
    """The message for an array in the static data of an object, which it names."""
    is_below = lambda node: node is not tree  # noqa: E731
    try:
        accessors, nodes, _ = optree.tree_flatten_with_accessor(tree, is_leaf=is_below, namespace=NAMESPACE)
    except _StaticArray:
        return (
            f"tree.register: requires static data without arrays, got one in that of {type(tree).__name__} at {path}. "
            "Give it among the children."
        )
    found = [_static_array(node, accessor.codify(path)) for accessor, node in zip(accessors, nodes) if node is not tree]
    return next(filter(None, found), "")


@native
def mismatch(name: str, expected: TreeDef, got: TreeDef, root: str = "tree") -> str:
    """The message for two structures that differ: the first path that only one of them has."""
    ours, theirs = (dict.fromkeys(paths(treedef, root)) for treedef in (expected, got))
    requires = f"{name}: requires trees of equal structure, got"
    for path in ours:
        if path not in theirs:
            return f"{requires} one without {path}. Pass trees that are nested alike."
    for path in theirs:
        if path not in ours:
            return f"{requires} one with an extra {path}. Pass trees that are nested alike."
    return f"{requires} {got}. Expected {expected}."


def _without_end(tree: Any) -> ValueError:
    """The error for a tree with more levels than can be walked down: where it holds itself, or that it is deep."""
    path: list[tuple[int, Any, Iterator[Any]]] = [(id(tree), "tree", _children(tree))]
    above, seen = {id(tree)}, {id(tree)}
    while path and len(path) <= optree.MAX_RECURSION_DEPTH:
        entry, child = next(path[-1][2], (None, None))
        if entry is None:
            above.discard(path.pop()[0])
        elif id(child) in above:
            place = "".join([step for _, step, _ in path]) + entry
            shown = place if len(place) < 80 else f"{place[:80]}..."
            return ValueError(f"tree: requires a pytree that ends, got one that holds itself at {shown}. "
                              "Build it without that, or register its class with fnad.tree.register.")
        elif id(child) not in seen:
            seen.add(id(child)), above.add(id(child))
            path.append((id(child), entry, _children(child)))
    return ValueError(
        f"tree: requires a pytree of less than {optree.MAX_RECURSION_DEPTH} levels, got a deeper one. "
        "Keep the parts in one list, or stack arrays of one shape."
    )


@native
def _children(node: Any) -> Iterator[tuple[str, Any]]:
    """The children of a node, each with how it is reached; none for a leaf."""
    try:
        children, _, entries, _ = optree.tree_flatten_one_level(node, namespace=NAMESPACE)
    except ValueError:  # a leaf
        return iter(())
    form = ".{}" if dataclasses.is_dataclass(node) else "[{!r}]"
    return iter([(form.format(entry), child) for entry, child in zip(entries, children)])


# Types that are surely leaves: spares the dataclass check on the hot path.
_LEAF_TYPES: set[type] = {int, float, complex, bool, str, bytes}


def declare_leaf_type(cls: type) -> None:
    """Tell ``flatten`` that instances of this class are leaves, never dataclasses."""
    _LEAF_TYPES.add(cls)
