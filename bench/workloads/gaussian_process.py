"""The gradient of a Gaussian process's marginal likelihood in its 5 hyperparameters, 200 points, float64."""

from __future__ import annotations

from typing import Any

import numpy as np_
from bench import gradients
from bench.case import Case, size

TOLERANCE = 1e-7
CHECK_STEPS = 1
POINTS, FEATURES = size(200, 12), 3
_random = np_.random.default_rng(0)
START = {"lengths": np_.log(np_.array([0.7, 1.0, 1.4])), "noise": np_.array(-2.0), "scale": np_.array(0.3)}
X = _random.normal(size=(POINTS, FEATURES))
Y = np_.sin(X.sum(axis=1)) + 0.1 * _random.normal(size=POINTS)


def kernel(xp: Any, p: Any, x: Any) -> Any:
    """The squared-exponential covariances."""
    scaled = x / xp.exp(p["lengths"])
    squares = xp.sum(scaled**2, axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * scaled @ scaled.T
    return xp.exp(2 * p["scale"] - 0.5 * distances)


def loss(library: gradients.Library, p: Any, x: Any, y: Any) -> Any:
    """y' K⁻¹ y / 2 + log det K / 2, by Cholesky's factor."""
    xp = library.np
    covariance = kernel(xp, p, x) + xp.exp(2 * p["noise"]) * xp.eye(POINTS)
    factor = library.scipy.linalg.cholesky(covariance, lower=True)
    weights = library.scipy.linalg.cho_solve((factor, True), y)
    return 0.5 * xp.dot(y, weights) + xp.sum(xp.log(xp.diagonal(factor)))


def fnad(fnad: Any) -> Case:
    """``value_and_grad`` under ``jit``."""
    return gradients.of_fnad(fnad, loss, START, (X, Y))


def jax(jax: Any, jnp: Any) -> Case:
    """``value_and_grad`` under ``jit``."""
    return gradients.of_jax(jax, jnp, loss, START, (X, Y))


def numpy(np: Any) -> Case:
    """tr((K⁻¹ - w w') dK) / 2 for each parameter, where w = K⁻¹ y."""

    def gradient(p: Any, x: Any, y: Any) -> Any:
        smooth, noise = kernel(np, p, x), np.exp(2 * p["noise"])
        inverse = np.linalg.inv(smooth + noise * np.eye(POINTS))
        weights = inverse @ y
        bar = 0.5 * (inverse - np.outer(weights, weights))
        steps = (x[:, None, :] - x[None, :, :]) / np.exp(p["lengths"])
        weighted = bar * smooth
        value = 0.5 * y @ weights - 0.5 * np.linalg.slogdet(inverse)[1]
        return value, {
            "lengths": np.einsum("ij,ijk->k", weighted, steps**2), "noise": np.array(2 * noise * np.trace(bar)),
            "scale": np.array(2 * weighted.sum()),
        }

    return gradients.by_hand(gradient, START, (X, Y))
