"""The gamma function and its family, element by element: SciPy's loops, with derivatives."""

from __future__ import annotations

from math import pi
from typing import Any

from fnad.ops.elementwise import choose, cos, exp, guarded_mul, log, sin
from fnad.ops.foreign import foreign, no_slope

# --- Logarithms of the gamma function, and their derivatives: digamma, then (-1)ⁿ⁺¹ n! zeta(n + 1, x)

gammaln = foreign("gammaln", [lambda y, x: digamma(x)])
loggamma = foreign("loggamma", [lambda y, x: digamma(x)])
digamma = foreign("digamma", [lambda y, x: zeta(2.0, x)], "psi")

# --- Zeta

_DIRECT = 10
"""Terms of the zeta function's sum that are added as they are; the others are Euler and Maclaurin's."""

# B₂ₖ / (2k)!, with Bernoulli's numbers.
_BERNOULLI = [
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600,
    -3617 / 10670622842880000,
]


def _zeta_by_order(s: Any, q: Any) -> Any:
    """The derivative in s of the sum of (q + k)⁻ˢ over k >= 0, continued to where that does not converge."""
    z = q + _DIRECT
    end = log(z)
    total: Any = -(end * 0.5 + 1 / (s - 1) * z * (end + 1 / (s - 1)))
    factor, by_order, power = s, 1 / s, 1 / z
    for k, c in enumerate(_BERNOULLI):
        total = total + factor * (by_order - end) * power * c
        for i in (2 * k + 1, 2 * k + 2):
            factor, by_order, power = factor * (s + i), by_order + 1 / (s + i), power / z
    total = total * exp(-(s * end))
    for k in range(_DIRECT):
        total = total - guarded_mul(log(q + k), exp(-(s * log(q + k))))
    return total


zeta = foreign("zeta", [lambda y, s, q: _zeta_by_order(s, q), lambda y, s, q: -(s * zeta(s + 1, q))], "_zeta")
riemann_zeta = foreign("riemann_zeta", [lambda y, s: _zeta_by_order(s, s * 0 + 1)], "_riemann_zeta")
zetac = foreign("zetac", [lambda y, s: _zeta_by_order(s, s * 0 + 1)])

# --- Gamma, and what is a quotient of its values

gamma = foreign("gamma", [lambda y, x: y * digamma(x)])


def _rgamma_slope(y: Any, x: Any) -> Any:
    """-digamma(x) / gamma(x), mirrored where these have poles."""
    if x.dtype.kind == "c":
        return -(y * digamma(x))
    near = choose(x < 0.5, x, 0.5)
    mirrored = gamma(1 - near) * (cos(near * pi) - sin(near * pi) * digamma(1 - near) * (1 / pi))
    return choose(x < 0.5, mirrored, -(y * digamma(choose(x < 0.5, 0.5, x))))


# 1 / gamma(x), 0 at the poles.
rgamma = foreign("rgamma", [_rgamma_slope])
beta = foreign("beta", [
    lambda y, a, b: guarded_mul(y, digamma(a) - digamma(a + b)),
    lambda y, a, b: guarded_mul(y, digamma(b) - digamma(a + b)),
])
betaln = foreign("betaln", [
    lambda y, a, b: digamma(a) - digamma(a + b), lambda y, a, b: digamma(b) - digamma(a + b),
])
# gamma(n + 1) / gamma(k + 1) / gamma(n - k + 1)
binom = foreign("binom", [
    lambda y, n, k: guarded_mul(y, digamma(n + 1) - digamma(n - k + 1)),
    lambda y, n, k: guarded_mul(y, digamma(n - k + 1) - digamma(k + 1)),
])
# gamma(z + m) / gamma(z)
poch = foreign("poch", [
    lambda y, z, m: guarded_mul(y, digamma(z + m) - digamma(z)), lambda y, z, m: guarded_mul(y, digamma(z + m)),
])
hyp0f1 = foreign("hyp0f1", [no_slope("hyp0f1", "v"), lambda y, v, z: hyp0f1(v + 1, z) / v])
hyp1f1 = foreign("hyp1f1", [
    no_slope("hyp1f1", "a"), no_slope("hyp1f1", "b"), lambda y, a, b, x: hyp1f1(a + 1, b + 1, x) * (a / b),
])
hyp2f1 = foreign("hyp2f1", [
    no_slope("hyp2f1", "a"), no_slope("hyp2f1", "b"), no_slope("hyp2f1", "c"),
    lambda y, a, b, c, z: hyp2f1(a + 1, b + 1, c + 1, z) * (a * b / c),
])
hyperu = foreign("hyperu", [
    no_slope("hyperu", "a"), no_slope("hyperu", "b"), lambda y, a, b, x: -(hyperu(a + 1, b + 1, x) * a),
])
