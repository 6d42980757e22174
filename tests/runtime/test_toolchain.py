"""The words of kernel source mean what NumPy means, and loops over them vectorize."""

import ctypes
import importlib
import pkgutil
import re

import llvmlite.binding as llvm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fnad.kernels.cpu
from fnad.compiler.cpu.library.matmul import matmul
from fnad.runtime.cpu import toolchain
from fnad.runtime.cpu.loader import CompileError, kernel_key, loader
from fnad.runtime.plan import Kernel, View
from tests.compiler.kernel_running import elementwise, kernel, run_body

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float32", "float64"]
COMPLEX = ["complex64", "complex128"]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e-40, 1e30, np.inf, -np.inf, np.nan]


def same(got: np.ndarray, want: np.ndarray) -> None:
    """Equal to the bit, NaN anywhere equal to NaN."""
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)
    if got.dtype.kind == "f":
        there = ~np.isnan(want)
        np.testing.assert_array_equal(np.signbit(got[there]), np.signbit(want[there]))


def grid(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of a dtype's telling values."""
    kind = np.dtype(dtype).kind
    if kind == "b":
        values = np.array([False, True])
    elif kind == "f":
        values = np.array(SPECIAL, dtype)
    elif kind == "c":
        parts = (0, -1, 2, np.nan), (0, 1, np.nan)
        values = np.array([complex(a, b) for a in parts[0] for b in parts[1]], dtype)
    else:
        info = np.iinfo(dtype)
        near = [v for v in (-9, -7, -2, -1, 0, 1, 2, 3, 7, 8, 9, 31, 64) if v >= info.min]
        values = np.array([info.min, info.min + 1, *near, info.max - 1, info.max], dtype)
    a, b = np.meshgrid(values, values, indexing="ij")
    return a.ravel(), b.ravel()


BINARY = [
    ("add(a, b)", np.add, [*INTEGERS, *FLOATS, *COMPLEX, "bool"]),
    ("radd(a, b)", np.add, [*INTEGERS, *FLOATS, *COMPLEX, "bool"]),
    ("multiply(a, b)", np.multiply, [*INTEGERS, *FLOATS, "bool"]),
    ("rmul(a, b)", np.multiply, [*INTEGERS, *FLOATS, "bool"]),
    ("maximum(a, b)", np.maximum, [*INTEGERS, *FLOATS, *COMPLEX, "bool"]),
    ("minimum(a, b)", np.minimum, [*INTEGERS, *FLOATS, *COMPLEX, "bool"]),
    ("floor_divide(a, b)", np.floor_divide, [*INTEGERS, *FLOATS]),
    ("remainder(a, b)", np.remainder, [*INTEGERS, *FLOATS]),
    ("fmod(a, b)", np.fmod, [*INTEGERS, *FLOATS]),
    ("left_shift(a, b)", np.left_shift, INTEGERS),
    ("right_shift(a, b)", np.right_shift, INTEGERS),
    ("copysign(a, b)", np.copysign, FLOATS),
    ("select(a < b, a, b)", lambda a, b: np.where(a < b, a, b), [*INTEGERS, *FLOATS, "bool"]),
]
CASES = [(text, meaning, dtype) for text, meaning, dtypes in BINARY for dtype in dtypes]


@pytest.mark.parametrize(("text", "meaning", "dtype"), CASES)
def test_binary_words_are_numpys(text, meaning, dtype):
    a, b = grid(dtype)
    with np.errstate(all="ignore"):
        want = meaning(a, b)
    if text.startswith(("maximum", "minimum")):
        got = elementwise(text, [a, b])
        np.testing.assert_array_equal(got, want)  # of 0.0 and -0.0 either one may be chosen
    else:
        same(elementwise(text, [a, b]), want)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["sqrt", "fabs", "floor", "ceil", "trunc", "rint"])
def test_unary_words_are_numpys(name, dtype):
    x = np.array([*SPECIAL, 1.5, 2.5, -0.5, -1e-3, 8388607.5], dtype)
    with np.errstate(all="ignore"):
        same(elementwise(f"{name}(a)", [x]), getattr(np, name)(x))


