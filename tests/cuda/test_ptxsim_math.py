"""Functions of CUDA's mathematical library, run from PTX, against NumPy in float64 and within CUDA's bounds."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from tests.cuda.ptx_kernels import compiled, run
from tests.cuda.requirements import needs_cuda_compiler

pytestmark = needs_cuda_compiler

# Expression of v, reference, whether v must be positive, the bound in units of the last place.
FUNCTIONS: dict[str, tuple[str, Callable, bool, float]] = {
    "exp": ("math.exp(v)", np.exp, False, 2),
    "log": ("math.log(v)", np.log, True, 1),
    "tanh": ("math.tanh(v)", np.tanh, False, 2),
    "erf": ("math.erf(v)", np.vectorize(math.erf), False, 2),
    "sqrt": ("math.sqrt(v)", np.sqrt, True, 0.5),
    "sin": ("math.sin(v)", np.sin, False, 2),
    "cos": ("math.cos(v)", np.cos, False, 2),
    "pow": ("v ** float32(2.5)", lambda v: v**2.5, True, 4),
    "log1p": ("math.log1p(v)", np.log1p, True, 1),
    "expm1": ("math.expm1(v)", np.expm1, False, 1.5),
    "floor": ("math.floor(v)", np.floor, False, 0),
    "divide": ("float32(3) / v", lambda v: 3 / v, False, 0.5),
    "sigmoid": ("float32(1) / (float32(1) + math.exp(-v))", lambda v: 1 / (1 + np.exp(-v)), False, 3),
}


@pytest.mark.parametrize("capability", [(8, 0), (10, 0)], ids=["sm_80", "sm_100"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_float32(name: str, capability: tuple[int, int]) -> None:
    expression, reference, positive, bound = FUNCTIONS[name]
    x = (np.random.default_rng(0).standard_normal(1024) * 3).astype(np.float32)
    if positive:
        x = abs(x) + np.float32(1e-3)
    elif name in ("sin", "cos"):
        x[:20] *= 50
        x[0] = 1e6
    y = np.zeros_like(x)
    ptx = compiled("x, y", ("float32", "float32"), f"v = x[i]\ny[i] = {expression}", 256, capability)
    run(ptx, 4, 256, x, y)
    want = reference(x.astype(float))
    units = abs(y - want) / np.spacing(abs(want).astype(np.float32))
    assert units.max() <= bound


def test_functions_of_float64() -> None:
    x = np.random.default_rng(0).standard_normal(256) * 3
    y = np.zeros((4, 256))
    body = "v = x[i]\ny[i] = math.exp(v)\ny[256 + i] = math.tanh(v)\ny[512 + i] = math.erf(v)\ny[768 + i] = 1.0 / v"
    run(compiled("x, y", ("float64", "float64"), body, 256), 1, 256, x, y)
    np.testing.assert_allclose(y, [np.exp(x), np.tanh(x), np.vectorize(math.erf)(x), 1 / x], rtol=1e-15, atol=0)
