"""The axes of a loop: in which order it walks them, and which of them are one.

Operands are given by their strides: a row for each operand, a stride for each axis. Neither function
changes which elements meet, only when.
"""

from __future__ import annotations

from collections.abc import Sequence

CACHE_LINE = 64


def in_memory_order(space: Sequence[int], strides: Sequence[Sequence[int]]) -> list[int]:
    """The axes with those last along which the operands lie closest; in their own order where that is equal.

    Strides are in bytes. A step along an axis costs as many bytes as it moves on, but a cache line at most.
    """
    cost = [sum([min(abs(row[axis]), CACHE_LINE) for row in strides]) for axis in range(len(space))]
    return sorted(range(len(space)), key=lambda axis: -cost[axis])


def merge_axes(space: Sequence[int], strides: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """Extents, and each operand's strides, without axes of extent 1 and with neighbours made one where they can."""
    extents: list[int] = []
    kept: list[list[int]] = []  # a row of strides for each axis
    for n, row in zip(space, zip(*strides)):
        if n == 1:
            continue
        if extents and all([outer == inner * n for outer, inner in zip(kept[-1], row)]):
            extents[-1] *= n
            kept[-1] = list(row)
        else:
            extents.append(n)
            kept.append(list(row))
    if not extents:  # one element: any stride is right, so take what shares a kernel with long loops
        return [1], [[int(not space or any(row))] for row in strides]
    return extents, [list(column) for column in zip(*kept)]
