"""What of the arguments of a call decides the compiled code, and in words what is new about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.compiler.cuda.arrays import DeviceArray
from fnad.ir.types import ArrayType
from fnad.tracing import Tracer, is_value
from fnad.transforms.grad import argument_name
from fnad.memo import Memo, is_hashable
from fnad.unrolled import Matcher, matcher

MOST_NAMED = 4
"""Differences of a signature that are named."""
MOST_RECENT = 4
"""Signatures that the arguments of a call are compared with before they are flattened and looked up."""


class Static(NamedTuple):
    """The static arguments of a call: by position and by name."""

    positional: tuple[tuple[int, Any], ...]
    named: tuple[tuple[str, Any], ...]
    key: Any
    """What tells 1 from True and from 1.0, which are equal."""

    def restored(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """All arguments, from those that are not static."""
        full = list(args)
        for i, value in self.positional:
            full.insert(i, value)
        return full, kwargs | dict(self.named)


Signature = tuple[tree.TreeDef, Static | None, tuple[Any, ...], Any]
"""The structure of the arguments that are not static, those that are, what matters of each leaf, and the device."""


def leaf_key(leaf: Any) -> Any:
    """What of a leaf decides the compiled code."""
    kind = type(leaf)
    if kind is np.ndarray:
        return leaf.shape, leaf.dtype
    if kind is DeviceArray:
        return leaf.shape, leaf.dtype, DeviceArray
    if kind is Tracer or (is_value(leaf) and kind not in _SCALARS):
        return leaf.shape, leaf.dtype, kind is Tracer and leaf.type.weak
    return kind if kind in _SCALARS else (kind, leaf)


_SCALARS = {bool, int, float, complex}


class Recent:
    """What belongs to the signatures of the last calls: seen by comparison, in a fraction of the time of a look-up."""

    __slots__ = ("known", "_matchers")

    def __init__(self) -> None:
        self.known: tuple[tuple[Matcher, Any, Signature], ...] = ()
        self._matchers = Memo()

    def add(self, signature: Signature, found: Any) -> None:
        """Note what was found for a signature; the one noted longest ago goes."""
        treedef, static, leaf_keys, _ = signature
        match = self._matchers.get(signature, lambda: matcher(treedef, leaf_keys)) if static is None else None
        if match is not None:
            self.known = ((match, found, signature), *self.known[: MOST_RECENT - 1])

    def forget(self) -> None:
        """Forget what was found, since it is no longer right."""
        self.known = ()


def arguments(signature: Signature, leaves: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    """All arguments of a call, from its leaves."""
    treedef, static, _, _ = signature
    args, kwargs = tree.unflatten(treedef, leaves)
    return (args, kwargs) if static is None else static.restored(args, kwargs)


def unhashable(signature: Signature, leaves: Sequence[Any]) -> TypeError:
    """The error for arguments that cannot be looked up."""
    treedef, static, _, _ = signature
    given = (*static.positional, *static.named) if static is not None else ()
    for value in [v for _, v in given] + [leaf for leaf in leaves if not is_value(leaf)]:
        if not is_hashable(value):
            return TypeError(
                "jit: requires arguments that are arrays, numbers or hashable constants, got "
                f"{type(value).__name__} {value!r:.60}. Make it an array, a tuple, or close over it."
            )
    return TypeError("jit: requires hashable static data in the arguments' pytrees, got data that is not.")


def news(function: Callable[..., Any], signature: Signature, known: Iterable[Signature]) -> str:
    """How a signature differs from the most similar known one; empty where none is known."""
    found = [_differences(function, signature, other) for other in known]
    if not found:
        return ""
    nearest = min(reversed(found), key=len)  # the last one of several
    more = f" and {len(nearest) - MOST_NAMED} more" if len(nearest) > MOST_NAMED else ""
    return ", ".join(nearest[:MOST_NAMED]) + more


def _differences(function: Callable[..., Any], new: Signature, old: Signature) -> list[str]:
    ours, theirs = _leaves(function, new), _leaves(function, old)
    static, old_static = _static(function, new[1]), _static(function, old[1])
    return [
        *_changes("static argument ", {k: f"{v!r:.60}" for k, v in static.items()},
                  {k: f"{v!r:.60}" for k, v in old_static.items()}),
        *_changes("", ours, theirs),
        *_changes("", {"the device": _device(new)}, {"the device": _device(old)}),
    ]


def _changes(what: str, new: dict[str, str], old: dict[str, str]) -> list[str]:
    return [
        *[f"{what}{k} changed from {old[k]} to {v}" for k, v in new.items() if k in old and old[k] != v],
        *[f"{what}{k} is new" for k in new if k not in old],
        *[f"{what}{k} is gone" for k in old if k not in new],
    ]


def _device(signature: Signature) -> str:
    return "the CPU" if signature[3] is None else signature[3].name


def _static(function: Callable[..., Any], static: Static | None) -> dict[str, Any]:
    if static is None:
        return {}
    return {argument_name(function, i): v for i, v in static.positional} | dict(static.named)


def _leaves(function: Callable[..., Any], signature: Signature) -> dict[str, str]:
    """Each leaf in words, by its path."""
    treedef, static, keys, _ = signature
    args, kwargs = treedef.children()
    fixed = {i for i, _ in static.positional} if static is not None else set()
    positions = [i for i in range(args.num_children + len(fixed)) if i not in fixed]
    roots = [argument_name(function, i) for i in positions] + kwargs.entries()
    children = args.children() + kwargs.children()
    paths = [path for child, root in zip(children, roots) for path in tree.paths(child, root)]
    return {path: _words(key) for path, key in zip(paths, keys)}


def _words(key: Any) -> str:
    if isinstance(key, type):
        return f"a Python {key.__name__}"
    if isinstance(key[0], type):
        return f"{key[1]!r:.60}"
    kind = str(ArrayType(*key[:2], key[2:] == (True,)))
    if key[2:] == (DeviceArray,):
        return f"{kind} on a device"
    if len(key) == 3:
        kind = f"a traced {kind}" if key[0] else f"a NumPy scalar or traced {kind}"
    return kind if key[1].isnative else f"{kind} in {'big' if key[1].byteorder == '>' else 'little'}-endian order"
