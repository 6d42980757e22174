"""A training step of an MLP that tells classes apart: softmax cross-entropy and SGD, in every library.

The workloads choose ``start``, the parameters, and ``batches``, pairs of rows and labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import mlp
from bench.case import Case

LEARNING_RATE = 0.1
Batches = list[tuple[np.ndarray, np.ndarray]]


def make_batches(count: int, rows: int, inputs: int, classes: int) -> Batches:
    """Noise, and labels that say nothing: the work is the same."""
    random = np.random.default_rng(1)
    return [
        (random.normal(size=(rows, inputs)).astype(np.float32), random.integers(0, classes, rows)) for _ in range(count)
    ]


def fnad(start: mlp.Params, batches: Batches, fnad: Any) -> Case:
    """The whole step under ``jit``, parameters donated."""

    def loss(params: Any, x: Any, labels: Any) -> Any:
        return fnad.nn.softmax_cross_entropy(mlp.forward(np, params, x), labels)

    def step(params: Any, x: Any, labels: Any) -> Any:
        value, grads = fnad.value_and_grad(loss)(params, x, labels)
        return fnad.tree.map(lambda p, g: p - LEARNING_RATE * g, params, grads), value

    return Case(fnad.jit(step, donate_argnums=0), lambda: mlp.copy(start), batches)


def jax(start: mlp.Params, batches: Batches, jax: Any, jnp: Any) -> Case:
    """The whole step under ``jit``, parameters donated, all arrays on the device."""

    def loss(params: Any, x: Any, labels: Any) -> Any:
        logits = jax.nn.log_softmax(mlp.forward(jnp, params, x))
        return -jnp.mean(jnp.take_along_axis(logits, labels[:, None], axis=1))

    def step(params: Any, x: Any, labels: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params, x, labels)
        return jax.tree.map(lambda p, g: p - LEARNING_RATE * g, params, grads), value

    return Case(
        jax.jit(step, donate_argnums=0), lambda: jax.device_put(mlp.copy(start)), jax.device_put(batches)
    )


def torch(start: mlp.Params, batches: Batches, torch: Any) -> Case:
    """Functional layers and one update of all parameters, as in ``tutorial_mlp``."""
    linear, cross_entropy = torch.nn.functional.linear, torch.nn.functional.cross_entropy

    def step(params: Any, x: Any, labels: Any) -> Any:
        *hidden, last = zip(params[::2], params[1::2])
        for b, w in hidden:
            x = torch.relu(linear(x, w, b))
        value = cross_entropy(linear(x, last[1], last[0]), labels)
        grads = torch.autograd.grad(value, params)
        with torch.no_grad():
            torch._foreach_add_(params, grads, alpha=-LEARNING_RATE)
        return params, value.detach()

    def begin() -> Any:
        return [torch.tensor(array.T).contiguous().requires_grad_() for array in mlp.leaves(start)]

    return Case(step, begin, [tuple(map(torch.tensor, batch)) for batch in batches])


def torch_compile(start: mlp.Params, batches: Batches, torch: Any) -> Case:
    """The whole step as one function of the parameters, as in ``tutorial_mlp``."""
    linear, cross_entropy = torch.nn.functional.linear, torch.nn.functional.cross_entropy

    def loss(params: Any, x: Any, labels: Any) -> Any:
        *hidden, last = zip(params[::2], params[1::2])
        for b, w in hidden:
            x = torch.relu(linear(x, w, b))
        return cross_entropy(linear(x, last[1], last[0]), labels)

    def step(params: Any, x: Any, labels: Any) -> Any:
        grads, value = torch.func.grad_and_value(loss)(params, x, labels)
        return tuple([p - LEARNING_RATE * g for p, g in zip(params, grads)]), value

    def begin() -> Any:
        return tuple([torch.tensor(array.T).contiguous() for array in mlp.leaves(start)])

    return Case(torch.compile(step), begin, [tuple(map(torch.tensor, batch)) for batch in batches])


def autograd(start: mlp.Params, batches: Batches, autograd: Any, anp: Any) -> Case:
    """A tape at each call, and the update in place."""

    def loss(params: Any, x: Any, labels: Any) -> Any:
        logits = mlp.forward(anp, params, x)
        shifted = logits - anp.max(logits, axis=1, keepdims=True)
        chosen = shifted[np.arange(len(labels)), labels]
        return anp.mean(anp.log(anp.sum(anp.exp(shifted), axis=1)) - chosen)

    gradient = autograd.value_and_grad(loss)

    def step(params: Any, x: Any, labels: Any) -> Any:
        value, grads = gradient(params, x, labels)
        mlp.descend(params, grads, LEARNING_RATE)
        return params, value

    return Case(step, lambda: mlp.copy(start), batches)


def numpy(start: mlp.Params, batches: Batches, np: Any) -> Case:
    """The gradients by hand, in place where NumPy can."""

    def step(params: Any, x: Any, labels: Any) -> Any:
        inputs, logits = mlp.activations(params, x)
        value, logits_bar = mlp.cross_entropy(logits, labels)
        mlp.descend(params, mlp.backward(params, inputs, logits_bar), LEARNING_RATE)
        return params, value

    return Case(step, lambda: mlp.copy(start), batches)


def limit(start: mlp.Params, batches: Batches, limits: Any) -> Case:
    """The products of all layers, forward and backward."""
    return limits.products(mlp.products(start, len(batches[0][0])))
