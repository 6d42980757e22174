"""Memory in which the checks keep who used what, for the ranges of a launch; see checks.py.

It is the same memory for every launch, and is not cleared in between: each launch counts its blocks on from where the
one before ended, and takes what blocks before did for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.ptxsim.context import SHADOW_WORDS

Range = tuple[int, int, int]
"""First byte, end, and the granule (bytes) in which races are looked for; 0: it may only be read."""

MOST = 2**31 - 1


class Pool:
    """Records, as many as were ever needed at once, and the first number for blocks that none of them holds."""

    def __init__(self) -> None:
        self.records = np.zeros((1024, SHADOW_WORDS), np.int32)
        self.next_block = 1

    def reserve(self, records: int, blocks: int) -> tuple[int, int]:
        """The address of so many records, and the number before that of the first block."""
        if records > len(self.records):
            self.records, self.next_block = np.zeros((2 * records, SHADOW_WORDS), np.int32), 1
        if self.next_block + blocks + 1 > MOST:
            self.records[:], self.next_block = 0, 1
        first = self.next_block
        self.next_block += blocks + 1
        return self.records.ctypes.data, first


_pool = Pool()


class Shadows:
    """The shadows of the ranges of a launch; ranges that overlap share theirs, in the finest granule of them.

    `rows` are those of the context (first byte, end, shadow, the byte that it starts with, granule).
    """

    def __init__(self, ranges: Sequence[Range], shared_records: int, blocks: int) -> None:
        groups = overlapping([r for r in ranges if r[1] > r[0] and r[2]])
        sizes = [shared_records, *(-(-(end - start) // granule) for start, end, granule, _ in groups)]
        address, self.first_block = _pool.reserve(sum(sizes), blocks)
        self.shared = address
        self.rows = [(start, end, 0, start, 0) for start, end, granule in ranges if not granule]
        for (start, _, granule, members), size in zip(groups, sizes):
            address += 4 * SHADOW_WORDS * size
            self.rows += [(r[0], r[1], address, start, granule) for r in members]


def overlapping(ranges: list[Range]) -> list[tuple[int, int, int, list[Range]]]:
    """Groups of ranges with bytes in common: first byte, end, finest granule, and the ranges."""
    groups: list[tuple[int, int, int, list[Range]]] = []
    for one in sorted(set(ranges)):
        if groups and one[0] < groups[-1][1]:
            start, end, granule, members = groups[-1]
            groups[-1] = (start, max(end, one[1]), min(granule, one[2]), [*members, one])
        else:
            groups.append((*one, [one]))
    return groups
