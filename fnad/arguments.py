"""The arguments of a function that is staged: which of their leaves are inputs, and what each is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from functools import wraps
from types import MethodType
from typing import Any

import numpy as np

from fnad import tree
from fnad.checks import require_function
from fnad.errors import boundary
from fnad.ir.ownership import own_copy
from fnad.ir.program import Program
from fnad.ir.types import Unfit, has_plain_meaning
from fnad.tracing.staging import stage
from fnad.tracing.tracer import Tracer, is_value, value_type


def traced_leaves(name: str, function: Callable[..., Any], leaves: Sequence[Any], treedef: tree.TreeDef) -> list[int]:
    """Which leaves of the arguments ``(args, kwargs)`` of a call are arrays or numbers.

    Raises:
        TypeError: one is an array of what is no number, or of another library; the message names its path.
    """
    return values_among(name, leaves, lambda: call_paths(function, treedef))


def values_among(name: str, leaves: Sequence[Any], paths: Callable[[], Sequence[str]]) -> list[int]:
    """Which leaves are arrays or numbers, likewise; ``paths`` says what all of them are called."""
    found = []
    for i, leaf in enumerate(leaves):
        try:
            if is_value(leaf):
                found.append(i)
        except Unfit as unfit:
            raise unfit.at(name, paths()[i]) from None
    return found


def call_paths(function: Callable[..., Any], treedef: tree.TreeDef, without: Collection[int] = ()) -> list[str]:
    """The paths of the leaves of ``(args, kwargs)`` from the names of the parameters; some positions are left out."""
    args, kwargs = treedef.children()
    positions = [i for i in range(args.num_children + len(without)) if i not in without]
    roots = [argument_name(function, i) for i in positions] + kwargs.entries()
    return [path for child, root in zip(args.children() + kwargs.children(), roots) for path in tree.paths(child, root)]


def own_results(result: Any) -> Any:
    """The result of a function that ran on values: its arrays are new ones in C order, which nobody else holds."""
    return tree.map(lambda leaf: _copied(leaf) if issubclass(type(leaf), np.ndarray) else leaf, result)


def _copied(array: np.ndarray) -> np.ndarray:
    return own_copy(array) if has_plain_meaning(array) else array.copy("C")


def argument_name(function: Callable[..., Any], position: int) -> str:
    """What a positional argument is called in messages."""
    function = inspect.unwrap(function)
    code, own = getattr(function, "__code__", None), isinstance(function, MethodType)  # whose first one is ``self``
    if code is not None and position + own < code.co_argcount:
        return code.co_varnames[position + own]
    return f"args[{position}]"


def flat_function(
    function: Callable[..., Any], leaves: Sequence[Any], treedef: tree.TreeDef, traced: Sequence[int]
) -> Callable[..., Any]:
    """``function`` as one of some leaves of its arguments ``(args, kwargs)``; the other leaves are as given."""

    def flat(*tracers: Tracer) -> Any:
        full = list(leaves)
        for i, tracer in zip(traced, tracers):
            full[i] = tracer
        args, kwargs = tree.unflatten(treedef, full)
        return function(*args, **kwargs)

    return flat


@boundary
def make_program(function: Callable[..., Any]) -> Callable[..., Program]:
    """Return a function that stages ``function`` on its arguments and gives the Program.

    >>> import numpy as np
    >>> print(make_program(lambda x: np.sin(x) * 2.0)(np.ones(3)))
    program(a: f64[3]):
      b: f64[3] = sin a
      c: f64[3] = mul b 2.0[3]
      return c
    """
    require_function("make_program", function)

    @boundary
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Program:
        leaves, treedef = tree.flatten((args, kwargs))
        traced = traced_leaves("make_program", function, leaves, treedef)
        values = [leaves[i] for i in traced]
        flat = flat_function(function, leaves, treedef, traced)
        return stage(flat, [value_type(v) for v in values], values).program

    return wrapper
