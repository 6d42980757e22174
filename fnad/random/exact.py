"""Logarithm and normal quantile made of operations that IEEE 754 rounds exactly.

So the interpreter and every compiled target give the same bits, which elementary functions of
different libraries do not. Each function takes positive normal numbers of float32 or float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad.ops.elementwise import add, and_, bitcast, convert, div, le, mul, neg, select, shift_right, sqrt, sub

Coefficients = tuple[float, ...]
"""Of a polynomial, the highest power first."""


class Format(NamedTuple):
    """The constants of a dtype that the logarithm needs."""

    integer: np.dtype
    mantissa: int
    """Bits below the exponent."""
    one: int
    """The bits of 1.0."""
    root: int
    """The bits of sqrt(1/2), cut off after its first 20 or 23."""
    ln2: tuple[float, float]
    """log(2) as a head, of which small multiples are exact, and the rest."""
    even: Coefficients
    odd: Coefficients
    """Of the series of log((1 + s) / (1 - s)) / s - 2 in s**4: the even and odd powers of s**2."""


# Coefficients of fdlibm's log and logf (Sun Microsystems 1993), which are less than 1 ulp off.
FORMATS = {
    np.dtype(np.float64): Format(
        np.dtype(np.int64), 52, 0x3FF0000000000000, 0x3FE6A09E00000000,
        (6.93147180369123816490e-01, 1.90821492927058770002e-10),
        (1.531383769920937332e-01, 2.222219843214978396e-01, 3.999999999940941908e-01),
        (1.479819860511658591e-01, 1.818357216161805012e-01, 2.857142874366239149e-01, 6.666666666666735130e-01),
    ),
    np.dtype(np.float32): Format(
        np.dtype(np.int32), 23, 0x3F800000, 0x3F3504F3,
        (6.9313812256e-01, 9.0580006145e-06),
        (0.24279078841, 0.40000972152),
        (0.28498786688, 0.66666662693),
    ),
}


def log(x: Any) -> Any:
    """The natural logarithm: x = 2**k (1 + f) with 1 + f around 1, then a series in f / (2 + f)."""
    form = FORMATS[x.dtype]
    bits = add(bitcast(x, dtype=form.integer), form.one - form.root)
    k = convert(sub(shift_right(bits, form.mantissa), form.one >> form.mantissa), dtype=x.dtype)
    reduced = add(and_(bits, (1 << form.mantissa) - 1), form.root)
    f = sub(bitcast(reduced, dtype=x.dtype), 1.0)
    s = div(f, add(f, 2.0))
    z = mul(s, s)
    w = mul(z, z)
    series = add(mul(z, polynomial(form.odd, w)), mul(w, polynomial(form.even, w)))
    half_square = mul(mul(f, 0.5), f)
    small = add(mul(s, add(series, half_square)), mul(k, form.ln2[1]))
    return add(add(sub(small, half_square), f), mul(k, form.ln2[0]))


def polynomial(coefficients: Sequence[float], x: Any) -> Any:
    """The value of a polynomial by Horner's rule."""
    value = add(mul(x, coefficients[0]), coefficients[1])
    for c in coefficients[2:]:
        value = add(mul(value, x), c)
    return value


class Quantile(NamedTuple):
    """Numerators and denominators of the normal quantile: in the middle, in the tail, far out."""

    middle: tuple[Coefficients, Coefficients]
    tail: tuple[Coefficients, Coefficients]
    far: tuple[Coefficients, Coefficients]


# M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics
# 37 (1988): PPND16, of a relative accuracy of 1e-16, and PPND7, of 1e-7.
QUANTILES = {
    np.dtype(np.float64): Quantile(
        (
            (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
             1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
            (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
             5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
        ),
        (
            (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
             3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
            (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
             6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
        ),
        (
            (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
             2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0),
            (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
             7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
             5.99832206555887937690e-1, 1.0),
        ),
    ),
    np.dtype(np.float32): Quantile(
        (
            (5.9109374720e1, 1.5929113202e2, 5.0434271938e1, 3.3871327179e0),
            (6.7187563600e1, 7.8757757664e1, 1.7895169469e1, 1.0),
        ),
        (
            (1.7023821103e-1, 1.3067284816e0, 2.7568153900e0, 1.4234372777e0),
            (1.2021132975e-1, 7.3700164250e-1, 1.0),
        ),
        (
            (1.7337203997e-2, 4.2868294337e-1, 3.0812263860e0, 6.6579051150e0),
            (1.2258202635e-2, 2.4197894225e-1, 1.0),
        ),
    ),
}


def upper_quantile(p: Any) -> Any:
    """The number that a standard normal variable exceeds with probability p, for 0 < p <= 1/2."""
    table = QUANTILES[p.dtype]
    q = sub(0.5, p)
    r = sub(0.180625, mul(q, q))
    is_middle = le(q, 0.425)
    depth = sqrt(neg(log(p)))
    is_tail = le(depth, 5.0)
    near, far = sub(depth, 1.6), sub(depth, 5.0)
    parts = []
    for middle, tail, beyond in zip(table.middle, table.tail, table.far):
        outer = select(is_tail, polynomial(tail, near), polynomial(beyond, far))
        parts.append(select(is_middle, polynomial(middle, r), outer))
    numerator, denominator = parts
    return div(mul(select(is_middle, q, 1.0), numerator), denominator)
