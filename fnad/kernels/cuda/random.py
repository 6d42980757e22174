"""Random bits, bit for bit those of `fnad.kernels.cpu.random`: a thread makes a block of a stream."""

from fnad.kernels.cuda.grids import thread_column, thread_row
from fnad.kernels.cuda.words import inlined
from fnad.kernels.random import generator

threefry, threefry_block = generator(inlined)


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
