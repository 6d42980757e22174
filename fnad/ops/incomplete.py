"""The incomplete gamma and beta functions, element by element: SciPy's loops, with derivatives in every argument.

In their parameters these are integrals.
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from fnad.ops.elementwise import choose, exp, expm1, log, log1p, maximum, minimum, sqrt
from fnad.ops.foreign import foreign, polynomial
from fnad.ops.gamma import betaln, digamma, gammaln
from fnad.ops.integrals import exp1
from fnad.ops.quadrature import DECAYING, integrals
from fnad.ops.special import xlogy

# --- Gamma


LARGE = 50.0


def gamma_density(a: Any, x: Any) -> Any:
    """x**(a - 1) exp(-x) / gamma(a)"""
    is_large = (a > LARGE) & (x > 0)
    far = choose(is_large, x, LARGE)
    large = exp(_log_power(choose(is_large, a, LARGE), far)) / far
    return choose(is_large, large, exp(xlogy(a - 1, x) - x - gammaln(a)))


def _log_power(a: Any, x: Any) -> Any:
    """The logarithm of x**a exp(-x) / gamma(a), which for a large a is Stirling's: its terms would cancel."""
    is_large = a > LARGE
    large = choose(is_large, a, LARGE)
    away = (x - large) / large
    near = large * (log1p(away) - away) + log(large * (0.5 / pi)) * 0.5 - _stirling(large)
    return choose(is_large, near, xlogy(a, x) - x - gammaln(a))


def _stirling(a: Any) -> Any:
    """What gammaln(a) is above (a - 1/2) log(a) - a + log(2 pi) / 2, of a large a."""
    return polynomial(1 / (a * a), [1 / 12, -1 / 360, 1 / 1260, -1 / 1680]) / a


def gammainc_by_shape(a: Any, x: Any) -> Any:
    """The derivative of gammainc(a, x) in a, also where that is at an end of its domain."""
    is_inside = (a > 0) & (x > 0) & (a < np.inf) & (x < np.inf)
    inside = _gammainc_slope(choose(is_inside, a, 1), choose(is_inside, x, 1))
    is_end = (a > 0) & ((x == 0) | (x == np.inf))
    outside = choose((a == 0) & (x > 0), -exp1(choose(x > 0, x, 1)), choose(is_end, 0, a * np.nan))
    return choose(is_inside, inside, outside)


def _gammainc_slope(a: Any, x: Any) -> Any:
    """The integral of the density times log(t) - digamma(a) to the left of x, or minus that to the right.

    Where both are small it is taken at a + 1, from which gammainc(a, x) differs by a term.
    """
    is_raised = (a < 1) & (x < 1)
    top = choose(is_raised, a + 1, a)
    is_left = x < top
    part = exp(_log_power(top, x))
    made, = integrals(
        DECAYING, _gamma_integrand, 1 / (abs(x - top) + sqrt(maximum(top, 1))), top, x, log(x) - digamma(top), is_left
    )
    term = exp(xlogy(a, x) - x - gammaln(a + 1)) * (log(x) - digamma(a + 1))
    return part * choose(is_left, made, -made) + choose(is_raised, term, 0)


def _gamma_integrand(r: Any, a: Any, x: Any, centre: Any, is_left: Any) -> Any:
    """At t = x exp(-r), or on the right side at t = x (1 + r), over the density at x."""
    moved = choose(is_left, -r, log1p(r))
    power = choose(is_left, a, a - 1)
    return (exp(power * moved - x * choose(is_left, expm1(-r), r)) * (centre + moved),)


gammainc = foreign("gammainc", [
    lambda y, a, x: gammainc_by_shape(a, x), lambda y, a, x: gamma_density(a, x),
])
gammaincc = foreign("gammaincc", [
    lambda y, a, x: -gammainc_by_shape(a, x), lambda y, a, x: -gamma_density(a, x),
])
gammaincinv = foreign("gammaincinv", [
    lambda x, a, p: -(gammainc_by_shape(a, x) / gamma_density(a, x)), lambda x, a, p: 1 / gamma_density(a, x),
])
gammainccinv = foreign("gammainccinv", [
    lambda x, a, q: -(gammainc_by_shape(a, x) / gamma_density(a, x)), lambda x, a, q: -(1 / gamma_density(a, x)),
])

# --- Beta


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """x**(a - 1) (1 - x)**(b - 1) / beta(a, b)"""
    is_large = (a > LARGE) & (b > LARGE) & (x > 0) & (x < 1)
    inner = choose(is_large, x, 0.5)
    both = _log_powers(choose(is_large, a, LARGE), choose(is_large, b, LARGE), inner, 1 - inner)
    direct = exp(xlogy(a - 1, x) + _xlog1m(b - 1, x) - betaln(a, b))
    return choose(is_large, exp(both) / (inner * (1 - inner)), direct)


