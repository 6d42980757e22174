"""The words of a GPU's kernel source give the bits that the CPU's give, but for those of a NaN."""

import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fnad.kernels.vector_math import ULPS
from tests.compiler.kernel_running import run_body
from tests.kernels.accuracy import BINARY, DTYPES, edges, expression, numbers
from tests.kernels.cuda_running import CAPABILITIES, ptx, run_threads

PLACES = 64
"""Numbers of each operand: the kernels are compiled for so many."""

ANY = [*(f"{word}(a, b)" for word in ("add", "multiply", "radd", "rmul", "maximum", "minimum", "rmax", "rmin"))]
REAL = [*ANY, "fmod(a, b)", "remainder(a, b)", "floor_divide(a, b)", "select(a < b, a, c)", "number_like(3, a)"]
ARITHMETIC = {
    "f": [
        *(f"{word}(a)" for word in ("sqrt", "fabs", "floor", "ceil", "trunc", "rint")),
        *(*REAL, "copysign(a, b)", "fma(a, b, c)", "(-a)", "a / b"),
    ],
    "i": [*REAL, "left_shift(a, b)", "right_shift(a, b)", "integer_power(a, b)"],
    "b": [*ANY, "select(a, b, c)"],
    "c": [*ANY, "select(a != b, a, c)"],
}
ARITHMETIC["u"] = ARITHMETIC["i"]

WIDE = {"sin", "cos", "tan", "sinc", "pow", "cbrt", "hypot"}
"""The functions of float32 that are computed in float64."""


def lines(expressions: Sequence[str], operands: int) -> list[str]:
    """The body of a loop over i: a row of `out` for each expression of a, b, c."""
    reads = [f"{name} = x{k}[i]" for k, name in enumerate("abc"[:operands])]
    return reads + [f"out[{PLACES * row} + i] = {text}" for row, text in enumerate(expressions)]


def on_cpu(expressions: Sequence[str], inputs: list[np.ndarray]) -> np.ndarray:
    out = np.zeros(len(expressions) * PLACES, inputs[0].dtype)
    body = "\n    ".join(["for i in range(lo, hi):", *lines(expressions, len(inputs))])
    return run_body(body, inputs, out, PLACES).reshape(-1, PLACES)


def on_gpu(expressions: Sequence[str], inputs: list[np.ndarray]) -> np.ndarray:
    out = np.zeros(len(expressions) * PLACES, inputs[0].dtype)
    head = f"def kernel({''.join(f'x{k}, ' for k in range(len(inputs)))}out):"
    source = "\n    ".join([head, "i = cuda.threadIdx.x", *lines(expressions, len(inputs))])
    run_threads(source, [*inputs, out], threads=PLACES)
    return out.reshape(-1, PLACES)


def assert_same_bits(
    expressions: Sequence[str], inputs: list[np.ndarray], on_gpus: Sequence[str] | None = None
) -> None:
    cpu, gpu = on_cpu(expressions, inputs), on_gpu(on_gpus or expressions, inputs)
    number = cpu.real.dtype
    bits = np.dtype(f"u{number.itemsize}")
    for text, want, got in zip(expressions, cpu.view(number), gpu.view(number), strict=True):
        same = (want.view(bits) == got.view(bits)) | ((want != want) & (got != got))
        wrong = np.flatnonzero(~same)[:5]
        assert same.all(), (text, [x.view(number)[wrong] for x in inputs], want[wrong], got[wrong])


def values(dtype: np.dtype) -> st.SearchStrategy[np.ndarray]:
    """Places of any numbers, the extreme ones included."""
    if dtype.kind == "b":
        element: st.SearchStrategy = st.booleans()
    elif dtype.kind in "iu":
        info = np.iinfo(dtype)
        element = st.integers(info.min, info.max) | st.integers(max(info.min, -9), 9)
    elif dtype.kind == "f":
        element = st.floats(width=8 * dtype.itemsize) | st.sampled_from(edges(dtype.type).tolist())
    else:
        element = st.complex_numbers(width=8 * dtype.itemsize)
    return st.lists(element, min_size=1, max_size=PLACES).map(lambda found: np.resize(np.array(found, dtype), PLACES))


def elementary(dtype: type) -> list[str]:
    return [expression(op, dtype) for op in ULPS]


@pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_elementary_functions_of_any_number(dtype, data):
    inputs = [data.draw(values(np.dtype(dtype))) for _ in range(2)]
    assert_same_bits(elementary(dtype), inputs)


@pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])
def test_elementary_functions_where_they_change_their_ways(dtype):
    rng = np.random.default_rng(3)
    some = np.concatenate([edges(dtype), numbers(dtype, rng, 20 * PLACES)])
    for _ in range(20):
        assert_same_bits(elementary(dtype), [rng.choice(some, PLACES), rng.choice(some, PLACES)])


DTYPE_WORDS = [*("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
               *("float32", "float64", "complex64", "complex128")]


@pytest.mark.parametrize("word", DTYPE_WORDS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_arithmetic_of_any_number(word, data):
    dtype = np.dtype(word)
    inputs = [data.draw(values(dtype)) for _ in range(3)]
    assert_same_bits(ARITHMETIC[dtype.kind], inputs)


@pytest.mark.parametrize(
    ("word", "other"),
    [("exp_float32(a)", "exp_float32(a) * float32(1.0000001)"), ("a", "a + float32(0)"), ("a / b", "float32(0)")],
)
def test_bits_that_differ_are_found(word, other):
    a = np.linspace(1, 2, PLACES, dtype=np.float32)
    a[7] = -0.0
    b = np.where(a == 0, a, np.float32(np.inf))  # a / b is nan in one place, and else 0
    with pytest.raises(AssertionError):
        assert_same_bits([word], [a, b], [other])


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_functions_of_float32_compute_in_float32(capability):
    """But for those that say so: a GPU is slow at float64."""
    for op in ULPS:
        source = f"def kernel(x, out):\n    a, b = x[0], x[1]\n    out[0] = {expression(op, np.float32)}"
        wide = re.search(r"\.f64\b", ptx(source, ("float32", "float32"), capability=capability)) is not None
        assert wide == (op in WIDE), op
