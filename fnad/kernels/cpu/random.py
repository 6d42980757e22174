"""Random bits, by the generator of `fnad.kernels.random`.

The outer index space is the blocks of all keys' streams.
"""

from numba import njit

from fnad.kernels.random import generator

threefry, threefry_block = generator(njit)


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
