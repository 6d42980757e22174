"""sin, cos, tan, sinc and their inverses.

x * 2 / pi = q + f with whole q and |f| <= 1/2. All digits of f are right for every x: the factor
2 / pi comes from a table, by the exponent of x, without its leading bits, whose product with x is a
multiple of 4 and so changes nothing (Payne and Hanek).
"""

from fnad.kernels.vector_math.emitting import (
    INF,
    Number,
    Pair,
    at_most,
    bits_of,
    choose,
    divide,
    elementary,
    elementary_by_width,
    fast_two_sum,
    flip_sign,
    from_bits,
    fused,
    lookup,
    narrow,
    magnitude,
    nearest,
    polynomial,
    signed_like,
    square_root,
    two_product,
    two_sum,
    wide,
)

SIN = (
    # (sin(r) - r) / r**3 in powers of r**2 for |r| <= pi / 4, relative to 1 / r**2: 2**-58
    -0.16666666666666632,
    0.008333333333322429,
    -0.00019841269829817856,
    2.7557313694694188e-06,
    -2.505075845264559e-08,
    1.5896810492761413e-10,
)
COS = (
    # (cos(r) - 1 + r**2 / 2) / r**4, relative to 1 / r**4: 2**-64
    0.0416666666666666,
    -0.001388888888887413,
    2.4801587289484393e-05,
    -2.755731435278253e-07,
    2.0875723316041256e-09,
    -1.1359649326259475e-11,
)
SIN_SHORT = (
    # the same for results in float32: 2**-37, 2**-43
    *(-0.1666666664162265, 0.008333329384511612),
    *(-0.00019839334207714972, 2.7183044345877884e-06),
)
COS_SHORT = (
    *(0.04166666662279364, -0.0013888883750362267),
    *(2.4799519188782354e-05, -2.721016896720372e-07),
)

ATAN = {
    # (arctan(t) / t - 1) / t**2 in powers of t**2 for |t| <= tan(pi / 8): 2**-30, 2**-59
    32: (-0.333333164, 0.199984893, -0.142438427, 0.105959065, -0.0608310997),
    64: (
        -0.333333333333332,
        0.19999999999954002,
        -0.14285714280239847,
        0.111111107856841,
        -0.09090897822862266,
        0.07692061386659318,
        -0.06663117444983101,
        0.058479869115189494,
        -0.05039743755165126,
        0.038075673597871604,
        -0.017919316213584436,
    ),
}

ASIN = {
    # (arcsin(s) / s - 1) / s**2 in powers of s**2 for |s| <= 1/2: 2**-27, 2**-59
    32: (0.166667536, 0.0749524385, 0.0454769544, 0.0241479445, 0.042218525),
    64: (
        0.16666666666666763,
        0.07499999999970244,
        0.04464285717513801,
        0.0303819426827612,
        0.022372215685254396,
        0.017351599628982334,
        0.013980967172810005,
        0.011397727779634848,
        0.01078680699609915,
        0.003681963182912817,
        0.021766193615653524,
        -0.0210812027139209,
        0.03267939540830128,
    ),
}

PI = {
    32: (3.1415927410125732, -8.742277657347586e-08),
    64: (3.141592653589793, 1.2246467991473532e-16),
}


# --- reduction --------------------------------------------------------------------------------


def _arctan_inverse(n: int, bits: int) -> int:
    """arctan(1 / n) * 2**bits"""
    power = total = (1 << bits) // n
    k = 1
    while power:
        power //= n * n
        k += 2
        total += (power if k % 4 == 1 else -power) // k
    return total


