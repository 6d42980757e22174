"""Functions of complex numbers: `<op>_complex64` and `<op>_complex128`.

Their values at infinities, NaN and signed zeros, on branch cuts too, are those of C's functions (Annex G), and
NumPy's. Functions other than the division compute complex64 in float64, where nothing that float32 can hold
overflows or vanishes; those of complex128 scale what could.
"""

from __future__ import annotations

from collections.abc import Callable

from fnad.kernels.vector_math import exponential, logarithmic, powers, trigonometric
from fnad.kernels.vector_math.emitting import (
    INF,
    NAN,
    Number,
    choose,
    fused,
    magnitude,
    nearest,
    signed_like,
    square_root,
)
from fnad.kernels.vector_math.pairs import (
    Complex,
    chosen,
    in_float64,
    is_finite,
    is_infinite,
    is_nan,
    is_zero,
    larger,
    multiplied,
    over_i,
    times_i,
    word,
)

LN2 = 0.6931471805599453
PI_HALF = 1.5707963267948966
LARGE = 2.0**60
"""From here on 1 is nothing beside a number, nor beside its square."""


# --- Quotients


def divide(x: Complex, y: Complex) -> Complex:
    """x / y by Smith's method, as NumPy has it."""
    by_real = magnitude(y.re) >= magnitude(y.im)
    large, small = choose(by_real, y.re, y.im), choose(by_real, y.im, y.re)
    ratio = small / large
    scale = 1.0 / (large + small * ratio)
    first, second = choose(by_real, x.re, x.im), choose(by_real, x.im, x.re)
    product = first * ratio
    difference = choose(by_real, second - product, product - second)
    quotient = Complex((first + second * ratio) * scale, difference * scale)
    zero = magnitude(y.re)
    return chosen(is_zero(y), Complex(x.re / zero, x.im / zero), quotient)


def reciprocal(z: Complex) -> Complex:
    """1 / z, as NumPy has it."""
    by_real = magnitude(z.im) <= magnitude(z.re)
    large, small = choose(by_real, z.re, z.im), choose(by_real, z.im, z.re)
    ratio = small / large
    below = large + small * ratio
    inverse, rest = 1.0 / below, ratio / below
    return Complex(choose(by_real, inverse, rest), -choose(by_real, rest, inverse))


def unit(z: Complex) -> Complex:
    """z / |z|, also where one part is infinite; 0 at 0."""
    size = powers.hypot(z.re, z.im)
    re, im = (signed_like(p.constant(1.0), p) for p in z)
    ends = chosen(is_infinite(z.re), Complex(re, im.constant(0.0)), Complex(re.constant(0.0), im))
    at_infinity = chosen(is_infinite(z.re) & is_infinite(z.im), Complex(*[p.constant(NAN) for p in z]), ends)
    result = Complex(*[choose(size.equals(0.0), 0.0, p / size) for p in z])
    return chosen(is_infinite(size), at_infinity, result)


# --- Exponentials


def _exp_scaled(x: Number, sine: Number, cosine: Number, factor: float = 1.0) -> Complex:
    """factor e**x (cosine + i sine), where e**x alone may be infinite."""
    beyond = x > 700.0
    power = exponential.exp(choose(beyond, x - 700.0, x)) * factor
    back = choose(beyond, x.constant(1.0142320547350045e304), 1.0)
    return Complex(power * cosine * back, power * sine * back)


def exp(z: Complex) -> Complex:
    """e**z."""
    turned = _exp_scaled(z.re, trigonometric.sin(z.im), trigonometric.cos(z.im))
    lost = ~is_finite(z.im)
    re = choose(lost & z.re.equals(INF), INF, choose(lost & z.re.equals(-INF), 0.0, turned.re))
    im = choose(lost & z.re.equals(-INF), signed_like(z.re.constant(0.0), z.im), turned.im)
    return Complex(re, choose(z.im.equals(0.0), z.im, im))


def exp2(z: Complex) -> Complex:
    """2**z, as NumPy has it."""
    return exp(Complex(z.re * LN2, z.im * LN2))


def expm1(z: Complex) -> Complex:
    """e**z - 1, as NumPy has it."""
    half = trigonometric.sin(z.im * 0.5)
    re = exponential.expm1(z.re) * trigonometric.cos(z.im) - 2.0 * half * half
    return Complex(re, exponential.exp(z.re) * trigonometric.sin(z.im))


