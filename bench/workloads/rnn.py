"""The gradient of a tanh recurrent network: 150 steps, batch 12, 20 inputs, 40 units, float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.case import Case

TOLERANCE = 1e-3
CHECK_STEPS = 1
STEPS, ROWS, INPUTS, UNITS = 150, 12, 20, 40


def _start() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return (random.normal(size=(rows, columns)) / np.sqrt(rows)).astype(np.float32)

    zeros = np.zeros(UNITS, np.float32)
    return {"b": zeros, "u": matrix(UNITS, UNITS), "v": matrix(UNITS, 1), "w": matrix(INPUTS, UNITS)}


START = _start()
BATCH = (
    np.random.default_rng(1).normal(size=(STEPS, ROWS, INPUTS)).astype(np.float32),
    np.random.default_rng(2).normal(size=(ROWS, 1)).astype(np.float32),
)


def loss(np: Any, scan: Callable[..., Any], params: Any, xs: Any, target: Any) -> Any:
    """The mean squared error of what is read from the last state; the inputs' product is one for all steps."""
    inputs = xs @ params["w"] + params["b"]
    zero = np.zeros((ROWS, UNITS), np.float32)
    h, _ = scan(lambda h, x: (np.tanh(x + h @ params["u"]), None), zero, inputs)
    return np.mean((h @ params["v"] - target) ** 2)


def fnad(fnad: Any) -> Case:
    """``scan`` and ``grad`` under ``jit``."""
    gradient = fnad.jit(fnad.grad(lambda params, xs, target: loss(np, fnad.scan, params, xs, target)))
    return Case(lambda params, xs, target: (params, gradient(params, xs, target)), lambda: START, [BATCH])


def jax(jax: Any, jnp: Any) -> Case:
    """``lax.scan`` and ``grad`` under ``jit``."""
    gradient = jax.jit(jax.grad(lambda params, xs, target: loss(jnp, jax.lax.scan, params, xs, target)))
    return Case(
        lambda params, xs, target: (params, gradient(params, xs, target)),
        lambda: jax.device_put(START),
        [jax.device_put(BATCH)],
    )


def torch(torch: Any) -> Case:
    """``nn.RNN``, one operation for all steps; the gradients are those of the same weights, transposed."""
    rnn = torch.nn.RNN(INPUTS, UNITS)
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(torch.tensor(START["w"].T))
        rnn.weight_hh_l0.copy_(torch.tensor(START["u"].T))
        rnn.bias_ih_l0.zero_()
        rnn.bias_hh_l0.zero_()
    v = torch.tensor(START["v"]).requires_grad_()
    weights = [rnn.bias_ih_l0, rnn.weight_hh_l0, v, rnn.weight_ih_l0]

    def step(state: Any, xs: Any, target: Any) -> Any:
        _, h = rnn(xs)
        value = torch.nn.functional.mse_loss(h[0] @ v, target)
        b, u, readout, w = torch.autograd.grad(value, weights)
        return state, [b, u.T, readout, w.T]

    return Case(step, lambda: (), [tuple(map(torch.tensor, BATCH))])


def numpy(np: Any) -> Case:
    """Backpropagation through time by hand, the products with the inputs' weights as one."""

    def step(params: Any, xs: Any, target: Any) -> Any:
        inputs = (xs.reshape(-1, INPUTS) @ params["w"] + params["b"]).reshape(STEPS, ROWS, UNITS)
        states = np.zeros((STEPS + 1, ROWS, UNITS), np.float32)
        for t in range(STEPS):
            np.tanh(inputs[t] + states[t] @ params["u"], out=states[t + 1])
        error = states[-1] @ params["v"] - target
        error *= 2 / error.size
        h_bar, bars = error @ params["v"].T, np.empty_like(inputs)
        for t in reversed(range(STEPS)):
            bars[t] = h_bar * (1 - states[t + 1] ** 2)
            h_bar = bars[t] @ params["u"].T
        flat = bars.reshape(-1, UNITS)
        return params, {
            "b": flat.sum(axis=0),
            "u": states[:-1].reshape(-1, UNITS).T @ flat,
            "v": states[-1].T @ error,
            "w": xs.reshape(-1, INPUTS).T @ flat,
        }

    return Case(step, lambda: START, [BATCH])


def autograd(autograd: Any, anp: Any) -> Case:
    """A loop in Python on a tape."""

    def scan(body: Any, carry: Any, xs: Any) -> Any:
        for i in range(STEPS):
            carry, _ = body(carry, xs[i])
        return carry, None

    gradient = autograd.grad(lambda params, xs, target: loss(anp, scan, params, xs, target))
    return Case(lambda params, xs, target: (params, gradient(params, xs, target)), lambda: START, [BATCH])