def _pieces(step: int, mantissa: int, rows: int, sizes: tuple[int, ...]) -> list[float]:
    """Rows of the parts of 2 / pi, for numbers x with exponents step * row to step * (row + 1) - 1.

    The digits of x are `mantissa`; the first part has sizes[0] bits, and so on. From exponent 512
    on, the parts are scaled up by 2**256, so that none is subnormal.
    """
    length = 1400
    pi = 4 * (4 * _arctan_inverse(5, length + 60) - _arctan_inverse(239, length + 60)) >> 60
    two_over_pi = (2 << 2 * length) // pi
    table = []
    for row in range(rows):
        # The last digit of x, times the lowest bit that is left out here, is 4.
        needed = min(length, length + 2 + mantissa - step * row)
        rest = two_over_pi & ((1 << needed) - 1)
        scale = 256 if step * row >= 512 else 0
        for size in sizes:
            below = max(rest.bit_length() - size, 0)
            part = rest >> below
            rest -= part << below
            table.append(float(part) * 2.0 ** (below - length + scale))
    return table + [0.0] * len(sizes)  # for infinity and NaN


_DOUBLE_STEP, _SINGLE_STEP = 16, 1
_DOUBLE_TABLE = _pieces(_DOUBLE_STEP, 52, 64, (53, 53, 53, 53))
_SINGLE_TABLE = _pieces(_SINGLE_STEP, 23, 128, (29, 53))


def _modulo_4(x: Number) -> Number:
    return fused(nearest(x * 0.25), -4.0, x)


def _exponent(x: Number) -> Number:
    """The exponent of a float64, or 0 if it is negative; 1024 for infinity and NaN."""
    exponent = (bits_of(x) >> 52 & 2047) - 1023
    return choose(exponent > 0, exponent, 0)


def reduced(x: Number) -> tuple[Number, Pair]:
    """q and the pair r of x = q * pi / 2 + r, up to multiples of 2 pi."""
    exponent = _exponent(x)
    index = (exponent >> 4) << 2
    parts = [lookup("two_over_pi", _DOUBLE_TABLE, index + k) for k in range(4)]
    x = choose(exponent > 511, x * 2.0**-256, x)
    (a, b), (c, d), (e, f) = (two_product(x, part) for part in parts[:3])
    # a, b and c can be large; the others are less than 2**-35
    total, low_1 = two_sum(_modulo_4(a), _modulo_4(b))
    total, low_2 = two_sum(total, _modulo_4(c))
    q = nearest(total)
    total, rest = total - q, fused(x, parts[3], f)
    for term in (d, e, low_1, low_2):
        total, error = two_sum(total, term)
        rest = rest + error
    total, rest = fast_two_sum(total, rest)
    half_pi, half_pi_low = 0.5 * PI[64][0], 0.5 * PI[64][1]
    r, r_low = two_product(total, x.constant(half_pi))
    return q, fast_two_sum(r, fused(total, half_pi_low, fused(rest, half_pi, r_low)))


def reduced_single(x: Number) -> tuple[Number, Number]:
    """q and r for a float32 that has become a float64."""
    index = _exponent(x) << 1
    high, low = (lookup("two_over_pi_single", _SINGLE_TABLE, index + k) for k in range(2))
    # the first product is exact: 24 bits times 29
    first, second = _modulo_4(x * high), x * low
    q = nearest(first + second)
    return q, (first - q + second) * (0.5 * PI[64][0])


# --- sin, cos, tan ----------------------------------------------------------------------------


def sin_and_cos(r: Number, r_low: Number) -> tuple[Pair, Pair]:
    """Sine and cosine of a pair no more than pi / 4, each a sum of two."""
    square = r * r
    half = 0.5 * square
    below = 1.0 - half
    sin_rest = fused(square * r, polynomial(square, SIN), r_low * below)
    cos_rest = fused(square * square, polynomial(square, COS), -r * r_low)
    return (r, sin_rest), (below, ((1.0 - below) - half) + cos_rest)


def sin_and_cos_single(r: Number) -> Pair:
    """Sine and cosine for results in float32."""
    square = r * r
    sine = fused(square * r, polynomial(square, SIN_SHORT), r)
    return sine, fused(square, fused(square, polynomial(square, COS_SHORT), -0.5), 1.0)