def _hyperbolic(z: Complex) -> tuple[Complex, Complex]:
    """sinh and cosh, right where neither part is 0 or infinite."""
    sine, cosine = trigonometric.sin(z.im), trigonometric.cos(z.im)
    size = magnitude(z.re)
    beyond = size > 700.0
    large = _exp_scaled(size, sine, cosine, 0.5)
    s, c = exponential.sinh(z.re), exponential.cosh(z.re)
    sinh_ = Complex(choose(beyond, _with_sign_of(large.re, z.re), s * cosine), choose(beyond, large.im, c * sine))
    cosh_ = Complex(choose(beyond, large.re, c * cosine), choose(beyond, _with_sign_of(large.im, z.re), s * sine))
    return sinh_, cosh_


def _with_sign_of(x: Number, y: Number) -> Number:
    """x times the sign of y."""
    return choose(y < 0.0, -x, x)


def sinh(z: Complex) -> Complex:
    """The hyperbolic sine."""
    re, im = _hyperbolic(z)[0]
    lost = ~is_finite(z.im)
    re = choose(lost & z.re.equals(0.0), z.re, choose(lost & is_infinite(z.re), INF, re))
    return Complex(re, choose(z.im.equals(0.0), z.im, im))


def cosh(z: Complex) -> Complex:
    """The hyperbolic cosine."""
    re, im = _hyperbolic(z)[1]
    re = choose(~is_finite(z.im) & is_infinite(z.re), INF, re)
    zero = choose(is_nan(z.re), z.im, signed_like(z.re.constant(1.0), z.re) * z.im)
    im = choose(z.re.equals(0.0) & ~is_finite(z.im), 0.0, im)
    return Complex(re, choose(z.im.equals(0.0), zero, im))


def tanh(z: Complex) -> Complex:
    """The hyperbolic tangent: (sinh x cosh x + i sin y cos y) / (sinh² x + cos² y)."""
    sine, cosine = trigonometric.sin(z.im), trigonometric.cos(z.im)
    size = magnitude(z.re)
    lost = ~is_finite(z.im)
    beyond = (size > 22.0) & ~(lost & is_finite(z.re))
    s, c = exponential.sinh(z.re), exponential.cosh(z.re)
    below = fused(s, s, cosine * cosine)
    one, zero = signed_like(z.re.constant(1.0), z.re), signed_like(z.re.constant(0.0), z.im)
    re = choose(beyond, one, s * c / below)
    tail = 4.0 * sine * cosine * exponential.exp(-2.0 * size)
    im = choose(beyond, tail, sine * cosine / below)
    re = choose(lost & z.re.equals(0.0), z.re, re)
    return Complex(re, choose(z.im.equals(0.0), z.im, choose(lost & is_infinite(z.re), zero, im)))


# --- Logarithms and roots


def _log_of_size(z: Complex) -> Number:
    """log|z|, which keeps its digits where |z| is near 1, and is finite where |z| is not."""
    size = larger(z)
    x, y = choose(magnitude(z.re).equals(size), z.re, z.im), choose(magnitude(z.re).equals(size), z.im, z.re)
    x, y = magnitude(x), magnitude(y)
    near = 0.5 * logarithmic.log1p(fused(x - 1.0, x + 1.0, y * y))
    huge, tiny = size > 2.0**1000, size < 2.0**-1000
    scale = choose(huge, size.constant(2.0**-100), choose(tiny, size.constant(2.0**100), 1.0))
    back = choose(huge, size.constant(100 * LN2), choose(tiny, size.constant(-100 * LN2), 0.0))
    far = logarithmic.log(powers.hypot(x * scale, y * scale)) + back
    return choose((x > 0.5) & (x < 1.5), near, far)


def log(z: Complex) -> Complex:
    """The natural logarithm; its imaginary part is the angle, from -pi to pi."""
    return Complex(_log_of_size(z), trigonometric.arctan2(z.im, z.re))


def _log_scaled(scale: float) -> Callable[[Complex], Complex]:
    def scaled(z: Complex) -> Complex:
        re, im = log(z)
        return Complex(re * scale, im * scale)

    return scaled


