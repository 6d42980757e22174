"""Python's operators: as the ufuncs, but Python numbers among themselves stay Python numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.arrays import PYTHON_SCALARS
from fnad.numpy.ufuncs import SPECIAL, Rule, binary, unary
from fnad.tracing.tracer import Tracer


def _operator(ufunc: np.ufunc) -> Rule:
    rule = (SPECIAL.get(ufunc) or binary)(ufunc, True)

    def method(self: Tracer, other: Any) -> Any:
        return rule(self, other) if isinstance(other, OPERANDS) else NotImplemented

    return method


def _reflected(ufunc: np.ufunc) -> Rule:
    rule = (SPECIAL.get(ufunc) or binary)(ufunc, True)

    def method(self: Tracer, other: Any) -> Any:
        return rule(other, self) if isinstance(other, OPERANDS) else NotImplemented

    return method


OPERANDS = (Tracer, *PYTHON_SCALARS, np.ndarray, np.generic, list, tuple)
ARITHMETIC = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "divmod": np.divmod, "pow": np.power, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "lshift": np.left_shift, "rshift": np.right_shift,
}
_COMPARED = {
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
}
_ALONE = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}

OPERATORS: dict[str, Rule] = {
    **{f"__{name}__": _operator(ufunc) for name, ufunc in {**ARITHMETIC, **_COMPARED}.items()},
    **{f"__r{name}__": _reflected(ufunc) for name, ufunc in ARITHMETIC.items()},
    **{f"__{name}__": unary(ufunc, True) for name, ufunc in _ALONE.items()},
}
