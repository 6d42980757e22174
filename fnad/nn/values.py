"""From what users pass, numbers and arrays of any dtype and rank, to what the strict operations take."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from fnad.arrays import PYTHON_SCALARS
from fnad.interpreter.evaluate import QUIET
from fnad.ops.elementwise import convert
from fnad.ops.shaping import reshape
from fnad.tracing.tracer import Tracer, value_type

FLOAT64 = np.dtype(np.float64)
# What NumPy would warn about, overflow or nan, is a value here, traced or not.
quiet = np.errstate(**QUIET)
_WEAK = {"i": 0, "f": 0.0, "c": 0j}


def real_operands(name: str, *values: Any) -> list[Any]:
    """Values as arrays or traced values of one float dtype, to which they promote by NumPy's rules."""
    operands = [v if isinstance(v, (Tracer, *PYTHON_SCALARS)) else np.asarray(v) for v in values]
    dtype = np.result_type(*[_promoting(x) for x in operands])
    if dtype.kind in "biu":
        dtype = FLOAT64
    if dtype.kind != "f":
        raise TypeError(f"{name}: requires real numbers, got dtype {dtype}. Take the real part first.")
    return [_cast(x, dtype) for x in operands]


def require_real(name: str, what: str, value: Any) -> None:
    """Raise for what is neither a real number nor an array of real numbers, traced or not."""
    if not isinstance(value, Tracer) and np.asarray(value).dtype.kind not in "iuf":
        raise TypeError(f"{name}: requires {what} to be a real number, got {value!r:.60}. Pass one such as 0.1.")


def _promoting(x: Any) -> Any:
    """The stand-in for an operand in NumPy's promotion: its dtype, or a number whose dtype yields."""
    if isinstance(x, PYTHON_SCALARS):
        return x
    type = value_type(x)
    return _WEAK[type.dtype.kind] if type.weak else type.dtype


def _cast(x: Any, dtype: np.dtype) -> Any:
    if isinstance(x, Tracer):
        return convert(x, dtype=dtype) if x.dtype != dtype or x.type.weak else x
    return np.asarray(x, dtype)


def as_matrix(x: Any) -> Any:
    """An array of shape (..., n) as a matrix (m, n)."""
    return x if x.ndim == 2 else reshape(x, shape=(prod(x.shape[:-1]), x.shape[-1]))
