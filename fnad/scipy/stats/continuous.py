"""Continuous distributions, in standard form: loc is 0 and scale 1."""

from __future__ import annotations

from math import e, log, pi
from typing import Any

import numpy as np
from scipy import special as sp

from fnad.scipy.stats.distribution import Distribution

POSITIVE = (0.0, np.inf)
LOG_ROOT_TWO_PI = log(2 * pi) / 2


def _normal(x: Any) -> Any:
    return x**2 / -2 - LOG_ROOT_TWO_PI


# --- On the whole line

norm = Distribution(
    "norm", "The normal distribution",
    logpdf=_normal, cdf=sp.ndtr, sf=lambda x: sp.ndtr(-x), logcdf=sp.log_ndtr, logsf=lambda x: sp.log_ndtr(-x),
    ppf=sp.ndtri, isf=lambda q: -sp.ndtri(q), mean=lambda: 0.0, var=lambda: 1.0, entropy=lambda: log(2 * pi * e) / 2,
)
t = Distribution(
    "t", "Student's distribution", "df",
    logpdf=lambda x, df: np.where(
        df == np.inf, _normal(x),
        -(df + 1) / 2 * np.log1p(x**2 / df) - sp.betaln(0.5, df / 2) - np.log(df) / 2,
    ),
    cdf=lambda x, df: sp.stdtr(df, x), sf=lambda x, df: sp.stdtr(df, -x),
    ppf=lambda q, df: sp.stdtrit(df, q), isf=lambda q, df: -sp.stdtrit(df, q),
    mean=lambda df: np.where(df > 1, 0.0, np.inf),
    var=lambda df: np.where(df > 2, df / (df - 2), np.where(df > 1, np.inf, np.nan)),
)
laplace = Distribution(
    "laplace", "Laplace's distribution", logpdf=lambda x: -log(2) - np.abs(x),
    cdf=lambda x: np.where(x > 0, 1 - np.exp(-x) / 2, np.exp(x) / 2),
    sf=lambda x: np.where(x > 0, np.exp(-x) / 2, 1 - np.exp(x) / 2),
    ppf=lambda q: np.where(q > 0.5, -np.log(2 * (1 - q)), np.log(2 * q)),
    isf=lambda q: np.where(q > 0.5, np.log(2 * (1 - q)), -np.log(2 * q)),
    mean=lambda: 0.0, var=lambda: 2.0, entropy=lambda: log(2) + 1,
)
logistic = Distribution(
    "logistic", "The logistic distribution",
    logpdf=lambda x: sp.log_expit(x) + sp.log_expit(-x), cdf=sp.expit, sf=lambda x: sp.expit(-x),
    logcdf=sp.log_expit, logsf=lambda x: sp.log_expit(-x), ppf=sp.logit, isf=lambda q: -sp.logit(q),
    mean=lambda: 0.0, var=lambda: pi**2 / 3, entropy=lambda: 2.0,
)
cauchy = Distribution(
    "cauchy", "Cauchy's distribution", logpdf=lambda x: -log(pi) - np.log1p(x**2),
    cdf=lambda x: np.arctan2(1.0, -x) / pi, sf=lambda x: np.arctan2(1.0, x) / pi,
    ppf=lambda q: np.tan(pi * q - pi / 2), isf=lambda q: np.tan(pi / 2 - pi * q),
    mean=lambda: np.nan, var=lambda: np.nan, entropy=lambda: log(4 * pi),
)
gumbel_r = Distribution(
    "gumbel_r", "Gumbel's distribution of largest values", logpdf=lambda x: -x - np.exp(-x),
    cdf=lambda x: np.exp(-np.exp(-x)), sf=lambda x: -np.expm1(-np.exp(-x)), logcdf=lambda x: -np.exp(-x),
    ppf=lambda q: -np.log(-np.log(q)), isf=lambda q: -np.log(-np.log1p(-q)),
    mean=lambda: np.euler_gamma, var=lambda: pi**2 / 6, entropy=lambda: np.euler_gamma + 1,
)
gumbel_l = Distribution(
    "gumbel_l", "Gumbel's distribution of smallest values", logpdf=lambda x: x - np.exp(x),
    cdf=lambda x: -np.expm1(-np.exp(x)), sf=lambda x: np.exp(-np.exp(x)), logsf=lambda x: -np.exp(x),
    ppf=lambda q: np.log(-np.log1p(-q)), isf=lambda q: np.log(-np.log(q)),
    mean=lambda: -np.euler_gamma, var=lambda: pi**2 / 6, entropy=lambda: np.euler_gamma + 1,
)
vonmises = Distribution(
    "vonmises", "The distribution of von Mises, on a circle", "kappa", valid=lambda kappa: kappa >= 0,
    # i0e has a kink at 0, which abs takes out of the sum.
    logpdf=lambda x, kappa: kappa * sp.cosm1(x) + (kappa - np.abs(kappa)) - log(2 * pi) - np.log(sp.i0e(kappa)),
    entropy=lambda kappa: (
        log(2 * pi) + np.log(sp.i0e(kappa)) + np.abs(kappa) - kappa * sp.i1e(kappa) / sp.i0e(kappa)
    ),
)

