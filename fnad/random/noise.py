"""Random bits to standard noise, normal and Gumbel: one operation each, made of exact ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType
from fnad.ops.elementwise import add, and_, bitcast, convert, lt, mul, neg, select, shift_right
from fnad.ops.shaping import batch_as_it_is
from fnad.random.bits import UINT32, UINT64
from fnad.random.exact import log, upper_quantile

FLOAT_OF = {UINT32: np.dtype(np.float32), UINT64: np.dtype(np.float64)}
SIGNED_OF = {UINT32: np.dtype(np.int32), UINT64: np.dtype(np.int64)}

CHUNK = 8192
"""Numbers that the interpreter takes through all operations at once: they stay in the cache."""


def _noise(name: str, expand: Callable[[Any], Any]) -> Primitive:
    """A primitive from unsigned random bits to floats of their size."""

    def type_rule(bits: ArrayType) -> ArrayType:
        if bits.dtype not in FLOAT_OF:
            raise TypeError(f"{name}: requires random bits of uint32 or uint64, got {bits}.")
        return ArrayType(bits.shape, FLOAT_OF[bits.dtype])

    def evaluate(bits: Any) -> np.ndarray:
        flat = np.asarray(bits).reshape(-1)
        result = np.empty(flat.shape, FLOAT_OF[flat.dtype])
        for start in range(0, flat.size, CHUNK):
            result[start : start + CHUNK] = expand(flat[start : start + CHUNK])
        return result.reshape(np.shape(bits))

    return Primitive(
        name, type_rule, evaluate, expand=expand, differentiable=(), batch=batch_as_it_is, total=True,
    )


def _normal(bits: Any) -> Any:
    """The highest bit is the sign; the others, as a fraction, half the probability of a number further out."""
    width, dtype = 8 * bits.dtype.itemsize, FLOAT_OF[bits.dtype]
    bits = bitcast(bits, dtype=SIGNED_OF[bits.dtype])
    size = convert(and_(bits, (1 << (width - 1)) - 1), dtype=dtype)
    distance = upper_quantile(mul(add(size, 0.5), 2.0**-width))
    return select(lt(bits, 0), neg(distance), distance)


def _gumbel(bits: Any) -> Any:
    """-log(-log(u)) with u in (0, 1): all bits but one that the float can hold, and half of the last one."""
    dtype = FLOAT_OF[bits.dtype]
    kept = np.finfo(dtype).nmant
    high = convert(shift_right(bits, 8 * bits.dtype.itemsize - kept), dtype=dtype)
    return neg(log(neg(log(mul(add(high, 0.5), 2.0**-kept)))))


normal_noise = _noise("normal_noise", _normal)
gumbel_noise = _noise("gumbel_noise", _gumbel)
