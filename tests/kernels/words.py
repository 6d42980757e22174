"""Words of kernel source on the CPU, on a GPU, and in numba's simulator: expressions of a, b, c, a row for each."""

from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import strategies as st

from fnad.kernels.cuda import simulated
from fnad.kernels.elementary import COMPLEX_ULPS, ULPS
from tests.compiler.kernel_running import run_body
from tests.kernels.accuracy import edges, expression
from tests.kernels.cuda_running import run_threads

PLACES = 64
"""Numbers of each operand: the kernels are compiled for so many."""

DTYPES = [np.dtype(word) for word in (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "complex64", "complex128",
)]

_ANY = [f"{word}(a, b)" for word in ("add", "multiply", "radd", "rmul", "maximum", "minimum", "rmax", "rmin")]
_REAL = [*_ANY, "fmod(a, b)", "remainder(a, b)", "floor_divide(a, b)", "select(a < b, a, c)", "number_like(3, a)"]
_INTEGER = [*_REAL, "subtract(a, b)", "negate(a)", "left_shift(a, b)", "right_shift(a, b)", "integer_power(a, b)",
            "gcd(a, b)"]
_FLOAT = [
    *(f"{word}(a)" for word in ("sqrt", "fabs", "floor", "ceil", "trunc", "rint")),
    *(*_REAL, "copysign(a, b)", "fma(a, b, c)", "(-a)", "a / b"),
]
_COMPLEX = [
    *_ANY, "subtract(a, b)", "negate(a)", "complex_of(imag(a), real(b))", "select(real(a) < real(b), a, c)",
    "select(above(a, b), a, c)", "select(below(a, b), a, c)",
]
_BITCAST = {
    4: "bitcast(int32(bitcast(a, int32) & int32(-2)), float32)",
    8: "bitcast(int64(bitcast(a, int64) & int64(-2)), float64)",
}


def arithmetic(dtype: np.dtype) -> list[str]:
    """Every word of arithmetic that takes a dtype."""
    if dtype.kind == "f":
        return [*_FLOAT, _BITCAST[dtype.itemsize]]
    table = {"b": [*_ANY, "select(a, b, c)"], "i": _INTEGER, "u": _INTEGER, "c": _COMPLEX}
    return table[dtype.kind]


def elementary(dtype: type) -> list[str]:
    return [expression(op, dtype) for op in (COMPLEX_ULPS if np.dtype(dtype).kind == "c" else ULPS)]


# --- running ----------------------------------------------------------------------------------


def _lines(expressions: Sequence[str], operands: int) -> list[str]:
    reads = [f"{name} = x{k}[i]" for k, name in enumerate("abc"[:operands])]
    return reads + [f"out[{PLACES * row} + i] = {text}" for row, text in enumerate(expressions)]


def _kernel(expressions: Sequence[str], operands: int) -> str:
    head = f"def kernel({''.join(f'x{k}, ' for k in range(operands))}out):"
    return "\n    ".join([head, "i = cuda.threadIdx.x", *_lines(expressions, operands)])


def _rows(run: Callable[[np.ndarray], object], expressions: Sequence[str], dtype: np.dtype) -> np.ndarray:
    out = np.zeros(len(expressions) * PLACES, dtype)
    run(out)
    return out.reshape(-1, PLACES)


def on_cpu(expressions: Sequence[str], inputs: list[np.ndarray]) -> np.ndarray:
    body = "\n    ".join(["for i in range(lo, hi):", *_lines(expressions, len(inputs))])
    return _rows(lambda out: run_body(body, inputs, out, PLACES), expressions, inputs[0].dtype)


def on_gpu(expressions: Sequence[str], inputs: list[np.ndarray]) -> np.ndarray:
    source = _kernel(expressions, len(inputs))
    return _rows(lambda out: run_threads(source, [*inputs, out], threads=PLACES), expressions, inputs[0].dtype)


def on_simulator(expressions: Sequence[str], inputs: list[np.ndarray]) -> np.ndarray:
    """By the simulator's words, which are Python functions."""
    body = "\n    ".join([f"for i in range({PLACES}):", *_lines(expressions, len(inputs))])
    words = vars(simulated) | {name: getattr(np, name) for name in ("int32", "int64", "float32", "float64")}
    names = {f"x{k}": simulated.Pointer(x) for k, x in enumerate(inputs)}

    def run(out: np.ndarray) -> None:
        with np.errstate(all="ignore"):
            exec(body, words | names | {"out": simulated.Pointer(out)})

    return _rows(run, expressions, inputs[0].dtype)


# --- comparing --------------------------------------------------------------------------------


def assert_same_bits(expressions: Sequence[str], inputs: list[np.ndarray], found: np.ndarray) -> None:
    """Rows are the CPU's, but for the bits of a NaN."""
    wanted = on_cpu(expressions, inputs)
    number = wanted.real.dtype
    bits = np.dtype(f"u{number.itemsize}")
    for text, want, got in zip(expressions, wanted.view(number), found.view(number), strict=True):
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
