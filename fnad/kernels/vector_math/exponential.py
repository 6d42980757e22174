"""Exponentials and what is made of them: exp, exp2, expm1, sigmoid, tanh, sinh, cosh.

x = n ln 2 + r with whole n and |r| <= ln(2) / 2 (Cody and Waite); e**r is a minimax polynomial, and
2**n is put together from bits. Coefficients are by Remez's method, for the error noted.
"""

from fnad.kernels.vector_math.emitting import (
    Number,
    Pair,
    at_least,
    at_most,
    choose,
    divide,
    elementary,
    fast_two_sum,
    fused,
    magnitude,
    nearest,
    polynomial,
    power_of_two,
    scaled,
    signed_like,
    two_product,
    two_sum,
)

LOG2_E = 1.4426950408889634

LN2 = {
    # The first part has so few digits that its product with an exponent is exact.
    32: (0.693359375, -2.12194440e-4),
    64: (6.93147180369123816490e-01, 1.90821492927058770002e-10),
}

EXP = {
    # (e**r - 1 - r) / r**2, relative to (e**r - 1) / r**2: 2**-32, 2**-61
    32: (0.5, 0.166666672, 0.041666355, 0.00833327323, 0.00139410142, 0.000199142145),
    64: (
        0.5,
        0.16666666666666677,
        0.0416666666666667,
        0.00833333333332166,
        0.0013888888888866555,
        0.00019841269886055222,
        2.480158736111269e-05,
        2.755724427391267e-06,
        2.75572422903935e-07,
        2.5109016816856815e-08,
        2.0924586304347077e-09,
    ),
}

EXP_SHORT = {
    # the same, relative to e**r: 2**-28, 2**-57
    32: (0.49999994, 0.166665211, 0.041668389, 0.00836871658, 0.00138145988),
    64: (
        0.5000000000000011,
        0.1666666666666641,
        0.041666666666530405,
        0.008333333333496305,
        0.001388888894358248,
        0.0001984126950293693,
        2.4801493134870834e-05,
        2.755758931933352e-06,
        2.7630239051693954e-07,
        2.4999216787249114e-08,
    ),
}

EXP2 = {
    # (2**r - 1) / r for |r| <= 1/2, relative to 2**r / r: 2**-34, 2**-64
    32: (
        *(0.693147182, 0.240226507, 0.0555041023, 0.00961803831),
        *(0.00133339351, 0.000154667607, 1.51961967e-05),
    ),
    64: (
        0.6931471805599453,
        0.24022650695910072,
        0.05550410866482169,
        0.00961812910762833,
        0.001333355814639269,
        0.0001540353039364076,
        1.5252733854318466e-05,
        1.321548659488435e-06,
        1.0178051941844243e-07,
        7.054974487159707e-09,
        4.456570530586363e-10,
        2.562541014834523e-11,
    ),
}

SINH = {
    # (sinh(r) - r) / r**3 in powers of r**2: 2**-37, 2**-61
    32: (0.166666672, 0.00833328906, 0.000199049624),
    64: (
        0.16666666666666677,
        0.008333333333321624,
        0.00019841269886143535,
        2.7557244192591877e-06,
        2.5109042499321095e-08,
    ),
}

COSH = {
    # (cosh(r) - 1) / r**2 in powers of r**2: 2**-34, 2**-70
    32: (0.5, 0.0416662656, 0.00139462308),
    64: (
        0.5,
        0.04166666666666671,
        0.0013888888888863955,
        2.4801587363373903e-05,
        2.7557241836281646e-07,
        2.0924423523031167e-09,
    ),
}


def reduced(x: Number) -> tuple[Number, Number, Number]:
    """n and the pair r of x = n ln 2 + r."""
    high, low = LN2[x.bits]
    n = nearest(x * LOG2_E)
    rest = fused(n, -high, x)
    r = fused(n, -low, rest)
    return n, r, fused(n, -low, rest - r)


def exp_pair(x: Number, x_low: float | Number = 0.0) -> tuple[Number, Number, Number]:
    """n and the pair y of e**(x + x_low) = 2**n * y."""
    n, r, r_low = reduced(x)
    # the low part of a large x is not small against the last digit of r
    r, r_low = fast_two_sum(r, r_low + x_low)
    high, low = fast_two_sum(1.0, r)
    return n, *fast_two_sum(high, low + fused(r * r, polynomial(r, EXP[x.bits]), r_low))


