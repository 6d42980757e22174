"""The gradient of each example's loss, vmap(grad): MLP 20-40-1, squared error, 700 examples, float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import mlp
from bench.case import Case

TOLERANCE = 1e-4
CHECK_STEPS = 1
EXAMPLES, INPUTS = 700, 20
START = mlp.start((INPUTS, 40, 1))
BATCH = (
    np.random.default_rng(1).normal(size=(EXAMPLES, INPUTS)).astype(np.float32),
    np.random.default_rng(2).normal(size=(EXAMPLES, 1)).astype(np.float32),
)


def fnad(fnad: Any) -> Case:
    """``vmap`` of ``grad`` under ``jit``."""

    def loss(params: Any, x: Any, y: Any) -> Any:
        return np.mean((mlp.forward(np, params, x) - y) ** 2)

    gradients = fnad.jit(fnad.vmap(fnad.grad(loss), (None, 0, 0)))
    return Case(lambda params, x, y: (params, gradients(params, x, y)), lambda: START, [BATCH])


def jax(jax: Any, jnp: Any) -> Case:
    """``vmap`` of ``grad`` under ``jit``."""

    def loss(params: Any, x: Any, y: Any) -> Any:
        return jnp.mean((mlp.forward(jnp, params, x) - y) ** 2)

    gradients = jax.jit(jax.vmap(jax.grad(loss), (None, 0, 0)))
    return Case(
        lambda params, x, y: (params, gradients(params, x, y)),
        lambda: jax.device_put(START),
        [jax.device_put(BATCH)],
    )


def torch(torch: Any) -> Case:
    """``func.vmap`` of ``func.grad``."""
    return mapped(torch, lambda function: function)


def torch_compile(torch: Any) -> Case:
    """``func.vmap`` of ``func.grad``, compiled."""
    return mapped(torch, torch.compile)


def mapped(torch: Any, compiled: Any) -> Case:
    """What both of PyTorch's ways run."""
    linear, mse_loss = torch.nn.functional.linear, torch.nn.functional.mse_loss

    def loss(params: Any, x: Any, y: Any) -> Any:
        b1, w1, b2, w2 = params
        return mse_loss(linear(torch.relu(linear(x, w1.T, b1)), w2.T, b2), y)

    gradients = compiled(torch.func.vmap(torch.func.grad(loss), (None, 0, 0)))
    return Case(
        lambda params, x, y: (params, gradients(params, x, y)),
        lambda: tuple(map(torch.tensor, mlp.leaves(START))),
        [tuple(map(torch.tensor, BATCH))],
    )


def autograd(autograd: Any, anp: Any) -> Case:
    """A tape for each example: autograd maps nothing."""

    def loss(params: Any, x: Any, y: Any) -> Any:
        return anp.mean((mlp.forward(anp, params, x) - y) ** 2)

    gradient = autograd.grad(loss)

    def step(params: Any, x: Any, y: Any) -> Any:
        each = [mlp.leaves(gradient(params, *example)) for example in zip(x, y)]
        return params, [np.stack(leaf) for leaf in zip(*each)]

    return Case(step, lambda: START, [BATCH])


def numpy(np: Any) -> Case:
    """Outer products by hand."""

    def step(params: Any, x: Any, y: Any) -> Any:
        (_, hidden), error = mlp.activations(params, x)
        error -= y
        error *= 2
        hidden_bar = error @ params[1]["w"].T
        hidden_bar *= hidden > 0
        first = {"b": hidden_bar, "w": x[:, :, None] * hidden_bar[:, None, :]}
        return params, [first, {"b": error, "w": hidden[:, :, None] * error[:, None, :]}]

    return Case(step, lambda: START, [BATCH])


def limit(limits: Any) -> Case:
    """The gradients written; what is read is a small part of them."""
    return limits.moved(EXAMPLES * sum(array.nbytes for array in mlp.leaves(START)))
