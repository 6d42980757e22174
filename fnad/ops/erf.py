"""The error functions and the normal distribution's, element by element: SciPy's loops, with derivatives."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from fnad.ops.elementwise import choose, cos, exp, sin
from fnad.ops.foreign import composed, foreign, polynomial
from fnad.ops.special import erf, gaussian

ROOT_HALF, ROOT_PI, ROOT_TWO_PI = sqrt(0.5), sqrt(pi), sqrt(2 * pi)

# 1 (3) (5) ... / 2ⁿ, the coefficients of x erfcx(x) sqrt(pi) in -1 / x².
_FAR = [1 / 2, 3 / 4, 15 / 8, 105 / 16, 945 / 32, 10395 / 64, 135135 / 128]
FAR = 20.0


def _bell(x: Any) -> Any:
    """exp(-x²), of complex numbers too."""
    return gaussian(x) if x.dtype.kind == "f" else exp(-(x * x))


def _far_part(slope: Any, x: Any, is_far: Any, sign: float) -> Any:
    """A slope that cancels far from 0, as its series there: the sum of c[n] (sign / x²)ⁿ⁺¹."""
    t = sign / choose(is_far, x, FAR)**2
    return choose(is_far, t * polynomial(t, _FAR), slope)


def _erfcx_slope(y: Any, x: Any) -> Any:
    slope = x * y * ROOT_PI - 1
    return (slope if x.dtype.kind == "c" else _far_part(slope, x, x > FAR, -1.0)) * (2 / ROOT_PI)


def _dawsn_slope(y: Any, x: Any) -> Any:
    slope = x * y * 2 - 1
    return -(slope if x.dtype.kind == "c" else _far_part(slope, x, abs(x) > FAR, 1.0))


# Of complex numbers; the real ones are in fnad/ops/special.py.
complex_erf = foreign("complex_erf", [lambda y, z: exp(-(z * z)) * (2 / ROOT_PI)], "erf")
complex_erfc = foreign("complex_erfc", [lambda y, z: exp(-(z * z)) * (-2 / ROOT_PI)], "erfc")
# exp(x²) erfc(x)
erfcx = foreign("erfcx", [_erfcx_slope])
erfi = foreign("erfi", [lambda y, x: exp(x * x) * (2 / ROOT_PI)])
erfinv = foreign("erfinv", [lambda y, x: exp(y * y) * (ROOT_PI / 2)])
erfcinv = foreign("erfcinv", [lambda y, x: -(exp(y * y) * (ROOT_PI / 2))])
# exp(-x²) times the integral of exp(t²) from 0 on.
dawsn = foreign("dawsn", [_dawsn_slope])
# exp(-z²) erfc(-i z)
wofz = foreign("wofz", [lambda y, z: z * y * -2 + 2j / ROOT_PI])
# Fresnel's integrals of sin and cos of pi t² / 2.
fresnel = foreign("fresnel", [lambda y, x: (sin(x * x * (pi / 2)), cos(x * x * (pi / 2)))])

# --- The normal distribution

ndtr = foreign("ndtr", [lambda y, x: _bell(x * ROOT_HALF) * (1 / ROOT_TWO_PI)])
ndtri = foreign("ndtri", [lambda y, p: exp(y * y * 0.5) * ROOT_TWO_PI])
# The density over the distribution function, which is about -x far to the left.
normal_hazard = composed(
    "normal_hazard", lambda x: sqrt(2 / pi) / erfcx(x * -ROOT_HALF), [lambda y, x: -(y * (x + y))]
)
log_ndtr = foreign("log_ndtr", [lambda y, x: normal_hazard(x)])
# The x for which log_ndtr(x) is y.
ndtri_exp = foreign("ndtri_exp", [lambda y, p: 1 / normal_hazard(y)])
owens_t = foreign("owens_t", [
    lambda y, h, a: gaussian(h * ROOT_HALF) * erf(a * h * ROOT_HALF) * (-0.5 / ROOT_TWO_PI),
    lambda y, h, a: gaussian(h * ROOT_HALF) * gaussian(a * h * ROOT_HALF) / (a * a + 1) * (0.5 / pi),
])
