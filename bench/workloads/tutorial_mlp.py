"""One training step of the tutorial model: MLP 10-5-1, mean squared error, SGD, batch 100, float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import mlp
from bench.case import Case

TOLERANCE = 1e-4
CHECK_STEPS = 100
LEARNING_RATE = 0.01
START = mlp.start((10, 5, 1))


def make_batch() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    return generator.normal(size=(100, 10)).astype(np.float32), generator.normal(size=(100, 1)).astype(np.float32)


BATCH = make_batch()


def fnad(fnad: Any) -> Case:
    """The whole step under ``jit``, parameters donated."""

    def loss(params: Any, x: Any, y: Any) -> Any:
        return np.mean((mlp.forward(np, params, x) - y) ** 2)

    def step(params: Any, x: Any, y: Any) -> Any:
        value, grads = fnad.value_and_grad(loss)(params, x, y)
        return fnad.tree.map(lambda p, g: p - LEARNING_RATE * g, params, grads), value

    return Case(fnad.jit(step, donate_argnums=0), lambda: mlp.copy(START), [BATCH])


def jax(jax: Any, jnp: Any) -> Case:
    """The whole step under ``jit``, parameters donated, all arrays on the device."""

    def loss(params: Any, x: Any, y: Any) -> Any:
        return jnp.mean((mlp.forward(jnp, params, x) - y) ** 2)

    def step(params: Any, x: Any, y: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params, x, y)
        return jax.tree.map(lambda p, g: p - LEARNING_RATE * g, params, grads), value

    return Case(jax.jit(step, donate_argnums=0), lambda: jax.device_put(mlp.copy(START)), [jax.device_put(BATCH)])


def torch(torch: Any) -> Case:
    """Functional layers and a fused update: seen faster than ``nn.Sequential`` with ``optim.SGD``."""
    linear, mse_loss = torch.nn.functional.linear, torch.nn.functional.mse_loss

    def step(params: Any, x: Any, y: Any) -> Any:
        b1, w1, b2, w2 = params
        value = mse_loss(linear(torch.relu(linear(x, w1, b1)), w2, b2), y)
        grads = torch.autograd.grad(value, params)
        with torch.no_grad():
            torch._foreach_add_(params, grads, alpha=-LEARNING_RATE)
        return params, value.detach()

    def start() -> Any:
        return [torch.tensor(array.T).requires_grad_() for array in mlp.leaves(START)]

    return Case(step, start, [tuple(map(torch.tensor, BATCH))])


def torch_compile(torch: Any) -> Case:
    """The whole step as one function of the parameters: seen faster than a compiled loss or a compiled eager step."""
    linear, mse_loss = torch.nn.functional.linear, torch.nn.functional.mse_loss

    def loss(params: Any, x: Any, y: Any) -> Any:
        b1, w1, b2, w2 = params
        return mse_loss(linear(torch.relu(linear(x, w1, b1)), w2, b2), y)

    def step(params: Any, x: Any, y: Any) -> Any:
        grads, value = torch.func.grad_and_value(loss)(params, x, y)
        return tuple([p - LEARNING_RATE * g for p, g in zip(params, grads)]), value

    def start() -> Any:
        return tuple([torch.tensor(array.T) for array in mlp.leaves(START)])

    return Case(torch.compile(step), start, [tuple(map(torch.tensor, BATCH))])


def autograd(autograd: Any, anp: Any) -> Case:
    """A tape at each call, and the update in place."""

    def loss(params: Any, x: Any, y: Any) -> Any:
        return anp.mean((mlp.forward(anp, params, x) - y) ** 2)

    gradient = autograd.value_and_grad(loss)

    def step(params: Any, x: Any, y: Any) -> Any:
        value, grads = gradient(params, x, y)
        mlp.descend(params, grads, LEARNING_RATE)
        return params, value

    return Case(step, lambda: mlp.copy(START), [BATCH])


def numpy(np: Any) -> Case:
    """The gradients by hand, in place where NumPy can."""

    def step(params: Any, x: Any, y: Any) -> Any:
        inputs, error = mlp.activations(params, x)
        error -= y
        value = np.vdot(error, error) / error.size
        error *= 2 / error.size
        mlp.descend(params, mlp.backward(params, inputs, error), LEARNING_RATE)
        return params, value

    return Case(step, lambda: mlp.copy(START), [BATCH])
