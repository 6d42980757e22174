"""The operands of derivative rules: traced values whose Python operators are operations, and nothing besides.

The operators that users meet promote, broadcast and take views, as NumPy's do. Those of a rule are as strict as the
operations are: ``x * y`` is ``mul(x, y)``, with the same operands in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from fnad.ir.primitive import Primitive, Traced
from fnad.ir.types import ArrayType
from fnad.tracing.builder import Builder
from fnad.tracing.tracer import Tracer


class Operand(Traced):
    """A traced value inside of a rule; an operation on it gives such a value again."""

    __slots__ = ("tracer",)
    __array_ufunc__ = None  # an array to the left of an operator leaves it to the operand
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self.builder = _Stager(tracer.builder)

    @property
    def type(self) -> ArrayType:
        return self.tracer.type

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tracer.shape

    @property
    def dtype(self) -> np.dtype:
        return self.tracer.dtype

    @property
    def ndim(self) -> int:
        return self.tracer.ndim

    @property
    def size(self) -> int:
        return self.tracer.size

    def __bool__(self) -> bool:
        raise TypeError(f"rule: requires a choice by elements, got a condition of a traced {self.type}. Use choose.")


class _Stager(NamedTuple):
    """Stages operations on operands where their tracers are staged."""

    builder: Builder

    @property
    def level(self) -> int:
        return self.builder.level

    def apply(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        return _as_operands(self.builder.apply(primitive, _as_tracers(args), params))


def rule(function: Callable[..., Any]) -> Callable[..., Any]:
    """A rule of a primitive, written for operands."""

    @wraps(function)
    def on_tracers(*args: Any, **params: Any) -> Any:
        return _as_tracers(function(*_as_operands(args), **params))

    return on_tracers


def _as_operands(value: Any) -> Any:
    if type(value) in (tuple, list):
        return tuple(map(_as_operands, value))
    return Operand(value) if type(value) is Tracer else value


def _as_tracers(value: Any) -> Any:
    if type(value) is tuple:
        return tuple(map(_as_tracers, value))
    return value.tracer if type(value) is Operand else value


def define_operators(plain: Mapping[str, Callable[..., Any]], reflected: Mapping[str, Callable[..., Any]]) -> None:
    """Say which operations Python's operators are; those ``reflected`` take a number on their left, too."""
    for name, operation in {**plain, **reflected}.items():
        setattr(Operand, f"__{name}__", lambda *xs, operation=operation: operation(*xs))
    for name, operation in reflected.items():
        setattr(Operand, f"__r{name}__", lambda y, x, operation=operation: operation(x, y))
