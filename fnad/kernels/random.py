"""Random bits: the counter-based generator Threefry-2x32 with 20 rounds.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011. Block j of a stream is the 64-bit counter j enciphered with the key, two words of 32 bits;
no block depends on another one.
"""

from collections.abc import Callable
from typing import Any

from numba import uint32, uint64

PARITY = 0x1BD11BDA
STREAM_BITS = 2
"""Highest bits of a counter that hold the stream's number."""


def generator(compiled: Callable[[Callable], Any]) -> tuple[Any, Any]:
    """The functions of a block, `threefry` and `threefry_block`, as a target's decorator compiles functions."""
    four_rounds = _rounds(compiled)

    @compiled
    def threefry(k0, k1, x, y):
        """The block of two words for a key and a counter of two words each."""
        k2 = uint32(k0 ^ k1 ^ uint32(PARITY))
        x, y = uint32(x + k0), uint32(y + k1)
        x, y = four_rounds(x, y, 13, 15, 26, 6)
        x, y = uint32(x + k1), uint32(y + k2 + uint32(1))
        x, y = four_rounds(x, y, 17, 29, 16, 24)
        x, y = uint32(x + k2), uint32(y + k0 + uint32(2))
        x, y = four_rounds(x, y, 13, 15, 26, 6)
        x, y = uint32(x + k0), uint32(y + k1 + uint32(3))
        x, y = four_rounds(x, y, 17, 29, 16, 24)
        x, y = uint32(x + k1), uint32(y + k2 + uint32(4))
        x, y = four_rounds(x, y, 13, 15, 26, 6)
        return uint32(x + k2), uint32(y + k0 + uint32(5))

    @compiled
    def threefry_block(k0, k1, j, stream):
        """Block j of a stream."""
        counter = uint64(j) | (uint64(stream) << uint64(64 - STREAM_BITS))
        return threefry(k0, k1, uint32(counter), uint32(counter >> uint64(32)))

    return threefry, threefry_block


def _rounds(compiled: Callable[[Callable], Any]) -> Any:
    @compiled
    def rotate_left(x, distance):
        """The bits of a 32-bit word rotated."""
        return uint32(uint32(x << uint32(distance)) | (x >> uint32(32 - distance)))

    @compiled
    def four_rounds(x, y, a, b, c, d):
        """Four rounds with these rotations."""
        x = uint32(x + y)
        y = rotate_left(y, a) ^ x
        x = uint32(x + y)
        y = rotate_left(y, b) ^ x
        x = uint32(x + y)
        y = rotate_left(y, c) ^ x
        x = uint32(x + y)
        y = rotate_left(y, d) ^ x
        return x, y

    return four_rounds
