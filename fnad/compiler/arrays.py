"""Arrays that a Program holds itself: what rules that run when it is compiled have made, such as indices."""

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
    batch=lambda op, mapped, held: op(held=held),
)
"""An array, from no inputs."""


def array_equation(v: Var, value: Any) -> Equation:
    """The equation that gives a variable the value of an array."""
    content = np.asarray(value, v.type.dtype).tobytes()
    return Equation(array_p, (), {"held": Held(v.type.shape, v.type.dtype, content)}, (v,))


def array_of(eqn: Equation) -> np.ndarray:
    """The array that an equation gives."""
    return eqn.params["held"].array
