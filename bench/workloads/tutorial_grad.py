"""The gradient of the tutorial model's loss without jit: MLP 10-5-1, mean squared error, batch 100, float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import mlp
from bench.case import Case
from bench.workloads.tutorial_mlp import BATCH, START

TOLERANCE = 1e-4
CHECK_STEPS = 1


def fnad(fnad: Any) -> Case:
    """``grad``, staged or looked up at each call."""

    def loss(params: Any, x: Any, y: Any) -> Any:
        return np.mean((mlp.forward(np, params, x) - y) ** 2)

    gradient = fnad.grad(loss)
    return Case(lambda params, x, y: (params, gradient(params, x, y)), lambda: START, [BATCH])


def jax(jax: Any, jnp: Any) -> Case:
    """``grad`` without ``jit``: every operation is dispatched by itself."""

    def loss(params: Any, x: Any, y: Any) -> Any:
        return jnp.mean((mlp.forward(jnp, params, x) - y) ** 2)

    gradient = jax.grad(loss)
    return Case(
        lambda params, x, y: (params, gradient(params, x, y)),
        lambda: jax.device_put(START),
        [jax.device_put(BATCH)],
    )


def torch(torch: Any) -> Case:
    """Eager layers and ``torch.autograd.grad``."""
    addmm, mse_loss = torch.addmm, torch.nn.functional.mse_loss

    def step(params: Any, x: Any, y: Any) -> Any:
        b1, w1, b2, w2 = params
        loss = mse_loss(addmm(b2, torch.relu(addmm(b1, x, w1)), w2), y)
        return params, torch.autograd.grad(loss, params)

    def start() -> Any:
        return [torch.tensor(array).requires_grad_() for array in mlp.leaves(START)]

    return Case(step, start, [tuple(map(torch.tensor, BATCH))])


def autograd(autograd: Any, anp: Any) -> Case:
    """A tape at each call."""

    def loss(params: Any, x: Any, y: Any) -> Any:
        return anp.mean((mlp.forward(anp, params, x) - y) ** 2)

    gradient = autograd.grad(loss)
    return Case(lambda params, x, y: (params, gradient(params, x, y)), lambda: START, [BATCH])


def numpy(np: Any) -> Case:
    """The gradients by hand, in place where NumPy can."""

    def step(params: Any, x: Any, y: Any) -> Any:
        inputs, error = mlp.activations(params, x)
        error -= y
        error *= 2 / error.size
        return params, mlp.backward(params, inputs, error)

    return Case(step, lambda: START, [BATCH])