# --- From 0 on

expon = Distribution(
    "expon", "The exponential distribution", support=POSITIVE,
    logpdf=lambda x: -x, cdf=lambda x: -np.expm1(-x), sf=lambda x: np.exp(-x), logsf=lambda x: -x,
    ppf=lambda q: -np.log1p(-q), isf=lambda q: -np.log(q), mean=lambda: 1.0, var=lambda: 1.0, entropy=lambda: 1.0,
)
gamma = Distribution(
    "gamma", "The gamma distribution", "a", POSITIVE,
    logpdf=lambda x, a: sp.xlogy(a - 1, x) - x - sp.gammaln(a),
    cdf=lambda x, a: sp.gammainc(a, x), sf=lambda x, a: sp.gammaincc(a, x),
    ppf=lambda q, a: sp.gammaincinv(a, q), isf=lambda q, a: sp.gammainccinv(a, q),
    mean=lambda a: a, var=lambda a: a, entropy=lambda a: sp.psi(a) * (1 - a) + a + sp.gammaln(a),
)
chi2 = Distribution(
    "chi2", "The distribution of sums of df squares", "df", POSITIVE,
    logpdf=lambda x, df: sp.xlogy(df / 2 - 1, x) - x / 2 - sp.gammaln(df / 2) - log(2) * df / 2,
    cdf=lambda x, df: sp.chdtr(df, x), sf=lambda x, df: sp.chdtrc(df, x),
    ppf=lambda q, df: 2 * sp.gammaincinv(df / 2, q), isf=lambda q, df: sp.chdtri(df, q),
    mean=lambda df: df, var=lambda df: 2 * df,
    entropy=lambda df: df / 2 + log(2) + sp.gammaln(df / 2) + (1 - df / 2) * sp.psi(df / 2),
)
invgamma = Distribution(
    "invgamma", "The distribution of 1 over what is gamma's", "a", POSITIVE,
    logpdf=lambda x, a: np.where(x == 0, -np.inf, -(a + 1) * np.log(x) - sp.gammaln(a) - 1 / x),
    cdf=lambda x, a: sp.gammaincc(a, 1 / x), sf=lambda x, a: sp.gammainc(a, 1 / x),
    ppf=lambda q, a: 1 / sp.gammainccinv(a, q), isf=lambda q, a: 1 / sp.gammaincinv(a, q),
    mean=lambda a: np.where(a > 1, 1 / (a - 1), np.inf),
    var=lambda a: np.where(a > 2, 1 / (a - 1) ** 2 / (a - 2), np.inf),
)
f = Distribution(
    "f", "Fisher's distribution", "dfn dfd", POSITIVE,
    logpdf=lambda x, n, m: n / 2 * np.log(n) + m / 2 * np.log(m) + sp.xlogy(n / 2 - 1, x) - (
        (n + m) / 2 * np.log(m + n * x) + sp.betaln(n / 2, m / 2)
    ),
    cdf=lambda x, n, m: sp.fdtr(n, m, x), sf=lambda x, n, m: sp.fdtrc(n, m, x),
    ppf=lambda q, n, m: sp.betaincinv(n / 2, m / 2, q) / sp.betainccinv(m / 2, n / 2, q) * m / n,
    mean=lambda n, m: np.where(m > 2, m / (m - 2), np.inf),
    var=lambda n, m: np.where(m > 4, 2 * m**2 * (n + m - 2) / (n * (m - 2) ** 2 * (m - 4)), np.inf),
)
lognorm = Distribution(
    "lognorm", "The distribution of exponentials of what is normal", "s", POSITIVE,
    logpdf=lambda x, s: np.where(x == 0, -np.inf, _normal(np.log(x) / s) - np.log(s * x)),
    cdf=lambda x, s: sp.ndtr(np.log(x) / s), sf=lambda x, s: sp.ndtr(-np.log(x) / s),
    logcdf=lambda x, s: sp.log_ndtr(np.log(x) / s), logsf=lambda x, s: sp.log_ndtr(-np.log(x) / s),
    ppf=lambda q, s: np.exp(s * sp.ndtri(q)), isf=lambda q, s: np.exp(-s * sp.ndtri(q)),
    mean=lambda s: np.exp(s**2 / 2), var=lambda s: np.exp(s**2) * np.expm1(s**2),
    entropy=lambda s: log(2 * pi * e) / 2 + np.log(s),
)
weibull_min = Distribution(
    "weibull_min", "Weibull's distribution", "c", POSITIVE,
    logpdf=lambda x, c: np.log(c) + sp.xlogy(c - 1, x) - x**c,
    cdf=lambda x, c: -np.expm1(-(x**c)), sf=lambda x, c: np.exp(-(x**c)), logsf=lambda x, c: -(x**c),
    ppf=lambda q, c: (-np.log1p(-q)) ** (1 / c), isf=lambda q, c: (-np.log(q)) ** (1 / c),
    mean=lambda c: sp.gamma(1 + 1 / c), var=lambda c: sp.gamma(1 + 2 / c) - sp.gamma(1 + 1 / c) ** 2,
    entropy=lambda c: -np.euler_gamma / c - np.log(c) + np.euler_gamma + 1,
)
halfnorm = Distribution(
    "halfnorm", "The distribution of absolute values of what is normal", support=POSITIVE,
    logpdf=lambda x: log(2 / pi) / 2 - x**2 / 2, cdf=lambda x: sp.erf(x / 2**0.5), sf=lambda x: 2 * sp.ndtr(-x),
    logsf=lambda x: log(2) + sp.log_ndtr(-x), ppf=lambda q: sp.ndtri((1 + q) / 2), isf=lambda q: -sp.ndtri(q / 2),
    mean=lambda: (2 / pi) ** 0.5, var=lambda: 1 - 2 / pi, entropy=lambda: log(pi / 2) / 2 + 0.5,
)
rayleigh = Distribution(
    "rayleigh", "Rayleigh's distribution", support=POSITIVE,
    logpdf=lambda x: np.where(x == np.inf, -np.inf, np.log(x) - x**2 / 2),
    cdf=lambda x: -np.expm1(-(x**2) / 2), sf=lambda x: np.exp(-(x**2) / 2), logsf=lambda x: -(x**2) / 2,
    ppf=lambda q: np.sqrt(-2 * np.log1p(-q)), isf=lambda q: np.sqrt(-2 * np.log(q)),
    mean=lambda: (pi / 2) ** 0.5, var=lambda: 2 - pi / 2, entropy=lambda: np.euler_gamma / 2 + 1 - log(2) / 2,
)