def exp(x: Number) -> Number:
    """e**x"""
    low, high = {32: (-104.0, 89.0), 64: (-746.0, 710.0)}[x.bits]
    n, r, _ = reduced(at_least(at_most(x, high), low))
    return scaled(polynomial(r, (1.0, 1.0, *EXP_SHORT[x.bits])), n)


def exp2(x: Number) -> Number:
    """2**x"""
    low, high = {32: (-151.0, 129.0), 64: (-1076.0, 1025.0)}[x.bits]
    x = at_least(at_most(x, high), low)
    n = nearest(x)
    return scaled(polynomial(x - n, (1.0, *EXP2[x.bits])), n)


def half_expm1(x: Number) -> Pair:
    """(e**x - 1) / 2 as a sum of two, from -40 (where it is -1/2) to where it overflows."""
    n, r, r_low = reduced(x)
    scale = power_of_two(n - 1.0)
    high, low = fast_two_sum(scale - 0.5, scale * r)
    return high, fused(scale, fused(r * r, polynomial(r, EXP[x.bits]), r_low), low)


def or_itself(x: Number, result: Number) -> Number:
    """x where it is so small that the function is x: the result may have lost digits or sign."""
    tiny = {32: 2.0**-26, 64: 2.0**-55}[x.bits]
    return choose(magnitude(x) < tiny, x, result)


def expm1(x: Number) -> Number:
    """e**x - 1"""
    most = {32: 89.0, 64: 710.0}[x.bits]
    high, low = half_expm1(at_least(at_most(x, most), -40.0))
    return or_itself(x, 2.0 * (high + low))


def tanh(x: Number) -> Number:
    """The hyperbolic tangent: with e = e**2|x| - 1, it is e / (e + 2)."""
    saturated = {32: 10.0, 64: 20.0}[x.bits]
    high, low = fast_two_sum(*half_expm1(2.0 * at_most(magnitude(x), saturated)))
    below, below_low = two_sum(high, 1.0)
    quotient, rest = divide(high, low, below, below_low + low)
    return or_itself(x, signed_like(quotient + rest, x))


def sigmoid(x: Number) -> Number:
    """1 / (1 + e**-x): with t = e**-|x| it is 1 / (1 + t) or, for negative x, t / (1 + t)."""
    least = {32: -104.0, 64: -746.0}[x.bits]
    n, high, low = exp_pair(at_least(-magnitude(x), least))
    scale = power_of_two(at_least(n, -100.0))
    below, below_low = fast_two_sum(1.0, high * scale)
    negative = x < 0.0
    above, above_low = choose(negative, high, 1.0), choose(negative, low, 0.0)
    quotient, rest = divide(above, above_low, below, fused(low, scale, below_low))
    # t itself may be subnormal: it is scaled last, so that the result is rounded once
    return scaled(quotient + rest, choose(negative, n, 0.0))


def _hyperbolic(x: Number, is_sinh: bool) -> Number:
    """sinh or cosh of x >= 0.

    With e**x = 2**n (cosh r + sinh r), and a, b the sinh and cosh of n ln 2, which are exact:
    sinh x = a cosh r + b sinh r, cosh x = b cosh r + a sinh r.
    """
    n, r, r_low = reduced(at_most(x, {32: 89.5, 64: 710.5}[x.bits]))
    up, down = power_of_two(n - 2.0), power_of_two(-2.0 - at_most(n, 100.0))
    square = r * r
    cosh_rest = square * polynomial(square, COSH[x.bits])
    sinh_rest = fused(square * r, polynomial(square, SINH[x.bits]), r_low)
    a, a_low = fast_two_sum(up, -down)
    b, b_low = fast_two_sum(up, down)
    if not is_sinh:
        a, a_low, b = b, b_low, a
    product, product_low = two_product(b, r)
    high, low = fast_two_sum(a, product)
    low = low + (product_low + a_low)
    return 2.0 * (high + (low + fused(a, cosh_rest, b * sinh_rest)))


def sinh(x: Number) -> Number:
    """The hyperbolic sine."""
    return or_itself(x, signed_like(_hyperbolic(magnitude(x), True), x))


def cosh(x: Number) -> Number:
    """The hyperbolic cosine."""
    return _hyperbolic(magnitude(x), False)


exp_float32, exp_float64 = elementary(exp)
exp2_float32, exp2_float64 = elementary(exp2)
expm1_float32, expm1_float64 = elementary(expm1)
tanh_float32, tanh_float64 = elementary(tanh)
sigmoid_float32, sigmoid_float64 = elementary(sigmoid)
sinh_float32, sinh_float64 = elementary(sinh)
cosh_float32, cosh_float64 = elementary(cosh)
