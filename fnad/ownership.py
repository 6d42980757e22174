"""Ownership of memory: what is given back to a user shares none with anything else, and lies in C order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

_OWN = np.zeros((2, 2)).flags.num & ~np.zeros((2, 2))[:, :1].flags.num
"""The flags of an array that is C-contiguous and owns its memory."""


def own_arrays(results: Iterable[Any], inputs: Sequence[Any]) -> list[Any]:
    """The results with copies in the place of inputs, of parts of other arrays, and of what has come before.

    Copies, and so all results, are C-contiguous and of native byte order.
    """
    taken = set(map(id, inputs))
    own = []
    for result in results:
        if issubclass(type(result), np.ndarray) and (id(result) in taken or not is_own(result)):
            result = own_copy(result)
        taken.add(id(result))
        own.append(result)
    return own


def own_copy(array: np.ndarray) -> np.ndarray:
    """A copy in C order and of native byte order."""
    return np.array(array, array.dtype.newbyteorder("="), order="C")


def is_own(array: np.ndarray) -> bool:
    """Whether an array is C-contiguous, of native byte order, and owns its memory."""
    return array.flags.num & _OWN == _OWN and array.dtype.isnative


def in_c_order(result: Any, inputs: Sequence[Any]) -> Any:
    """The result of a function of NumPy's, where it has made arrays in another order in C order.

    Views stay views, and an argument that is returned stays itself.
    """
    if isinstance(result, (tuple, list)) and type(result) in (tuple, list):
        return type(result)([in_c_order(part, inputs) for part in result])
    if type(result) is not np.ndarray or result.flags.c_contiguous or result.base is not None:
        return result
    return result if any([result is x for x in inputs]) else np.ascontiguousarray(result)
