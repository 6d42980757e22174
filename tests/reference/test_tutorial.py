"""The tutorial model, from PyTorch's start on PyTorch's data, follows PyTorch's losses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import nn, optim

REFERENCE = np.load(Path(__file__).with_name("tutorial.npz"))
X, Y, LOSSES = REFERENCE["x"], REFERENCE["y"], REFERENCE["losses"]


def start() -> Any:
    return [{"w": REFERENCE[f"w{i}"], "b": REFERENCE[f"b{i}"]} for i in (1, 2)]


def library_model(params: Any, x: Any) -> Any:
    return nn.mlp([10, 5, 1], nn.relu)[1](params, x)


def plain_numpy_model(params: Any, x: Any) -> Any:
    hidden, last = params
    return np.maximum(x @ hidden["w"] + hidden["b"], 0) @ last["w"] + last["b"]


def library_loss(params: Any) -> Any:
    return nn.mse(library_model(params, X), Y)


def plain_numpy_loss(params: Any) -> Any:
    return np.mean((plain_numpy_model(params, X) - Y) ** 2)


@pytest.mark.parametrize("loss", [library_loss, plain_numpy_loss])
def test_follows_every_loss_of_pytorch(loss: Any) -> None:
    optimizer = optim.sgd(lr=0.01)

    @fnad.jit
    def step(params: Any, state: Any) -> Any:
        value, grads = fnad.value_and_grad(loss)(params)
        return *optimizer.update(grads, state, params), value

    params = start()
    state = optimizer.init(params)
    losses = []
    for _ in LOSSES:
        params, state, value = step(params, state)
        losses.append(value)
    assert np.asarray(losses).dtype == np.float32
    np.testing.assert_allclose(losses, LOSSES, rtol=1e-4, atol=0)


def test_the_reference_is_a_training_that_learns() -> None:
    assert (X.shape, Y.shape, LOSSES.shape) == ((100, 10), (100, 1), (1000,))
    assert {REFERENCE[name].dtype for name in ("x", "y", "w1", "b1", "w2", "b2")} == {np.dtype(np.float32)}
    assert np.all(np.diff(LOSSES) < 0) and LOSSES[-1] < 0.7 * LOSSES[0]
    np.testing.assert_allclose(plain_numpy_loss(start()), LOSSES[0], rtol=1e-6)
