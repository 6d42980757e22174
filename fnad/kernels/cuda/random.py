"""Random bits: the counter-based generator Threefry-2x32 with 20 rounds, bit for bit that of `fnad.kernels.cpu.random`.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Block j of a
stream is the 64-bit counter j enciphered with the key, two words of 32 bits; no block depends on another one. A thread
makes a block, over a grid of keys and blocks.
"""

from numba import uint32, uint64

from fnad.kernels.cpu.random import PARITY, STREAM_BITS
from fnad.kernels.cuda.grids import thread_column, thread_row
from fnad.kernels.cuda.words import inlined


@inlined
def rotate_left(x, distance):
    """The bits of a 32-bit word rotated."""
    return uint32(uint32(x << uint32(distance)) | (x >> uint32(32 - distance)))


@inlined
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


@inlined
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


@inlined
def threefry_block(k0, k1, j, stream):
    """Block j of a stream."""
    counter = uint64(j) | (uint64(stream) << uint64(64 - STREAM_BITS))
    return threefry(k0, k1, uint32(counter), uint32(counter >> uint64(32)))


@inlined
def random_bits(keys, out, count, words, stream):
    """The streams of so many keys, `words` words for each."""
    key, j = thread_row(), thread_column()
    if key < count and 2 * j < words:
        x, y = threefry_block(keys[2 * key], keys[2 * key + 1], j, stream)
        at = key * words + 2 * j
        out[at] = x
        if 2 * j + 1 < words:
            out[at + 1] = y
