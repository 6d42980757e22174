"""The dtypes that kernels compute with, and what their source calls them."""

from __future__ import annotations

import numpy as np

DTYPES = {np.dtype(t) for t in ("bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")}
"""The dtypes of real numbers that kernels compute with."""

COMPUTED = DTYPES | {np.dtype(np.complex64), np.dtype(np.complex128)}
"""The dtypes that loops, and most kernels of the library, compute with."""

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
"""The dtypes that kernels of layers, losses and tiled products compute with."""

NUMBERS = (
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128"),
)
"""The words of the dtypes of numbers, which numba knows by the same names."""

INTEGERS = tuple([np.dtype(f"{kind}{size}") for kind in "iu" for size in (1, 2, 4, 8)])

_STORAGE = {
    np.dtype(np.float16): np.dtype(np.uint16),
    np.dtype(np.longdouble): np.dtype("u8,u8"),
    np.dtype(np.clongdouble): np.dtype("u8,u8,u8,u8"),
}
"""Words of bits, which keep all of them: what a longdouble's halves are as floats would be nan at times."""


def storage_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype that elements are copied as: a loop moves numbers that it cannot compute with."""
    return dtype if dtype in DTYPES else _STORAGE.get(dtype, dtype)


def dtype_word(dtype: np.dtype) -> str:
    """A dtype's name in kernel source."""
    return "boolean" if dtype == np.bool_ else dtype.name


def dtype_of(word: str) -> np.dtype:
    """The dtype that kernel source calls by a word."""
    wide = {dtype.name: dtype for dtype in _STORAGE.values()}
    return wide.get(word) or np.dtype("bool" if word == "boolean" else word)
