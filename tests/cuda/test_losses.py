"""Losses on a GPU: the meaning of the primitives, whatever the order of threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fnad.compiler.cuda.library import losses as library
from fnad.compiler.cuda.lower import LAUNCHES
from fnad.interpreter.evaluate import QUIET
from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType
from fnad.ops.losses import (
    mse_with_gradient, softmax_cross_entropy_rows, softmax_cross_entropy_with_gradient,
)
from fnad.runtime.plan import GridLaunch

from tests.cuda.library_running import DEVICES, ONE, Device, same_results
from tests.cuda.requirements import needs_cuda_compiler

pytestmark = needs_cuda_compiler

TOLERANCE = {"float32": 2e-6, "float64": 1e-14}


def expected_and_found(
    primitive: Primitive, inputs: list[np.ndarray], devices: Any = DEVICES,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """By the meaning in float64, in the dtypes that are given, and by the launches."""
    wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in inputs]
    with np.errstate(**QUIET):
        results = primitive.evaluate(*wide)
    expected = [np.asarray(r) for r in (results if isinstance(results, tuple) else (results,))]
    kinds = [ArrayType(r.shape, inputs[0].dtype if r.dtype.kind == "f" else r.dtype) for r in expected]
    return expected, same_results(LAUNCHES[primitive], inputs, kinds, devices)


def check(primitive: Primitive, inputs: list[np.ndarray], devices: Any = DEVICES) -> None:
    tolerance = TOLERANCE[inputs[0].dtype.name]
    for expected, found in zip(*expected_and_found(primitive, inputs, devices), strict=True):
        # What is added up is of the size of the largest term.
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale)


def normal(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(0,), (1,), (31, 33), (4097,)])
def test_mean_squared_error(shape: tuple[int, ...], dtype: str) -> None:
    check(mse_with_gradient, [normal(shape, dtype), normal(shape, dtype, 1)])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_mean_squared_error_of_arrays_that_are_not_aligned(dtype: str) -> None:
    device, x, y = Device(), normal((101,), dtype), normal((101,), dtype, 1)
    given = [device.array(a.shape, dtype, a, 8) for a in (x, y)]
    losses, gradient = device.array((1,), dtype), device.array((101,), dtype)
    device.run(library.mse_with_gradient(*given, losses, gradient))
    np.testing.assert_allclose(device.read(losses), [np.mean((x - y) ** 2)], rtol=1e-5)
    np.testing.assert_allclose(device.read(gradient), 2 / 101 * (x - y), rtol=1e-6)


ROWS = [(1, 1), (5, 10), (33, 33), (3, 1025), (0, 4)]
"""By a lane, by part of a warp, by a warp, by a block; and none."""


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", ROWS)
def test_cross_entropy_of_classes(shape: tuple[int, int], dtype: str) -> None:
    labels = np.random.default_rng(1).integers(0, shape[1], shape[0])
    check(softmax_cross_entropy_with_gradient, [normal(shape, dtype) * 9, labels])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", ROWS)
def test_cross_entropy_of_probabilities(shape: tuple[int, int], dtype: str) -> None:
    check(softmax_cross_entropy_with_gradient, [normal(shape, dtype) * 9, np.abs(normal(shape, dtype, 1))])


@pytest.mark.parametrize("kind", ["int64", "uint8", "float32"])
def test_cross_entropy_without_a_gradient(kind: str) -> None:
    labels = np.random.default_rng(1).integers(0, 12, 9) if kind != "float32" else np.abs(normal((9, 12), kind))
    check(softmax_cross_entropy_rows, [normal((9, 12), "float32"), labels.astype(kind)], ONE)


def test_logits_that_are_not_finite() -> None:
    logits = normal((5, 40), "float32")
    logits[0, 3], logits[1, 3], logits[2, 3], logits[3] = np.nan, np.inf, -np.inf, -np.inf
    check(softmax_cross_entropy_with_gradient, [logits, np.array([3, 0, 0, 0, 3])], ONE)
    weights = np.abs(normal((5, 40), "float32", 1))
    weights[2, 3] = 0  # counts for nothing
    check(softmax_cross_entropy_with_gradient, [logits, weights], ONE)


@pytest.mark.parametrize("classes", [12, 1025])
@pytest.mark.parametrize("label", [-1, 2000])
def test_a_label_that_names_no_class_is_reported_and_its_row_left_out(label: int, classes: int) -> None:
    device = Device()
    logits = device.array((3, classes), "float32", normal((3, classes), "float32"))
    labels = device.array((3,), "int64", np.array([0, label, 2]))
    losses, gradient = (device.array(shape, "float32") for shape in ((3,), (3, classes)))
    with pytest.raises(IndexError, match=rf"integer labels in \[0, {classes}\), the number of logits .* got {label}\."):
        device.run(library.softmax_cross_entropy(logits, labels, losses, gradient))
    # Memory is nan before.
    assert np.isnan(device.read(losses)).tolist() == [False, True, False]
    assert np.isnan(device.read(gradient)).all(axis=1).tolist() == [False, True, False]


def test_kernels_do_not_depend_on_sizes() -> None:
    """Other batches run the same code."""
    device = Device()

    def kernels(m: int) -> list[Any]:
        x, y = device.array((m, 10), "float32"), device.array((m,), "int64")
        launches = library.softmax_cross_entropy(x, y, device.array((m,), "float32"), x)
        launches += library.mse_with_gradient(x, x, device.array((1,), "float32"), x)
        return [launch.kernel for launch in launches if isinstance(launch, GridLaunch)]

    assert kernels(3) == kernels(300)
