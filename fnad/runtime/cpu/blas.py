"""The addresses of the routines of the BLAS and the LAPACK that SciPy brings."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import sys
from functools import cache
from importlib.machinery import PathFinder
from types import ModuleType

import numpy as np

from fnad.kernels.cpu import blas as words
from fnad.kernels.cpu import lapack as lapack_words

BLAS_MODULE, LAPACK_MODULE = "scipy.linalg.cython_blas", "scipy.linalg.cython_lapack"

LETTERS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}
"""The dtypes that BLAS knows, and what its routines' names begin with."""


@cache
def routines(dtype: str) -> int:
    """The address of what kernels have to know of BLAS for a dtype, see kernels/cpu/blas.py; 0 if it has it not."""
    if dtype not in LETTERS:
        return 0
    return _kept_at(_table(dtype))


@cache
def lapack_routines(dtype: str) -> int:
    """The address of the same, and of what they have to know of LAPACK, see kernels/cpu/lapack.py."""
    if dtype not in LETTERS:
        return 0
    real, names = dtype.startswith("float"), LETTERS[dtype]
    table = _table(dtype, lapack_words.WORDS)
    for word, routine in lapack_words.ROUTINES.items():
        table[word] = address(names + routine, BLAS_MODULE if routine in ("trsm", "trsv") else LAPACK_MODULE)
    for word, routines_of in lapack_words.BY_KIND.items():
        table[word] = address(names + routines_of[0 if real else 1], LAPACK_MODULE)
    return _kept_at(table)


def _table(dtype: str, words_in_all: int = words.WORDS) -> np.ndarray:
    """The words of BLAS, and room for more."""
    table = np.zeros(words_in_all, np.int64)
    table[words.GEMM], table[words.GEMV] = [address(LETTERS[dtype] + routine) for routine in ("gemm", "gemv")]
    table[words.GET_THREADS], table[words.SET_THREADS] = _thread_functions(module(BLAS_MODULE))
    table[words.USE] = _use.ctypes.data
    return table


def _kept_at(table: np.ndarray) -> int:
    """The address of a table that stays where it is."""
    _kept.append(table)
    return table.ctypes.data


_kept: list[np.ndarray] = []
_use = np.zeros(words.USE_WORDS, np.int64)


def _begin_again() -> None:
    """In a forked child: the threads that have used BLAS are not here."""
    _use[[words.LOCKED, words.USERS]] = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)


@cache
def address(routine: str, of: str = BLAS_MODULE) -> int:
    """The address of a Fortran routine (32-bit integers)."""
    capsule = module(of).__pyx_capi__[routine]
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return pointer(capsule, name(capsule))


@cache
def module(name: str) -> ModuleType:
    """One of SciPy's two modules, without the rest of scipy.linalg, whose import takes 0.1 s."""
    return sys.modules.get(name) or _load(name)


def _load(name: str) -> ModuleType:
    scipy = importlib.import_module("scipy")
    spec = PathFinder.find_spec(name, [f"{folder}/linalg" for folder in scipy.__path__])
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    # The extension enters itself here; left there, scipy.linalg would not find it as its own.
    sys.modules.pop(name, None)
    return loaded


THREAD_FUNCTIONS = (
    ("scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads"),
    ("openblas_get_num_threads", "openblas_set_num_threads"),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
)


def _thread_functions(loaded: ModuleType) -> tuple[int, int]:
    """The addresses of what tells and sets the number of BLAS's threads, one while kernels use it; 0 if unknown.

    Its own threads wait for work by spinning: beside those of another library, or on a machine that is not
    idle, a small product then takes a thousand times longer. And their number decides the last bits of a product.
    """
    symbols = ctypes.CDLL(loaded.__file__)
    for names in THREAD_FUNCTIONS:
        if all([hasattr(symbols, name) for name in names]):
            get, put = (ctypes.cast(getattr(symbols, name), ctypes.c_void_p).value for name in names)
            return get or 0, put or 0
    return 0, 0
