"""Logarithms and what is made of them: log, log2, log10, log1p, logaddexp, logaddexp2, the inverse
hyperbolic functions.

x = m * 2**k with m = 1 + f near 1, and log(1 + f) = 2 artanh(s) with s = f / (2 + f), where f and
f**2 / 2 are kept apart from the polynomial in s**2, as in fdlibm. Logarithms of pairs keep what the
sum 1 + f has lost: that makes the rest accurate also where the result is near 0.
"""

from collections.abc import Callable
from typing import Any

from fnad.kernels.vector_math.emitting import (
    INF,
    NAN,
    Number,
    Pair,
    at_least,
    choose,
    divide,
    elementary,
    fast_two_sum,
    fused,
    magnitude,
    polynomial,
    power_of_two,
    scaled,
    signed_like,
    split,
    square_root,
    two_product,
    two_sum,
)
from fnad.kernels.vector_math.exponential import LN2, exp2, exp_pair, or_itself

LOG = {
    # (2 artanh(s) - 2 s) / s**3 in powers of s**2, relative to 1 / s**2: 2**-36, 2**-65
    32: (0.666666627, 0.400003344, 0.285373032, 0.235822707),
    64: (
        0.6666666666666666,
        0.4000000000000623,
        0.28571428569090124,
        0.22222222646229503,
        0.18181775705159836,
        0.15387089258575207,
        0.13250147172487084,
        0.13251103118486868,
    ),
}

LOG2_E = {32: (1.44269502, 1.92596303e-8), 64: (1.4426950408889634, 2.0355273740931033e-17)}
LOG10_E = {32: (0.434294492, -1.01030500e-8), 64: (0.4342944819032518, 1.098319650216765e-17)}
LOG10_2 = {
    # the first part has so few digits that its product with an exponent is exact
    32: (0.301025390625, 4.60503907e-6),
    64: (0.30102999566361177, 3.694239077158931e-13),
}


def normal(x: Number) -> tuple[Number, Number]:
    """x scaled to a normal number, and the exponent that this takes."""
    digits = x.format.digits
    subnormal = x < x.format.smallest
    return choose(subnormal, x * 2.0**digits, x), choose(subnormal, x.constant(-digits), 0.0)


def rest_of_log(f: Number) -> Number:
    """log(1 + f) - f"""
    s = f / (f + 2.0)
    square, half = s * s, 0.5 * f * f
    return fused(s, fused(square, polynomial(square, LOG[f.bits]), half), -half)


def log_edges(x: Number, result: Number) -> Number:
    """A logarithm of x, given its result for positive finite x."""
    return choose(x < INF, choose(x > 0.0, result, choose(x < 0.0, x.constant(NAN), -INF)), x)


def log(x: Number) -> Number:
    """The natural logarithm."""
    scale, exponent = normal(x)
    k, m = split(scale)
    k, f = k + exponent, m - 1.0
    ln2, ln2_low = LN2[x.bits]
    high, low = fast_two_sum(k * ln2, f)
    return log_edges(x, high + (low + fused(k, ln2_low, rest_of_log(f))))


def _log_in_base(x: Number, unit: Pair, of_two: Any) -> Number:
    """log(x) * unit, where of_two is the pair log(2) * unit."""
    scale, exponent = normal(x)
    k, m = split(scale)
    k, f = k + exponent, m - 1.0
    product, low = two_product(f, f.constant(unit[0]))
    low = fused(rest_of_log(f), unit[0], fused(f, unit[1], low))
    high, rest = fast_two_sum(k * of_two[0], product)
    return log_edges(x, high + (rest + fused(k, of_two[1], low)))


def log2(x: Number) -> Number:
    """The logarithm to base 2."""
    return _log_in_base(x, LOG2_E[x.bits], (1.0, 0.0))


def log10(x: Number) -> Number:
    """The logarithm to base 10."""
    return _log_in_base(x, LOG10_E[x.bits], LOG10_2[x.bits])


def log_of_pair(x: Number, x_low: Number, exponent: Any = 0.0) -> Pair:
    """log((x + x_low) * 2**exponent) of a positive finite normal pair, as a sum of two."""
    k, m = split(x)
    # the power's exponent is kept in range for every k; beyond, the low part has no meaning
    low = (0.5 * x_low) * power_of_two(1.0 - k)
    f, f_low = two_sum(m - 1.0, low)
    k = k + exponent
    ln2, ln2_low = LN2[x.bits]
    high, rest = fast_two_sum(k * ln2, f)
    # the derivative of the logarithm is nearly 1 - f; f_low is tiny
    return high, rest + (fused(k, ln2_low, rest_of_log(f)) + fused(-f, f_low, f_low))


