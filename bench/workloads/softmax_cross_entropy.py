"""Softmax cross-entropy forward and backward: value and gradient, 4096 rows of 1000 classes, float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import mlp
from bench.case import Case, size

TOLERANCE = 1e-4
CHECK_STEPS = 1
ROWS, CLASSES = size(4096, 64), size(1000, 50)
BATCH = (
    np.random.default_rng(0).normal(size=(ROWS, CLASSES)).astype(np.float32),
    np.random.default_rng(1).integers(0, CLASSES, ROWS),
)


def fnad(fnad: Any) -> Case:
    """``nn.softmax_cross_entropy`` under ``value_and_grad`` and ``jit``."""
    both = fnad.jit(fnad.value_and_grad(fnad.nn.softmax_cross_entropy))
    return Case(lambda state, logits, labels: (state, both(logits, labels)), lambda: (), [BATCH])


def jax(jax: Any, jnp: Any) -> Case:
    """``nn.log_softmax`` and the chosen ones under ``value_and_grad`` and ``jit``."""

    def loss(logits: Any, labels: Any) -> Any:
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1))

    both = jax.jit(jax.value_and_grad(loss))
    return Case(lambda state, logits, labels: (state, both(logits, labels)), lambda: (), [jax.device_put(BATCH)])


def torch(torch: Any) -> Case:
    """``functional.cross_entropy`` and ``torch.autograd.grad``."""

    def step(state: Any, logits: Any, labels: Any) -> Any:
        value = torch.nn.functional.cross_entropy(logits, labels)
        return state, (value.detach(), *torch.autograd.grad(value, logits))

    logits, labels = map(torch.tensor, BATCH)
    return Case(step, lambda: (), [(logits.requires_grad_(), labels)])


def torch_compile(torch: Any) -> Case:
    """``func.grad_and_value``, compiled."""
    both = torch.compile(torch.func.grad_and_value(torch.nn.functional.cross_entropy))
    return Case(
        lambda state, logits, labels: (state, both(logits, labels)[::-1]), lambda: (), [tuple(map(torch.tensor, BATCH))]
    )


def autograd(autograd: Any, anp: Any) -> Case:
    """A tape at each call."""

    def loss(logits: Any, labels: Any) -> Any:
        shifted = logits - anp.max(logits, axis=1, keepdims=True)
        chosen = shifted[np.arange(ROWS), labels]
        return anp.mean(anp.log(anp.sum(anp.exp(shifted), axis=1)) - chosen)

    both = autograd.value_and_grad(loss)
    return Case(lambda state, logits, labels: (state, both(logits, labels)), lambda: (), [BATCH])


def numpy(np: Any) -> Case:
    """By hand, in place on a copy of the logits."""
    return Case(
        lambda state, logits, labels: (state, mlp.cross_entropy(logits.copy(), labels)), lambda: (), [BATCH]
    )


def limit(limits: Any) -> Case:
    """The logits read, their gradient written."""
    return limits.moved(2 * BATCH[0].nbytes)
