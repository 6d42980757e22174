"""Arithmetic on the indices of elements."""

from numba import int64, uint32

from fnad.kernels.cuda.words import inlined


@inlined
def quotient(i, n):
    """i // n for indices of less than 32 bits."""
    return int64(uint32(i) // uint32(n))
