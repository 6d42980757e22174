"""Nested dual numbers over NumPy arrays: derivatives of any order that owe nothing to the library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Dual:
    """A value and its tangent, each an array or a `Dual` of an outer derivative."""

    __array_ufunc__ = None  # so that an array on the left leaves the operation to this class

    def __init__(self, value: Any, tangent: Any) -> None:
        self.value, self.tangent = value, tangent

    def __add__(self, other: Any) -> Dual:
        value, tangent = _parts(other)
        return Dual(self.value + value, self.tangent + tangent)

    def __mul__(self, other: Any) -> Dual:
        value, tangent = _parts(other)
        return Dual(self.value * value, self.tangent * value + self.value * tangent)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Dual:
        return -1.0 * self

    def __sub__(self, other: Any) -> Dual:
        return self + -1.0 * other


def _parts(x: Any) -> tuple[Any, Any]:
    return (x.value, x.tangent) if isinstance(x, Dual) else (x, 0.0)


def linear(function: Callable[[np.ndarray], np.ndarray], x: Any) -> Any:
    """A linear function of arrays, of a dual number."""
    return Dual(linear(function, x.value), linear(function, x.tangent)) if isinstance(x, Dual) else function(x)


def plain(x: Any) -> np.ndarray:
    """The value without any tangent."""
    return plain(x.value) if isinstance(x, Dual) else x


def sin(x: Any) -> Any:
    return Dual(sin(x.value), cos(x.value) * x.tangent) if isinstance(x, Dual) else np.sin(x)


def cos(x: Any) -> Any:
    return Dual(cos(x.value), -1.0 * sin(x.value) * x.tangent) if isinstance(x, Dual) else np.cos(x)


def tanh(x: Any) -> Any:
    if not isinstance(x, Dual):
        return np.tanh(x)
    y = tanh(x.value)
    return Dual(y, (1.0 + -1.0 * (y * y)) * x.tangent)


def pushed(function: Callable[[Any], Any], x: Any, tangent: np.ndarray) -> Any:
    """The derivative of a function at a point along a tangent."""
    return function(Dual(x, tangent)).tangent