def log1p(z: Complex) -> Complex:
    """The logarithm of 1 + z, as NumPy has it."""
    x = z.re + 1.0
    return Complex(logarithmic.log(powers.hypot(x, z.im)), trigonometric.arctan2(z.im, x))


def sqrt(z: Complex) -> Complex:
    """The square root whose real part is not negative."""
    size = larger(z)
    huge, tiny = size > 2.0**1000, size < 2.0**-900
    scale = choose(huge, size.constant(2.0**-100), choose(tiny, size.constant(2.0**200), 1.0))
    back = choose(huge, size.constant(2.0**50), choose(tiny, size.constant(2.0**-100), 1.0))
    x, y = z.re * scale, z.im * scale
    root = square_root((magnitude(x) + powers.hypot(x, y)) * 0.5)
    other = choose(root.equals(0.0), magnitude(y), magnitude(y) / (root + root))
    re, im = choose(x < 0.0, other, root) * back, choose(x < 0.0, root, other) * back
    result = Complex(re, signed_like(im, z.im))
    return chosen(is_infinite(z.im), Complex(magnitude(z.im), z.im), result)


def pow(x: Complex, y: Complex) -> Complex:
    """x**y, as NumPy has it: whole exponents below 100 by products, all others by the logarithm."""
    one = Complex(x.re.constant(1.0), x.re.constant(0.0))
    general = exp(_product_at_infinity(y, log(x)))
    whole = y.im.equals(0.0) & (magnitude(y.re) < 100.0) & nearest(y.re).equals(y.re)
    result = chosen(whole, _whole_power(x, y.re), general)
    nan, zero = (Complex(x.re.constant(value), x.re.constant(value)) for value in (NAN, 0.0))
    of_zero = chosen(y.re > 0.0, zero, nan)
    return chosen(is_zero(y), one, chosen(is_zero(x), of_zero, result))


def _whole_power(x: Complex, n: Number) -> Complex:
    """x**n for a whole number below 100, by squares."""
    one = Complex(x.re.constant(1.0), x.re.constant(0.0))
    rest, square, result = magnitude(n), x, one
    for _ in range(7):
        half = rest * 0.5
        odd = nearest(half).differs(half)
        result = chosen(odd, multiplied(result, square), result)
        rest = choose(odd, rest - 1.0, rest) * 0.5
        square = multiplied(square, square)
    result = chosen(n < 0.0, divide(one, result), result)
    square = multiplied(x, x)
    for exponent, known in enumerate((x, square, multiplied(x, square)), 1):  # the others have a factor 1 + 0i
        result = chosen(n.equals(exponent), known, result)
    return result


def _product_at_infinity(x: Complex, y: Complex) -> Complex:
    """The product by C's rule: of an infinite and a nonzero number it is infinite."""
    plain = multiplied(x, y)
    has_x, has_y = (is_infinite(z.re) | is_infinite(z.im) for z in (x, y))

    def boxed(z: Complex, has_infinity: Number) -> list[Number]:
        unit = [choose(is_infinite(p), p.constant(1.0), 0.0) for p in z]
        return [choose(has_infinity, signed_like(u, p), p) for u, p in zip(unit, z, strict=True)]

    (a, b), (c, d) = boxed(x, has_x), boxed(y, has_y)
    overflows = is_infinite(x.re * y.re) | is_infinite(x.im * y.im)
    overflows = overflows | is_infinite(x.re * y.im) | is_infinite(x.im * y.re)
    a, b, c, d = (choose(is_nan(p), signed_like(p.constant(0.0), p), p) for p in (a, b, c, d))
    exact = multiplied(Complex(a, b), Complex(c, d))
    found = is_nan(plain.re) & is_nan(plain.im) & (has_x | has_y | overflows)
    return chosen(found, Complex(exact.re * INF, exact.im * INF), plain)


# --- Trigonometric functions, which are the hyperbolic ones a quarter turn on


def sin(z: Complex) -> Complex:
    """The sine."""
    re, im = over_i(sinh(times_i(z)))
    return Complex(re, choose(~is_finite(z.re) & is_infinite(z.im), INF, im))


def cos(z: Complex) -> Complex:
    """The cosine."""
    return cosh(times_i(z))


