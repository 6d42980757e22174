"""From what users pass, numbers and arrays of any dtype and rank, to what the strict operations take."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.types import is_inexact
from fnad.numpy.promotion import result_dtype
from fnad.ops.elementwise import convert
from fnad.ops.shaping import reshape
from fnad.tracing import Tracer

FLOAT64 = np.dtype(np.float64)
PYTHON_NUMBERS = (bool, int, float)


def real_operands(name: str, *values: Any) -> list[Any]:
    """Values as arrays or traced values of one float dtype, to which they promote by NumPy's rules."""
    operands = [v if isinstance(v, (Tracer, *PYTHON_NUMBERS)) else np.asarray(v) for v in values]
    dtype = _common_dtype(operands)
    if dtype.kind != "f":
        raise TypeError(f"{name}: requires real numbers, got dtype {dtype}. Take the real part, or the absolute value, first.")
    return [_cast(x, dtype) for x in operands]


def _common_dtype(operands: list[Any]) -> np.dtype:
    dtypes = [x if isinstance(x, (Tracer, *PYTHON_NUMBERS)) else x.dtype for x in operands]
    traced = [x for x in dtypes if not isinstance(x, np.dtype)]
    known = [x for x in dtypes if isinstance(x, np.dtype)]
    dtype = np.result_type(*known, *[_representative(x) for x in traced])
    return FLOAT64 if dtype.kind in "biu" else dtype


def _cast(x: Any, dtype: np.dtype) -> Any:
    if isinstance(x, Tracer):
        return x if x.dtype == dtype and not x.type.weak else convert(x, dtype=dtype)
    return np.asarray(x, dtype)


def as_rows(x: Any) -> Any:
    """An array of shape (..., n) as a matrix (m, n)."""
    n = x.shape[-1]
    rows = int(np.prod(x.shape[:-1], dtype=np.int64))
    return x if x.ndim == 2 else reshape(x, shape=(rows, n))
