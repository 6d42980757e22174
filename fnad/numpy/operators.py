"""Python's operators: as the ufuncs, but Python numbers among themselves stay Python numbers."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence
from types import NoneType
from typing import Any

import numpy as np

from fnad.arrays import PYTHON_SCALARS
from fnad.numpy.ufuncs import SPECIAL, Rule, binary, unary
from fnad.tracing.tracer import Tracer


def _operator(ufunc: np.ufunc) -> Rule:
    rule = (SPECIAL.get(ufunc) or binary)(ufunc, True)

    def method(self: Tracer, other: Any) -> Any:
        return rule(self, other) if isinstance(other, OPERANDS) else no_operand(ufunc, other)

    return method


def _reflected(ufunc: np.ufunc) -> Rule:
    rule = (SPECIAL.get(ufunc) or binary)(ufunc, True)

    def method(self: Tracer, other: Any) -> Any:
        return rule(other, self) if isinstance(other, OPERANDS) else no_operand(ufunc, other)

    return method


def no_operand(ufunc: np.ufunc, other: Any) -> Any:
    """``NotImplemented``, since the other operand may know what to do; an error for what cannot.

    For ``x * y`` Python would go on to ask the array how often a sequence is to be repeated.
    """
    if isinstance(other, _NO_OPERANDS):
        advice = "Pass a number." if other is None else "Convert it with np.asarray(y)."
        raise TypeError(f"np.{ufunc.__name__}: requires arrays and numbers, got {type(other).__qualname__}. {advice}")
    return NotImplemented


_NO_OPERANDS = (NoneType, str, bytes, bytearray, deque, array, dict, set)


def _equality(ufunc: np.ufunc) -> Rule:
    rule = (SPECIAL.get(ufunc) or binary)(ufunc, True)

    def method(self: Tracer, other: Any) -> Any:
        if isinstance(other, OPERANDS):
            return rule(self, other)
        if hasattr(type(other), "__array_ufunc__"):
            return NotImplemented
        if not _is_unlike_numbers(other):
            raise TypeError(
                f"np.{ufunc.__name__}: requires arrays and numbers, got {type(other).__qualname__}, which may be equal "
                "to one. Convert it with float(y) or np.asarray(y)."
            )
        return np.full(self.shape, ufunc is np.not_equal)

    return method


def _is_unlike_numbers(value: Any) -> bool:
    """Whether NumPy, which compares each element with an object, finds none that is equal: its class has no answer."""
    if isinstance(value, (str, bytes)):
        return True
    return not isinstance(value, Sequence) and type(value).__eq__(value, 0.0) is NotImplemented


OPERANDS = (Tracer, *PYTHON_SCALARS, np.ndarray, np.generic, list, tuple)
ARITHMETIC = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "divmod": np.divmod, "pow": np.power, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "lshift": np.left_shift, "rshift": np.right_shift,
}
_COMPARED = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}
_ALONE = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}

OPERATORS: dict[str, Rule] = {
    **{f"__{name}__": _operator(ufunc) for name, ufunc in {**ARITHMETIC, **_COMPARED}.items()},
    "__eq__": _equality(np.equal), "__ne__": _equality(np.not_equal),
    **{f"__r{name}__": _reflected(ufunc) for name, ufunc in ARITHMETIC.items()},
    **{f"__{name}__": unary(ufunc, True) for name, ufunc in _ALONE.items()},
}
