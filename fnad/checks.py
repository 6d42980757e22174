"""The checks of the arguments of public functions, and their errors."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any

import numpy as np


def require_function(
    name: str, value: Any, what: str = "a function", advice: str = "Pass the function itself, not its result."
) -> None:
    """Raise for what cannot be called."""
    if not callable(value):
        raise TypeError(f"{name}: requires {what}, got {type(value).__name__}. {advice}")


def require_flag(name: str, what: str, value: Any) -> None:
    """Raise for what is neither True nor False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: requires {what} to be True or False, got {value!r:.60}. Pass one of them.")


def is_integer(value: Any) -> bool:
    """Whether a value is an integer and no truth value."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """Whether a value is one real number that is known: a Python or NumPy number, or an array of one without axes."""
    if isinstance(value, (int, float, np.integer, np.floating)):
        return not isinstance(value, bool)
    return type(value) is np.ndarray and value.shape == () and value.dtype.kind in "iuf"


def require_integer(name: str, what: str, value: Any, least: int = 1) -> None:
    """Raise for what is no integer of at least so much."""
    if not is_integer(value) or value < least:
        error = ValueError if is_integer(value) else TypeError
        raise error(f"{name}: requires {what} to be an integer of at least {least}, got {value!r:.60}. "
                    f"Pass one such as {max(least, 1)}.")


def integers(name: str, what: str, value: Any) -> tuple[int, ...]:
    """An integer, or several that are different, as a tuple."""
    try:
        given = (value,) if is_integer(value) else tuple(value)
        numbers = tuple([index(n) for n in given if not isinstance(n, (bool, np.bool_))])
    except TypeError:
        given, numbers = (), None
    if numbers is None or len(numbers) < len(given):
        raise TypeError(f"{name}: requires {what} to be integers, got {value!r:.60}. Pass one such as 0, or a tuple.")
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{name}: requires {what} without repetition, got {numbers}. Name each argument once.")
    return numbers


def require_names(name: str, what: str, value: Any) -> tuple[str, ...]:
    """A name, or several, as a tuple."""
    names = (value,) if isinstance(value, str) or not isinstance(value, Iterable) else tuple(value)
    if not all([isinstance(n, str) for n in names]):
        raise TypeError(f"{name}: requires {what} to be names, got {value!r:.60}. Use {what[:-5]}nums.")
    return names


def require_dtype(name: str, dtype: Any) -> np.dtype:
    """A dtype, or what names one, as a dtype."""
    try:
        if dtype is not None:
            return np.dtype(dtype)
    except (TypeError, ValueError):
        pass
    raise TypeError(f"{name}: requires a dtype, got {dtype!r:.60}. Pass one such as np.float32.")


def require_axis(name: str, axis: Any, shape: tuple[int, ...]) -> int:
    """An axis of an array, counted from 0."""
    if not is_integer(axis):
        raise TypeError(f"{name}: requires axis to be an integer, got {axis!r:.60}. Pass one such as -1.")
    if not -len(shape) <= axis < len(shape):
        raise ValueError(
            f"{name}: requires an axis of an array of shape {shape}, got {axis}. Pass one that it has, such as -1."
        )
    return int(axis) % len(shape)
