"""Division of a launch's range: into chunks that threads take one by one, or not at all.

What is divided, and how, is decided when a plan is made, by estimates of what the work costs on one thread.
It depends on shapes and dtypes only: any number of threads runs the same chunks, and gives the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from fnad.kernels.cpu.pool import MOST_CHUNKS
from fnad.runtime.plan import View

LEAST = 20_000.0
"""Nanoseconds of a launch that is worth dividing: to wake a thread takes ten thousand, if it sleeps."""

PORTION = 5_000.0
"""Nanoseconds of a chunk, at least."""

CHUNKS = 32
"""Chunks of a launch, at most."""

LANES = 64
"""Elements that a chunk of a flat loop is a multiple of, so that no two threads write to one cache line."""

PRODUCT_ROWS, PRODUCT_CHUNKS, ROW_UNIT = 512, 4, 16
"""A matrix product is cut into pieces of about so many rows or columns, but into so many of them at least where
each is long enough: a piece packs anew what all have in common. BLAS works on multiples of the last number."""

# Nanoseconds of one thread, in the order of magnitude.
PER_BYTE = 0.015
PER_OPERATION = 0.05
PER_FUNCTION = 0.5
PER_MULTIPLICATION = 0.025


def chunk_of(extent: int, each: float, unit: int = 1) -> int:
    """The indices in a chunk of a launch where an index takes ``each`` nanoseconds; 0: it is not divided."""
    total = extent * each
    return _chunk(extent, min(CHUNKS, int(total / PORTION)), unit) if total >= LEAST else 0


def _chunk(extent: int, chunks: int, unit: int) -> int:
    """The length of so many chunks, or of fewer, that are multiples of a unit."""
    if extent < 2:
        return 0
    chunk = -(-extent // max(chunks, 1))
    chunk = max(-(-chunk // unit) * unit, -(-extent // MOST_CHUNKS))
    return chunk if chunk < extent else 0


def time_of_bytes(views: Iterable[View]) -> float:
    """The nanoseconds of reading or writing arrays once."""
    return PER_BYTE * sum([prod(view.shape) * view.dtype.itemsize for view in views])


def chunk_of_product(a: View, b: View, c: View, by_columns: bool) -> int:
    """The rows, or columns, of a matrix product C = A B in a chunk; rows are counted over the whole batch."""
    batch, (m, n), k = prod(c.shape[:-2]), c.shape[-2:], a.shape[-1]
    # BLAS works on numbers of 4 bytes twice as fast as on those of 8; a complex one is four multiplications.
    slowness = c.dtype.itemsize / 4 * (2 if c.dtype.kind == "c" else 1 if c.dtype.kind == "f" else 10)
    total = PER_MULTIPLICATION * slowness * batch * m * n * k + time_of_bytes((a, b, c))
    if total < LEAST:
        return 0
    extent = n if by_columns else batch * m
    wanted = max(min(extent // PRODUCT_ROWS, CHUNKS), PRODUCT_CHUNKS)
    if batch >= PRODUCT_CHUNKS:  # whole products
        return _chunk(extent, min(CHUNKS, int(total / PORTION)), m)
    return _chunk(extent, min(wanted, int(total / PORTION)), ROW_UNIT)
