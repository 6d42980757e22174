"""Samples of real numbers: uniform and normal."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.errors import boundary
from fnad.ir.types import Shape
from fnad.ops.elementwise import add, convert, mul, shift_right, sub
from fnad.random.bits import DRAW, UINT32, UINT64, random_bits
from fnad.random.keys import require_key
from fnad.random.noise import normal_noise
from fnad.random.values import as_float, as_parameter, as_shape, fill, result
from fnad.tracing.tracer import Tracer


@boundary
def uniform(key: Any, shape: Any = (), dtype: Any = np.float64, low: Any = 0.0, high: Any = 1.0) -> Any:
    """Samples of the uniform distribution on [low, high): low + (high - low) u.

    u is a multiple of 2**-53 in [0, 1), or of 2**-24 for float32, each of them equally likely. With other
    bounds than 0 and 1 rounding may give ``high`` itself.

    Args:
        key: a key; the same key gives the same samples.
        shape: the shape of the result, or the length of a vector.
        dtype: float32 or float64.
        low: the lower bound, a number or an array that broadcasts to ``shape``.
        high: the upper bound, likewise. Gradients flow to both.

    Returns:
        An array of the shape and dtype.

    Raises:
        TypeError: ``key`` is no key, or the dtype is neither.
        ValueError: a bound does not broadcast to the shape, or ``low > high`` (traced ones are not looked at).

    >>> import fnad
    >>> uniform(fnad.random.key(0), (2, 3), low=-1, high=1).shape
    (2, 3)
    """
    require_key("uniform", key)
    shape, dtype = as_shape("uniform", shape), as_float("uniform", dtype)
    low, high = [as_parameter("uniform", what, value, "biuf") for what, value in (("low", low), ("high", high))]
    if not isinstance(low, Tracer) and not isinstance(high, Tracer) and np.any(np.greater(low, high)):
        raise ValueError(f"uniform: requires low <= high, got {low} and {high}. Exchange them.")
    samples = unit_interval(key, shape, dtype)
    if (type(low), low, type(high), high) != (float, 0.0, float, 1.0):
        low, high = fill("uniform", "low", low, shape, dtype), fill("uniform", "high", high, shape, dtype)
        samples = add(mul(samples, _difference(high, low, dtype)), low)
    return result(samples)


def _difference(x: Any, y: Any, dtype: np.dtype) -> Any:
    """x - y; a Python number where both are."""
    return sub(x, y) if not isinstance(x, float) or not isinstance(y, float) else dtype.type(x - y).item()


def unit_interval(key: Any, shape: Shape, dtype: np.dtype) -> Any:
    """Multiples of 2**-53 or 2**-24 in [0, 1)."""
    if dtype == np.float64:
        bits = random_bits(key, shape=shape, dtype=UINT64, stream=DRAW)
        return mul(convert(shift_right(bits, 11), dtype=dtype), 2.0**-53)
    bits = random_bits(key, shape=shape, dtype=UINT32, stream=DRAW)
    return mul(convert(shift_right(bits, 8), dtype=dtype), 2.0**-24)


@boundary
def normal(key: Any, shape: Any = (), dtype: Any = np.float64, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """Samples of the normal distribution: loc + scale z, with z standard normal.

    z is the inverse of the distribution function at a uniform number (M. J. Wichura's algorithm AS 241),
    one bit of the generator for its sign and 63, or 31 for float32, for its size. The largest size is
    about 9.2, or 6.3.

    Args:
        key: a key; the same key gives the same samples.
        shape: the shape of the result, or the length of a vector.
        dtype: float32 or float64.
        loc: the mean, a number or an array that broadcasts to ``shape``.
        scale: the standard deviation, likewise. Gradients flow to both.

    Returns:
        An array of the shape and dtype.

    Raises:
        TypeError: ``key`` is no key, or the dtype is neither.
        ValueError: ``loc`` or ``scale`` does not broadcast to the shape, or ``scale`` is negative (a traced one is not
            looked at).

    >>> import fnad
    >>> normal(fnad.random.key(0), (3,), np.float32).dtype
    dtype('float32')
    """
    require_key("normal", key)
    shape, dtype = as_shape("normal", shape), as_float("normal", dtype)
    loc, scale = [as_parameter("normal", what, value, "biuf") for what, value in (("loc", loc), ("scale", scale))]
    if not isinstance(scale, Tracer) and np.any(np.less(scale, 0)):
        raise ValueError(f"normal: requires scale of at least 0, got {scale}. It is the standard deviation.")
    samples = standard_normal(key, shape, dtype)
    if (type(scale), scale) != (float, 1.0):
        samples = mul(samples, fill("normal", "scale", scale, shape, dtype))
    if (type(loc), loc) != (float, 0.0):
        samples = add(samples, fill("normal", "loc", loc, shape, dtype))
    return result(samples)


def standard_normal(key: Any, shape: Shape, dtype: np.dtype) -> Any:
    """Standard normal numbers."""
    unsigned = UINT64 if dtype == np.float64 else UINT32
    return normal_noise(random_bits(key, shape=shape, dtype=unsigned, stream=DRAW))
