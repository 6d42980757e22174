"""Launches of the hand-written kernels of fnad/kernels/cpu, from views of their operands.

What the words of a launch's params mean is written where its kernel is.
"""

import ctypes
import importlib
import importlib.util
import os
import struct
import sys
from collections.abc import Sequence
from functools import cache
from importlib.machinery import PathFinder
from math import prod
from types import ModuleType

import numpy as np

from fnad.compiler.cpu.chunks import LANES, PER_BYTE, PER_FUNCTION, chunk_of, chunk_of_product
from fnad.compiler.expressions import COMBINATIONS
from fnad.kernels.cpu import blas
from fnad.kernels.dtypes import dtype_word
from fnad.runtime.failures import NegativePower, OutOfBounds
from fnad.runtime.plan import Kernel, Launch, View
from fnad.runtime.views import matrix_layout

BLAS_LETTERS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}
"""The dtypes that BLAS knows, and what its routines' names begin with."""

_CARRIER = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64", 16: "void128", 32: "void256"}
"""What a gather, which only copies, moves elements as, by their size."""


# --- matrix products --------------------------------------------------------------------------


def matmul(a: View, b: View, c: View, alpha: float = 1.0, beta: float = 0.0) -> Launch:
    """C = alpha A B + beta C for views (..., m, k), (..., k, n) and (..., m, n) of one dtype.

    The axes before the last two are the batch, of the same extents in all three; a stride of 0
    broadcasts. C is kept by rows. Where beta is 0, C is not read. The index space is the longer one of
    C's rows and columns: pieces of it share the less.
    """
    (a_transposed, a_row), (b_transposed, b_row) = _require_layout(a), _require_layout(b)
    c_transposed, c_row = _require_layout(c)
    if c_transposed:
        raise ValueError(f"matmul: requires a result kept by rows, got {c}.")
    m, k, n = *a.shape[-2:], b.shape[-1]
    batch = c.shape[:-2]
    by_columns = not batch and n > m
    params = [*_places(a, b, c), m, n, k, a_transposed, b_transposed, a_row, b_row, c_row]
    params += [_float_bits(alpha), _float_bits(beta), _blas_words(c.dtype.name)]
    params += [by_columns, len(batch)]
    for axis, extent in enumerate(batch):
        params += [extent, *(view.strides[axis] // view.dtype.itemsize for view in (a, b, c))]
    extent, chunk = n if by_columns else prod(batch) * m, chunk_of_product(a, b, c, by_columns)
    return Launch(_matmul_kernel(c.dtype), tuple(map(int, params)), extent, "matmul", chunk)


def _require_layout(view: View) -> tuple[bool, int]:
    layout = matrix_layout(view)
    if layout is None:
        raise ValueError(
            f"matmul: requires views with a contiguous axis, got {view}. Copy it first."
        )
    return layout


@cache
def _matmul_kernel(dtype: np.dtype) -> Kernel:
    word = dtype_word(dtype)
    rows = "by_blas" if dtype.name in BLAS_LETTERS else "by_loops"
    source = f"""\
def kernel(buffers, params, lo, hi):
    a = as_{word}(operand(buffers, params, 0), 0)
    b = as_{word}(operand(buffers, params, 2), 1)
    c = as_{word}(operand(buffers, params, 4), 2)
    alpha = {word}(bitcast(params[14], float64))
    beta = {word}(bitcast(params[15], float64))
    return matmul({rows}, a, b, c, params, lo, hi, alpha, beta)
"""
    return Kernel(f"matmul_{word}", source)


def _float_bits(value: float) -> int:
    """A float64's bits as an int64; -0.0 counts as 0.0, so that "is it zero" is one comparison."""
    return struct.unpack("q", struct.pack("d", value + 0.0))[0]


@cache
def _blas_words(dtype: str) -> int:
    """The address of what kernels have to know of BLAS for a dtype, see kernels/cpu/blas.py; 0 if it has it not."""
    if dtype not in BLAS_LETTERS:
        return 0
    words = np.zeros(blas.WORDS, np.int64)
    _kept.append(words)
    words[blas.GEMM], words[blas.GEMV] = (_blas_address(BLAS_LETTERS[dtype] + routine) for routine in ("gemm", "gemv"))
    words[blas.GET_THREADS], words[blas.SET_THREADS] = _thread_functions(_cython_blas())
    words[blas.USE] = _use.ctypes.data
    return words.ctypes.data


_kept: list[np.ndarray] = []
_use = np.zeros(blas.USE_WORDS, np.int64)


def _begin_again() -> None:
    """In a forked child: the threads that have used BLAS are not here."""
    _use[[blas.LOCKED, blas.USERS]] = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)


@cache
def _blas_address(routine: str) -> int:
    """The address of a Fortran BLAS routine (32-bit integers) of the BLAS that SciPy brings."""
    capsule = _cython_blas().__pyx_capi__[routine]
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return pointer(capsule, name(capsule))


@cache
def _cython_blas() -> ModuleType:
    """scipy.linalg.cython_blas, without the rest of scipy.linalg, whose import takes 0.1 s."""
    return sys.modules.get(CYTHON_BLAS) or _load_cython_blas(CYTHON_BLAS)


CYTHON_BLAS = "scipy.linalg.cython_blas"


def _load_cython_blas(name: str) -> ModuleType:
    scipy = importlib.import_module("scipy")
    spec = PathFinder.find_spec(name, [f"{folder}/linalg" for folder in scipy.__path__])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # The extension enters itself here; left there, scipy.linalg would not find it as its own.
    sys.modules.pop(name, None)
    return module


THREAD_FUNCTIONS = (
    ("scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads"),
    ("openblas_get_num_threads", "openblas_set_num_threads"),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
)


def _thread_functions(module: ModuleType) -> tuple[int, int]:
    """The addresses of what tells and sets the number of BLAS's threads, one while kernels use it; 0 if unknown.

    Its own threads wait for work by spinning: beside those of another library, or on a machine that is not
    idle, a small product then takes a thousand times longer. And their number decides the last bits of a product.
    """
    symbols = ctypes.CDLL(module.__file__)
    for names in THREAD_FUNCTIONS:
        if all([hasattr(symbols, name) for name in names]):
            get, put = (ctypes.cast(getattr(symbols, name), ctypes.c_void_p).value for name in names)
            return get or 0, put or 0
    return 0, 0


# --- along an axis ----------------------------------------------------------------------------


def cumulative(x: View, out: View, axis: int, combine: str) -> Launch:
    """Cumulative sums (`combine` is "add") or products ("multiply") along an axis; all C-contiguous."""
    return _along_axis("accumulate", f"cumulative_{combine}", combine, [x, out], x.shape, axis)


def recurrence(a: View, b: View, out: View, axis: int) -> Launch:
    """out[j] = a[j] out[j - 1] + b[j] along an axis; all C-contiguous."""
    return _along_axis("recur", "recurrence", "", [a, b, out], a.shape, axis)


EXTREMES = {"argmax": "is_above, rmax", "argmin": "is_below, rmin"}


def extreme_place(x: View, out: View, axis: int, name: str) -> Launch:
    """The first places of the extremes, a key of EXTREMES, along an axis, as int64."""
    return _along_axis("find_extreme", name, EXTREMES[name], [x, out], x.shape, axis)


def _along_axis(function: str, label: str, how: str, operands: list[View], shape: tuple[int, ...], axis: int) -> Launch:
    words = [dtype_word(view.dtype) for view in operands]
    pointers = [f"as_{w}(operand(buffers, params, {2 * k}), {k})" for k, w in enumerate(words)]
    at = 2 * len(operands)
    arguments = ", ".join([*filter(None, [how]), *pointers, f"params[{at}]", f"params[{at + 1}]", "lo", "hi"])
    source = f"def kernel(buffers, params, lo, hi):\n    return {function}({arguments})\n"
    params = (*_places(*operands), shape[axis], prod(shape[axis + 1 :]))
    extent, each = prod(shape[:axis]), PER_FUNCTION * prod(shape[axis:])
    return Launch(Kernel(f"{label}_{'_'.join(words)}", source), params, extent, label, chunk_of(extent, each))


# --- powers of integers -----------------------------------------------------------------------


def integer_powers(x: View, y: View, out: View) -> Launch:
    """out = x ** y, element by element, of integers of one dtype; all C-contiguous."""
    word, size = dtype_word(out.dtype), prod(out.shape)
    operands = ", ".join([f"as_{word}(operand(buffers, params, {2 * k}), {k})" for k in range(3)])
    source = f"def kernel(buffers, params, lo, hi):\n    return integer_powers({operands}, lo, hi)\n"
    chunk = chunk_of(size, PER_FUNCTION, LANES)
    kernel = Kernel(f"integer_powers_{word}", source)
    return Launch(kernel, tuple(_places(x, y, out)), size, "power", chunk, NegativePower())


# --- integer indexing -------------------------------------------------------------------------


def gather(x: View, indices: Sequence[View], out: View) -> Launch:
    """out[i] = x[indices[0][i], indices[1][i], ...]; all C-contiguous, indices int64 of (n,)."""
    word, rank = _CARRIER[x.dtype.itemsize], len(indices)
    source = f"""\
def kernel(buffers, params, lo, hi):
    x = as_{word}(operand(buffers, params, 0), 0)
    out = as_{word}(operand(buffers, params, 2), 1)
    {_index_tuples(rank)}
    return gather(x, out, indices, extents, params[5], lo, hi)
"""
    params = [*_places(x, out), *_index_params(x, indices)]
    rows, size = params[4:6]
    chunk = chunk_of(rows, PER_FUNCTION * rank + 2 * PER_BYTE * size * x.dtype.itemsize)
    return Launch(Kernel(f"gather_{word}_{rank}", source), tuple(params), rows, "gather", chunk, _bounds(x, indices))


def scatter(out: View, indices: Sequence[View], updates: View, mode: str) -> Launch:
    """out[indices[0][i], ...] = combined with updates[i], i = 0, 1, ... in this order.

    `mode` is a key of COMBINATIONS. Layouts as for `gather`; `out` holds the array already.
    """
    word, rank, combine = dtype_word(out.dtype), len(indices), COMBINATIONS[mode]
    source = f"""\
def kernel(buffers, params, lo, hi):
    out = as_{word}(operand(buffers, params, 0), 0)
    updates = as_{word}(operand(buffers, params, 2), 1)
    {_index_tuples(rank)}
    return scatter({combine}, out, updates, indices, extents, params[4], params[5], lo, hi)
"""
    params = [*_places(out, updates), *_index_params(out, indices)]
    name, (rows, columns) = f"scatter_{mode}_{word}_{rank}", params[4:6]
    chunk = chunk_of(columns, 3 * PER_BYTE * rows * out.dtype.itemsize, LANES)
    return Launch(Kernel(name, source), tuple(params), columns, "scatter", chunk, _bounds(out, indices))


def _index_tuples(rank: int) -> str:
    """The line that takes the index pointers and extents from the words after the first six."""
    pointers = "".join(f"as_int64(operand(buffers, params, {6 + 3 * j}), 2), " for j in range(rank))
    extents = "".join(f"params[{8 + 3 * j}], " for j in range(rank))
    return f"indices, extents = ({pointers}), ({extents})"


def _index_params(array: View, indices: Sequence[View]) -> list[int]:
    """n, R, then for each index its buffer's number and offset, and its axis's extent."""
    params = [prod(indices[0].shape), prod(array.shape[len(indices) :])]
    for index, extent in zip(indices, array.shape, strict=False):
        params += [index.buffer, index.offset, extent]
    return params


def _bounds(array: View, indices: Sequence[View]) -> OutOfBounds:
    return OutOfBounds(array.shape[: len(indices)])


def _places(*views: View) -> list[int]:
    """The words that `operand` reads: number and byte offset of each view's buffer."""
    return [word for view in views for word in (view.buffer, view.offset)]
