"""Arrays that a Program holds itself: what rules have made, such as indices and the directions of a basis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.program import Equation, Var
from fnad.ir.types import ArrayType


@dataclass(frozen=True)
class Constant:
    """A C-contiguous array as a parameter; equal to another one with the same elements."""

    shape: tuple[int, ...]
    dtype: np.dtype
    content: bytes

    @property
    def array(self) -> np.ndarray:
        """The array, to be read only."""
        return np.frombuffer(self.content, self.dtype).reshape(self.shape)

    def __str__(self) -> str:
        return f"{self.dtype.name}{list(self.shape)}"


array_p = Primitive(
    "array", lambda constant: ArrayType(constant.shape, constant.dtype), lambda constant: constant.array,
    differentiable=(), batch=lambda op, mapped, constant: op(constant=constant), total=True,
)
"""An array, from no inputs."""

unset_p = Primitive(
    "unset", lambda type: type, lambda type: np.zeros(type.shape, type.dtype), differentiable=(),
    batch=lambda op, mapped, type: op(type=type), windows=lambda view, type: [], total=True, pinned=True,
)
"""An array from no inputs, no element of which is read before it is written: nothing is spent on any."""


def constant(value: np.ndarray) -> Constant:
    """An array as a parameter."""
    return Constant(value.shape, value.dtype, value.tobytes())


def array_equation(v: Var, value: Any) -> Equation:
    """The equation that gives a variable the value of an array."""
    return Equation(array_p, (), {"constant": constant(np.asarray(value, v.type.dtype))}, (v,))


def array_of(eqn: Equation) -> np.ndarray:
    """The array that an equation gives."""
    return eqn.params["constant"].array


def is_identity(eqn: Equation | None) -> bool:
    """Whether an equation gives an identity matrix."""
    if eqn is None or eqn.primitive is not array_p:
        return False
    given = eqn.params["constant"]
    rows = given.shape[0] if given.shape else 0
    return given.shape == (rows, rows) and given.content == np.eye(rows, dtype=given.dtype).tobytes()
