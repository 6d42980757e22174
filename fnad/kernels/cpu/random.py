"""Random bits: the counter-based generator Threefry-2x32 with 20 rounds.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011. Block j of a stream is the 64-bit counter j enciphered with the key, two words of 32 bits;
no block depends on another one.

The outer index space is the blocks of all keys' streams. Words of `params`:

    0-3     keys and output: number and byte offset of each one's buffer
    4       32-bit words in the stream of one key
    5       the number of the stream, in the highest bits of the counter
"""

from numba import njit, uint32, uint64

PARITY = 0x1BD11BDA
STREAM_BITS = 2
"""Highest bits of a counter that hold the stream's number."""


@njit
def rotate_left(x, distance):
    """The bits of a 32-bit word rotated."""
    return uint32(uint32(x << uint32(distance)) | (x >> uint32(32 - distance)))


@njit
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


@njit
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


@njit
def threefry_block(k0, k1, j, stream):
    """Block j of a stream."""
    counter = uint64(j) | (uint64(stream) << uint64(64 - STREAM_BITS))
    return threefry(k0, k1, uint32(counter), uint32(counter >> uint64(32)))


@njit
def random_bits(keys, out, words, stream, lo, hi):
    """Blocks [lo, hi) of the streams, `words` words for each key."""
    blocks = (words + 1) // 2
    at = lo
    while at < hi:
        key, first = at // blocks, at % blocks
        last = min(blocks, first + hi - at)
        k0, k1, target = keys[2 * key], keys[2 * key + 1], out + key * words
        for j in range(first, min(last, words // 2)):
            target[2 * j], target[2 * j + 1] = threefry_block(k0, k1, j, stream)
        if 2 * last > words:
            target[words - 1] = threefry_block(k0, k1, last - 1, stream)[0]
        at += last - first
    return 0
