"""The gradient of a Kalman filter's likelihood in a 4 x 4 dynamics and two noises, 200 steps of a scan, float64."""

from __future__ import annotations

from typing import Any

import numpy as np_
from bench import gradients
from bench.case import Case, size

TOLERANCE = 1e-7
CHECK_STEPS = 1
STEPS = size(200, 8)
_random = np_.random.default_rng(0)
DYNAMICS = np_.eye(4) + 0.1 * np_.eye(4, k=2) - 0.02 * np_.eye(4, k=-2)
OBSERVED = np_.eye(2, 4)
START = {"dynamics": DYNAMICS, "process": np_.array(-2.0), "sensor": np_.array(-1.0)}
DATA = np_.cumsum(0.3 * _random.normal(size=(STEPS, 2)), axis=0)


def loss(library: gradients.Library, p: Any, data: Any) -> Any:
    """The negative log-likelihood of the innovations."""
    xp = library.np
    a, q, r = p["dynamics"], xp.exp(p["process"]) * xp.eye(4), xp.exp(p["sensor"]) * xp.eye(2)

    def step(state: Any, z: Any) -> Any:
        mean, covariance, total = state
        mean, covariance = a @ mean, a @ covariance @ a.T + q
        innovation, spread = z - OBSERVED @ mean, OBSERVED @ covariance @ OBSERVED.T + r
        gain = xp.linalg.solve(spread, OBSERVED @ covariance).T
        total = total + 0.5 * (xp.log(xp.linalg.det(spread)) + innovation @ xp.linalg.solve(spread, innovation))
        return (mean + gain @ innovation, covariance - gain @ OBSERVED @ covariance, total), None

    (_, _, total), _ = library.scan(step, (xp.zeros(4), xp.eye(4), xp.zeros(())), data)
    return total


def fnad(fnad: Any) -> Case:
    """``value_and_grad`` of a ``scan``, under ``jit``."""
    return gradients.of_fnad(fnad, loss, START, (DATA,))


def jax(jax: Any, jnp: Any) -> Case:
    """``value_and_grad`` of a ``lax.scan``, under ``jit``."""
    return gradients.of_jax(jax, jnp, loss, START, (DATA,))


def numpy(np: Any) -> Case:
    """A complex step for each of the 18 parameters."""
    return gradients.of_numpy(loss, START, (DATA,))
