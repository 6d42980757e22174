"""Reading and writing slices of an array by integer index arrays.

The array is C-contiguous and seen as its k indexed axes, then the rest, R elements a slice. Index j is n int64 values,
the places along axis j; negative ones count from the end. A row of the indices with one that is out of bounds reports
`out_of_bounds(j, value)` and is left out.

`indices` and `extents` are tuples: the k pointers to index values, and the extents of their axes.
"""

from numba import cuda, int32, int64

from fnad.kernels.cuda.arithmetic import select
from fnad.kernels.cuda.grids import thread_column, thread_row
from fnad.kernels.cuda.pointers import load_vector, report, store_vector, zero_of
from fnad.kernels.cuda.sizes import THREADS, WARP, WARP_BITS
from fnad.kernels.cuda.warps import ballot
from fnad.kernels.cuda.words import inlined
from fnad.kernels.failures import LARGEST_TOLD, OPERAND_BITS


@inlined
def out_of_bounds(j, value):
    """The report of index operand j, whose value is out of bounds."""
    told = min(max(value, -LARGEST_TOLD - 1), LARGEST_TOLD)
    return (told << OPERAND_BITS) | (j + 1)


@inlined
def slice_number(indices, extents, i, status, number):
    """The number of the slice of the array that row i of the indices names; -1, and a report, if there is none."""
    place = int64(0)
    for j in range(len(indices)):
        value, extent = indices[j][i], extents[j]
        if value < -extent or value >= extent:
            report(status, number, out_of_bounds(j, value))
            return int64(-1)
        place = place * extent + value + select(value < 0, extent, int64(0))
    return place


# --- gather: a thread for each element of the result ------------------------------------------


@inlined
def move_element(target, i, source, j):
    """target[i] = source[j]."""
    target[i] = source[j]


@inlined
def move_16_bytes(target, i, source, j):
    """target[i] = source[j] in units of 16 bytes, for pointers to words of 4 bytes that are aligned to it."""
    store_vector(target, 4 * i, load_vector(source, 4 * j, 4))


@inlined
def gather(move, x, out, indices, extents, count, size, status, number):
    """out[i, :] = x[index_0[i], ..., index_k-1[i], :] for n = count rows of R = size elements."""
    i, r = thread_row(), thread_column()
    if i < count and (r < size or r == 0):
        place = slice_number(indices, extents, i, status, number)
        if place >= 0 and r < size:
            move(out, i * size + r, x, place * size + r)


# --- scatter: in order, without atomics -------------------------------------------------------

TILE = 1024
"""Rows of the indices that a block looks through at a time."""

WARPS = THREADS // WARP
"""Warps of a block."""

SHARE = TILE // WARPS
"""Rows of a tile for each warp."""


@inlined
def list_own(places, rows, lengths, indices, extents, first, count, thread, status, number):
    """List the rows of a tile that this block's part of the slices is named by, in order, in a list for each warp.

    Part p of the slices, of a power of 2 that is the grid's extent along y, is those whose number's last bits are p.
    """
    warp, lane = thread >> WARP_BITS, thread & (WARP - 1)
    length = int32(0)
    for step in range(SHARE // WARP):
        row = warp * SHARE + step * WARP + lane
        place = int64(-1)
        if first + row < count:
            place = slice_number(indices, extents, first + row, status, number)
        own = place >= 0 and place & (cuda.gridDim.y - 1) == cuda.blockIdx.y
        votes = ballot(own)
        if own:
            at = warp * SHARE + length + cuda.popc(votes & ((1 << lane) - 1))
            places[at], rows[at] = place, row
        length += cuda.popc(votes)
    if lane == 0:
        lengths[warp] = length


@inlined
def scatter(combine, out, updates, indices, extents, count, size, part_bits, status, number):
    """Combine n = count rows of updates of R = size elements into out, one after the other.

    An element of `out` is one thread's: a block has a tile of columns, a thread for each along x, and a part of the
    slices, as `list_own` says, dealt to its threads along y by the next bits of their numbers. Every block looks
    through all indices. A thread holds the element it wrote last, since the next update is often for the same one.
    """
    places = cuda.shared.array(TILE, int64)
    rows = cuda.shared.array(TILE, int32)
    lengths = cuda.shared.array(WARPS, int32)
    thread = cuda.threadIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    column = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    held, value, first = int64(-1), zero_of(out), int64(0)
    while first < count:
        list_own(places, rows, lengths, indices, extents, first, count, thread, status, number)
        cuda.syncthreads()
        for warp in range(WARPS):
            for k in range(warp * SHARE, warp * SHARE + lengths[warp]):
                place = places[k]
                if column < size and (place >> part_bits) & (cuda.blockDim.y - 1) == cuda.threadIdx.y:
                    if place != held:
                        if held >= 0:
                            out[held * size + column] = value
                        held, value = place, out[place * size + column]
                    value = combine(value, updates[(first + rows[k]) * size + column])
        cuda.syncthreads()
        first += TILE
    if held >= 0:
        out[held * size + column] = value


@inlined
def second(old, new):
    """The combination of a plain assignment."""
    return new
