"""Many values to one, by the threads of a warp or of a block together, always in the same order.

`combine` is a word of two operands, such as `radd` or `rmax`; the value is of any dtype. Every thread of the warp or
block must call, with the operation's neutral element where it has nothing to give, and all get the result:

    total = warp_reduce(radd, total, 32)     # or 16, 8, ...: groups of so many neighbouring lanes
    top = block_reduce(rmax, top, 256)       # the threads of a block, a multiple of 32, along x
"""

from numba import cuda

from fnad.kernels.cuda.shared import shared_like
from fnad.kernels.cuda.sizes import WARP
from fnad.kernels.cuda.warps import lane_number, shuffle_xor, warp_number
from fnad.kernels.cuda.words import inlined


@inlined
def warp_reduce(combine, value, lanes):
    """The values of `lanes` lanes, a power of 2 that is at most 32, combined pairwise."""
    distance = lanes // 2
    while distance > 0:
        value = combine(value, shuffle_xor(value, distance))
        distance //= 2
    return value


@inlined
def block_reduce(combine, value, threads):
    """The values of all threads of a block combined: each warp's, then those of the warps in order."""
    partial = shared_like(value, WARP)
    value = warp_reduce(combine, value, WARP)
    if lane_number() == 0:
        partial[warp_number()] = value
    cuda.syncthreads()
    value = partial[0]
    for warp in range(1, threads // WARP):
        value = combine(value, partial[warp])
    cuda.syncthreads()  # before the next reduction writes to the same memory
    return value
