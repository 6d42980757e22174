"""What the number that a kernel reports says in words: most times, of an index out of bounds."""

from __future__ import annotations

from collections.abc import Sequence

from fnad.kernels.failures import LARGEST_TOLD, OPERAND_BITS
from fnad.ops.layers import LABEL_ERROR


def index_error(status: int) -> tuple[int, int]:
    """The number of the index operand, and the index."""
    return (status & (1 << OPERAND_BITS) - 1) - 1, status >> OPERAND_BITS


def _told(value: int) -> str:
    """An index, as far as a kernel can tell it."""
    return f"{value}{' or more' if value == LARGEST_TOLD else ' or less' if value < -LARGEST_TOLD else ''}"


def out_of_bounds(status: int, extents: Sequence[int]) -> Exception:
    """What a gather or scatter found along axes of these extents, in NumPy's words."""
    operand, value = index_error(status)
    return IndexError(f"index {_told(value)} is out of bounds for axis {operand} with size {extents[operand]}")


def label_error(status: int, classes: int) -> Exception:
    """What a cross-entropy found: a label that names none of the classes."""
    return IndexError(LABEL_ERROR.format(classes, _told(index_error(status)[1])))


def negative_power() -> Exception:
    """What a power of integers found, in NumPy's words."""
    return ValueError("Integers to negative integer powers are not allowed.")
