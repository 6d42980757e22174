"""Ufuncs of complex numbers, in terms of their real and imaginary parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.numpy.promotion import cast
from fnad.ops import elementwise as ops
from fnad.tracing import Tracer

Function = Callable[..., Tracer]


def joined(re: Tracer, im: Tracer, dtype: np.dtype) -> Tracer:
    """The complex number of two parts."""
    return ops.add(cast(re, dtype), ops.mul(cast(im, dtype), 1j))


def by_parts(function: Callable[[Tracer, Tracer], tuple[Tracer, Tracer]]) -> Function:
    """A function of a complex number from one of its two parts."""
    return lambda x: joined(*function(ops.real(x), ops.imag(x)), x.dtype)


def _expm1(a: Tracer, b: Tracer) -> tuple[Tracer, Tracer]:
    half = ops.sin(ops.mul(b, 0.5))
    return ops.sub(ops.mul(ops.expm1(a), ops.cos(b)), ops.mul(ops.square(half), 2.0)), ops.mul(ops.exp(a), ops.sin(b))


sin = by_parts(lambda a, b: (ops.mul(ops.sin(a), ops.cosh(b)), ops.mul(ops.cos(a), ops.sinh(b))))
cos = by_parts(lambda a, b: (ops.mul(ops.cos(a), ops.cosh(b)), ops.neg(ops.mul(ops.sin(a), ops.sinh(b)))))
sinh = by_parts(lambda a, b: (ops.mul(ops.sinh(a), ops.cos(b)), ops.mul(ops.cosh(a), ops.sin(b))))
cosh = by_parts(lambda a, b: (ops.mul(ops.cosh(a), ops.cos(b)), ops.mul(ops.sinh(a), ops.sin(b))))
expm1 = by_parts(_expm1)
log1p = by_parts(lambda a, b: (ops.log(ops.hypot(ops.add(a, 1.0), b)), ops.arctan2(b, ops.add(a, 1.0))))
log2 = by_parts(lambda a, b: (ops.log2(ops.hypot(a, b)), ops.mul(ops.arctan2(b, a), 1 / ops.LN2)))
log10 = by_parts(lambda a, b: (ops.log10(ops.hypot(a, b)), ops.mul(ops.arctan2(b, a), 1 / ops.LN10)))
rint = by_parts(lambda a, b: (ops.rint(a), ops.rint(b)))


def tan(x: Tracer) -> Tracer:
    return ops.div(sin(x), cos(x))


def tanh(x: Tracer) -> Tracer:
    return ops.div(sinh(x), cosh(x))


def exp2(x: Tracer) -> Tracer:
    return ops.exp(ops.mul(x, ops.LN2))


def sign(x: Tracer) -> Tracer:
    """The number on the unit circle in the same direction; 0 for 0."""
    return ops.guarded_div(x, cast(ops.abs_(x), x.dtype))


def comparison(compare: Primitive) -> Function:
    """NumPy's order of complex numbers: by the real parts, then by the imaginary ones."""
    strict = ops.lt if compare in (ops.lt, ops.le) else ops.gt

    def function(x: Tracer, y: Tracer) -> Tracer:
        same = ops.and_(ops.eq(ops.real(x), ops.real(y)), compare(ops.imag(x), ops.imag(y)))
        return ops.or_(strict(ops.real(x), ops.real(y)), same)

    return function


def extreme(compare: Primitive, ignore_nan: bool = False) -> Function:
    """The one that comes first in that order; nan comes before all others, or, if it is ignored, after them."""
    first = comparison(compare)

    def function(x: Tracer, y: Tracer) -> Tracer:
        if ignore_nan:
            wins = ops.or_(ops.isnan(y), ops.and_(first(x, y), ops.not_(ops.isnan(x))))
        else:
            wins = ops.or_(ops.isnan(x), ops.and_(first(x, y), ops.not_(ops.isnan(y))))
        return ops.select(wins, x, y)

    return function
