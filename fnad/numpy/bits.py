"""Ufuncs that take numbers apart: exponents, neighbours and bits, by the bits of the numbers themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.types import ArrayType
from fnad.numpy.promotion import cast, constant
from fnad.ops import elementwise as ops
from fnad.tracing.tracer import Tracer

_INTEGERS = {2: np.dtype(np.int16), 4: np.dtype(np.int32), 8: np.dtype(np.int64)}
_UNSIGNED = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}


def _bits(x: Tracer) -> Tracer:
    """The bits of floats, or of integers without their sign's meaning."""
    table = _INTEGERS if x.dtype.kind == "f" else _UNSIGNED
    return ops.bitcast(x, dtype=table[x.dtype.itemsize])


def _like(x: Tracer, value: Any) -> Tracer:
    return constant(x.builder, value, x.shape, x.dtype)


def _between(n: Tracer, low: int, high: int) -> Tracer:
    return ops.minimum(ops.maximum(n, low), high)


def _is_long(dtype: np.dtype) -> bool:
    """Whether no integer has a float's bits."""
    return dtype.itemsize not in _INTEGERS


# --- Exponents


def ldexp(x: Tracer, n: Tracer) -> Tracer:
    """x 2**n, rounded once."""
    if x.dtype == np.float16:
        return cast(ldexp(cast(x, np.dtype(np.float32)), n), x.dtype)
    info = np.finfo(x.dtype)
    # A step down that leaves more than the digits of a number to the last one: whatever it rounds becomes 0.
    low, high, down = int(info.minexp), int(info.maxexp) - 1, int(info.minexp) + info.nmant + 1
    wide = np.dtype(np.int32) if x.dtype.itemsize < 8 else np.dtype(np.int64)
    rest = cast(_between(n, 2 * down + low, 3 * high), wide)
    for _ in range(3):
        step = ops.select(ops.lt(rest, low), _like(rest, down), ops.minimum(rest, high))
        x, rest = ops.mul(x, _two_to(step, x.dtype)), ops.sub(rest, step)
    return x


def _two_to(n: Tracer, dtype: np.dtype) -> Tracer:
    """2**n, of which n is the exponent of a normal number."""
    if _is_long(dtype):
        return ops.power(constant(n.builder, 2, n.shape, dtype), cast(n, dtype))
    info = np.finfo(dtype)
    return ops.bitcast(ops.shift_left(ops.add(n, int(info.maxexp) - 1), int(info.nmant)), dtype=dtype)


def frexp(x: Tracer) -> tuple[Tracer, Tracer]:
    """The number m from 0.5 to 1, with the sign of x, and the n with x = m 2**n."""
    if x.dtype == np.float16:
        part, exponent = frexp(cast(x, np.dtype(np.float32)))
        return cast(part, x.dtype), exponent
    has_none = ops.or_(ops.eq(x, 0.0), ops.not_(ops.isfinite(x)))
    fixed = ops.stop_gradient(x)
    exponent = ops.select(has_none, 0, (_long_exponent if _is_long(x.dtype) else _exponent)(fixed))
    return ldexp(x, ops.neg(exponent)), cast(exponent, np.dtype(np.int32))


def _exponent(x: Tracer) -> Tracer:
    info = np.finfo(x.dtype)
    digits, bias = int(info.nmant), int(info.maxexp) - 2
    is_tiny = ops.lt(ops.abs_(x), float(info.smallest_normal))
    bits = _bits(ops.select(is_tiny, ops.mul(x, 2.0 ** (digits + 2)), x))
    found = ops.sub(ops.and_(ops.shift_right(bits, digits), 2 * bias + 3), bias)
    return ops.select(is_tiny, ops.sub(found, digits + 2), found)


def _long_exponent(x: Tracer) -> Tracer:
    """By the logarithm, which may be off by one."""
    found = cast(ops.floor(ops.log2(ops.abs_(x))), np.dtype(np.int64))
    part = ops.abs_(ldexp(x, ops.neg(found)))
    up, down = ops.ge(part, 1.0), ops.lt(part, 0.5)
    return ops.sub(ops.add(found, cast(up, found.dtype)), cast(down, found.dtype))


# --- Neighbours


def nextafter(x: Tracer, y: Tracer) -> Tracer:
    """The next number after x on the way to y."""
    if _is_long(x.dtype):
        return ops.nextafter(x, y)
    x, y = ops.stop_gradient(x), ops.stop_gradient(y)
    bits = _bits(x)
    # Of numbers of one sign, those that are farther from 0 have larger bits.
    away = ops.eq(ops.lt(x, y), ops.gt(x, 0.0))
    moved = ops.bitcast(ops.select(away, ops.add(bits, 1), ops.sub(bits, 1)), dtype=x.dtype)
    smallest = ops.copysign(_like(x, np.finfo(x.dtype).smallest_subnormal), y)
    moved = ops.select(ops.eq(x, 0.0), smallest, moved)
    moved = ops.select(ops.eq(x, y), x if x.dtype == np.float16 else y, moved)  # of zeros, as NumPy has it
    return ops.select(ops.or_(ops.isnan(x), ops.isnan(y)), ops.add(x, y), moved)


def spacing(x: Tracer) -> Tracer:
    """How far the next number is that is farther from 0, negative for negative numbers; of float16, that is larger."""
    x = ops.stop_gradient(x)
    x = ops.select(ops.eq(x, 0.0), _like(x, 0), x)  # which has one sign
    end = _like(x, np.inf)
    moved = nextafter(x, end if x.dtype == np.float16 else ops.copysign(end, x))
    return ops.select(ops.isinf(x), np.nan, ops.sub(moved, x))


# --- Integers


def lcm(x: Tracer, y: Tracer) -> Tracer:
    """The least common multiple, which wraps."""
    a, b = [_bits(ops.abs_(z)) for z in (x, y)]
    divisor = ops.gcd(a, b)
    return ops.bitcast(ops.mul(ops.floor_div(a, ops.maximum(divisor, 1)), b), dtype=x.dtype)


def bitwise_count(x: Tracer) -> Tracer:
    """How many bits of the absolute value are 1: in pairs of bits, then of four, eight, and all together."""
    bits = _bits(ops.abs_(x))
    ones = np.iinfo(bits.dtype).max
    pairs = ops.sub(bits, ops.and_(ops.shift_right(bits, 1), ones // 3))
    fours = ops.add(ops.and_(pairs, ones // 5), ops.and_(ops.shift_right(pairs, 2), ones // 5))
    bytes_ = ops.and_(ops.add(fours, ops.shift_right(fours, 4)), ones // 17)
    total = ops.shift_right(ops.mul(bytes_, ones // 255), 8 * bits.dtype.itemsize - 8)
    return x.builder.emit(ops.convert, (total.atom,), {"dtype": _BYTE}, ArrayType(x.shape, _BYTE))


_BYTE = np.dtype(np.uint8)
