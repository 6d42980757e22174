"""The Hessian of a logistic regression's loss: 60 weights, 2000 rows, float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.case import Case

TOLERANCE = 1e-9
CHECK_STEPS = 1
ROWS, WEIGHTS = 2000, 60
START = np.random.default_rng(0).normal(size=WEIGHTS) / 8
BATCH = (
    np.random.default_rng(1).normal(size=(ROWS, WEIGHTS)),
    np.random.default_rng(2).choice([-1.0, 1.0], ROWS),
)


def loss(xp: Any, w: Any, x: Any, y: Any) -> Any:
    """The mean of log(1 + exp(-margin)), in the NumPy of any library."""
    return xp.mean(xp.logaddexp(0.0, -y * (x @ w)))


def fnad(fnad: Any) -> Case:
    """``hessian`` under ``jit``."""
    hessian = fnad.jit(fnad.hessian(lambda w, x, y: loss(np, w, x, y)))
    return Case(lambda w, x, y: (w, hessian(w, x, y)), lambda: START, [BATCH])


def jax(jax: Any, jnp: Any) -> Case:
    """``hessian`` under ``jit``."""
    jax.config.update("jax_enable_x64", True)
    hessian = jax.jit(jax.hessian(lambda w, x, y: loss(jnp, w, x, y)))
    return Case(lambda w, x, y: (w, hessian(w, x, y)), lambda: jax.device_put(START), [jax.device_put(BATCH)])


def torch(torch: Any) -> Case:
    """``func.hessian``."""
    return derived(torch, lambda function: function)


def torch_compile(torch: Any) -> Case:
    """``func.hessian``, compiled."""
    return derived(torch, torch.compile)


def derived(torch: Any, compiled: Any) -> Case:
    """What both of PyTorch's ways run."""

    def mean(w: Any, x: Any, y: Any) -> Any:
        return torch.nn.functional.softplus(-y * (x @ w)).mean()

    hessian = compiled(torch.func.hessian(mean))
    return Case(
        lambda w, x, y: (w, hessian(w, x, y)), lambda: torch.tensor(START), [tuple(map(torch.tensor, BATCH))]
    )


def autograd(autograd: Any, anp: Any) -> Case:
    """``hessian``, a tape of a tape."""
    hessian = autograd.hessian(lambda w, x, y: loss(anp, w, x, y))
    return Case(lambda w, x, y: (w, hessian(w, x, y)), lambda: START, [BATCH])


def numpy(np: Any) -> Case:
    """The formula: the rows' products weighted by p (1 - p)."""

    def step(w: Any, x: Any, y: Any) -> Any:
        p = 1 / (1 + np.exp(x @ w))
        return w, (x * (p * (1 - p) / ROWS)[:, None]).T @ x

    return Case(step, lambda: START, [BATCH])


def limit(limits: Any) -> Case:
    """The product of the weighted rows with the rows."""
    return limits.products([(WEIGHTS, ROWS, WEIGHTS)], np.float64)