def _quadrant(q: Number) -> Number:
    """A small whole number as a word of bits."""
    return bits_of(q + 1.5 * 2.0**52)


def _odd(quadrant: Number) -> Number:
    return (quadrant & 1) > 0


def _turn(quadrant: Number, sine: Number, cosine: Number) -> Number:
    """The sine of quadrant * pi / 2 + r, given sine and cosine of r."""
    value = choose(_odd(quadrant), cosine, sine)
    return from_bits(bits_of(value) ^ ((quadrant & 2) << 62))


def _or_itself(x: Number, result: Number, tiny: float) -> Number:
    return choose(magnitude(x) < tiny, x, result)


def _circular(x: Number, turn: int) -> Number:
    q, r = reduced(x)
    sine, cosine = sin_and_cos(*r)
    return _turn(_quadrant(q) + turn, sine[0] + sine[1], cosine[0] + cosine[1])


def _circular_single(x: Number, turn: int) -> Number:
    q, r = reduced_single(x)
    return _turn(_quadrant(q) + turn, *sin_and_cos_single(r))


def sin(x: Number) -> Number:
    """The sine."""
    return _or_itself(x, _circular(x, 0), 2.0**-27)


def sin_single(x: Number) -> Number:
    return _or_itself(x, _circular_single(x, 0), 2.0**-14)


def cos(x: Number) -> Number:
    """The cosine."""
    return _circular(x, 1)


def cos_single(x: Number) -> Number:
    return _circular_single(x, 1)


def tan(x: Number) -> Number:
    """The tangent."""
    q, r = reduced(x)
    (a, a_low), (b, b_low) = (fast_two_sum(*part) for part in sin_and_cos(*r))
    odd = _odd(_quadrant(q))
    above, above_low = choose(odd, -b, a), choose(odd, -b_low, a_low)
    below, below_low = choose(odd, a, b), choose(odd, a_low, b_low)
    high, low = divide(above, above_low, below, below_low)
    return _or_itself(x, high + low, 2.0**-27)


def tan_single(x: Number) -> Number:
    q, r = reduced_single(x)
    sine, cosine = sin_and_cos_single(r)
    odd = _odd(_quadrant(q))
    return _or_itself(x, choose(odd, -cosine, sine) / choose(odd, sine, cosine), 2.0**-14)


def sinc(x: Number) -> Number:
    """sin(pi x) / (pi x) of the rounded product pi x, as in NumPy: not quite 0 where x is whole."""
    angle = x * PI[64][0]
    return choose(angle.equals(0.0), 1.0, sin(angle) / angle)


def sinc_single(x: Number) -> Number:
    angle = wide(narrow(x * PI[32][0]))
    return choose(angle.equals(0.0), 1.0, sin_single(angle) / angle)


# --- inverses ---------------------------------------------------------------------------------


def _arctan_parts(a: Number, b: Number) -> tuple[Number, Number, Number]:
    """k and the sum t of two, with arctan(a / b) = k * pi / 4 + t, for a, b >= 0, not both 0."""
    steep, flat = a > 2.414213562373095 * b, a < 0.41421356237309503 * b
    total, total_low = two_sum(a, b)
    difference, difference_low = two_sum(a, -b)
    above = choose(steep, -b, choose(flat, a, difference))
    above_low = choose(steep | flat, 0.0, difference_low)
    below = choose(steep, a, choose(flat, b, total))
    t, t_low = divide(above, above_low, below, choose(steep | flat, 0.0, total_low))
    k = choose(steep, a.constant(2.0), choose(flat, a.constant(0.0), 1.0))
    square = t * t
    return k, t, fused(square * t, polynomial(square, ATAN[a.bits]), t_low)


def _add_angle(k: Number, t: Number, t_low: Number) -> Number:
    """k * pi / 4 + t + t_low"""
    quarter, quarter_low = (0.25 * part for part in PI[k.bits])
    high, low = fast_two_sum(k * quarter, t)
    return high + (low + fused(k, quarter_low, t_low))


