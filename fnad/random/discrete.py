"""Samples of integers, truth values, categories and orders."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.checks import is_integer, require_axis, require_dtype
from fnad.errors import boundary
from fnad.ir.types import Shape
from fnad.ops.elementwise import add, and_, convert, eq, lt, mul, select, shift_right, sub
from fnad.ops.indexing import gather
from fnad.ops.reductions import argmax, argsort
from fnad.ops.shaping import reshape, slice_, transpose
from fnad.random.bits import DRAW, UINT64, random_bits
from fnad.random.continuous import unit_interval
from fnad.random.keys import require_key
from fnad.random.noise import gumbel_noise
from fnad.random.values import FLOATS, as_parameter, as_shape, broadcast_to, fill, result
from fnad.tracing.tracer import Tracer, value_type

FLOAT64 = np.dtype(np.float64)
MASK = 0xFFFFFFFF

# --- Integers


@boundary
def randint(key: Any, shape: Any, low: Any, high: Any, dtype: Any = np.int64) -> Any:
    """Integers from ``low`` up to, without, ``high``, each equally likely.

    A random word of 64 bits, or of 128 for a dtype of 64, is scaled to the n = high - low numbers. That is exact where
    n is a power of 2; otherwise the probability of a number differs from 1/n by less than 2**-64, or 2**-128.

    Args:
        key: a key; the same key gives the same samples.
        shape: the shape of the result, or the length of a vector.
        low: the smallest number, an integer or an array of integers that broadcasts to ``shape``.
        high: the largest number plus 1, likewise.
        dtype: an integer dtype.

    Returns:
        An array of the shape and dtype. Where traced bounds leave no number, any number.

    Raises:
        TypeError: ``key`` is no key, a bound is no integer, or the dtype is no integer dtype.
        ValueError: a range is empty or does not fit the dtype, or a bound does not broadcast to the shape.

    >>> import fnad
    >>> rolls = randint(fnad.random.key(0), (1000,), 1, 7)
    >>> int(rolls.min()), int(rolls.max())
    (1, 6)
    """
    require_key("randint", key)
    shape, dtype = as_shape("randint", shape), require_dtype("randint", dtype)
    if dtype.kind not in "iu":
        raise TypeError(f"randint: requires an integer dtype, got {dtype}. Use uniform for real numbers.")
    low, high = as_parameter("randint", "low", low, "iu"), as_parameter("randint", "high", high, "iu")
    _require_range(low, high, dtype)
    first, last = _as_word("low", low, shape), _as_word("high", high, shape)
    count = (last - first) % 2**64 if isinstance(first, int) and isinstance(last, int) else sub(last, first)
    offset = _below_wide(key, count, shape) if dtype.itemsize == 8 else _below(key, count, shape)
    return result(add(convert(offset, dtype=dtype), fill("randint", "low", low, shape, dtype)))


def _require_range(low: Any, high: Any, dtype: np.dtype) -> None:
    """Check the bounds whose values are known."""
    limits = np.iinfo(dtype)
    if not isinstance(low, Tracer) and np.any(np.less(low, limits.min)):
        raise ValueError(f"randint: requires low of at least {limits.min} for {dtype}, got {low}. Widen it.")
    if not isinstance(high, Tracer) and np.any(np.greater(high, limits.max + 1)):
        raise ValueError(f"randint: requires high of at most {limits.max + 1} for {dtype}, got {high}. Widen it.")
    if not isinstance(low, Tracer) and not isinstance(high, Tracer) and np.any(np.greater_equal(low, high)):
        raise ValueError(f"randint: requires low < high, got {low} and {high}. The largest number is high - 1.")


def _as_word(what: str, bound: Any, shape: Shape) -> Any:
    """A bound modulo 2**64 as uint64; a Python integer stays one."""
    return bound % 2**64 if isinstance(bound, int) else fill("randint", what, bound, shape, UINT64)


def _below(key: Any, count: Any, shape: Shape) -> Any:
    """Random numbers less than count, which is at most 2**32: the high word of count * 64 random bits."""
    word = random_bits(key, shape=shape, dtype=UINT64, stream=DRAW)
    low_part = shift_right(mul(and_(word, MASK), count), 32)
    return shift_right(add(mul(shift_right(word, 32), count), low_part), 32)


def _below_wide(key: Any, count: Any, shape: Shape) -> Any:
    """Random numbers less than count, of which 0 means 2**64: the high word of count * 128 random bits."""
    words = random_bits(key, shape=(2, *shape), dtype=UINT64, stream=DRAW)
    high_word, low_word = (_row(words, i) for i in (0, 1))
    if isinstance(count, int) and count == 0:
        return high_word
    product, carried = mul(high_word, count), _high_product(low_word, count)
    carry = convert(lt(add(product, carried), product), dtype=UINT64)
    offset = add(_high_product(high_word, count), carry)
    return offset if isinstance(count, int) else select(eq(count, 0), high_word, offset)


def _row(x: Any, i: int) -> Any:
    rest = x.shape[1:]
    row = slice_(x, starts=(i,) + (0,) * len(rest), stops=(i + 1, *rest), steps=(1,) * x.ndim)
    return reshape(row, shape=rest)


def _high_product(x: Any, y: Any) -> Any:
    """The upper 64 of the 128 bits of x y."""
    x_low, x_high = and_(x, MASK), shift_right(x, 32)
    y_low, y_high = (y & MASK, y >> 32) if isinstance(y, int) else (and_(y, MASK), shift_right(y, 32))
    middle = mul(x_low, y_high)
    upper = add(shift_right(mul(x_low, y_low), 32), and_(middle, MASK))
    upper = shift_right(add(upper, mul(x_high, y_low)), 32)
    return add(add(mul(x_high, y_high), shift_right(middle, 32)), upper)


# --- Truth values


@boundary
def bernoulli(key: Any, p: Any = 0.5, shape: Any = None) -> Any:
    """True with probability ``p``.

    Args:
        key: a key; the same key gives the same samples.
        p: probabilities, a number or an array of float32 or float64.
        shape: the shape of the result, to which ``p`` broadcasts; by default that of ``p``.

    Returns:
        A bool array.

    Raises:
        TypeError: ``key`` is no key, or ``p`` is not real.
        ValueError: ``p`` lies outside [0, 1] (traced ones are not looked at) or does not broadcast to the shape.

    >>> import fnad
    >>> flips = bernoulli(fnad.random.key(0), 0.25, (1000,))
    >>> float(flips.mean().round(1))
    0.3
    """
    require_key("bernoulli", key)
    p = as_parameter("bernoulli", "p", p, "f")
    if not isinstance(p, Tracer) and not np.all((np.asarray(p) >= 0) & (np.asarray(p) <= 1)):
        raise ValueError(f"bernoulli: requires probabilities in [0, 1], got {p}. Try p=0.5.")
    dtype = value_type(p).dtype if value_type(p).dtype in FLOATS else FLOAT64
    shape = value_type(p).shape if shape is None else as_shape("bernoulli", shape)
    return result(lt(unit_interval(key, shape, dtype), fill("bernoulli", "p", p, shape, dtype)))


# --- Categories


@boundary
def categorical(key: Any, logits: Any, axis: int = -1, shape: Any = None) -> Any:
    """Numbers of categories, drawn with the probabilities softmax(logits).

    By the Gumbel-max trick: the category with the largest sum of logit and noise, computed in float64. A category
    of logit -inf is not drawn; of several of logit inf the first is; a nan is. If all are -inf, it is the first.

    Args:
        key: a key; the same key gives the same samples.
        logits: logarithms of probabilities, not necessarily normalized, along ``axis``.
        axis: the axis of the categories, which the result does not have.
        shape: the shape of the result, to which the other axes of ``logits`` broadcast; by default those axes.

    Returns:
        An int64 array.

    Raises:
        TypeError: ``key`` is no key, or ``logits`` are not real.
        ValueError: there is no such axis or no category, or ``logits`` do not broadcast to the shape.

    >>> import fnad
    >>> categorical(fnad.random.key(0), [-np.inf, 0.0, -np.inf], shape=(4,))
    array([1, 1, 1, 1])
    """
    require_key("categorical", key)
    logits = as_parameter("categorical", "logits", logits, "biuf")
    ndim = value_type(logits).ndim
    axis = require_axis("categorical", axis, value_type(logits).shape)
    if value_type(logits).shape[axis] == 0:
        raise ValueError(
            f"categorical: requires logits with categories along axis {axis}, got {value_type(logits)}. "
            "Give it one at least."
        )
    moved = transpose(convert(logits, dtype=FLOAT64), perm=(*[a for a in range(ndim) if a != axis], axis))
    shape = moved.shape[:-1] if shape is None else as_shape("categorical", shape)
    full = (*shape, moved.shape[-1])
    chances = broadcast_to("categorical", "logits", moved, full)
    noise = gumbel_noise(random_bits(key, shape=full, dtype=UINT64, stream=DRAW))
    return result(argmax(add(chances, noise), axis=len(shape)))


# --- Orders


@boundary
def permutation(key: Any, x: Any) -> Any:
    """The numbers 0, 1, ..., x - 1 in random order, or the rows of an array.

    Each place gets 64 random bits, and the order is the one that sorts them.

    Args:
        key: a key; the same key gives the same order.
        x: an integer, or an array whose first axis is put in order.

    Returns:
        An int64 array of shape (x,), or an array like ``x``. Gradients flow to ``x``.

    Raises:
        TypeError: ``key`` is no key, or ``x`` neither an integer nor an array with an axis.
        ValueError: ``x`` is a negative integer.

    >>> import fnad
    >>> sorted(permutation(fnad.random.key(0), 4).tolist())
    [0, 1, 2, 3]
    """
    require_key("permutation", key)
    if is_integer(x):
        if x < 0:
            raise ValueError(f"permutation: requires a number that is not negative, got {x}. Pass 0 or more.")
        return result(_order(key, int(x)))
    x = x if isinstance(x, Tracer) else np.asarray(x)
    if x.ndim == 0:
        raise TypeError(
            f"permutation: requires an integer or an array with an axis, got {x.dtype} of shape (). "
            "Pass one such as 10."
        )
    return result(gather(x, _order(key, x.shape[0])))


def _order(key: Any, n: int) -> Any:
    return argsort(random_bits(key, shape=(n,), dtype=UINT64, stream=DRAW), axis=0)