def _log_powers(a: Any, b: Any, x: Any, other: Any) -> Any:
    """The logarithm of x**a (1 - x)**b / beta(a, b), which for large a and b is Stirling's: its terms would cancel."""
    is_large = (a > LARGE) & (b > LARGE)
    p, q = choose(is_large, a, LARGE), choose(is_large, b, LARGE)
    size = p + q
    away = (x * q - other * p) / p, (other * p - x * q) / q  # of x from the mean, by the mean; of 1 - x
    power = p * (log1p(away[0]) - away[0]) + q * (log1p(away[1]) - away[1])
    near = power + log(p * (q / size) * (0.5 / pi)) * 0.5 - _stirling(p) - _stirling(q) + _stirling(size)
    return choose(is_large, near, xlogy(a, x) + xlogy(b, other) - betaln(a, b))


def _xlog1m(b: Any, x: Any) -> Any:
    """b log(1 - x), 0 where b is."""
    is_zero = b == 0
    return choose(is_zero, 0, b * log1p(-choose(is_zero & (x == 1), 0, x)))


def betainc_by_shapes(a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    """The derivatives of betainc(a, b, x) in a and b, also where x is at an end of its domain."""
    is_valid = (a > 0) & (b > 0) & (a < np.inf) & (b < np.inf)
    is_inside = is_valid & (x > 0) & (x < 1)
    inside = _betainc_slopes(choose(is_inside, a, 1), choose(is_inside, b, 1), choose(is_inside, x, 0.5))
    outside = choose(is_valid & ((x == 0) | (x == 1)), 0, x * np.nan)
    by_a, by_b = [choose(is_inside, slope, outside) for slope in inside]
    return by_a, by_b


def _betainc_slopes(a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    """Those at a + 1 or b + 1 where a or b and what is left of x or right of it is small, and the term between."""
    size, other = a + b, 1 - x
    raises_a = (a < 1) & (x * size < 1) & (x < 0.5)
    raises_b = (b < 1) & (other * size < 1) & (x >= 0.5)
    raised_a, raised_b = choose(raises_a, a + 1, a), choose(raises_b, b + 1, b)
    is_left = x * (raised_a + raised_b) < raised_a
    near, far = choose(is_left, raised_a, raised_b), choose(is_left, raised_b, raised_a)
    by_near, by_far = _left_slopes(near, far, choose(is_left, x, other), choose(is_left, other, x))
    by_a, by_b = choose(is_left, by_near, -by_far), choose(is_left, by_far, -by_near)
    power, whole = exp(a * log(x) + b * log1p(-x) - betaln(a, b)), digamma(size)
    term_a = choose(raises_a, power / a, choose(raises_b, -(power / b), 0))
    by_a = by_a + term_a * (log(x) - digamma(choose(raises_a, a + 1, a)) + whole)
    by_b = by_b + term_a * (log1p(-x) - digamma(choose(raises_b, b + 1, b)) + whole)
    return by_a, by_b


def _left_slopes(a: Any, b: Any, x: Any, other: Any) -> tuple[Any, Any]:
    """The integrals of the density times log(t), and log(1 - t), less their means, where x is left of the mean.

    Those over the odds t / (1 - t), from x's on to the left; ``other`` is 1 - x, with all its digits.
    """
    size = a + b
    scale = 1 / (abs(a - size * x) + sqrt(maximum(minimum(a, size * x * other), 0.5)))
    density = exp(_log_powers(a, b, x, other))
    whole = digamma(size)
    centres = log(x) - digamma(a) + whole, log(other) - digamma(b) + whole
    by_a, by_b = integrals(DECAYING, _beta_integrand, scale, a, size, x, other, *centres)
    return density * by_a, density * by_b


def _beta_integrand(r: Any, a: Any, size: Any, x: Any, other: Any, centre: Any, other_centre: Any) -> Any:
    """Where the odds are exp(-r) times those of x, over what is under the integral at x."""
    is_far = other < 0.1
    beyond = log(choose(is_far, other + x * exp(-r), 1))
    moved = -choose(is_far, beyond, log1p(choose(is_far, 0, x * expm1(-r))))
    height = exp(size * moved - a * r)
    return height * (centre + moved - r), height * (other_centre + moved)


betainc = foreign("betainc", [
    lambda y, a, b, x: betainc_by_shapes(a, b, x)[0], lambda y, a, b, x: betainc_by_shapes(a, b, x)[1],
    lambda y, a, b, x: beta_density(a, b, x),
])
betaincc = foreign("betaincc", [
    lambda y, a, b, x: -betainc_by_shapes(a, b, x)[0], lambda y, a, b, x: -betainc_by_shapes(a, b, x)[1],
    lambda y, a, b, x: -beta_density(a, b, x),
])
betaincinv = foreign("betaincinv", [
    lambda x, a, b, p: -(betainc_by_shapes(a, b, x)[0] / beta_density(a, b, x)),
    lambda x, a, b, p: -(betainc_by_shapes(a, b, x)[1] / beta_density(a, b, x)),
    lambda x, a, b, p: 1 / beta_density(a, b, x),
])
betainccinv = foreign("betainccinv", [
    lambda x, a, b, q: -(betainc_by_shapes(a, b, x)[0] / beta_density(a, b, x)),
    lambda x, a, b, q: -(betainc_by_shapes(a, b, x)[1] / beta_density(a, b, x)),
    lambda x, a, b, q: -(1 / beta_density(a, b, x)),
])
