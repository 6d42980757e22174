"""pow, cbrt and hypot."""

from collections.abc import Callable

from fnad.kernels.vector_math.emitting import (
    INF,
    NAN,
    Number,
    Pair,
    at_least,
    at_most,
    bits_of,
    choose,
    elementary_by_width,
    fast_two_sum,
    flip_sign,
    from_bits,
    fused,
    magnitude,
    nearest,
    polynomial,
    power_of_two,
    scaled,
    signed_like,
    split,
    square_root,
    two_product,
    two_sum,
)
from fnad.kernels.vector_math.exponential import LN2, LOG2_E, exp_pair
from fnad.kernels.vector_math.logarithmic import normal

ARTANH = (
    # (artanh(s) / s - 1 - s**2 / 3) / s**4 in powers of s**2, relative to 1 / s**4: 2**-73
    0.1999999999999999,
    0.14285714285722537,
    0.11111111108771972,
    0.09090909434786562,
    0.07692278455939369,
    0.06668158072065301,
    0.05837419788087426,
    0.059944348409895314,
)
THIRD, THIRD_LOW = 0.3333333333333333, 1.850371707708594e-17

LOG_SHORT = (
    # (2 artanh(s) - 2 s) / s**3 in powers of s**2, for results in float32: 2**-43
    *(0.6666666667579377, 0.39999995623810636, 0.2857210901434884),
    *(0.22176192212428003, 0.19584130898435903),
)
EXP_SHORT = (
    # e**r, for results in float32: 2**-34
    *(1.0, 1.0, 0.500000006761124, 0.16666665864580055, 0.04166629505018208),
    *(0.008333497845011393, 0.0013944656147336007, 0.00019790003899848146),
)


def log_pair(x: Number) -> Pair:
    """The logarithm of a positive finite float64 to about 65 digits.

    For m = x / 2**k near 1 it is 2 s (1 + s**2 / 3 + s**4 (...)) with s = (m - 1) / (m + 1); all
    but the last part are pairs.
    """
    scale, exponent = normal(x)
    k, m = split(scale)
    k, f = k + exponent, m - 1.0
    below, below_low = two_sum(m, 1.0)
    inverse = 1.0 / below
    s = f * inverse
    s_low = inverse * (fused(-s, below, f) - s * below_low)
    square, square_low = two_product(s, s)
    square_low = fused(2.0 * s, s_low, square_low)
    third, third_low = fast_two_sum(THIRD, square * polynomial(square, ARTANH))
    u, u_low = two_product(square, third)
    u_low = u_low + fused(square, third_low + THIRD_LOW, square_low * third)
    v, v_low = two_product(s, u)
    v_low = v_low + fused(s, u_low, s_low * u)
    high, low = fast_two_sum(s, v)
    low = low + (s_low + v_low)
    total, rest = fast_two_sum(k * LN2[64][0], 2.0 * high)
    return fast_two_sum(total, rest + fused(k, LN2[64][1], 2.0 * low))


def _power(x: Number, y: Number) -> Number:
    """x**y for x > 0, in twice the precision up to the last step."""
    log, log_low = log_pair(x)
    log = choose(x < INF, choose(x > 0.0, log, -INF), x)
    product, low = two_product(y, log)
    low = choose(magnitude(product) < 1000.0, fused(y, log_low, low), 0.0)
    n, high, low = exp_pair(at_least(at_most(product, 1000.0), -1000.0), low)
    return scaled(high + low, n)


def _power_single(x: Number, y: Number) -> Number:
    """x**y for results in float32; x is not subnormal."""
    k, m = split(x)
    s = (m - 1.0) / (m + 1.0)
    square = s * s
    log_of_m = fused(s * square, polynomial(square, LOG_SHORT), 2.0 * s)
    log = fused(k, 0.6931471805599453, log_of_m)
    product = y * choose(x < INF, choose(x > 0.0, log, -INF), x)
    product = at_least(at_most(product, 200.0), -200.0)
    n = nearest(product * LOG2_E)
    return polynomial(fused(n, -0.6931471805599453, product), EXP_SHORT) * power_of_two(n)


def _pow(x: Number, y: Number, power: Callable[[Number, Number], Number]) -> Number:
    """x**y with the special cases of C's pow."""
    size = magnitude(x)
    # the same result as for infinite y, but 0 * y stays 0 for x = 1
    result = power(size, at_least(at_most(y, 2.0**64), -(2.0**64)))
    whole, half = nearest(y).equals(y), y * 0.5
    odd = whole & nearest(half).differs(half)
    impossible = (x < 0.0) & (size < INF) & ~whole
    negative = signed_like(x.constant(1.0), x) < 0.0
    result = choose(impossible, NAN, flip_sign(result, odd & negative))
    return choose(y.equals(0.0) | x.equals(1.0), 1.0, result)


def pow_double(x: Number, y: Number) -> Number:
    """x to the power of y."""
    return _pow(x, y, _power)


def pow_single(x: Number, y: Number) -> Number:
    return _pow(x, y, _power_single)


CBRT = (
    # 1 / t after t has been divided by the cube root's first guess, as in FreeBSD's s_cbrt.c
    *(1.87595182427177009643, -1.88497979543377169875, 1.621429720105354466140),
    *(-0.758397934778766047437, 0.145996192886612446982),
)


def cbrt(x: Number) -> Number:
    """The cube root (FreeBSD's s_cbrt.c): 5 bits guessed, made 23, then one step of Newton's."""
    size = magnitude(x)
    subnormal = size < x.format.smallest
    scale = choose(subnormal, size * 2.0**54, size)
    # the exponent and the first digits, divided by 3
    third = (((bits_of(scale) >> 32) * 0x55555556) >> 32) + 715094163
    guess = from_bits((third & 0xFFFFFFFF) << 32)
    t = guess * polynomial(guess * guess * (guess / scale), CBRT)
    # rounded so that its square is exact
    t = from_bits((bits_of(t) + 0x80000000) & 0xFFFFFFFFC0000000)
    r = scale / (t * t)
    t = fused(t, (r - t) / (t + t + r), t)
    root = choose(subnormal, t * 2.0**-18, t)
    usual = (size > 0.0) & (size < INF)
    return choose(usual, signed_like(root, x), x)


def hypot(x: Number, y: Number) -> Number:
    """sqrt(x**2 + y**2) without overflow, its error corrected once (Borges)."""
    a, b = magnitude(x), magnitude(y)
    larger, smaller = choose(a > b, a, b), choose(a > b, b, a)
    up, down = larger < 2.0**-500, larger > 2.0**500
    scale = choose(up, x.constant(2.0**600), choose(down, x.constant(2.0**-600), 1.0))
    back = choose(up, x.constant(2.0**-600), choose(down, x.constant(2.0**600), 1.0))
    larger, smaller = larger * scale, smaller * scale
    square, square_low = two_product(larger, larger)
    other, other_low = two_product(smaller, smaller)
    total, low = fast_two_sum(square, other)
    root = square_root(total)
    rest = fused(-root, root, total) + (low + (square_low + other_low))
    root = choose(root > 0.0, root + rest / (root + root), root)
    return choose(a.equals(INF) | b.equals(INF), INF, root * back)


def hypot_single(x: Number, y: Number) -> Number:
    root = square_root(fused(x, x, y * y))
    return choose(magnitude(x).equals(INF) | magnitude(y).equals(INF), INF, root)


pow_float32, pow_float64 = elementary_by_width(pow_single, pow_double, 2)
cbrt_float32, cbrt_float64 = elementary_by_width(cbrt, cbrt)
hypot_float32, hypot_float64 = elementary_by_width(hypot_single, hypot, 2)
