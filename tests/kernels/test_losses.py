"""The kernels of losses against NumPy in float64: values, gradients, corners, ranges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fnad.compiler.cpu.library import losses as library
from fnad.ops import losses as ops
from fnad.runtime.cpu.executor import KernelError
from scipy.special import log_softmax, softmax

from tests.compiler.kernel_running import run_launch, view_of
from tests.kernels.test_dense import DTYPES, run_ranges, tolerance

INTEGERS = [np.int64, np.int32, np.uint8, np.uint64]


def run_mse(prediction: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    losses = np.full(-(-prediction.size // ops.BLOCK), np.nan, prediction.dtype)
    gradient = np.full_like(prediction, np.nan)
    arrays = [prediction, target, losses, gradient]
    run_launch(library.mse_with_gradient(*[view_of(i, a) for i, a in enumerate(arrays)]), arrays[:2], arrays[2:])
    return losses, gradient


def run_cross_entropy(logits: np.ndarray, labels: np.ndarray, differentiated: bool = True) -> list[np.ndarray]:
    outputs = [np.full(len(logits), np.nan, logits.dtype), np.full_like(logits, np.nan)][: 2 if differentiated else 1]
    views = [view_of(i, a) for i, a in enumerate([logits, labels, *outputs])]
    run_launch(library.softmax_cross_entropy(*views), [logits, labels], outputs)
    return outputs


def expected(logits: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    logits, weights = logits.astype(float), weights.astype(float)
    losses = -np.where(weights == 0, 0, weights * log_softmax(logits, axis=1)).sum(axis=1) / len(logits)
    return losses, (weights.sum(axis=1, keepdims=True) * softmax(logits, axis=1) - weights) / len(logits)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(100, 1), (), (7,), (0, 3), (4096,), (4097,), (3, 50, 91)])
def test_mse(dtype: Any, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    prediction, target = (np.array(rng.normal(size=shape), dtype) for _ in range(2))
    losses, gradient = run_mse(prediction, target)
    error = prediction.astype(float) - target
    np.testing.assert_allclose(losses.sum(), (error**2).sum() / max(error.size, 1), **tolerance(dtype))
    np.testing.assert_allclose(gradient, 2 * error / max(error.size, 1), **tolerance(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("integer", INTEGERS)
@pytest.mark.parametrize("shape", [(128, 10), (1, 1), (0, 3), (5, 3), (3, 2500), (501, 7)])
def test_cross_entropy_of_integers(dtype: Any, integer: Any, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    logits, labels = (3 * rng.normal(size=shape)).astype(dtype), rng.integers(0, shape[1], shape[0])
    want_losses, want_gradient = expected(logits, np.eye(shape[1])[labels].reshape(shape))
    labels = (labels % 256).astype(integer) if shape[1] <= 256 else labels
    losses, gradient = run_cross_entropy(logits, labels)
    np.testing.assert_allclose(losses, want_losses, **tolerance(dtype))
    np.testing.assert_allclose(gradient, want_gradient, **tolerance(dtype))
    np.testing.assert_allclose(run_cross_entropy(logits, labels, False)[0], want_losses, **tolerance(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(128, 10), (1, 1), (0, 3), (5, 3), (3, 2500)])
def test_cross_entropy_of_weights(dtype: Any, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    logits, weights = (3 * rng.normal(size=shape)).astype(dtype), rng.uniform(size=shape).astype(dtype)
    weights[:, ::2] = 0
    want_losses, want_gradient = expected(logits, weights)
    losses, gradient = run_cross_entropy(logits, weights)
    np.testing.assert_allclose(losses, want_losses, **tolerance(dtype))
    np.testing.assert_allclose(gradient, want_gradient, **tolerance(dtype))
    np.testing.assert_allclose(run_cross_entropy(logits, weights, False)[0], want_losses, **tolerance(dtype))


@pytest.mark.parametrize("soft", [False, True])
def test_large_and_infinite_logits(soft: bool) -> None:
    logits = np.array([[1000.0, 0, -1000], [-np.inf, 0, 0], [3e38, 3e38, -3e38], [5, np.nan, 0]], np.float32)
    labels = np.array([0, 1, 1, 0])
    weights = np.eye(3, dtype=np.float32)[labels]
    losses, gradient = run_cross_entropy(logits, weights if soft else labels)
    np.testing.assert_allclose(losses[:3], np.array([0, np.log(2), np.log(2)]) / 4, rtol=1e-6)
    np.testing.assert_allclose(gradient[:3], np.array([[0, 0, 0], [0, -0.5, 0.5], [0.5, -0.5, 0]]) / 4, rtol=1e-6)
    assert np.isnan(losses[3]) and np.isnan(gradient[3]).all()


@pytest.mark.parametrize("label", [3, -1, 2**40])
@pytest.mark.parametrize("differentiated", [False, True])
def test_a_label_without_a_class(label: int, differentiated: bool) -> None:
    logits, labels = np.zeros((4, 3), np.float32), np.array([0, 2, label, 1])
    with pytest.raises(KernelError) as caught:
        run_cross_entropy(logits, labels, differentiated)
    message = str(caught.value.instruction.fails.error(caught.value.status))
    assert message.startswith("softmax_cross_entropy: requires integer labels in [0, 3)") and f"got {label}." in message
    with pytest.raises(IndexError) as interpreted:
        ops.softmax_cross_entropy_rows(logits, labels)
    assert str(interpreted.value) == message


@pytest.mark.parametrize("dtype", DTYPES)
def test_ranges_give_the_same_bits_as_the_whole(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(100, 30)).astype(dtype), rng.integers(0, 30, 100)
    whole = run_cross_entropy(logits, labels)
    parts = [np.empty_like(a) for a in whole]
    launch = library.softmax_cross_entropy(*[view_of(i, a) for i, a in enumerate([logits, labels, *parts])])
    assert run_ranges(launch, [logits, labels, *parts], [(70, 100), (0, 1), (1, 70)]) == [0, 0, 0]
    for part, all_at_once in zip(parts, whole):
        np.testing.assert_array_equal(part, all_at_once)

    prediction, target = (rng.normal(size=10000).astype(dtype) for _ in range(2))
    whole = run_mse(prediction, target)
    parts = [np.empty_like(a) for a in whole]
    launch = library.mse_with_gradient(*[view_of(i, a) for i, a in enumerate([prediction, target, *parts])])
    assert run_ranges(launch, [prediction, target, *parts], [(1, 3), (0, 1)]) == [0, 0]
    for part, all_at_once in zip(parts, whole):
        np.testing.assert_array_equal(part, all_at_once)
