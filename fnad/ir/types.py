"""The type of a value in a Program: shape, dtype, and whether it came from a Python scalar."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fnad.arrays import INEXACT, NUMERIC, Unfit, has_plain_meaning, holds_memory, is_array

Shape = tuple[int, ...]

BOOL, INDEX = np.dtype(bool), np.dtype(np.int64)
"""The dtypes of conditions, and of places."""

_SHORT = {"float": "f", "int": "i", "uint": "u", "complex": "c"}


class ArrayType(NamedTuple):
    """Shape and dtype of an array; ``weak`` marks a Python scalar, which yields in promotion."""

    shape: Shape
    dtype: np.dtype
    weak: bool = False

    @property
    def strong(self) -> ArrayType:
        """The type of an array that is no Python number: two of these are equal if shape and dtype are."""
        return ArrayType(self.shape, self.dtype) if self.weak else self

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
    return dtype.num in INEXACT


_OF_NUMBERS = {bool: (BOOL, False), int: (INDEX, True), float: (np.dtype(np.float64), True),
               complex: (np.dtype(np.complex128), True)}


def type_of(value: Any) -> ArrayType:
    """The type of a NumPy array, an array of another declared type, a NumPy scalar or a Python scalar.

    It is of native byte order, as what is computed is; an array of the other one is converted where it comes in.

    Raises:
        Unfit: the array is not one of numbers, or of a class whose operations mean something else.
    """
    if is_array(value):
        dtype = value.dtype
        if dtype.num not in NUMERIC or type(value) is not np.ndarray and not has_plain_meaning(value):
            raise Unfit(value)
        return ArrayType(value.shape, dtype if dtype.isnative else dtype.newbyteorder("="))
    known = _OF_NUMBERS.get(type(value))
    if known is None:
        error = f"array: requires a NumPy array or a number, got {type(value).__name__}. Convert it by np.asarray."
        raise Unfit(value) if holds_memory(value) else TypeError(error)
    return ArrayType((), *known)
