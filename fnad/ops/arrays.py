"""Arrays that a Program holds itself: what rules have made, such as indices and the directions of a basis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.program import Equation, Var
from fnad.ir.types import ArrayType


@dataclass(frozen=True)
class Held:
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
    "array", lambda held: ArrayType(held.shape, held.dtype), lambda held: held.array, differentiable=(),
    batch=lambda op, mapped, held: op(held=held), total=True,
)
"""An array, from no inputs."""


def hold(value: np.ndarray) -> Held:
    """An array as a parameter."""
    return Held(value.shape, value.dtype, value.tobytes())


def array_equation(v: Var, value: Any) -> Equation:
    """The equation that gives a variable the value of an array."""
    return Equation(array_p, (), {"held": hold(np.asarray(value, v.type.dtype))}, (v,))


def array_of(eqn: Equation) -> np.ndarray:
    """The array that an equation gives."""
    return eqn.params["held"].array


def is_identity(eqn: Equation | None) -> bool:
    """Whether an equation gives an identity matrix."""
    if eqn is None or eqn.primitive is not array_p:
        return False
    held = eqn.params["held"]
    rows = held.shape[0] if held.shape else 0
    return held.shape == (rows, rows) and held.content == np.eye(rows, dtype=held.dtype).tobytes()
