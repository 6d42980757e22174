"""The signature of a call, which decides the compiled code, and in words what is new about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.arguments import argument_name, call_paths, values_among
from fnad.arrays import Unfit, is_numeric
from fnad.dispatch.constants import Constant, Static
from fnad.dispatch.pytrees import Matcher, matcher
from fnad.ir.types import ArrayType
from fnad.memo import Memo
from fnad.runtime.cuda.arrays import DeviceArray
from fnad.sameness import exact
from fnad.tracing.tracer import Tracer, is_value

MOST_NAMED = 4
"""Differences of a signature that are named."""
MOST_RECENT = 4
"""Signatures that the arguments of a call are compared with before they are flattened and looked up."""


class Signature(NamedTuple):
    """The facts on arguments that decide the compiled code."""

    treedef: tree.TreeDef
    """The structure of those that are not static."""
    exact: tuple[Any, ...]
    """In what structures differ that are equal."""
    static: Static | None
    leaves: tuple[Any, ...]
    """The key of each leaf."""
    device: Any

    def constants(self) -> list[Constant]:
        """The leaves and arguments that are part of the compiled code."""
        own = [key for key in self.leaves if type(key) is Constant]
        return own if self.static is None else [*own, *self.static.constants()]

    def with_constants(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """All leaves, from those that are none."""
        others = iter(inputs)
        return [key.value if type(key) is Constant else next(others) for key in self.leaves]


def signature_of(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], static: Static | None,
    device: Callable[[Sequence[Any]], Any],
) -> tuple[Signature, list[Any]]:
    """The signature of a call, and the leaves of its arguments, which say on what device it runs."""
    leaves, treedef = tree.flatten((args, kwargs))
    try:
        keys = tuple([leaf_key(leaf) for leaf in leaves])
    except Unfit:
        fixed = [i for i, _ in static.positional] if static is not None else []
        values_among("jit", leaves, lambda: call_paths(function, treedef, fixed))
        raise
    try:
        order = exact(treedef)
    except TypeError:
        raise TypeError("jit: requires hashable static data in the arguments' pytrees, got data that is not.") from None
    return Signature(treedef, order, static, keys, device(leaves)), leaves


def leaf_key(leaf: Any) -> Any:
    """A leaf's part of the signature."""
    kind = type(leaf)
    if kind is np.ndarray and is_numeric(leaf.dtype):
        return leaf.shape, leaf.dtype
    if kind is DeviceArray:
        return leaf.shape, leaf.dtype, DeviceArray
    if kind is Tracer or (is_value(leaf) and kind not in _SCALARS):
        return leaf.shape, leaf.dtype, kind is Tracer and leaf.type.weak
    return kind if kind in _SCALARS else Constant(leaf)


_SCALARS = {bool, int, float, complex}


class Recent:
    """The entries for the signatures of the last calls: seen by comparison, in a fraction of the time of a look-up."""

    __slots__ = ("known", "_matchers")

    def __init__(self) -> None:
        self.known: tuple[tuple[Matcher, Any, Signature, tuple[Any, ...]], ...] = ()
        """Functions that give the inputs among the arguments, what was found for them, their signature, and of that
        what `static_of` gives."""
        self._matchers = Memo()

    def add(self, signature: Signature, found: Any) -> None:
        """Note what was found for a signature; the one noted longest ago goes."""
        match, of = self._matchers.get(
            signature, lambda: (matcher(signature.treedef, signature.leaves, signature.static), signature)
        )
        if match is not None:
            others = [known for known in self.known if known[0] is not match]
            self.known = ((match, found, of, static_of(of)), *others[: MOST_RECENT - 1])

    def forget(self) -> None:
        """Forget what was found, since it is no longer right."""
        self.known = ()


def static_of(signature: Signature) -> tuple[Any, ...]:
    """Of the arguments that are constants those that may hold something which changes, as the ``self`` of a method."""
    return tuple([constant.value for constant in signature.constants() if constant.is_looked_into])


def arguments(signature: Signature, leaves: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    """All arguments of a call, from its leaves."""
    args, kwargs = tree.unflatten(signature.treedef, leaves)
    return (args, kwargs) if signature.static is None else signature.static.restored(args, kwargs)


def news(function: Callable[..., Any], signature: Signature, known: Iterable[Signature]) -> str:
    """The differences from the most similar known signature; empty where none is known."""
    found = [_differences(function, signature, other) for other in known]
    if not found:
        return ""
    nearest = min(reversed(found), key=len)  # the last one of several
    more = f" and {len(nearest) - MOST_NAMED} more" if len(nearest) > MOST_NAMED else ""
    return ", ".join(nearest[:MOST_NAMED]) + more


def _differences(function: Callable[..., Any], new: Signature, old: Signature) -> list[str]:
    ours, theirs = _leaves(function, new), _leaves(function, old)
    static, old_static = _static(function, new.static), _static(function, old.static)
    return [
        *_changes("static argument ", {k: f"{v!r:.60}" for k, v in static.items()},
                  {k: f"{v!r:.60}" for k, v in old_static.items()}),
        *_changes("", ours, theirs),
        *_changes("", {"the order of keys": _order(new)}, {"the order of keys": _order(old)})[: ours == theirs],
        *_changes("", {"the device": _device(new)}, {"the device": _device(old)}),
    ]


def _changes(what: str, new: dict[str, str], old: dict[str, str]) -> list[str]:
    return [
        *[f"{what}{k} changed from {old[k]} to {v}" for k, v in new.items() if k in old and old[k] != v],
        *[f"{what}{k} is new" for k in new if k not in old],
        *[f"{what}{k} is gone" for k in old if k not in new],
    ]


def _order(signature: Signature) -> str:
    return ", ".join([f"{keys!r:.60}" for keys in signature.exact if keys])


def _device(signature: Signature) -> str:
    return signature.device.name


def _static(function: Callable[..., Any], static: Static | None) -> dict[str, Any]:
    if static is None:
        return {}
    named = {argument_name(function, i): c for i, c in static.positional} | dict(static.named)
    return {name: constant.value for name, constant in named.items()}


def _leaves(function: Callable[..., Any], signature: Signature) -> dict[str, str]:
    """Each leaf in words, by its path."""
    fixed = [i for i, _ in signature.static.positional] if signature.static is not None else []
    paths = call_paths(function, signature.treedef, fixed)
    return {path: _words(key) for path, key in zip(paths, signature.leaves)}


def _words(key: Any) -> str:
    if isinstance(key, type):
        return f"a Python {key.__name__}"
    if type(key) is Constant:
        return f"{key.value!r:.60}"
    kind = str(ArrayType(*key[:2], key[2:] == (True,)))
    if key[2:] == (DeviceArray,):
        return f"{kind} on a device"
    if len(key) == 3:
        kind = f"a traced {kind}" if key[0] else f"a NumPy scalar or traced {kind}"
    return kind if key[1].isnative else f"{kind} in {'big' if key[1].byteorder == '>' else 'little'}-endian order"
