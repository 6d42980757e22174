"""The elementary functions against mpmath, and at the edges against NumPy."""

import math
from functools import partial

import llvmlite.binding as llvm
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from fnad.compiler.cpu import toolchain
from fnad.kernels.cpu.vector_math import ULPS
from tests.compiler.kernel_running import elementwise, kernel

DTYPES = [np.float32, np.float64]
BINARY = ["arctan2", "hypot", "pow", "logaddexp", "logaddexp2"]
UNARY = [op for op in ULPS if op not in BINARY]

every = pytest.mark.parametrize("op", list(ULPS))
in_both = pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])


def expression(op: str, dtype: type) -> str:
    return f"{op}_{np.dtype(dtype).name}({'a, b' if op in BINARY else 'a'})"


def run(op: str, *inputs: np.ndarray) -> np.ndarray:
    return elementwise(expression(op, inputs[0].dtype), list(inputs))


def bound(op: str, dtype: type) -> float:
    return ULPS[op][DTYPES.index(dtype)]


# --- references -------------------------------------------------------------------------------


def sigmoid(x):
    power = mpmath.exp(-abs(x))
    return (1 if x >= 0 else power) / (1 + power)


def sinc(angle):
    return mpmath.sin(angle) / angle if angle else mpf(1)


def log_sum(x, y, base):
    return max(x, y) + mpmath.log1p(mpf(base) ** -abs(x - y)) / mpmath.log(base)


def to_power(x, y):
    if x < 0:
        if y != int(y):
            return mpf("nan")
        return (-1) ** (int(y) % 2) * mpmath.power(-x, y)
    return mpmath.power(x, y)


REFERENCES = {
    "exp": mpmath.exp,
    "exp2": lambda x: mpmath.power(2, x),
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "log10": mpmath.log10,
    "log1p": mpmath.log1p,
    "sigmoid": sigmoid,
    "tanh": mpmath.tanh,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "arcsinh": mpmath.asinh,
    "arccosh": mpmath.acosh,
    "arctanh": mpmath.atanh,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "arctan2": mpmath.atan2,
    "hypot": mpmath.hypot,
    "pow": to_power,
    "logaddexp": partial(log_sum, base=mpmath.e),
    "logaddexp2": partial(log_sum, base=2),
    "erf": mpmath.erf,
    "sinc": sinc,
}

NUMPY = {
    "pow": np.power,
    "erf": np.vectorize(math.erf, otypes=[np.float64]),
    "sigmoid": lambda x: np.where(x < 0, np.exp(-abs(x)), 1) / (1 + np.exp(-abs(x))),
}


def by_numpy(op: str, *inputs: np.ndarray) -> np.ndarray:
    return np.asarray(NUMPY.get(op, getattr(np, op, None))(*inputs))


def ulps(got: float, want: mpf, dtype: type, scale: mpf | int = 0) -> float:
    """The error in units of the last place of `want`, or of `scale` if that is larger."""
    info = np.finfo(dtype)
    beyond = mpf(2) ** info.maxexp
    if not math.isfinite(got):  # an infinity stands for the number after the largest
        if math.isnan(got):
            return math.inf
        got = math.copysign(1, got) * beyond
    size = max(abs(want), abs(scale))
    if size >= beyond:
        want, size = mpmath.sign(want) * beyond, beyond / 2
    exponent = int(mpmath.frexp(size)[1]) if size else info.minexp
    unit = mpf(2) ** (max(exponent - 1, info.minexp) - info.nmant)
    return float(abs(got - want) / unit)


def worst(op: str, got: np.ndarray, *inputs: np.ndarray) -> float:
    """The largest error where the function is a real number."""
    largest = 0.0
    if op == "sinc":  # of the rounded product, as in NumPy
        with np.errstate(over="ignore"):
            inputs = (inputs[0] * got.dtype.type(np.pi),)
    with mpmath.workdps(50):
        for value, *given_ in zip(got, *inputs, strict=True):
            numbers = [mpf(float(number)) for number in given_]
            want = REFERENCES[op](*numbers)
            if isinstance(want, mpmath.mpc) or mpmath.isnan(want):
                assert np.isnan(value), (given_, value)
                continue
            # the sum of exponentials is only good relative to the exponents
            scale = max(map(abs, numbers)) if op.startswith("logadd") else 0
            largest = max(largest, ulps(float(value), want, got.dtype.type, scale))
    return largest


# --- numbers to try ---------------------------------------------------------------------------

NEAR = (1, -1, 0.5, -0.5, math.pi, math.pi / 2, 0.70710678, 1.41421356, 0.41421356, 0.34657, 1.0397)
FAR = {np.float32: (88.72, 89.41, -87.3, -103.9), np.float64: (709.78, 710.47, -708.4, -745.1)}


def numbers(dtype: type, rng: np.random.Generator, count: int) -> np.ndarray:
    """Numbers of every exponent, of usual sizes, and around where a function changes its ways."""
    word = np.uint32 if dtype == np.float32 else np.uint64
    bits = rng.integers(0, np.iinfo(word).max, count, dtype=word, endpoint=True).view(dtype)
    sizes = rng.uniform(-1, 1, count) * rng.choice([1e-3, 0.1, 1, 3, 30, 300], count)
    apart = 10.0 ** rng.uniform(-16, -1, count) * rng.choice([-1, 1], count)
    around = rng.choice([*NEAR, *FAR[dtype]], count) * (1 + apart)
    found = np.concatenate([bits, sizes.astype(dtype), around.astype(dtype)])
    return found[np.isfinite(found)]


def operands(op: str, dtype: type, count: int = 150) -> list[np.ndarray]:
    rng = np.random.default_rng(list(op.encode()))
    x = numbers(dtype, rng, count)
    if op not in BINARY:
        return [x]
    y = rng.permutation(x)
    if op == "pow":  # most pairs overflow or underflow: here are some that do neither
        most = 700 if dtype == np.float64 else 87
        with np.errstate(all="ignore"):
            logarithms = np.log(np.abs(x.astype(np.float64)))
            close = (rng.uniform(-most, most, x.size) / logarithms).astype(dtype)
        x, y = np.concatenate([x, np.abs(x)]), np.concatenate([y, close])
        usable = np.isfinite(y)
        return [x[usable], y[usable]]
    with np.errstate(over="ignore"):
        close = (x * (1 + rng.normal(size=x.size) * rng.choice([1e-6, 0.1, 3]))).astype(dtype)
    x, y = np.concatenate([x, x]), np.concatenate([y, close])
    return [x[np.isfinite(y)], y[np.isfinite(y)]]


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
    assert all(0.5 <= limit <= 2 for limits in ULPS.values() for limit in limits)


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


def edges(dtype: type) -> np.ndarray:
    info = np.finfo(dtype)
    positive = [
        *(0.0, math.inf, math.nan, info.max, info.tiny, info.smallest_subnormal, info.eps),
        *(
            info.max / 3,
            info.tiny * 0.75,
            info.smallest_subnormal * 3,
            1 - info.epsneg,
            1 + info.eps,
        ),
        *(0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 7.0, 1e-3, 1e3, 1e5, math.pi, math.pi / 2),
        *(88.7, 104.0, 710.0, 745.0, 2.0**24 - 1, 2.0**24, 2.0**53 - 1, 2.0**53, 2.0**60),
    ]
    return np.array([*positive, *(-x for x in positive)], dtype)


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
