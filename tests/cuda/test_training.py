"""Models that train on the emitted PTX follow the CPU, and stay on the device while they do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import DeviceArray, nn, optim, tree
from fnad.runtime.cuda import devices

from tests.cuda.requirements import needs_cuda_compiler
from tests.ptxsim.runtime import PtxRuntime
from tests.reference.test_tutorial import X, Y, library_model, start

pytestmark = needs_cuda_compiler
STEPS = 100


def tutorial_step(params: Any, x: Any, y: Any) -> Any:
    value, grads = fnad.value_and_grad(lambda p: nn.mse(library_model(p, x), y))(params)
    return tree.map(lambda p, g: p - 0.01 * g, params, grads), value


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("donated", [(), (0,)])
def test_the_tutorial_has_the_losses_of_the_cpu(dtype: Any, donated: tuple[int, ...]) -> None:
    params, x, y = tree.map(lambda a: a.astype(dtype), (start(), X, Y))
    expected = losses_of(fnad.jit(tutorial_step, device="cpu"), params, x, y)
    with devices.use(PtxRuntime(order="rand")):
        run = fnad.jit(tutorial_step, device="cuda", donate_argnums=donated)
        got = losses_of(run, *fnad.device_put((params, x, y), "cuda"))
    assert got.dtype == expected.dtype == dtype
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert got[-1] < 0.9 * got[0]


def losses_of(step: Callable[..., Any], params: Any, *data: Any) -> np.ndarray:
    losses = []
    for _ in range(STEPS):
        params, value = step(params, *data)
        losses.append(np.asarray(value))
    return np.array(losses)


def test_a_step_brings_nothing_to_the_host_but_a_loss_that_is_read() -> None:
    runtime = PtxRuntime()
    with devices.use(runtime):
        run = fnad.jit(tutorial_step, device="cuda")
        params, *data = fnad.device_put((start(), X, Y), "cuda")
        params, value = run(params, *data)
        moved = runtime.uploaded, runtime.downloaded
        for _ in range(3):
            params, value = run(params, *data)
        assert (runtime.uploaded, runtime.downloaded) == moved
        assert all(type(leaf) is DeviceArray for leaf in tree.leaves((params, value)))
        float(value)
        assert (runtime.uploaded, runtime.downloaded) == (moved[0], moved[1] + value.nbytes)


def classifier_step(optimizer: Any) -> Callable[..., Any]:
    def loss(params: Any, x: Any, labels: Any) -> Any:
        return nn.softmax_cross_entropy(nn.mlp([12, 9, 10], nn.relu)[1](params, x), labels)

    def step(params: Any, state: Any, x: Any, labels: Any) -> Any:
        value, grads = fnad.value_and_grad(loss)(params, x, labels)
        return *optimizer.update(grads, state, params), value

    return step


def test_a_classifier_trains_with_adam_in_donated_memory() -> None:
    generator = np.random.default_rng(0)
    x, labels = generator.normal(size=(33, 12)).astype(np.float32), generator.integers(0, 10, 33)
    params = nn.mlp([12, 9, 10], nn.relu)[0](fnad.random.key(0))
    optimizer = optim.adam(lr=0.05)
    step, theirs, state = classifier_step(optimizer), params, optimizer.init(params)
    on_cpu, losses = fnad.jit(step, device="cpu"), []
    for _ in range(5):
        theirs, state, value = on_cpu(theirs, state, x, labels)
        losses.append(value)
    with devices.use(PtxRuntime(order="rev")):
        run = fnad.jit(step, device="cuda", donate_argnums=(0, 1))
        ours, state, x, labels = fnad.device_put((params, optimizer.init(params), x, labels), "cuda")
        for loss in losses:
            ours, state, value = run(ours, state, x, labels)
            np.testing.assert_allclose(value, loss, rtol=1e-5)
        for got, expected in zip(tree.leaves(ours), tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
