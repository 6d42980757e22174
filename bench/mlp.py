"""The start and the forward pass that the workloads' multi-layer perceptrons share.

Parameters are a list of ``{"b", "w"}``, a layer each, with ``w`` of shape (in, out).
"""

from __future__ import annotations

from typing import Any

import numpy as np

Params = list[dict[str, Any]]


def start(sizes: tuple[int, ...], seed: int = 0) -> Params:
    """Uniform float32 weights within 1 / sqrt(inputs), as PyTorch draws them."""
    generator = np.random.default_rng(seed)

    def draw(inputs: int, *shape: int) -> np.ndarray:
        return generator.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(inputs))

    return [{"b": draw(m, n), "w": draw(m, m, n)} for m, n in zip(sizes, sizes[1:])]


def forward(xp: Any, params: Params, x: Any) -> Any:
    """The outputs, ReLU between the layers, in the NumPy of any library."""
    *hidden, last = params
    for layer in hidden:
        x = xp.maximum(x @ layer["w"] + layer["b"], 0)
    return x @ last["w"] + last["b"]


def leaves(params: Params) -> list[Any]:
    """The arrays of the parameters, in the order of sorted keys."""
    return [layer[key] for layer in params for key in ("b", "w")]


def copy(params: Params) -> Params:
    """Arrays of its own, for a step that writes in place."""
    return [{key: array.copy() for key, array in layer.items()} for layer in params]


def backward(params: Params, inputs: list[np.ndarray], output_bar: np.ndarray) -> Params:
    """The gradients by hand: ``inputs`` holds the input of every layer, ``output_bar`` the cotangent of the outputs."""
    grads: Params = []
    for layer, x in zip(reversed(params), reversed(inputs)):
        grads.append({"b": output_bar.sum(axis=0), "w": x.T @ output_bar})
        if len(grads) < len(params):
            output_bar = output_bar @ layer["w"].T
            output_bar *= x > 0
    return grads[::-1]


def activations(params: Params, x: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """The input of every layer and the outputs, with NumPy in place where it can."""
    inputs = []
    for layer in params:
        inputs.append(x)
        x = x @ layer["w"]
        x += layer["b"]
        if layer is not params[-1]:
            np.maximum(x, 0, out=x)
    return inputs, x


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[Any, np.ndarray]:
    """The mean softmax cross-entropy and its gradient by hand, which takes the place of the logits."""
    rows = np.arange(len(labels))
    logits -= logits.max(axis=1, keepdims=True)
    chosen = logits[rows, labels]
    probabilities = np.exp(logits, out=logits)
    total = probabilities.sum(axis=1, keepdims=True)
    value = np.mean(np.log(total[:, 0]) - chosen)
    probabilities /= total
    probabilities[rows, labels] -= 1
    probabilities /= len(labels)
    return value, probabilities


def descend(params: Params, grads: Params, learning_rate: float) -> None:
    """``p -= learning_rate * g`` for every array."""
    for p, g in zip(leaves(params), leaves(grads)):
        p -= learning_rate * g


def products(params: Params, rows: int) -> list[tuple[int, int, int]]:
    """The (m, k, n) of the matrix products of loss and gradients; the rows themselves need no gradient."""
    shapes = [layer["w"].shape for layer in params]
    forward = [(rows, m, n) for m, n in shapes]
    weights = [(m, rows, n) for m, n in shapes]
    inputs = [(rows, n, m) for m, n in shapes[1:]]
    return forward + weights + inputs