@pytest.mark.parametrize("dtype", FLOATS)
def test_fma_rounds_once(dtype):
    a = np.array([1 + np.finfo(dtype).eps], dtype)
    exact = np.finfo(dtype).eps ** 2  # a * a = 1 + 2 eps + eps^2, and the last term is lost
    got = elementwise("fma(a, b, c)", [a, a, -(a * a)])
    assert got[0] == exact


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_power_wraps_like_numpy(dtype):
    base = np.repeat(np.array([0, 1, 2, 3, 7, 100], dtype), 20)
    exponent = np.tile(np.arange(20, dtype=dtype), 6)
    same(elementwise("integer_power(a, b)", [base, exponent]), base**exponent)


def test_integer_power_of_negative_exponent_is_zero():
    base, exponent = np.array([2, 1]), np.array([-1, -3])
    same(elementwise("integer_power(a, b)", [base, exponent]), np.array([0, 0]))


@pytest.mark.parametrize(("source", "target"), [("float32", "int32"), ("float64", "uint64")])
def test_bitcast_there_and_back(source, target):
    x = np.array(SPECIAL, source)
    bits = elementwise(f"bitcast(a, {target})", [x], target)
    same(bits, x.view(target))
    np.testing.assert_array_equal(elementwise(f"bitcast(a, {source})", [bits], source), x)


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS, *COMPLEX, "bool"])
def test_loads_and_stores_of_every_dtype(dtype):
    x = np.array([0, 1, 3, 7]).astype(dtype)
    same(elementwise("a", [x]), x)


REDUCTIONS = [("radd", np.add), ("rmul", np.multiply), ("rmax", np.maximum), ("rmin", np.minimum)]


def reduction_body(word: str) -> str:
    return f"acc = x0[0]\nfor i in range(1, hi):\n    acc = {word}(acc, x0[i])\nout[0] = acc"


def reduced(word: str, x: np.ndarray) -> np.generic:
    return run_body(reduction_body(word), [x], np.empty(1, x.dtype), x.size)[0]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(REDUCTIONS),
    st.sampled_from(["int8", "int64", "uint32", "float32", "float64", "bool"]),
    st.integers(1, 200),
    st.integers(0, 2**32),
)
def test_reductions_are_numpys(reduction, dtype, count, seed):
    word, ufunc = reduction
    x = np.random.default_rng(seed).integers(-3, 4, count).astype(dtype)
    got = reduced(word, x)
    with np.errstate(all="ignore"):
        want = ufunc.reduce(x, dtype=dtype)
    np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("where", [0, 1, 20, 63])
@pytest.mark.parametrize("word", ["rmax", "rmin", "radd"])
def test_a_reduction_keeps_nan(word, where):
    x = np.arange(64, dtype="float32")
    x[where] = np.nan
    assert np.isnan(reduced(word, x))


def optimized(source: str) -> str:
    return str(toolchain.optimized_module(kernel_key(source), source))


@pytest.mark.parametrize("word", ["radd", "rmul", "rmax", "rmin"])
def test_float_reductions_vectorize(word):
    if word in ("rmax", "rmin") and llvm.llvm_version_info < (17,):
        pytest.skip("this LLVM has no code for it")
    x = np.empty(0, "float32")
    text = optimized(kernel([x], x, reduction_body(word)).source)
    assert re.search(r"<\d+ x float>", text)
    plain = {"radd": "acc + x0[i]", "rmul": "acc * x0[i]"}.get(word)
    if plain is not None:  # the test can fail: without leave to reorder there are no vectors
        body = reduction_body(word).replace(f"{word}(acc, x0[i])", plain)
        assert not re.search(r"<\d+ x float>", optimized(kernel([x], x, body).source))


