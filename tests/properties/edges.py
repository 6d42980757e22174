"""The numbers of a dtype at which operations change their ways."""

from __future__ import annotations

from typing import Any

import numpy as np

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "float32", "float64", "longdouble")
COMPLEX = ("complex64", "complex128", "clongdouble")


def edges(dtype: Any) -> np.ndarray:
    """Zeros, ones, powers of two, the ends of the range and their neighbours, infinities and nan."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "iu":
        return _whole(dtype)
    if dtype.kind == "c":
        parts = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan]
        return np.array([complex(a, b) for a in parts for b in parts], dtype)
    f = np.finfo(dtype)
    ends = [f.max, f.smallest_normal, f.smallest_subnormal, f.eps]
    some = [0.0, 1.0, 0.5, 1.5, 2.0, 2.5, 3.0, 7.3, 10.0, *ends, np.inf]
    return np.array([*some, *(-np.array(some, dtype)), np.nan], dtype)


def _whole(dtype: np.dtype) -> np.ndarray:
    info, bits = np.iinfo(dtype), 8 * dtype.itemsize
    powers = {2**k for k in (0, 1, 2, bits // 2, bits - 3, bits - 2, bits - 1)}
    near = {n + d for n in (0, info.min, info.max, info.max // 2, bits, *powers) for d in (-1, 0, 1)}
    some = near | {-n for n in near} | {5, 7, 10, 100, -5, -7}
    return np.array(sorted(n for n in some if info.min <= n <= info.max), dtype)


def pairs(dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Each of these numbers with each."""
    x = edges(dtype)
    return np.repeat(x, x.size), np.tile(x, x.size)


# Where conversions to integers change: the ends of every integer dtype, and what is far beyond them.
BEYOND = np.array([
    *(sign * (2.0**k + d) for k in (7, 8, 15, 16, 31, 32, 40, 52, 62) for d in (-1, -0.5, 0, 1) for sign in (1, -1)),
    *(sign * x for x in (2.0**63 - 1024, 2.0**63, 2.0**63 + 4096, 2.0**64 - 2048, 2.0**64, 1e30) for sign in (1, -1)),
    0.0, -0.0, 0.5, -0.5, -1.0, -1.5, 300.0, -200.0, 7e4, 5e-324, 1e-40, np.inf, -np.inf, np.nan,
])
