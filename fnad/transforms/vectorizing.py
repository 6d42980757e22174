"""A function of small arrays made a function of any number of them, by NumPy's rules of broadcasting."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.checks import require_function
from fnad.errors import boundary
from fnad.transforms.derived import Derived
from fnad.transforms.vmap import vmap

Core = tuple[str, ...]

_CORE = r"\(\s*(?:\w+\s*(?:,\s*\w+\s*)*)?\)"
_SIDE = rf"{_CORE}(?:\s*,\s*{_CORE})*"
_SIGNATURE = re.compile(rf"\s*({_SIDE})?\s*->\s*({_SIDE})\s*")


class _Signature(NamedTuple):
    """The names of the core axes of each argument and result."""

    arguments: list[Core]
    results: list[Core]


@boundary
def vectorize(
    pyfunc: Callable[..., Any], excluded: Collection[int | str] = frozenset(), signature: str | None = None
) -> Callable[..., Any]:
    """A function of core arrays made one that broadcasts over all axes in front of these, by `vmap`.

    Args:
        pyfunc: a pure function of arrays, without ``signature`` of single numbers.
        excluded: positions and names of arguments that it is given as they are.
        signature: the core axes of each argument and result, such as ``"(n,m),(m)->(n)"``; axes of one name have one
            size.

    Returns:
        A function of the same arguments with any number of further axes in front.

    Raises:
        TypeError: the number of arguments, or of results, is not that of the signature.
        ValueError: the signature is none, core axes are missing or their sizes differ, or the others do not broadcast.

    >>> dots = vectorize(np.dot, signature="(n),(n)->()")
    >>> dots(np.ones((4, 1, 3)), np.ones((2, 3))).shape
    (4, 2)
    >>> vectorize(lambda x, y: np.where(x > y, x, 0.0))(np.array([1.0, 3.0]), 2.0)
    array([0., 3.])
    """
    require_function("vectorize", pyfunc)
    parsed = None if signature is None else _parsed(signature)

    def call(*args: Any, **kwargs: Any) -> Any:
        if not kwargs.keys() <= {*excluded}:
            got = ", ".join(kwargs.keys() - {*excluded})
            raise TypeError(f"vectorize: requires arguments by position, got {got}. Name it in excluded otherwise.")
        places = [i for i in range(len(args)) if i not in excluded]
        cores = [()] * len(places) if parsed is None else parsed.arguments
        if len(cores) != len(places):
            raise TypeError(f"vectorize: requires {len(cores)} arguments for {signature!r}, got {len(places)}.")
        arrays = [args[i] if hasattr(args[i], "shape") else np.asarray(args[i]) for i in places]
        sizes: dict[str, int] = {}
        loops = [_loop_shape(x.shape, core, sizes) for x, core in zip(arrays, cores)]

        def of_cores(*own: Any) -> Any:
            given = list(args)
            for i, x in zip(places, own):
                given[i] = x
            result = pyfunc(*given, **kwargs)
            if parsed is not None:
                _require_results(result, parsed.results, sizes)
            return result

        return _looped(of_cores, arrays, loops)

    return Derived(call, pyfunc, vectorize, pyfunc, excluded, signature)


def _parsed(signature: str) -> _Signature:
    match = _SIGNATURE.fullmatch(signature)
    if match is None:
        raise ValueError(f"vectorize: requires a signature such as '(n,m),(m)->(n)', got {signature!r:.60}. Check it.")
    return _Signature(*[[tuple(re.findall(r"\w+", core)) for core in re.findall(_CORE, side or "")]
                        for side in match.groups()])


def _loop_shape(shape: tuple[int, ...], core: Core, sizes: dict[str, int]) -> tuple[int, ...]:
    """The shape in front of the core axes, whose sizes are noted."""
    if len(shape) < len(core):
        raise ValueError(f"vectorize: requires the core axes ({','.join(core)}), got an array of shape {shape}.")
    first = len(shape) - len(core)
    _note(core, shape[first:], sizes)
    return shape[:first]


def _note(core: Core, shape: Sequence[int], sizes: dict[str, int]) -> None:
    for name, n in zip(core, shape):
        if sizes.setdefault(name, n) != n:
            raise ValueError(f"vectorize: requires one size of the core axis {name!r}, got {sizes[name]} and {n}.")


def _require_results(result: Any, cores: Sequence[Core], sizes: dict[str, int]) -> None:
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    if len(results) != len(cores):
        raise TypeError(f"vectorize: requires {len(cores)} results as the signature says, got {len(results)}.")
    for y, core in zip(results, cores):
        shape = np.shape(y)
        if len(shape) != len(core):
            raise ValueError(f"vectorize: requires a result of the core axes ({','.join(core)}), got shape {shape}.")
        _note(core, shape, sizes)


def _looped(function: Callable[..., Any], arrays: Sequence[Any], loops: Sequence[tuple[int, ...]]) -> Any:
    """The function for each place of the common shape of what is in front of the core axes."""
    shape = np.broadcast_shapes(*loops)
    if not shape:
        return function(*arrays)
    size, flat = prod(shape), []
    for x, loop in zip(arrays, loops):
        core = x.shape[len(loop) :]
        flat.append(np.reshape(np.broadcast_to(x, (*shape, *core)), (size, *core)) if loop else x)
    results = vmap(function, in_axes=tuple([0 if loop else None for loop in loops]))(*flat)
    return tree.map(lambda y: np.reshape(y, (*shape, *y.shape[1:])), results)