def test_scopes_spare_the_run_time_checks_for_overlap():
    x = np.empty(0, "float32")
    names = [f"x{k}[i]" for k in range(6)]
    body = f"for i in range(lo, hi):\n    out[i] = {' + '.join(names)}"
    scoped = kernel([x] * 6, x, body).source
    unscoped = re.sub(r"(operand\(buffers, params, \d+\)), \d+\)", r"\1)", scoped)
    assert unscoped != scoped
    assert "memcheck" in optimized(unscoped)
    assert "memcheck" not in optimized(scoped)
    assert re.search(r"fadd <\d+ x float>", optimized(scoped))


def test_there_may_be_more_operands_than_scopes():
    x = [np.full(5, k, "float32") for k in range(40)]
    body = f"for i in range(lo, hi):\n    out[i] = {' + '.join(f'x{k}[i]' for k in range(40))}"
    same(run_body(body, x, np.empty(5, "float32"), 5), np.full(5, sum(range(40)), "float32"))


def test_a_word_means_the_same_in_every_kernel_module():
    meanings: dict[str, set[int]] = {}
    for found in pkgutil.walk_packages(fnad.kernels.cpu.__path__, "fnad.kernels.cpu."):
        for name, value in vars(importlib.import_module(found.name)).items():
            if name in toolchain._WORDS and callable(value):
                meanings.setdefault(name, set()).add(id(value))
    assert {"add", "gather", "as_float32"} <= meanings.keys()
    assert [name for name, values in meanings.items() if len(values) > 1] == []


def test_one_pointer_reads_and_writes_in_place():
    x = np.arange(100, dtype="float32")
    body = "for i in range(lo, hi):\n    out[i] = out[i] * float32(2) + x0[i]"
    out = np.arange(100, dtype="float32")
    same(run_body(body, [x], out, 100), x * np.float32(3))


def test_what_needs_only_the_c_library_is_portable():
    x = np.linspace(-10, 10, 7)
    body = "for i in range(lo, hi):\n    out[i] = fmod(x0[i], float64(3))"
    same(run_body(body, [x], np.empty(7), 7), np.fmod(x, 3))
    source = kernel([x], x, body).source
    made = toolchain.compile_kernel(kernel_key(source), source)
    assert made.portable


def test_what_needs_numbas_own_functions_runs_but_is_not_portable():
    z = np.array([1 + 2j, -0.5j, 3])
    body = "for i in range(lo, hi):\n    out[i] = x0[i] ** x0[i]"
    np.testing.assert_allclose(run_body(body, [z], np.empty_like(z), 3), z**z)
    source = kernel([z], z, body).source
    made = toolchain.compile_kernel(kernel_key(source), source)
    assert made.external and not made.portable


def test_what_calls_python_is_not_portable():
    source = "def kernel(buffers, params, lo, hi):\n    print(lo)\n    return 0\n"
    made = toolchain.compile_kernel(kernel_key(source), source)
    assert not made.portable


def test_an_object_shows_one_symbol():
    launch = matmul(*(View(k, 0, (2, 2), (8, 4), np.dtype("float32")) for k in range(3)))
    text = optimized(launch.kernel.source)
    shown = [line for line in text.splitlines() if re.match(r"define (?!internal)", line)]
    assert len(shown) == 1
    assert f"@kernel_{kernel_key(launch.kernel.source)}(" in shown[0]
    assert not re.search(r"^@\S+ = (?!internal|private)", text, re.MULTILINE)


def test_an_exception_in_a_kernel_is_a_status():
    source = "def kernel(buffers, params, lo, hi):\n    return (1, 2)[hi]\n"
    address = loader().address(Kernel("test", source))
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 4)(address)
    assert function(0, 0, 0, 1) == 2
    assert function(0, 0, 0, 5) == toolchain.RAISED


def test_numbas_refusal_is_one_error_with_the_source():
    broken = Kernel("broken", "def kernel(buffers, params, lo, hi):\n    return undefined_name\n")
    with pytest.raises(CompileError, match="kernel broken: requires") as caught:
        loader().address(broken)
    assert "undefined_name" in str(caught.value)
    assert "undefined_name" in str(caught.value.__cause__)
    assert caught.value.kernel is broken
