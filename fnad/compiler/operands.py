"""Arguments of kernels on both targets: floats as the bits of numbers, indices, the sizes around an axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from fnad.runtime.plan import View

FLOAT64 = np.dtype(np.float64)


def float_bits(value: float, dtype: np.dtype = FLOAT64) -> int:
    """A number's bits in a float dtype, those of 0.0 for -0.0."""
    return int(np.asarray(value + 0.0, dtype).view(f"i{dtype.itemsize}"))


def float_of(name: str, dtype: np.dtype = FLOAT64) -> str:
    """The source of the float whose bits a number of a kernel has."""
    return f"bitcast(int32({name}), float32)" if dtype == np.float32 else f"bitcast({name}, float64)"


def index_arguments(array: View, indices: Sequence[View]) -> tuple[dict[str, View], dict[str, int], str]:
    """The index operands and the extents of their axes by name, and the two tuples of them in kernel source."""
    operands = {f"index_{j}": index for j, index in enumerate(indices)}
    numbers = {f"extent_{j}": extent for j, extent in zip(range(len(indices)), array.shape)}
    return operands, numbers, f"({', '.join(operands)},), ({', '.join(numbers)},)"


def sizes_around(shape: tuple[int, ...], axis: int) -> tuple[int, int, int]:
    """The elements before an axis, along it, and behind it."""
    return prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
