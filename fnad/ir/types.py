"""The type of a value in a Program: shape, dtype, and whether it came from a Python scalar."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Shape = tuple[int, ...]

_SHORT = {"float": "f", "int": "i", "uint": "u", "complex": "c"}


class ArrayType(NamedTuple):
    """Shape and dtype of an array; ``weak`` marks a Python scalar, which yields in promotion."""

    shape: Shape
    dtype: np.dtype
    weak: bool = False

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{short_dtype(self.dtype)}[{','.join(str(n) for n in self.shape)}]{'*' if self.weak else ''}"


def short_dtype(dtype: np.dtype) -> str:
    """``f32`` for float32 and so on; the name that the printer uses."""
    name = dtype.name
    kind = name.rstrip("0123456789")
    return _SHORT.get(kind, kind) + name[len(kind) :]


def is_inexact(dtype: np.dtype) -> bool:
    """Whether values of this dtype carry derivatives."""
    return dtype.kind in "fc"


_PYTHON_SCALARS = {bool: (np.dtype(bool), False), int: (np.dtype(np.int64), True),
                   float: (np.dtype(np.float64), True), complex: (np.dtype(np.complex128), True)}


_array_types: tuple[type, ...] = (np.ndarray, np.generic)


def declare_array_type(kind: type) -> None:
    """Let objects of a type count as arrays: they have a ``shape`` and a ``dtype``, and ``np.asarray`` takes them."""
    global _array_types
    _array_types += (kind,)


def is_array(value: Any) -> bool:
    """Whether an object is an array or a NumPy scalar, of whatever dtype."""
    return isinstance(value, _array_types)


def type_of(value: Any) -> ArrayType:
    """The type of a NumPy array, an array of another declared type, a NumPy scalar or a Python scalar."""
    if type(value) is np.ndarray:  # which most are, and `isinstance` takes longer
        return ArrayType(value.shape, value.dtype)
    if isinstance(value, _array_types):
        return ArrayType(value.shape, value.dtype)
    known = _PYTHON_SCALARS.get(type(value))
    if known is None:
        raise TypeError(f"array: requires a NumPy array or a number, got {type(value).__name__}.")
    return ArrayType((), *known)


def _require_plain_meaning(value: np.ndarray) -> None:
    if isinstance(value, (np.ma.MaskedArray, np.matrix)):
        raise TypeError(
            f"array: requires an array with NumPy's plain meaning, got a {type(value).__name__}. "
            "Use np.asarray and, for a mask, np.where."
        )


def is_array_like(value: Any) -> bool:
    """Whether a pytree leaf is numeric: an array or scalar of a bool, integer, float or complex dtype.

    Raises:
        TypeError: the value is of an array class whose operations mean something else.
    """
    if type(value) is np.ndarray:
        return value.dtype.kind in "biufc"
    if isinstance(value, _array_types):
        if isinstance(value, np.ndarray):
            _require_plain_meaning(value)
        return value.dtype.kind in "biufc"
    return type(value) in _PYTHON_SCALARS
