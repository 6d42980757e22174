"""The objects that are arrays of numbers, and what is said of those that are meant as such and are none."""

from __future__ import annotations

from types import FunctionType, NoneType
from typing import Any

import numpy as np

PYTHON_SCALARS = (bool, int, float, complex)
_array_types: tuple[type, ...] = (np.ndarray, np.generic)


def declare_array_type(kind: type) -> None:
    """Let objects of a type count as arrays: they have a ``shape`` and a ``dtype``, and ``np.asarray`` takes them."""
    global _array_types
    _array_types += (kind,)


def is_array(value: Any) -> bool:
    """Whether an object is an array or a NumPy scalar, of whatever dtype; a traced one is not."""
    return issubclass(type(value), _array_types)


def is_numeric(dtype: np.dtype) -> bool:
    """Whether values of a dtype are NumPy's own truth values, integers, floats or complex numbers."""
    return dtype.num in NUMERIC


INEXACT = frozenset([np.dtype(code).num for code in "efdgFDG"])
NUMERIC = INEXACT.union([np.dtype(code).num for code in "?bhilqpBHILQP"])


class Unfit(TypeError):
    """An object that is meant as an array, and that no array of numbers can stand for without a word."""

    def __init__(self, value: Any) -> None:
        self.got, self.advice = _unfit(value)
        super().__init__(f"array: requires {FIT}, got {self.got}. {self.advice}")

    def __reduce__(self) -> Any:
        return TypeError, self.args  # without the object

    def at(self, name: str, path: str) -> TypeError:
        """The error for one that was given to a function, at a key path."""
        return TypeError(f"{name}: requires {FIT}, got {self.got} at {path}. {self.advice}")


FIT = "NumPy arrays of numbers"
_ADVICE = {
    "O": "Convert it with x.astype(float).",
    "M": "Convert it to numbers, as (x - x[0]) / np.timedelta64(1, 's').",
    "m": "Convert it to numbers, as x / np.timedelta64(1, 's').",
    **dict.fromkeys("SUT", "Give its texts numbers, as np.unique(x, return_inverse=True)[1]."),
}


def _unfit(value: Any) -> tuple[str, str]:
    """The description of an object that is no array, and advice."""
    kind = type(value)
    if not is_array(value):
        return f"{kind.__module__}.{kind.__qualname__}", "Convert it with np.asarray(x)."
    dtype = value.dtype
    if is_numeric(dtype):
        return f"a {kind.__name__}, whose operations are not NumPy's", "Use np.asarray(x) and, for a mask, np.where."
    if dtype.names:
        return f"dtype {dtype}", f"Pass its fields, as x[{dtype.names[0]!r}]."
    is_foreign = dtype.num > np.dtype(np.void).num and dtype.kind not in "MmT"
    advice = "Convert it with x.astype(np.float32)." if is_foreign else "View it as numbers, as x.view(np.uint8)."
    return f"dtype {dtype.name}", _ADVICE.get(dtype.kind, advice)


def is_array_like(value: Any) -> bool:
    """Whether a pytree leaf is numeric: an array or scalar of a bool, integer, float or complex dtype.

    Raises:
        Unfit: the value is an array of something else, of a class whose operations mean something else, or an array
            of another library, whose contents nobody would look at again.
    """
    kind = type(value)
    if kind is np.ndarray:
        if value.dtype.num in NUMERIC:
            return True
        raise Unfit(value)
    if kind in PYTHON_SCALARS:
        return True
    if is_array(value):
        if is_numeric(value.dtype) and has_plain_meaning(value):
            return True
        if isinstance(value, (str, bytes)):  # as NumPy's scalars of text are
            return False
        raise Unfit(value)
    if kind not in _NO_ARRAYS and holds_memory(value):
        raise Unfit(value)
    return False


_NO_ARRAYS = {str, bytes, NoneType, FunctionType, type}
_PROTOCOLS = ("__array__", "__array_interface__", "__array_struct__", "__dlpack__")
_MEANINGS = (
    "__array_ufunc__", "__array_function__", "__getitem__",
    *[f"__{side}{name}__" for name in ("add", "sub", "mul", "truediv", "matmul", "pow") for side in ("", "r")],
)
_KEPT = (np.ndarray, np.memmap, np.recarray)


def has_plain_meaning(value: Any) -> bool:
    """Whether the operations of an array are NumPy's, also where it is of a class derived from NumPy's."""
    kind = type(value)
    if not issubclass(kind, np.ndarray) or kind in _KEPT:
        return True
    if isinstance(value, (np.ma.MaskedArray, np.matrix)):
        return False
    return all([any([getattr(kind, name) is getattr(known, name) for known in _KEPT]) for name in _MEANINGS])


def holds_memory(value: Any) -> bool:
    """Whether an object is an array of another library, or gives its memory away as one."""
    kind = type(value)
    if any([hasattr(kind, name) for name in _PROTOCOLS]):
        return True
    try:
        memoryview(value)
    except TypeError:
        return False
    return True
