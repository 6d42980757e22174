"""One training step on the digits: MLP 64-128-128-10, softmax cross-entropy, Adam, batch 128, float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench import mlp
from bench.case import Case

TOLERANCE = 1e-3
CHECK_STEPS = 28
BATCH_SIZE = 128
LEARNING_RATE, B1, B2, EPS = 1e-3, 0.9, 0.999, 1e-8
START = mlp.start((64, 128, 128, 10))
DIGITS = Path(__file__).parents[2] / "fnad" / "data" / "digits.npz"


def make_batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """All full batches in the order of the file; read from it, so that peers run without fnad."""
    with np.load(DIGITS) as stored:
        images, labels = stored["images"].astype(np.float32) / 16, stored["labels"].astype(np.int64)
    starts = range(0, len(labels) - BATCH_SIZE + 1, BATCH_SIZE)
    return [(images[i : i + BATCH_SIZE], labels[i : i + BATCH_SIZE]) for i in starts]


BATCHES = make_batches()


def fnad(fnad: Any) -> Case:
    """The whole step under ``jit``, parameters and state donated."""
    optimizer = fnad.optim.adam(LEARNING_RATE, B1, B2, EPS)

    def loss(params: Any, x: Any, labels: Any) -> Any:
        return fnad.nn.softmax_cross_entropy(mlp.forward(np, params, x), labels)

    def step(carry: Any, x: Any, labels: Any) -> Any:
        params, state = carry
        value, grads = fnad.value_and_grad(loss)(params, x, labels)
        return optimizer.update(grads, state, params), value

    def start() -> Any:
        params = mlp.copy(START)
        return params, optimizer.init(params)

    return Case(fnad.jit(step, donate_argnums=0), start, BATCHES)


def jax(jax: Any, jnp: Any) -> Case:
    """The whole step under ``jit``, parameters and state donated, all arrays on the device."""

    def loss(params: Any, x: Any, labels: Any) -> Any:
        logits = jax.nn.log_softmax(mlp.forward(jnp, params, x))
        return -jnp.mean(jnp.take_along_axis(logits, labels[:, None], axis=1))

    def step(carry: Any, x: Any, labels: Any) -> Any:
        count, params, mean, square = carry
        value, grads = jax.value_and_grad(loss)(params, x, labels)
        count = count + 1
        mean = jax.tree.map(lambda m, g: B1 * m + (1 - B1) * g, mean, grads)
        square = jax.tree.map(lambda s, g: B2 * s + (1 - B2) * g * g, square, grads)
        rate, correction = LEARNING_RATE / (1 - B1**count), jnp.sqrt(1 - B2**count)
        params = jax.tree.map(lambda p, m, s: p - rate * m / (jnp.sqrt(s) / correction + EPS), params, mean, square)
        return (count, params, mean, square), value

    def start() -> Any:
        zeros = jax.tree.map(np.zeros_like, START)
        return jax.device_put((np.int32(0), mlp.copy(START), zeros, mlp.copy(zeros)))

    return Case(jax.jit(step, donate_argnums=0), start, jax.device_put(BATCHES))


def torch(torch: Any) -> Case:
    """``nn.Sequential`` and fused Adam: seen faster than Adam with and without ``foreach``."""

    def step(carry: Any, x: Any, labels: Any) -> Any:
        model, optimizer = carry
        value = torch.nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()
        return carry, value.detach()

    def start() -> Any:
        nn, sizes = torch.nn, [len(layer["w"]) for layer in START]
        first, second, last = (nn.Linear(m, n) for m, n in zip(sizes, [*sizes[1:], 10]))
        model = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last)
        for linear, layer in zip((first, second, last), START):
            linear.weight.data.copy_(torch.tensor(layer["w"].T))
            linear.bias.data.copy_(torch.tensor(layer["b"]))
        return model, torch.optim.Adam(model.parameters(), LEARNING_RATE, (B1, B2), EPS, fused=True)

    return Case(step, start, [tuple(map(torch.tensor, batch)) for batch in BATCHES])


def torch_compile(torch: Any) -> Case:
    """The whole step with Adam written out as one function of parameters and state, as in ``tutorial_mlp``."""
    linear, cross_entropy = torch.nn.functional.linear, torch.nn.functional.cross_entropy

    def loss(params: Any, x: Any, labels: Any) -> Any:
        b1, w1, b2, w2, b3, w3 = params
        hidden = torch.relu(linear(torch.relu(linear(x, w1, b1)), w2, b2))
        return cross_entropy(linear(hidden, w3, b3), labels)

    def step(carry: Any, x: Any, labels: Any) -> Any:
        count, params, mean, square = carry
        grads, value = torch.func.grad_and_value(loss)(params, x, labels)
        count = count + 1
        mean = tuple([B1 * m + (1 - B1) * g for m, g in zip(mean, grads)])
        square = tuple([B2 * s + (1 - B2) * g * g for s, g in zip(square, grads)])
        rate, correction = LEARNING_RATE / (1 - B1**count), torch.sqrt(1 - B2**count)
        updates = [rate * m / (torch.sqrt(s) / correction + EPS) for m, s in zip(mean, square)]
        return (count, tuple([p - u for p, u in zip(params, updates)]), mean, square), value

    def start() -> Any:
        params = tuple([torch.tensor(array.T).contiguous() for array in mlp.leaves(START)])
        zeros = tuple(map(torch.zeros_like, params))
        return torch.tensor(0.0), params, zeros, zeros

    return Case(torch.compile(step), start, [tuple(map(torch.tensor, batch)) for batch in BATCHES])


def autograd(autograd: Any, anp: Any) -> Case:
    """A tape at each call, and the update in place."""

    def loss(params: Any, x: Any, labels: Any) -> Any:
        logits = mlp.forward(anp, params, x)
        shifted = logits - anp.max(logits, axis=1, keepdims=True)
        chosen = shifted[np.arange(len(labels)), labels]
        return anp.mean(anp.log(anp.sum(anp.exp(shifted), axis=1)) - chosen)

    gradient = autograd.value_and_grad(loss)

    def step(carry: Any, x: Any, labels: Any) -> Any:
        value, grads = gradient(carry[1], x, labels)
        return adam(carry, grads), value

    return Case(step, start_adam, BATCHES)


def numpy(np: Any) -> Case:
    """The gradients by hand, in place where NumPy can."""

    def step(carry: Any, x: Any, labels: Any) -> Any:
        inputs, logits = mlp.activations(carry[1], x)
        value, logits_bar = mlp.cross_entropy(logits, labels)
        return adam(carry, mlp.backward(carry[1], inputs, logits_bar)), value

    return Case(step, start_adam, BATCHES)


def limit(limits: Any) -> Case:
    """The products of all layers, forward and backward."""
    return limits.products(mlp.products(START, BATCH_SIZE))


def start_adam() -> tuple[int, mlp.Params, list[np.ndarray], list[np.ndarray]]:
    """Steps taken, parameters, and the two running averages, for the libraries that run NumPy."""
    zeros = [np.zeros_like(array) for array in mlp.leaves(START)]
    return 0, mlp.copy(START), zeros, [array.copy() for array in zeros]


def adam(carry: Any, grads: mlp.Params) -> Any:
    """One update by Adam, in place."""
    count, params, mean, square = carry
    count += 1
    rate, correction = LEARNING_RATE / (1 - B1**count), (1 - B2**count) ** 0.5
    for p, g, m, s in zip(mlp.leaves(params), mlp.leaves(grads), mean, square):
        m *= B1
        m += (1 - B1) * g
        s *= B2
        s += (1 - B2) * (g * g)
        denominator = np.sqrt(s)
        denominator /= correction
        denominator += EPS
        p -= rate * m / denominator
    return count, params, mean, square
