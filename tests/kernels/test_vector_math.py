"""The elementary functions against mpmath, and at the edges against NumPy."""

import math

import llvmlite.binding as llvm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from fnad.kernels.elementary import ULPS
from fnad.runtime.cpu import toolchain
from tests.compiler.kernel_running import elementwise, kernel
from tests.kernels.accuracy import (
    BINARY,
    DTYPES,
    bound,
    edges,
    expression,
    operands,
    run,
    ulps,
    worst,
)

every = pytest.mark.parametrize("op", list(ULPS))
in_both = pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])

NUMPY = {
    "pow": np.power,
    "erf": np.vectorize(math.erf, otypes=[np.float64]),
    "erfc": np.vectorize(math.erfc, otypes=[np.float64]),
    "sigmoid": lambda x: np.where(x < 0, np.exp(-abs(x)), 1) / (1 + np.exp(-abs(x))),
}


def by_numpy(op: str, *inputs: np.ndarray) -> np.ndarray:
    return np.asarray(NUMPY.get(op, getattr(np, op, None))(*inputs))


# --- tests ------------------------------------------------------------------------------------


def test_the_measure_counts_units_in_the_last_place():
    assert ulps(1.0, mpf(1), np.float64) == 0
    assert ulps(np.nextafter(1.0, 2), mpf(1), np.float64) == 1
    assert ulps(1.5, mpf(1.5) + mpf(2) ** -24, np.float32) == 0.5
    assert ulps(5e-324, mpf(0), np.float64) == 1
    assert ulps(0.0, mpf(10) ** -400, np.float64) < 1e-70
    assert ulps(math.inf, mpf(10) ** 400, np.float64) == 0
    assert ulps(float(np.finfo(np.float32).max), mpf(2) ** 128, np.float32) == 1
    assert ulps(math.inf, mpf(1), np.float64) > 1e300
    assert ulps(math.nan, mpf(1), np.float64) == math.inf


@in_both
def test_a_wrong_function_is_caught(dtype):
    inputs = operands("tanh", dtype)
    right = run("tanh", *inputs)
    assert worst("tanh", right, *inputs) <= bound("tanh", dtype)
    two_off = np.nextafter(np.nextafter(right, dtype(2)), dtype(2))
    assert worst("tanh", two_off, *inputs) > bound("tanh", dtype)
    no_small = np.where(np.abs(inputs[0]) < 1e-30, 0, right)
    assert worst("tanh", no_small, *inputs) > bound("tanh", dtype)


def test_every_function_has_both_bounds():
    words = {f"{op}_{np.dtype(dtype).name}" for op in ULPS for dtype in DTYPES}
    assert words <= toolchain._WORDS.keys()
    # What erfc adds up are pairs, whose error is larger where the result lies below a power of 2.
    assert all(0.5 <= limit <= (3.5 if op == "erfc" else 2) for op, limits in ULPS.items() for limit in limits)


@in_both
@every
def test_accuracy(op, dtype):
    inputs = operands(op, dtype)
    assert worst(op, run(op, *inputs), *inputs) <= bound(op, dtype)


@np.errstate(all="ignore")
def assert_as_numpy(op: str, *inputs: np.ndarray) -> None:
    """NaN, infinities, signs and zeros as NumPy's; numbers close to its own."""
    dtype = inputs[0].dtype
    got = run(op, *inputs).astype(np.float64)
    # NumPy computes in float64, the more accurate; the result is the nearest float32
    exact = inputs if op == "sinc" else [x.astype(np.float64) for x in inputs]
    want = by_numpy(op, *exact).astype(dtype)
    unit = np.spacing(np.abs(want)).astype(np.float64)
    want = want.astype(np.float64)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    same, close = (got == want) | np.isnan(want), np.abs(got - want) <= 4 * unit
    if op.startswith("logadd"):
        size = np.maximum(*(np.abs(x.astype(np.float64)) for x in inputs))
        close |= np.abs(got - want) <= 4 * np.finfo(dtype).eps * size
    else:
        same &= (np.signbit(got) == np.signbit(want)) | np.isnan(want)
        close &= np.signbit(got) == np.signbit(want)
    wrong = ~(same | close)
    table = [*(x[wrong] for x in inputs), got[wrong], want[wrong]]
    assert not wrong.any(), [tuple(row) for row in zip(*table, strict=True)][:10]


@in_both
@every
def test_edges(op, dtype):
    some = edges(dtype)
    if op not in BINARY:
        assert_as_numpy(op, some)
    else:
        assert_as_numpy(op, *(grid.ravel() for grid in np.meshgrid(some, some)))


def floats(dtype: type) -> st.SearchStrategy[list[float]]:
    width = np.dtype(dtype).itemsize * 8
    return st.lists(st.floats(width=width), min_size=1, max_size=20)


@in_both
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_number(dtype, data):
    x = np.array(data.draw(floats(dtype)), dtype)
    y = np.resize(np.array(data.draw(floats(dtype)), dtype), x.shape)
    for op in ULPS:
        assert_as_numpy(op, *((x, y) if op in BINARY else (x,)))


@in_both
@pytest.mark.parametrize("op", ["sin", "cos", "tan"])
def test_huge_angles(op, dtype):
    rng = np.random.default_rng(1)
    digits, most = (24, 104) if dtype == np.float32 else (53, 971)
    x = np.ldexp(rng.integers(2 ** (digits - 1), 2**digits, 400), rng.integers(-30, most, 400))
    # the numbers next to a multiple of pi / 2 in all of float32 and of float64
    next_to = 16367173.0 * 2.0**72 if dtype == np.float32 else 6381956970095103.0 * 2.0**797
    x = np.array([*x, next_to, -next_to], dtype)
    assert worst(op, run(op, x), x) <= bound(op, dtype)


@in_both
def test_exact_results(dtype):
    whole = np.arange(-20, 21).astype(dtype)
    np.testing.assert_array_equal(run("exp2", whole), 2.0**whole)
    np.testing.assert_array_equal(run("log2", dtype(2) ** whole), whole)
    tens = np.arange(1, 11 if dtype == np.float32 else 23)
    np.testing.assert_array_equal(run("log10", 10.0 ** tens.astype(dtype)), tens)
    np.testing.assert_array_equal(run("cbrt", whole**3), whole)
    np.testing.assert_array_equal(run("pow", whole, np.full_like(whole, 3)), whole**3)


def test_arguments_are_converted_to_the_named_dtype():
    x = np.linspace(-1, 1, 9)
    np.testing.assert_array_equal(
        elementwise("exp_float32(a)", [x], np.float32), run("exp", x.astype(np.float32))
    )
    count = np.arange(9)
    np.testing.assert_array_equal(
        elementwise("exp_float64(a)", [count], np.float64), run("exp", count.astype(np.float64))
    )


@in_both
@every
def test_loops_vectorize(op, dtype):
    """The loop calls nothing, and works on vectors where the machine can gather from a table."""
    inputs = [np.zeros(1, dtype)] * (2 if op in BINARY else 1)
    body = "for i in range(lo, hi):\n    a = x0[i]\n"
    body += f"    b = x{len(inputs) - 1}[i]\n    out[i] = {expression(op, dtype)}"
    module = toolchain.optimized_module("vectors", kernel(inputs, np.zeros(1, dtype), body).source)
    called = [function.name for function in module.functions if function.is_declaration]
    assert all(name.startswith("llvm.") for name in called)
    if llvm.get_host_cpu_features().get("avx2"):
        assert "vector.body:" in str(module)