def log1p(x: Number) -> Number:
    """log(1 + x)"""
    total, low = two_sum(1.0, x)
    high, low = log_of_pair(total, low)
    result = or_itself(x, high + low)
    return choose(x < INF, choose(x > -1.0, result, choose(x < -1.0, x.constant(NAN), -INF)), x)


def _add_exponentials(x: Number, y: Number, exp_of: Callable, unit: Pair) -> Number:
    """The larger of x and y, plus log(1 + the exponential of minus their distance) * unit."""
    distance = choose(x.equals(y), 0.0, magnitude(x - y))
    power = exp_of(-distance)
    total, low = fast_two_sum(1.0, power)
    high, low = log_of_pair(total, low)
    product, rest = two_product(high, x.constant(unit[0]))
    low = rest + fused(low, unit[0], high * unit[1])
    larger = choose(x > y, x, y)
    total, rest = two_sum(larger, product)
    # an infinite sum has no rounding error
    return choose(magnitude(larger) < INF, total + (rest + low), total)


def _exp_of_negative(x: Number) -> Number:
    n, high, low = exp_pair(at_least(x, {32: -104.0, 64: -746.0}[x.bits]))
    return scaled(high + low, n)


def logaddexp(x: Number, y: Number) -> Number:
    """log(e**x + e**y); where the sum is near 1 the error is relative to x and y."""
    return _add_exponentials(x, y, _exp_of_negative, (1.0, 0.0))


def logaddexp2(x: Number, y: Number) -> Number:
    """log2(2**x + 2**y); where the sum is near 1 the error is relative to x and y."""
    return _add_exponentials(x, y, exp2, LOG2_E[x.bits])


def _sqrt_of_pair(x: Number, x_low: Number) -> Pair:
    root = square_root(x)
    rest = (fused(-root, root, x) + x_low) / (root + root)
    return root, choose(root > 0.0, rest, 0.0)


def _or_double(x: Number, big: Number, total: Number, low: Number) -> Number:
    """log of the pair, or log(2 x) where x is big."""
    exponent = choose(big, x.constant(1.0), 0.0)
    high, low = log_of_pair(choose(big, x, total), choose(big, 0.0, low), exponent)
    return high + low


def arcsinh(x: Number) -> Number:
    """log(|x| + square_root(x**2 + 1)) with the sign of x."""
    size = magnitude(x)
    big = size > 2.0 ** (x.format.digits // 2 + 4)
    square, square_low = two_product(size, size)
    below, below_low = two_sum(1.0, square)
    root, root_low = _sqrt_of_pair(below, below_low + square_low)
    total, low = two_sum(root, size)
    result = _or_double(size, big, total, low + root_low)
    tiny = size < 2.0 ** -(x.format.digits // 2 + 2)
    return choose(size < INF, choose(tiny, x, signed_like(result, x)), x)


def arccosh(x: Number) -> Number:
    """log(x + square_root(x**2 - 1))"""
    big = x > 2.0 ** (x.format.digits // 2 + 4)
    over = x - 1.0
    total, total_low = two_sum(x, 1.0)
    square, square_low = two_product(over, total)
    root, root_low = _sqrt_of_pair(square, fused(over, total_low, square_low))
    total, low = two_sum(x, root)
    result = _or_double(x, big, total, low + root_low)
    return choose(x < INF, choose(x < 1.0, NAN, result), x)


def arctanh(x: Number) -> Number:
    """log((1 + x) / (1 - x)) / 2"""
    size = magnitude(x)
    above, above_low = fast_two_sum(1.0, size)
    below, below_low = fast_two_sum(1.0, -size)
    high, low = log_of_pair(*divide(above, above_low, below, below_low))
    result = signed_like(0.5 * (high + low), x)
    tiny = size < 2.0 ** -(x.format.digits // 2 + 2)
    at_one = choose(size.equals(1.0), signed_like(x.constant(INF), x), NAN)
    return choose(size < 1.0, choose(tiny, x, result), at_one)


log_float32, log_float64 = elementary(log)
log2_float32, log2_float64 = elementary(log2)
log10_float32, log10_float64 = elementary(log10)
log1p_float32, log1p_float64 = elementary(log1p)
logaddexp_float32, logaddexp_float64 = elementary(logaddexp, 2)
logaddexp2_float32, logaddexp2_float64 = elementary(logaddexp2, 2)
arcsinh_float32, arcsinh_float64 = elementary(arcsinh)
arccosh_float32, arccosh_float64 = elementary(arccosh)
arctanh_float32, arctanh_float64 = elementary(arctanh)
