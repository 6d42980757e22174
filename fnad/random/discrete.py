"""Samples of integers, truth values, categories and orders."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.errors import boundary
from fnad.ir.types import Shape
from fnad.ops.elementwise import add, and_, convert, eq, lt, mul, neg, select, shift_right, sub
from fnad.ops.indexing import gather
from fnad.ops.reductions import argmax, argsort
from fnad.ops.shaping import reshape, slice_, transpose
from fnad.random.bits import DRAW, UINT64, random_bits
from fnad.random.continuous import unit_interval
from fnad.random.exact import log
from fnad.random.keys import require_key
from fnad.random.values import FLOATS, as_parameter, as_shape, broadcast_to, fill, result
from fnad.tracing import Tracer, value_type

FLOAT64 = np.dtype(np.float64)
MASK = 0xFFFFFFFF

# --- Integers


@boundary
def randint(key: Any, shape: Any, low: Any, high: Any, dtype: Any = np.int64) -> Any:
    """Integers from ``low`` up to, without, ``high``, each equally likely.

    A random word of 64 bits (of 128 for a dtype of 64) is scaled to the range: exact for n = high - low a power of 2,
    and otherwise a probability is at most n * 2**-64 (n * 2**-128) of its own size from 1 / n.

    Args:
        key: a key; the same key gives the same samples.
        shape: the shape of the result, or the length of a vector.
        low: the smallest value, an integer or an array of them that broadcasts to ``shape``.
        high: the largest value plus 1, likewise.
        dtype: an integer dtype.

    Returns:
        An array of the shape and dtype.

    Raises:
        TypeError: ``key`` is no key, a bound is no integer, or the dtype is no integer dtype.
        ValueError: a range is empty (traced bounds are not looked at: an empty range then gives ``low``), or
            does not fit the dtype.

    >>> import fnad
    >>> rolls = randint(fnad.random.key(0), (1000,), 1, 7)
    >>> int(rolls.min()), int(rolls.max())
    (1, 6)
    """
    require_key("randint", key)
    shape, dtype = as_shape("randint", shape), np.dtype(dtype)
    if dtype.kind not in "iu":
        raise TypeError(f"randint: requires an integer dtype, got {dtype}.")
    low, high = as_parameter("randint", "low", low, "iu"), as_parameter("randint", "high", high, "iu")
    _require_range(low, high, dtype)
    if isinstance(low, int) and isinstance(high, int):
        count: Any = (high - low) % 2**64
    else:
        low, high = (broadcast_to("randint", what, _array(v, dtype), shape) for what, v in (("low", low), ("high", high)))
        count = sub(convert(high, dtype=UINT64), convert(low, dtype=UINT64))
    offset = _below(key, count, shape, wide=dtype.itemsize == 8)
    return result(add(convert(offset, dtype=dtype), low))
