"""The dense layer of a GPU against NumPy, in every order of threads."""

from typing import Any

import numpy as np
import pytest

from fnad.compiler.cuda.library import dense as library
from fnad.compiler.cuda.lower import LAUNCHES
from fnad.ops.dense import dense, relu_backward_sum
from fnad.runtime.plan import GridLaunch
from tests.cuda.launching import Memory, assert_near, draw, run_in_every_order
from tests.cuda.requirements import needs_cuda_compiler

pytestmark = needs_cuda_compiler

CAPABILITIES = [(8, 0), (10, 0)]


def check_dense(
    m: int, k: int, n: int, dtype: str = "float32", relu: bool = True, capability: tuple[int, int] = (8, 0),
) -> list[GridLaunch]:
    rng = np.random.default_rng(m + k + n)
    x, w, b = (draw(rng, shape, dtype) for shape in ((m, k), (k, n), (n,)))
    made: list[GridLaunch] = []

    def build(memory: Memory) -> Any:
        views = [memory.hold(operand) for operand in (x, w, b, np.full((m, n), np.nan, dtype))]
        made[:] = LAUNCHES[dense](views[:3], views[3:], memory.workspace, relu=relu)
        return made, views[3:]

    (found,) = run_in_every_order(build, capability)
    sums = x.astype("float64") @ w + b
    terms = np.abs(x).astype("float64") @ np.abs(w) + np.abs(b)
    assert_near(found, np.maximum(sums, 0) if relu else sums, terms, k)
    return made


@pytest.mark.parametrize(
    ("sizes", "dtype", "relu"),
    [
        *(((37, 21, 41), dtype, relu) for dtype in ("float32", "float64") for relu in (False, True)),
        *(((36, 20, 40), dtype, True) for dtype in ("float32", "float64")),
        *((sizes, "float32", relu) for sizes in ((30, 600, 1), (1, 30, 20), (37, 0, 41)) for relu in (False, True)),
    ],
)
def test_a_dense_layer(sizes: Any, dtype: str, relu: bool) -> None:
    assert len(check_dense(*sizes, dtype, relu)) == 1


@pytest.mark.parametrize("sizes", [(30, 600, 12), (3, 9000, 1), (1, 9000, 3)])
def test_a_dense_layer_whose_sums_are_made_in_pieces(sizes: Any) -> None:
    assert len(check_dense(*sizes)) == 2


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_layers_of_a_realistic_size(capability: tuple[int, int]) -> None:
    assert len(check_dense(128, 784, 256, capability=capability)) == 2  # long sums of few blocks
    assert len(check_dense(128, 256, 10, relu=False, capability=capability)) == 1


def test_relu_keeps_nan_and_makes_minus_zero_zero() -> None:
    x, w = np.array([[np.nan], [-0.0], [2.0], [-3.0]], "float32"), np.ones((1, 2), "float32")

    def build(memory: Memory) -> Any:
        views = [memory.hold(operand) for operand in (x, w, np.full(2, -0.0, "float32"), np.zeros((4, 2), "float32"))]
        return library.dense(*views, memory.workspace, True), views[3:]

    (found,) = run_in_every_order(build)
    np.testing.assert_array_equal(found[:, 0], [np.nan, 0, 2, 0])
    assert not np.signbit(found[1:]).any()


@pytest.mark.parametrize(("dtype", "capability"), [("float32", (8, 0)), ("float64", (10, 0))])
@pytest.mark.parametrize("sizes", [(37, 40), (37, 41), (300, 36), (150, 5), (0, 4), (3, 0)])
def test_the_backward_pass_of_relu_with_its_sums(sizes: Any, dtype: str, capability: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    g, y = draw(rng, sizes, dtype), draw(rng, sizes, dtype)
    y[::3] = 0
    blank = np.full(sizes, np.nan, dtype)

    def build(memory: Memory) -> Any:
        views = [memory.hold(operand) for operand in (g, y, blank, np.full(sizes[1], np.nan, dtype))]
        return LAUNCHES[relu_backward_sum](views[:2], views[2:], memory.workspace), views[2:]

    masked, sums = run_in_every_order(build, capability)
    expected = np.where(y > 0, g, 0)
    np.testing.assert_array_equal(masked, expected)
    assert_near(sums, expected.astype("float64").sum(0), np.abs(expected).sum(0), sizes[0])
