"""Distributions of vectors and matrices."""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np
from scipy import special as sp

from fnad.ops.linalg import triangular_solve
from fnad.scipy.special import multigammaln
from fnad.scipy.stats.distribution import Frozen, floats, method


class Multivariate:
    """A distribution of vectors or matrices, with the methods and parameters of SciPy's."""

    name: str

    def __call__(self, *args: Any, **kwargs: Any) -> Frozen:
        """The distribution with its parameters given."""
        return Frozen(self, args, kwargs)

    def __repr__(self) -> str:
        return f"fnad.scipy.stats.{self.name}"


class Normal(Multivariate):
    """The normal distribution of vectors, `scipy.stats.multivariate_normal`, of traced values too.

    Its methods are SciPy's, with the parameters mean=None, cov=1: ``logpdf`` and ``pdf`` of vectors along the last
    axis, or of ``multivariate_normal(mean, cov)``, which has them given. A traced ``cov`` must be positive definite.
    Derivatives: of all orders in the argument and the parameters; that in ``cov`` is symmetric.

    >>> multivariate_normal.logpdf(np.zeros(2), np.zeros(2), np.eye(2))
    np.float64(-1.8378770664093453)
    """

    name = "multivariate_normal"

    @method
    def logpdf(self, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
        """The logarithm of the density."""
        if allow_singular:
            raise TypeError(
                "multivariate_normal: requires allow_singular=False with a traced argument, got True. Leave it away, "
                "or add a multiple of the identity to cov."
            )
        mean, cov = _mean_and_covariance(mean, cov)
        x, size = floats(x), mean.shape[0]
        x = x[..., None] if x.ndim == 0 or x.ndim == 1 and size == 1 else x
        deviations = x - mean
        root = np.linalg.cholesky(cov)
        columns = deviations.reshape(-1, size).T
        whitened = triangular_solve(root, columns, lower=True, adjoint=False, unit=False)
        squares = np.sum(whitened**2, axis=0).reshape(deviations.shape[:-1])
        return -0.5 * (size * log(2 * pi) + squares) - np.sum(np.log(np.diagonal(root)))

    @method
    def pdf(self, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
        """The density."""
        return np.exp(self.logpdf(x, mean, cov, allow_singular))


def _mean_and_covariance(mean: Any, cov: Any) -> tuple[Any, Any]:
    """A vector and a matrix, from what SciPy takes for them."""
    cov = floats(1.0 if cov is None else cov)
    size = (cov.shape[0] if cov.ndim > 1 else 1) if mean is None else floats(mean).size
    mean = np.zeros(size) if mean is None else floats(mean)
    if size == 1:
        mean, cov = mean.reshape(1), cov.reshape(1, 1)
    if mean.ndim != 1:
        raise ValueError(f"Array 'mean' must be a vector of length {size}.")
    if cov.ndim < 2:
        cov = cov * np.eye(size)
    if cov.shape != (size, size):
        raise ValueError(
            f"Dimension mismatch: array 'cov' is of shape {cov.shape}, but 'mean' is a vector of length {size}."
        )
    return mean, cov


class Dirichlet(Multivariate):
    """Dirichlet's distribution, `scipy.stats.dirichlet`, of traced values too.

    Its methods are SciPy's, with the parameter alpha: ``logpdf`` and ``pdf`` of vectors along the first axis, whose
    last component may be left out, or of ``dirichlet(alpha)``, which has it given. Derivatives: of all orders in both.

    >>> dirichlet.logpdf(np.array([0.25, 0.75]), np.array([1.0, 1.0]))
    np.float64(0.0)
    """

    name = "dirichlet"

    @method
    def logpdf(self, x: Any, alpha: Any) -> Any:
        """The logarithm of the density."""
        x, alpha = floats(x), floats(alpha)
        if alpha.ndim != 1 or x.shape[0] not in (alpha.shape[0], alpha.shape[0] - 1):
            raise ValueError(
                "Vector 'x' must have either the same number of entries as, or one entry fewer than, parameter vector "
                f"'a', but alpha.shape = {alpha.shape} and x.shape = {x.shape}."
            )
        if x.shape[0] < alpha.shape[0]:
            x = np.concatenate([x, 1 - np.sum(x, axis=0, keepdims=True)])
        powers = (alpha - 1).reshape(-1, *[1] * (x.ndim - 1))
        inside = np.all((x >= 0) & (x <= 1), axis=0) & (np.abs(np.sum(x, axis=0) - 1) <= 1e-9)
        whole = sp.gammaln(np.sum(alpha)) - np.sum(sp.gammaln(alpha))
        return np.where(inside, whole + np.sum(sp.xlogy(powers, x), axis=0), np.nan)

    @method
    def pdf(self, x: Any, alpha: Any) -> Any:
        """The density."""
        return np.exp(self.logpdf(x, alpha))


class Multinomial(Multivariate):
    """The multinomial distribution, `scipy.stats.multinomial`, of traced values too.

    Its methods are SciPy's, with the parameters n, p: ``logpmf`` and ``pmf`` of counts along the last axis, or of
    ``multinomial(n, p)``, which has them given. Derivatives: of all orders in ``p``.

    >>> multinomial.pmf(np.array([1, 1]), 2, np.array([0.5, 0.5]))
    np.float64(0.5)
    """

    name = "multinomial"

    @method
    def logpmf(self, x: Any, n: Any, p: Any) -> Any:
        """The logarithm of the probability of counts."""
        x, n, p = floats(x), floats(n), floats(p)
        if x.ndim == 0 or x.shape[-1] != p.shape[-1]:
            raise ValueError(
                f"Size of each quantile should be size of p: received {x.shape[-1:]}, but expected {p.shape[-1]}."
            )
        inside = np.all((x >= 0) & (np.floor(x) == x), axis=-1) & (np.sum(x, axis=-1) == n)
        valid = np.all((p >= 0) & (p <= 1), axis=-1) & (n >= 0)
        made = sp.gammaln(n + 1) + np.sum(sp.xlogy(x, p) - sp.gammaln(x + 1), axis=-1)
        return np.where(valid, np.where(inside, made, -np.inf), np.nan)

    @method
    def pmf(self, x: Any, n: Any, p: Any) -> Any:
        """The probability of counts."""
        return np.exp(self.logpmf(x, n, p))


class Wishart(Multivariate):
    """Wishart's distribution of positive definite matrices, `scipy.stats.wishart`, of traced values too.

    Its methods are SciPy's, with the parameters df, scale: ``logpdf`` and ``pdf`` of a matrix, or of
    ``wishart(df, scale)``, which has them given. Derivatives: of all orders in the argument and the parameters.

    >>> wishart.logpdf(np.eye(2), 3.0, np.eye(2))
    np.float64(-3.5310242469692907)
    """

    name = "wishart"

    @method
    def logpdf(self, x: Any, df: Any, scale: Any) -> Any:
        """The logarithm of the density."""
        x, df, scale = floats(x), floats(df), floats(scale)
        if x.ndim != 2 or x.shape != scale.shape or x.shape[0] != x.shape[1]:
            raise ValueError(
                f"wishart: requires a square matrix as argument and scale, got {x.shape} and {scale.shape}. Use "
                "fnad.vmap for several."
            )
        size = x.shape[0]
        trace = np.trace(np.linalg.solve(scale, x))
        return (
            (df - size - 1) / 2 * np.linalg.slogdet(x)[1] - trace / 2 - df * size / 2 * log(2)
            - df / 2 * np.linalg.slogdet(scale)[1] - multigammaln(df / 2, size)
        )

    @method
    def pdf(self, x: Any, df: Any, scale: Any) -> Any:
        """The density."""
        return np.exp(self.logpdf(x, df, scale))


multivariate_normal, dirichlet, multinomial, wishart = Normal(), Dirichlet(), Multinomial(), Wishart()
