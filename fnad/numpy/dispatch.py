"""The table of functions that answer for NumPy's, and the wrappers of those that users call."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import cache, wraps
from inspect import signature
from typing import Any, TypeVar

import numpy as np

from fnad.arguments import values_among
from fnad.errors import InPlaceError, boundary
from fnad.interpreter.evaluate import evaluate
from fnad.numpy.documents import documented
from fnad.numpy.promotion import is_traced
from fnad.ownership import in_c_order
from fnad.surroundings import repeat
from fnad.tracing.errors import MAKE
from fnad.tracing.staging import stage
from fnad.tracing.state import current_builder
from fnad.tracing.tracer import value_type

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)

RULES: dict[Function, Function] = {}
"""For a function of NumPy, what runs when one of its arguments is traced."""


def implements(*functions: Function) -> Callable[[F], F]:
    """Let a function answer for NumPy's when an argument is traced; NumPy's own answers when none is."""

    def register(rule: F) -> F:
        RULES.update(dict.fromkeys(functions, rule))
        original, on_values = functions[0], evaluated(rule)

        @wraps(rule)
        def function(*args: Any, **kwargs: Any) -> Any:
            if any_traced(args, kwargs):
                return rule(*args, **kwargs)
            if kwargs and not _own_keywords(rule, original).isdisjoint(kwargs):
                return on_values(*args, **kwargs)
            result = original(*args, **kwargs)
            return result if "out" in kwargs or "order" in kwargs else in_c_order(result, args)

        function.__name__ = original.__name__ if rule.__name__ == original.__name__ else rule.__name__.rstrip("_")
        function.__doc__ = documented(original, rule.__doc__, "out" in _parameters(rule))
        return boundary(function)  # type: ignore[return-value]

    return register


@cache
def _own_keywords(rule: Function, original: Function) -> frozenset[str]:
    """The parameters of a rule that NumPy's function has not, such as the size of a result that depends on values."""
    try:
        numpys = signature(original).parameters
    except ValueError:
        return frozenset()
    takes_any = any([p.kind is p.VAR_KEYWORD for p in numpys.values()])
    return frozenset() if takes_any else frozenset(_parameters(rule)).difference(numpys)


def _parameters(function: Function) -> tuple[str, ...]:
    """The names of a function's parameters."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def evaluated(rule: F) -> F:
    """Let a function of arrays that NumPy lacks run on values: staged and interpreted when none is traced.

    The arguments before the first keyword are its arrays.
    """

    @wraps(rule)
    def function(*args: Any, **kwargs: Any) -> Any:
        if any_traced(args, kwargs):
            return rule(*args, **kwargs)
        arrays = [np.asarray(a) if isinstance(a, (list, tuple)) else a for a in args]
        name = rule.__name__.lstrip("_")
        found = values_among(name, arrays, lambda: [f"args[{i}]" for i in range(len(arrays))])
        for i in {*range(len(arrays))} - {*found}:
            raise TypeError(
                f"{name}: requires arrays or numbers, got {type(arrays[i]).__name__} as argument {i}. "
                "Convert it by np.asarray."
            )
        staged = stage(lambda *xs: rule(*xs, **kwargs), [value_type(a) for a in arrays], arrays)
        return staged.restore(evaluate(staged.program, [*arrays, *staged.captured]))

    return boundary(function)  # type: ignore[return-value]


def any_traced(args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether a call has a traced argument."""
    return any([is_traced(a) for a in args]) or any([is_traced(a) for a in kwargs.values()])


def name_of(function: Callable[..., Any]) -> str:
    """The full name of a function or ufunc, NumPy's or another library's: ``np.sin``, ``scipy.special.erf``."""
    name = function.__name__
    if isinstance(function, np.ufunc):
        if getattr(np, name, None) is function:
            return f"np.{name}"
        special = sys.modules.get("scipy.special")
        return f"scipy.special.{name}" if getattr(special, name, None) is function else name
    module = re.sub(r"^numpy(?=\.|$)", "np", function.__module__ or "")
    return f"{module}.{name}" if module else name


def refuse_out(name: str, out: Any) -> None:
    """Raise where a function is asked for its result in an array of the user's."""
    if out is not None:
        raise InPlaceError(
            f"{name}: requires to return its result where an argument is traced, got out=. Leave out= away and use "
            "the result, or write y[...] = result."
        )


def ordinary_array(what: str, array: Any = None) -> InPlaceError:
    """The error of a traced value that is written into an ordinary array, where that cannot be made a traced one."""
    repeat(current_builder(), "written", array)
    return InPlaceError(
        f"{what}: requires a traced array to write a traced value to, got an ordinary one, which cannot hold it. {MAKE}"
    )
