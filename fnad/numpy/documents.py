"""The texts of NumPy's functions that are here too: NumPy's first line, then what is ours."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from fnad.errors import boundary

F = TypeVar("F", bound=Callable[..., Any])

KINDS = {"b": "bool", "i": "integer", "u": "unsigned integer", "f": "float", "c": "complex"}
"""The kinds of dtype in words."""
LIKE_NUMPY = "Arguments, results and errors are NumPy's."


def first_line(function: Callable[..., Any]) -> str:
    """The sentence that NumPy begins a function's text with, after its signature.

    >>> import numpy as np
    >>> first_line(np.sin), first_line(np.sum)
    ('Trigonometric sine, element-wise.', 'Sum of array elements over a given axis.')
    """
    first, _, rest = (function.__doc__ or "").strip().partition("\n\n")
    if first.startswith(f"{function.__name__}(") and rest:
        first, _, _ = rest.strip().partition("\n\n")
    return " ".join(first.split())


def documented(function: Callable[..., Any], text: str | None, has_out: bool = False) -> str:
    """The text of a function that answers for NumPy's: NumPy's first line, its full name, and what is said here."""
    name = f"{function.__module__ or 'numpy'}.{function.__name__}"
    return f"""{first_line(function)}

    `{name}`, of traced values too{', with which ``out`` is refused' if has_out else ''}. {LIKE_NUMPY}

    {text or ''}"""


def documents(function: Callable[..., Any]) -> Callable[[F], F]:
    """Let a function of ours have the text of NumPy's before its own."""

    def decorate(ours: F) -> F:
        ours.__doc__ = documented(function, ours.__doc__)
        return ours

    return decorate


def as_it_is(function: Callable[..., Any], text: str) -> Callable[..., Any]:
    """A function of NumPy's that has nothing to do with traced values, with our text after its first line."""

    @boundary
    @wraps(function)
    def made(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    made.__module__, made.__doc__ = "fnad.numpy", documented(function, text)
    return made
