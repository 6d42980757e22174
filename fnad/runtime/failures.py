"""The errors that the numbers mean which kernels report: a field of a launch says which it can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fnad.kernels.failures import LARGEST_TOLD, OPERAND_BITS
from fnad.kernels.linalg import OUT_OF_MEMORY
from fnad.ops.linalg import wrong_matrix
from fnad.ops.losses import LABEL_ERROR


class Failure(Protocol):
    """A fault of the values that a kernel meets."""

    def error(self, status: int) -> Exception:
        """The error that the number means."""


@dataclass(frozen=True)
class OutOfBounds:
    """An index of a gather or scatter along axes of these extents, in NumPy's words."""

    extents: tuple[int, ...]

    def error(self, status: int) -> Exception:
        operand, value = index_error(status)
        return IndexError(f"index {_told(value)} is out of bounds for axis {operand} with size {self.extents[operand]}")


@dataclass(frozen=True)
class WrongLabel:
    """A label of a cross-entropy that names none of the classes."""

    classes: int

    def error(self, status: int) -> Exception:
        return IndexError(LABEL_ERROR.format(self.classes, _told(index_error(status)[1])))


@dataclass(frozen=True)
class NegativePower:
    """A negative exponent of an integer, in NumPy's words."""

    def error(self, status: int) -> Exception:
        return ValueError("Integers to negative integer powers are not allowed.")


@dataclass(frozen=True)
class NoMemory:
    """Memory to work in that there is not."""

    def error(self, status: int) -> Exception:
        return MemoryError("fnad: requires more memory to work in than there is. Use smaller batches or matrices.")


@dataclass(frozen=True)
class WrongMatrix(NoMemory):
    """A matrix of a batch of this shape that an operation cannot take, for one of some reasons in NumPy's words."""

    batch: tuple[int, ...]
    reasons: tuple[str, ...]

    def error(self, status: int) -> Exception:
        if status == OUT_OF_MEMORY:
            return super().error(status)
        number, reason = divmod(status - 1, len(self.reasons))
        return wrong_matrix(self.reasons[reason], self.batch, number)


@dataclass(frozen=True)
class Raised:
    """An exception inside of a kernel that a user wrote."""

    kernel: str

    def error(self, status: int) -> Exception:
        return RuntimeError(
            f"{self.kernel}: requires a kernel that raises nothing, got an exception inside of it. "
            "Call the kernel from Python on the same arrays to see which."
        )


def index_error(status: int) -> tuple[int, int]:
    """The number of the index operand, and the index."""
    return (status & (1 << OPERAND_BITS) - 1) - 1, status >> OPERAND_BITS


def _told(value: int) -> str:
    """An index, as far as a kernel can tell it."""
    return f"{value}{' or more' if value == LARGEST_TOLD else ' or less' if value < -LARGEST_TOLD else ''}"