def tan(z: Complex) -> Complex:
    """The tangent."""
    return over_i(tanh(times_i(z)))


# --- Inverse functions, by Kahan's formulas


def _roots(z: Complex) -> tuple[Complex, Complex]:
    """The roots of 1 - z and 1 + z."""
    return sqrt(Complex(1.0 - z.re, -z.im)), sqrt(Complex(1.0 + z.re, z.im))


def _far(z: Complex) -> tuple[Number, Number]:
    """Whether 1 is nothing beside z, and log|2z|, the size of its inverse hyperbolic functions."""
    return larger(z) > LARGE, _log_of_size(z) + LN2


def arcsin(z: Complex) -> Complex:
    """The inverse of the sine, with cuts along the real axis from -1 and 1 on."""
    below, above = _roots(z)
    far, size = _far(z)
    re = trigonometric.arctan2(z.re, choose(far, magnitude(z.im), below.re * above.re - below.im * above.im))
    im = choose(far, signed_like(size, z.im), logarithmic.arcsinh(below.re * above.im - below.im * above.re))
    return Complex(choose(z.re.equals(0.0), z.re, re), im)


def arccos(z: Complex) -> Complex:
    """The inverse of the cosine, with cuts along the real axis from -1 and 1 on."""
    below, above = _roots(z)
    far, size = _far(z)
    near = 2.0 * trigonometric.arctan2(below.re, above.re)
    re = choose(far, trigonometric.arctan2(magnitude(z.im), z.re), near)
    im = choose(far, -signed_like(size, z.im), logarithmic.arcsinh(above.re * below.im - above.im * below.re))
    return Complex(choose(z.re.equals(0.0) & is_nan(z.im), PI_HALF, re), im)


def arctan(z: Complex) -> Complex:
    """The inverse of the tangent, with cuts along the imaginary axis from -i and i on."""
    return over_i(arctanh(times_i(z)))


def arcsinh(z: Complex) -> Complex:
    """The inverse of the hyperbolic sine, with cuts along the imaginary axis from -i and i on."""
    return over_i(arcsin(times_i(z)))


def arccosh(z: Complex) -> Complex:
    """The inverse of the hyperbolic cosine, with a cut along the real axis up to 1."""
    turned = arccos(z)
    return Complex(magnitude(turned.im), signed_like(turned.re, z.im))


def arctanh(z: Complex) -> Complex:
    """The inverse of the hyperbolic tangent, with cuts along the real axis from -1 and 1 on."""
    x, y = magnitude(z.re), magnitude(z.im)
    rest = 1.0 - x
    near = 0.25 * logarithmic.log1p(4.0 * x / fused(rest, rest, y * y))
    pole = 0.5 * (LN2 - logarithmic.log(powers.hypot(rest, y)))
    size = powers.hypot(x, y)
    far = (size > LARGE) | is_infinite(size)
    near = choose((magnitude(rest) < 1e-9) & (y < 1e-9), pole, near)
    re = choose(far, choose(is_infinite(size), 0.0, x / size / size), near)
    im = 0.5 * trigonometric.arctan2(2.0 * y, rest * (1.0 + x) - y * y)
    re = choose(is_nan(x) & is_infinite(y), 0.0, choose(z.re.equals(0.0), x, re))
    im = choose(far & (~is_nan(y)), PI_HALF, im)
    return Complex(signed_like(re, z.re), signed_like(im, z.im))


# --- The words

FUNCTIONS: dict[str, Callable[..., Complex]] = {
    function.__name__: function for function in (
        divide, reciprocal, unit, exp, exp2, expm1, log, log1p, sqrt, pow, sin, cos, tan, sinh, cosh, tanh, arcsin,
        arccos, arctan, arcsinh, arccosh, arctanh,
    )
} | {"log2": _log_scaled(1 / LN2), "log10": _log_scaled(0.4342944819032518)}

WORDS = {
    f"{name}_complex{bits}": word(
        function if bits == 128 or name in ("divide", "reciprocal") else in_float64(function),
        2 if name in ("divide", "pow") else 1, bits,
    )
    for name, function in FUNCTIONS.items() for bits in (64, 128)
}
"""The words, by name, as `intrinsic` of a target takes them."""
