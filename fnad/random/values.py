"""The arguments of samplers: shapes, dtypes, and parameters that are numbers, arrays or traced."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from fnad.arrays import is_numeric
from fnad.checks import is_integer, require_dtype
from fnad.ir.types import Shape
from fnad.ops.elementwise import convert
from fnad.ops.shaping import broadcast, reshape
from fnad.tracing.tracer import Tracer, value_type

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


MOST_NUMBERS = 2**60
"""As many of eight bytes as memory has addresses for."""


def as_shape(name: str, shape: Any) -> Shape:
    """A shape as a tuple; an integer is the length of a vector."""
    sizes = shape if isinstance(shape, Sequence) else (shape,)
    if not all([is_integer(n) and n >= 0 for n in sizes]):
        raise TypeError(f"{name}: requires a shape of integers that are not negative, got {shape!r}. Try shape=(2, 3).")
    if prod(sizes) >= MOST_NUMBERS:
        raise ValueError(f"{name}: requires a shape of fewer than 2**60 numbers, got {shape!r:.60}. Draw parts.")
    return tuple([int(n) for n in sizes])


def as_float(name: str, dtype: Any) -> np.dtype:
    """A dtype that samples of real numbers can have."""
    dtype = require_dtype(name, dtype)
    if dtype not in FLOATS:
        raise TypeError(f"{name}: requires dtype float32 or float64, got {dtype}. Convert the result by .astype.")
    return dtype


def as_parameter(name: str, what: str, value: Any, kinds: str) -> Any:
    """A number as it is, anything else as an array or traced value of a dtype of ``kinds``."""
    if not isinstance(value, Tracer) and not isinstance(value, (bool, int, float)):
        value = np.asarray(value)
    is_numbers = isinstance(value, (Tracer, bool, int, float)) or is_numeric(value.dtype)
    if not is_numbers or value_type(value).dtype.kind not in kinds:
        got = value_type(value) if is_numbers else value.dtype
        wanted = "integers" if kinds == "iu" else "real numbers"
        raise TypeError(f"{name}: requires {what} of {wanted}, got {got}. Pass a number, or an array of them.")
    return value


def fill(name: str, what: str, value: Any, shape: Shape, dtype: np.dtype) -> Any:
    """A parameter in the dtype and shape of the samples; a Python number stays one, rounded to the dtype."""
    if not isinstance(value, (np.ndarray, Tracer)):
        return dtype.type(value).item()
    if value.dtype != dtype:
        value = convert(value, dtype=dtype)
    return broadcast_to(name, what, value, shape)


def broadcast_to(name: str, what: str, x: Any, shape: Shape) -> Any:
    """Broadcast an array or a traced value to a shape."""
    lead = len(shape) - x.ndim
    if lead < 0 or any([n not in (1, m) for n, m in zip(x.shape, shape[lead:])]):
        raise ValueError(
            f"{name}: requires {what} to broadcast to the shape {shape} of the result, got {x.shape}. "
            f"Reshape {what}, or choose another shape."
        )
    kept = [a for a in range(x.ndim) if x.shape[a] == shape[lead + a]]
    if len(kept) < x.ndim:
        x = reshape(x, shape=tuple([x.shape[a] for a in kept]))
    return x if x.shape == shape else broadcast(x, shape=shape, dims=tuple([lead + a for a in kept]))


def result(x: Any) -> Any:
    """The result of a sampler: an array of its own where nothing is traced."""
    return x if isinstance(x, Tracer) else np.array(x, order="C")
