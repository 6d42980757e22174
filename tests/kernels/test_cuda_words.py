"""The words of a GPU's kernel source give the bits that the CPU's give, but for those of a NaN."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fnad.kernels.elementary import ULPS
from tests.kernels.accuracy import edges, expression, numbers
from tests.kernels.cuda_running import CAPABILITIES, ptx
from tests.kernels.words import DTYPES, PLACES, arithmetic, assert_same_bits, elementary, on_gpu, values

WIDE = {"sin", "cos", "tan", "sinc", "pow", "cbrt", "hypot"}
"""The functions of float32 that are computed in float64."""

floats = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def assert_as_on_cpu(expressions: list[str], inputs: list[np.ndarray]) -> None:
    assert_same_bits(expressions, inputs, on_gpu(expressions, inputs))


@floats
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_elementary_functions_of_any_number(dtype, data):
    assert_as_on_cpu(elementary(dtype), [data.draw(values(np.dtype(dtype))) for _ in range(2)])


@floats
def test_elementary_functions_where_they_change_their_ways(dtype):
    rng = np.random.default_rng(3)
    some = np.concatenate([edges(dtype), numbers(dtype, rng, 20 * PLACES)])
    for _ in range(20):
        assert_as_on_cpu(elementary(dtype), [rng.choice(some, PLACES), rng.choice(some, PLACES)])


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_functions_of_complex_numbers(dtype):
    rng = np.random.default_rng(3)
    parts = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 1e-30, 1e30, *rng.standard_normal(20)]
    some = np.array([complex(a, b) for a in parts for b in parts], dtype)
    assert_as_on_cpu(elementary(dtype), [rng.choice(some, PLACES), rng.choice(some, PLACES)])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_arithmetic_of_any_number(dtype, data):
    assert_as_on_cpu(arithmetic(dtype), [data.draw(values(dtype)) for _ in range(3)])


@pytest.mark.parametrize(
    ("word", "other"),
    [("exp_float32(a)", "exp_float32(a) * float32(1.0000001)"), ("a", "a + float32(0)"), ("a / b", "float32(0)")],
)
def test_bits_that_differ_are_found(word, other):
    a = np.linspace(1, 2, PLACES, dtype=np.float32)
    a[7] = -0.0
    b = np.where(a == 0, a, np.float32(np.inf))  # a / b is nan in one place, and else 0
    with pytest.raises(AssertionError):
        assert_same_bits([word], [a, b], on_gpu([other], [a, b]))


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_functions_of_float32_compute_in_float32(capability):
    """But for those that say so: a GPU is slow at float64."""
    for op in ULPS:
        source = f"def kernel(x, out):\n    a, b = x[0], x[1]\n    out[0] = {expression(op, np.float32)}"
        wide = re.search(r"\.f64\b", ptx(source, ("float32", "float32"), capability=capability)) is not None
        assert wide == (op in WIDE), op
