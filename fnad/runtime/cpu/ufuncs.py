"""The inner loops of ufuncs, NumPy's and SciPy's, as addresses that kernels call."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any, NamedTuple

import numpy as np

from fnad.lazy import LazyModule

special = LazyModule("scipy.special")


class Loop(NamedTuple):
    """The address of a loop, and that of the data which it is to be called with."""

    function: int
    data: int


@cache
def loop_of(ufunc: np.ufunc, dtypes: tuple[np.dtype, ...]) -> Loop | None:
    """The loop of a ufunc for the dtypes of its operands and results; ``None`` where it has none just for these."""
    if not _layout_is_known():
        return None
    memory = _UFunc.from_address(id(ufunc))
    for k, types in enumerate(_types(memory)):
        if types == dtypes:
            return Loop(memory.functions[k] or 0, (memory.data[k] or 0) if memory.data else 0)
    return None


class _UFunc(ctypes.Structure):
    """A ufunc as NumPy's header ufuncobject.h has it, since 1.16."""

    _fields_ = [
        ("head", ctypes.c_char * object.__basicsize__),
        *[(name, ctypes.c_int) for name in ("nin", "nout", "nargs", "identity")],
        ("functions", ctypes.POINTER(ctypes.c_void_p)), ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int), ("reserved", ctypes.c_int), ("name", ctypes.c_char_p), ("types", ctypes.c_void_p),
        *[(name, ctypes.c_void_p) for name in ("doc", "ptr", "obj", "userloops")],
        ("core_enabled", ctypes.c_int), ("core_dimensions", ctypes.c_int),
    ]


def _types(memory: _UFunc) -> list[tuple[np.dtype | None, ...]]:
    """The dtypes of each loop; ``None`` stands for one that is no number."""
    numbers = ctypes.string_at(memory.types, memory.ntypes * memory.nargs) if memory.types else b""
    rows = [numbers[k : k + memory.nargs] for k in range(0, len(numbers), max(memory.nargs, 1))]
    return [tuple([_NUMERIC.get(number) for number in row]) for row in rows]


_NUMERIC = {np.dtype(c).num: np.dtype(c) for c in "?bBhHiIlLqQefdgFDG"}


@cache
def _layout_is_known() -> bool:
    """Whether ufuncs lie in memory as these functions read them, and their loops are called as kernels do it."""
    if sys.implementation.name != "cpython":
        return False
    return all(map(_is_read, (np.add, np.sin, np.modf, np.isnan, np.vecdot))) and _calls()


def _is_read(ufunc: np.ufunc) -> bool:
    memory = _UFunc.from_address(id(ufunc))
    counts = (memory.nin, memory.nout, memory.nargs, memory.ntypes, memory.core_enabled)
    if counts != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes, int(ufunc.signature is not None)):
        return False
    told = ["".join(t.split("->")) for t in ufunc.types]
    read = _types(memory)
    return memory.name == ufunc.__name__.encode() and len(read) == len(told) and all([
        np.dtype(letter) == dtype for row, letters in zip(read, told)
        for dtype, letter in zip(row, letters) if dtype is not None
    ])


def _calls() -> bool:
    """Whether the loop of np.add adds, every second number to every third."""
    memory = _UFunc.from_address(id(np.add))
    k = _types(memory).index((np.dtype(float),) * 3)
    x, y, out = np.arange(6.0), np.arange(9.0), np.zeros(3)
    words = ctypes.c_ssize_t
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(memory.functions[k] or 0)
    function(
        (words * 3)(*[a.ctypes.data for a in (x, y, out)]), (words * 1)(3), (words * 3)(16, 24, 8),
        (memory.data[k] or 0) if memory.data else 0,
    )
    return bool((out == x[::2] + y[::3]).all())


Runner = Callable[[int, int, int, int], int]


def quiet(run: Runner) -> Runner:
    """The same, while SciPy's functions neither raise nor warn, whatever ``scipy.special.errstate`` says.

    That holds for a thread. Others run parts of a plan as well, none of which could bring an error to its caller.
    """

    @wraps(run)
    def quietly(*words: int) -> int:
        before = special.geterr()
        if before == _usual():
            return run(*words)
        special.seterr(all="ignore")
        try:
            return run(*words)
        finally:
            special.seterr(**before)

    return quietly


@cache
def _usual() -> dict[str, str]:
    """SciPy's own actions, which are to ignore all but a want of memory."""
    return dict.fromkeys(special.geterr(), "ignore") | {"memory": "raise"}
