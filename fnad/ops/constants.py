"""Arrays that a compiler keeps: what a rule makes of NumPy's own, such as the indices of a gather."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType


class Held:
    """An array as a parameter of an operation; each is equal to itself only."""

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray) -> None:
        self.array = np.array(array, order="C")
        self.array.flags.writeable = False

    def __repr__(self) -> str:
        return f"<{ArrayType(self.array.shape, self.array.dtype)}>"


def _type(value: Held) -> ArrayType:
    return ArrayType(value.array.shape, value.array.dtype)


def _evaluate(value: Held) -> Any:
    return value.array


constant = Primitive("constant", _type, _evaluate, differentiable=())
