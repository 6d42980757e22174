"""The gradient of a likelihood of a mixture of 5 Gaussians in weights, means and scales: 2000 points in the plane."""

from __future__ import annotations

from typing import Any

import numpy as np_
from bench import gradients
from bench.case import Case, size
from bench.workloads.hmm_forward import logsumexp

TOLERANCE = 1e-8
CHECK_STEPS = 1
POINTS, PARTS = size(2000, 20), size(5, 2)
_random = np_.random.default_rng(0)
START = {
    "logits": np_.zeros(PARTS), "means": 2 * _random.normal(size=(PARTS, 2)), "scales": np_.zeros((PARTS, 2)),
}
DATA = _random.normal(size=(POINTS, 2)) + 3 * _random.integers(-1, 2, (POINTS, 1))


def loss(library: gradients.Library, p: Any, points: Any) -> Any:
    """The mean negative log-likelihood, what a step of EM makes smaller."""
    xp = library.np
    scaled = (points[:, None, :] - p["means"]) / xp.exp(p["scales"])
    logs = -0.5 * xp.sum(scaled**2, axis=-1) - xp.sum(p["scales"], axis=-1) - np_.log(2 * np_.pi)
    weights = p["logits"] - logsumexp(xp, p["logits"], 0)
    return -xp.mean(logsumexp(xp, logs + weights, 1))


def fnad(fnad: Any) -> Case:
    """``value_and_grad`` under ``jit``."""
    return gradients.of_fnad(fnad, loss, START, (DATA,))


def jax(jax: Any, jnp: Any) -> Case:
    """``value_and_grad`` under ``jit``."""
    return gradients.of_jax(jax, jnp, loss, START, (DATA,))


def numpy(np: Any) -> Case:
    """The responsibilities of the parts, and the formulas of EM."""

    def gradient(p: Any, points: Any) -> Any:
        steps, scales = points[:, None, :] - p["means"], np.exp(p["scales"])
        logs = -0.5 * np.sum((steps / scales) ** 2, axis=-1) - np.sum(p["scales"], axis=-1) - np.log(2 * np.pi)
        weights = np.exp(p["logits"] - logsumexp(np, p["logits"], 0))
        shares = np.exp(logs) * weights
        totals = shares.sum(axis=1, keepdims=True)
        shares = shares / totals / len(points)
        return -np.mean(np.log(totals)), {
            "logits": weights - shares.sum(axis=0), "means": -np.einsum("nk,nkd->kd", shares, steps) / scales**2,
            "scales": np.einsum("nk,nkd->kd", shares, 1 - (steps / scales) ** 2),
        }

    return gradients.by_hand(gradient, START, (DATA,))
