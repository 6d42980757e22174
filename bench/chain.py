"""The gradient of the sum of a chain of elementwise functions, in every library. The workloads choose ``x``."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.case import Case


def make_x(count: int) -> np.ndarray:
    """Normal numbers, where no function of the chain saturates."""
    return np.random.default_rng(0).normal(size=count).astype(np.float32)


def total(xp: Any, x: Any) -> Any:
    """tanh, exp, sigmoid, log1p, a product and a sum, in the NumPy of any library."""
    s = 1 / (1 + xp.exp(-xp.exp(xp.tanh(x))))
    return xp.sum(xp.log1p(s) * x)


def fnad(x: np.ndarray, fnad: Any) -> Case:
    """``grad`` under ``jit``, the sigmoid by ``nn``."""

    def loss(x: Any) -> Any:
        return np.sum(np.log1p(fnad.nn.sigmoid(np.exp(np.tanh(x)))) * x)

    gradient = fnad.jit(fnad.grad(loss))
    return Case(lambda state, x: (state, gradient(x)), lambda: (), [(x,)])


def jax(x: np.ndarray, jax: Any, jnp: Any) -> Case:
    """``grad`` under ``jit``, the sigmoid by ``nn``."""

    def loss(x: Any) -> Any:
        return jnp.sum(jnp.log1p(jax.nn.sigmoid(jnp.exp(jnp.tanh(x)))) * x)

    gradient = jax.jit(jax.grad(loss))
    return Case(lambda state, x: (state, gradient(x)), lambda: (), [(jax.device_put(x),)])


def torch(x: np.ndarray, torch: Any) -> Case:
    """Eager operations and ``torch.autograd.grad``."""

    def step(state: Any, x: Any) -> Any:
        value = (torch.log1p(torch.sigmoid(torch.exp(torch.tanh(x)))) * x).sum()
        return state, torch.autograd.grad(value, x)[0]

    return Case(step, lambda: (), [(torch.tensor(x).requires_grad_(),)])


def torch_compile(x: np.ndarray, torch: Any) -> Case:
    """``func.grad``, compiled."""

    def loss(x: Any) -> Any:
        return (torch.log1p(torch.sigmoid(torch.exp(torch.tanh(x)))) * x).sum()

    gradient = torch.compile(torch.func.grad(loss))
    return Case(lambda state, x: (state, gradient(x)), lambda: (), [(torch.tensor(x),)])


def autograd(x: np.ndarray, autograd: Any, anp: Any) -> Case:
    """A tape at each call."""
    gradient = autograd.grad(lambda x: total(anp, x))
    return Case(lambda state, x: (state, gradient(x)), lambda: (), [(x,)])


def numpy(x: np.ndarray, np: Any) -> Case:
    """The gradient by hand, in place where NumPy can; the sum itself is not needed for it."""

    def step(state: Any, x: Any) -> Any:
        t = np.tanh(x)
        e = np.exp(t)
        s = np.exp(-e)
        s += 1
        np.reciprocal(s, out=s)
        x_bar = np.log1p(s)
        chained = x / (1 + s)
        chained *= s
        chained *= 1 - s
        chained *= e
        t *= t
        np.subtract(1, t, out=t)
        chained *= t
        x_bar += chained
        return state, x_bar

    return Case(step, lambda: (), [(x,)])
