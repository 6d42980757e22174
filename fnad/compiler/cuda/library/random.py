"""Random bits."""

from __future__ import annotations

from math import prod

from fnad.compiler.cuda.library.launch import Launches, Row, grid_of_threads, launch, row
from fnad.ir.primitive import Primitive
from fnad.kernels.dtypes import DTYPES
from fnad.random.bits import random_bits as random_bits_p
from fnad.runtime.plan import View


def random_bits(key: View, out: View, stream: int, **like: object) -> Launches:
    """Streams of random bits for (..., 2) keys of uint32, as uint32 or uint64; all C-contiguous.

    A 64-bit number is its two words in memory, the low one first. What else the operation is given, the output shows.
    """
    keys = prod(key.shape[:-1])
    words = prod(out.shape) * out.dtype.itemsize // 4 // max(keys, 1)
    if keys == 0 or words == 0:
        return []
    operands, numbers = {"keys": key, "out": out}, {"count": keys, "words": words, "stream": stream}
    call, (grid, block) = "random_bits(keys, out, count, words, stream)", grid_of_threads(keys, -(-words // 2))
    return [launch("random_bits", call, operands, numbers, grid, block, storage={"out": "uint32"})]


LAUNCHES: dict[Primitive, Row] = {random_bits_p: row(random_bits, DTYPES)}
