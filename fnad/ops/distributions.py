"""Distribution functions that SciPy has as ufuncs, element by element, with derivatives."""

from __future__ import annotations

from typing import Any

from fnad.ops.elementwise import choose, convert, exp, floor, log, log1p, sign, sqrt
from fnad.ops.foreign import foreign
from fnad.ops.gamma import betaln
from fnad.ops.incomplete import beta_density, betainc_by_shapes, gamma_density, gammainc_by_shape

# --- Of gamma's family

chdtr = foreign("chdtr", [
    lambda y, v, x: gammainc_by_shape(v * 0.5, x * 0.5) * 0.5, lambda y, v, x: gamma_density(v * 0.5, x * 0.5) * 0.5,
])
chdtrc = foreign("chdtrc", [
    lambda y, v, x: gammainc_by_shape(v * 0.5, x * 0.5) * -0.5, lambda y, v, x: gamma_density(v * 0.5, x * 0.5) * -0.5,
])
chdtri = foreign("chdtri", [
    lambda x, v, p: -(gammainc_by_shape(v * 0.5, x * 0.5) / gamma_density(v * 0.5, x * 0.5)),
    lambda x, v, p: -2 / gamma_density(v * 0.5, x * 0.5),
])
# The rate a and the shape b.
gdtr = foreign("gdtr", [
    lambda y, a, b, x: x * gamma_density(b, a * x), lambda y, a, b, x: gammainc_by_shape(b, a * x),
    lambda y, a, b, x: a * gamma_density(b, a * x),
])
gdtrc = foreign("gdtrc", [
    lambda y, a, b, x: -(x * gamma_density(b, a * x)), lambda y, a, b, x: -gammainc_by_shape(b, a * x),
    lambda y, a, b, x: -(a * gamma_density(b, a * x)),
])
# Poisson's: up to k, and above it.
pdtr = foreign("pdtr", [None, lambda y, k, m: -gamma_density(floor(k) + 1, m)])
pdtrc = foreign("pdtrc", [None, lambda y, k, m: gamma_density(floor(k) + 1, m)])

# --- Of beta's family


def _binomial_slope(k: Any, n: Any, p: Any) -> Any:
    k, n = floor(convert(k, dtype=p.dtype)), convert(n, dtype=p.dtype)
    return beta_density(n - k, k + 1, 1 - p)


def _negative_slope(k: Any, n: Any, p: Any) -> Any:
    k, n = floor(convert(k, dtype=p.dtype)), convert(n, dtype=p.dtype)
    return beta_density(n, k + 1, p)


bdtr = foreign("bdtr", [None, None, lambda y, k, n, p: -_binomial_slope(k, n, p)])
bdtrc = foreign("bdtrc", [None, None, lambda y, k, n, p: _binomial_slope(k, n, p)])
nbdtr = foreign("nbdtr", [None, None, lambda y, k, n, p: _negative_slope(k, n, p)])
nbdtrc = foreign("nbdtrc", [None, None, lambda y, k, n, p: -_negative_slope(k, n, p)])


def _fisher_slopes(dfn: Any, dfd: Any, x: Any) -> tuple[Any, Any, Any]:
    """Fisher's distribution function is betainc(dfn / 2, dfd / 2, w) with w = dfn x / (dfn x + dfd)."""
    whole = dfn * x + dfd
    w = dfn * x / whole
    by_a, by_b = betainc_by_shapes(dfn * 0.5, dfd * 0.5, w)
    by_w = beta_density(dfn * 0.5, dfd * 0.5, w) / (whole * whole)
    return by_a * 0.5 + by_w * x * dfd, by_b * 0.5 - by_w * x * dfn, by_w * dfn * dfd


fdtr = foreign("fdtr", [
    lambda y, *args: _fisher_slopes(*args)[0], lambda y, *args: _fisher_slopes(*args)[1],
    lambda y, *args: _fisher_slopes(*args)[2],
])
fdtrc = foreign("fdtrc", [
    lambda y, *args: -_fisher_slopes(*args)[0], lambda y, *args: -_fisher_slopes(*args)[1],
    lambda y, *args: -_fisher_slopes(*args)[2],
])


def _student_density(df: Any, t: Any) -> Any:
    return exp(log1p(t * t / df) * (df + 1) * -0.5 - betaln(0.5, df * 0.5)) / sqrt(df)


def _student_by_shape(df: Any, t: Any) -> Any:
    """The distribution function is (1 + betainc(1 / 2, df / 2, t² / (df + t²))) / 2 on the right."""
    whole, half = df + t * t, df * 0.5
    is_near, rest = t * t < df, df / whole
    by_a, by_b = betainc_by_shapes(
        choose(is_near, 0.5, half), choose(is_near, half, 0.5), choose(is_near, t * t / whole, rest)
    )
    by_place = exp((half - 1) * log(rest) - betaln(0.5, half)) / (whole * sqrt(whole))
    return sign(t) * choose(is_near, by_b, -by_a) * 0.25 - t * by_place * 0.5


stdtr = foreign("stdtr", [lambda y, df, t: _student_by_shape(df, t), lambda y, df, t: _student_density(df, t)])
stdtrit = foreign("stdtrit", [
    lambda t, df, p: -(_student_by_shape(df, t) / _student_density(df, t)),
    lambda t, df, p: 1 / _student_density(df, t),
])

# --- Numbers of events up to which the probability is given, which are rounded

pdtrik, bdtrik, nbdtrik = [foreign(name, [None] * n) for name, n in (("pdtrik", 2), ("bdtrik", 3), ("nbdtrik", 3))]
