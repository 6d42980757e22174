"""Random bits."""

from __future__ import annotations

from math import prod

from fnad.compiler.cpu.chunks import LANES, PER_FUNCTION, chunk_of
from fnad.compiler.cpu.library.launch import Row, launch, row
from fnad.ir.primitive import Primitive
from fnad.kernels.dtypes import DTYPES
from fnad.random.bits import random_bits as random_bits_p
from fnad.runtime.plan import Launch, View


def random_bits(key: View, out: View, stream: int, **like: object) -> Launch:
    """Streams of random bits for (..., 2) keys of uint32, as uint32 or uint64; all C-contiguous.

    A 64-bit number is its two words in memory, the low one first. What else the operation is given, the output shows.
    """
    keys = prod(key.shape[:-1])
    words = prod(out.shape) * out.dtype.itemsize // 4 // max(keys, 1)
    blocks = keys * -(-words // 2)
    return launch(
        "random_bits", "random_bits(keys, out, words, stream, lo, hi)", {"keys": key, "out": out},
        {"words": words, "stream": stream}, blocks, chunk_of(blocks, 4 * PER_FUNCTION, LANES),
        storage={"out": "uint32"},
    )


LAUNCHES: dict[Primitive, Row] = {random_bits_p: row(random_bits, DTYPES)}