# --- Between ends

uniform = Distribution(
    "uniform", "The uniform distribution", support=(0.0, 1.0), logpdf=lambda x: x * 0, cdf=lambda x: x,
    sf=lambda x: 1 - x, ppf=lambda q: q, isf=lambda q: 1 - q, mean=lambda: 0.5, var=lambda: 1 / 12, entropy=lambda: 0.0,
)
beta = Distribution(
    "beta", "The beta distribution", "a b", (0.0, 1.0),
    logpdf=lambda x, a, b: sp.xlogy(a - 1, x) + sp.xlog1py(b - 1, -x) - sp.betaln(a, b),
    cdf=lambda x, a, b: sp.betainc(a, b, x), sf=lambda x, a, b: sp.betaincc(a, b, x),
    ppf=lambda q, a, b: sp.betaincinv(a, b, q), isf=lambda q, a, b: sp.betainccinv(a, b, q),
    mean=lambda a, b: a / (a + b), var=lambda a, b: a * b / ((a + b) ** 2 * (a + b + 1)),
    entropy=lambda a, b: (
        sp.betaln(a, b) - (a - 1) * sp.psi(a) - (b - 1) * sp.psi(b) + (a + b - 2) * sp.psi(a + b)
    ),
)
pareto = Distribution(
    "pareto", "Pareto's distribution", "b", (1.0, np.inf),
    logpdf=lambda x, b: np.log(b) - (b + 1) * np.log(x),
    cdf=lambda x, b: -np.expm1(-b * np.log(x)), sf=lambda x, b: x**-b, logsf=lambda x, b: -b * np.log(x),
    ppf=lambda q, b: np.exp(np.log1p(-q) / -b), isf=lambda q, b: q ** (-1 / b),
    mean=lambda b: np.where(b > 1, b / (b - 1), np.inf),
    var=lambda b: np.where(b > 2, b / ((b - 2) * (b - 1) ** 2), np.inf),
    entropy=lambda b: 1 + 1 / b - np.log(b),
)


def _log_mass(a: Any, b: Any) -> Any:
    """The logarithm of a normal number's probability to lie between a and b."""
    flipped = a > 0
    low, high = np.where(flipped, -b, a), np.where(flipped, -a, b)
    tail = sp.log_ndtr(high) + np.log1p(-np.exp(sp.log_ndtr(low) - sp.log_ndtr(high)))
    return np.where(high <= 0, tail, np.log1p(-sp.ndtr(low) - sp.ndtr(-high)))


def _truncated_quantile(q: Any, a: Any, b: Any) -> Any:
    left = sp.ndtri_exp(np.logaddexp(sp.log_ndtr(a), np.log(q) + _log_mass(a, b)))
    right = -sp.ndtri_exp(np.logaddexp(sp.log_ndtr(-b), np.log1p(-q) + _log_mass(a, b)))
    return np.where(a < 0, left, right)


truncnorm = Distribution(
    "truncnorm", "The normal distribution between ends", "a b", lambda a, b: (a, b), lambda a, b: a < b,
    logpdf=lambda x, a, b: _normal(x) - _log_mass(a, b),
    logcdf=lambda x, a, b: _log_mass(a, x) - _log_mass(a, b), logsf=lambda x, a, b: _log_mass(x, b) - _log_mass(a, b),
    cdf=lambda x, a, b: np.exp(_log_mass(a, x) - _log_mass(a, b)),
    sf=lambda x, a, b: np.exp(_log_mass(x, b) - _log_mass(a, b)), ppf=_truncated_quantile,
)