def arctan(x: Number) -> Number:
    """The inverse of tan."""
    size = at_most(magnitude(x), 2.0**60)
    result = _add_angle(*_arctan_parts(size, size.constant(1.0)))
    return choose(magnitude(x) < x.format.smallest, x, signed_like(result, x))


def _comparable(a: Number, b: Number) -> Pair:
    """a and b >= 0 with the same quotient, so that neither their sum nor 1 / b is extreme."""

    def finite(u: Number, v: Number) -> Number:
        return choose(u.equals(INF), 1.0, choose(v.equals(INF), 0.0 * u, u))

    a, b = finite(a, b), finite(b, a)
    larger = choose(a > b, a, b)
    # scaling down is for the last exponents only: the smaller one must not lose digits that count
    small, up, big, down = {32: (-60, 80, 100, -20), 64: (-100, 900, 1000, -60)}[a.bits]
    scale = choose(larger > 2.0**big, a.constant(2.0**down), 1.0)
    scale = choose(larger < 2.0**small, 2.0**up, scale)
    return a * scale, choose(larger.equals(0.0), 1.0, b * scale)


def arctan2(y: Number, x: Number) -> Number:
    """The angle of the point (x, y)."""
    k, t, t_low = _arctan_parts(*_comparable(magnitude(y), magnitude(x)))
    backward = signed_like(x.constant(1.0), x) < 0.0
    k = choose(backward, 4.0 - k, k)
    result = _add_angle(k, flip_sign(t, backward), flip_sign(t_low, backward))
    return signed_like(result, y)


def _arcsin_parts(x: Number) -> tuple[Number, Number, Number]:
    """Whether |x| <= 1/2, and a sum of two: arcsin of |x|, or else of sqrt((1 - |x|) / 2)."""
    size = magnitude(x)
    small = size <= 0.5
    square = choose(small, size * size, fused(size, -0.5, 0.5))
    root = square_root(square)
    rest = choose(root > 0.0, fused(-root, root, square) / (root + root), 0.0)
    s, s_low = choose(small, size, root), choose(small, 0.0, rest)
    return small, s, fused(s * square, polynomial(square, ASIN[x.bits]), s_low)


def arcsin(x: Number) -> Number:
    """The inverse of sin: beyond 1/2, pi / 2 - 2 arcsin(square_root((1 - |x|) / 2))."""
    small, s, rest = _arcsin_parts(x)
    half_pi, half_pi_low = (0.5 * part for part in PI[x.bits])
    high, low = fast_two_sum(half_pi, -2.0 * s)
    far = high + (low + fused(rest, -2.0, half_pi_low))
    return signed_like(choose(small, s + rest, far), x)


def arccos(x: Number) -> Number:
    """The inverse of cos: pi / 2 - arcsin(x), or by the half angle near 1 and -1."""
    small, s, rest = _arcsin_parts(x)
    negative = x < 0.0
    # k quarters of a turn plus or minus arcsin, once or twice
    k = choose(small, x.constant(1.0), choose(negative, x.constant(2.0), 0.0))
    factor = choose(small, signed_like(x.constant(-1.0), -x), signed_like(x.constant(2.0), x))
    half_pi, half_pi_low = (0.5 * part for part in PI[x.bits])
    high, low = fast_two_sum(k * half_pi, factor * s)
    return high + (low + fused(factor, rest, k * half_pi_low))


sin_float32, sin_float64 = elementary_by_width(sin_single, sin)
cos_float32, cos_float64 = elementary_by_width(cos_single, cos)
tan_float32, tan_float64 = elementary_by_width(tan_single, tan)
sinc_float32, sinc_float64 = elementary_by_width(sinc_single, sinc)
arctan_float32, arctan_float64 = elementary(arctan)
arctan2_float32, arctan2_float64 = elementary(arctan2, 2)
arcsin_float32, arcsin_float64 = elementary(arcsin)
arccos_float32, arccos_float64 = elementary(arccos)
