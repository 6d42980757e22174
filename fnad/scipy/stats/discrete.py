"""Distributions of whole numbers, with loc 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special as sp

from fnad.scipy.stats.distribution import Discrete

FROM_0 = (0.0, np.inf)


def _is_probability(p: Any) -> Any:
    return (p >= 0) & (p <= 1)


def _trials(k: Any, n: Any, p: Any) -> Any:
    """The logarithm of the probability of k successes, in one order of them."""
    return sp.xlogy(k, p) + sp.xlog1py(n - k, -p)


def _first(q: Any, k: Any, cdf: Any) -> Any:
    """The least whole number up to which the probability is q, from one that is close."""
    k = np.ceil(k)
    before = np.maximum(k - 1, 0.0)
    return np.where(cdf(before) >= q, before, k)


poisson = Discrete(
    "poisson", "Poisson's distribution", "mu", FROM_0, lambda mu: mu >= 0,
    logpmf=lambda k, mu: sp.xlogy(k, mu) - sp.gammaln(k + 1) - mu,
    cdf=lambda k, mu: sp.pdtr(k, mu), sf=lambda k, mu: sp.pdtrc(k, mu),
    ppf=lambda q, mu: _first(q, sp.pdtrik(q, mu), lambda k: sp.pdtr(k, mu)), mean=lambda mu: mu, var=lambda mu: mu,
)
binom = Discrete(
    "binom", "The binomial distribution", "n p", lambda n, p: (0.0, n),
    lambda n, p: (n >= 0) & (np.floor(n) == n) & _is_probability(p),
    logpmf=lambda k, n, p: sp.gammaln(n + 1) - sp.gammaln(k + 1) - sp.gammaln(n - k + 1) + _trials(k, n, p),
    cdf=lambda k, n, p: sp.betaincc(k + 1, n - k, p), sf=lambda k, n, p: sp.betainc(k + 1, n - k, p),
    ppf=lambda q, n, p: _first(q, sp.bdtrik(q, n, p), lambda k: sp.betaincc(k + 1, n - k, p)),
    mean=lambda n, p: n * p, var=lambda n, p: n * p * (1 - p),
)
bernoulli = Discrete(
    "bernoulli", "Bernoulli's distribution", "p", (0.0, 1.0), _is_probability,
    logpmf=lambda k, p: _trials(k, 1, p), cdf=lambda k, p: 1 - p, sf=lambda k, p: p + 0 * k,
    ppf=lambda q, p: np.where(q <= 1 - p, 0.0, 1.0),
    mean=lambda p: p, var=lambda p: p * (1 - p), entropy=lambda p: sp.entr(p) + sp.entr(1 - p),
)
nbinom = Discrete(
    "nbinom", "The distribution of failures before n successes", "n p", FROM_0,
    lambda n, p: (n > 0) & (p > 0) & (p <= 1),
    logpmf=lambda k, n, p: sp.gammaln(n + k) - sp.gammaln(k + 1) - sp.gammaln(n) + n * np.log(p) + sp.xlog1py(k, -p),
    cdf=lambda k, n, p: sp.betainc(n, k + 1, p), sf=lambda k, n, p: sp.betaincc(n, k + 1, p),
    ppf=lambda q, n, p: _first(q, sp.nbdtrik(q, n, p), lambda k: sp.betainc(n, k + 1, p)),
    mean=lambda n, p: n * (1 - p) / p, var=lambda n, p: n * (1 - p) / p**2,
)
geom = Discrete(
    "geom", "The distribution of trials up to a success", "p", (1.0, np.inf), lambda p: (p > 0) & (p <= 1),
    logpmf=lambda k, p: sp.xlog1py(k - 1, -p) + np.log(p),
    cdf=lambda k, p: -np.expm1(np.log1p(-p) * k), sf=lambda k, p: np.exp(np.log1p(-p) * k),
    logsf=lambda k, p: k * np.log1p(-p), ppf=lambda q, p: _first_trial(q, p),
    mean=lambda p: 1 / p, var=lambda p: (1 - p) / p**2,
)


def _first_trial(q: Any, p: Any) -> Any:
    k = np.ceil(np.log1p(-q) / np.log1p(-p))
    return np.where((-np.expm1(np.log1p(-p) * (k - 1)) >= q) & (k > 1), k - 1, k)
