"""Operations in order along one axis: cumulative sums and products, recurrences, argmax and argmin.

Arrays are C-contiguous and seen as (outer, n, inner) with the axis in the middle; no extent is 0. The lines along it
are a matrix of (outer, inner). By a thread for each line, over a grid of threads, neighbouring threads read
neighbouring elements if inner is long. By a warp, over a grid of warps, or by a block, they read along the line.
"""

from numba import cuda, int64

from fnad.kernels.cuda.arithmetic import above, add, below, multiply, select
from fnad.kernels.cuda.grids import thread_column, thread_row, warp_column, warp_row
from fnad.kernels.cuda.reductions import block_reduce
from fnad.kernels.cuda.shared import shared_like
from fnad.kernels.cuda.sizes import CHUNK, THREADS, WARP
from fnad.kernels.cuda.warps import lane_number, shuffle, shuffle_up, shuffle_xor, warp_number
from fnad.kernels.cuda.words import inlined

# --- cumulative sums and products, and recurrences, from the first element to the last --------


@inlined
def accumulate(combine, x, out, outer, n, inner):
    """out[o, j, i] = combine(out[o, j - 1, i], x[o, j, i]), a thread a line."""
    o, i = thread_row(), thread_column()
    if o < outer and i < inner:
        at = o * n * inner + i
        value = x[at]
        out[at] = value
        for _ in range(1, n):
            at += inner
            value = combine(value, x[at])
            out[at] = value


@inlined
def recur(a, b, out, outer, n, inner):
    """out[o, j, i] = a[o, j, i] out[o, j - 1, i] + b[o, j, i], with nothing before the first, a thread a line."""
    o, i = thread_row(), thread_column()
    if o < outer and i < inner:
        at = o * n * inner + i
        value = b[at]
        out[at] = value
        for _ in range(1, n):
            at += inner
            value = add(b[at], multiply(a[at], value))
            out[at] = value


@inlined
def accumulate_by_warp(combine, x, out, outer, n, inner):
    """As `accumulate`, a warp a line: each lane reads one element, and all go through them in order."""
    o, i, lane = warp_row(), warp_column(), lane_number()
    if o < outer and i < inner:
        start, first = o * n * inner + i, int64(0)
        following = x[start + min(lane, n - 1) * inner]
        value = following
        while first < n:
            term, own = following, first + lane
            following = x[start + min(own + WARP, n - 1) * inner]
            kept = term
            for k in range(WARP):
                new = shuffle(term, k)
                value = select(first + k == 0, new, combine(value, new))
                kept = select(lane == k, value, kept)
            if own < n:
                out[start + own * inner] = kept
            first += WARP


@inlined
def recur_by_warp(a, b, out, outer, n, inner):
    """As `recur`, a warp a line. In order, since composed steps overflow where the steps one by one do not."""
    o, i, lane = warp_row(), warp_column(), lane_number()
    if o < outer and i < inner:
        start, first = o * n * inner + i, int64(0)
        at = start + min(lane, n - 1) * inner
        next_factor, next_term = a[at], b[at]
        value = next_term
        while first < n:
            factor, term, own = next_factor, next_term, first + lane
            at = start + min(own + WARP, n - 1) * inner
            next_factor, next_term = a[at], b[at]
            kept = term
            for k in range(WARP):
                new = shuffle(term, k)
                value = select(first + k == 0, new, add(new, multiply(shuffle(factor, k), value)))
                kept = select(lane == k, value, kept)
            if own < n:
                out[start + own * inner] = kept
            first += WARP


# --- long lines in chunks, where the order of combining does not matter -----------------------
#
# A block handles a chunk: chunks lie along x of the grid, the lines along y and z, as (outer, inner).


@inlined
def chunk_line():
    """The number of this block's line."""
    return cuda.blockIdx.y * cuda.gridDim.z + cuda.blockIdx.z


@inlined
def total_chunks(combine, x, totals, n, inner):
    """totals[line, c] = chunk c of a line combined, for whole chunks."""
    at = cuda.blockIdx.y * n * inner + cuda.blockIdx.z + (cuda.blockIdx.x * CHUNK + cuda.threadIdx.x) * inner
    value = x[at]
    for _ in range(1, CHUNK // THREADS):
        at += THREADS * inner
        value = combine(value, x[at])
    value = block_reduce(combine, value, THREADS)
    if cuda.threadIdx.x == 0:
        totals[chunk_line() * cuda.gridDim.x + cuda.blockIdx.x] = value


@inlined
def accumulate_chunks(combine, neutral, x, totals, out, n, inner):
    """As `accumulate`; totals[line, c] is all up to the end of chunk c combined, for all chunks but the last."""
    chunk, lane, warp = cuda.blockIdx.x, lane_number(), warp_number()
    start, ends = cuda.blockIdx.y * n * inner + cuda.blockIdx.z, shared_like(neutral, WARP)
    before = neutral
    if chunk > 0:
        before = totals[chunk_line() * (cuda.gridDim.x - 1) + chunk - 1]
    first, last = chunk * CHUNK, min(n, (chunk + 1) * CHUNK)
    while first < last:
        own = first + cuda.threadIdx.x
        value = x[start + min(own, n - 1) * inner]
        distance = 1
        while distance < WARP:
            lower = shuffle_up(value, distance)
            value = select(lane >= distance, combine(lower, value), value)
            distance *= 2
        if lane == WARP - 1:
            ends[warp] = value
        cuda.syncthreads()
        below = before
        for k in range(THREADS // WARP):
            below = select(k == warp, before, below)
            before = combine(before, ends[k])
        cuda.syncthreads()
        if own < n:
            out[start + own * inner] = combine(below, value)
        first += THREADS


# --- the place of an extreme ------------------------------------------------------------------


@inlined
def is_above(value, best):
    """Whether a value takes the place of the largest so far; the first NaN is larger than all."""
    return best == best and (above(value, best) or value != value)


@inlined
def is_below(value, best):
    """Whether a value takes the place of the smallest so far; the first NaN is smaller than all."""
    return best == best and (below(value, best) or value != value)


@inlined
def goes_before(replaces, value, at, best, place):
    """Whether a candidate for the extreme and its place go before another: among equals the first one."""
    return replaces(value, best) or (at < place and not replaces(best, value))


@inlined
def find_extreme(replaces, x, out, outer, n, inner):
    """out[o, i] = the first j where x[o, j, i] is extreme, a thread a line."""
    o, i = thread_row(), thread_column()
    if o < outer and i < inner:
        at = o * n * inner + i
        best, place = x[at], int64(0)
        for j in range(1, n):
            at += inner
            value = x[at]
            if replaces(value, best):
                best, place = value, j
        out[o * inner + i] = place


@inlined
def extreme_of_elements(replaces, x, start, first, end, inner, lane, lanes):
    """The extreme and its place among those of the elements first to end of a line that one of some lanes looks at."""
    place = int64(min(first + lane, end - 1))
    best, j = x[start + place * inner], place + lanes
    while j < end:
        value = x[start + j * inner]
        if replaces(value, best):
            best, place = value, j
        j += lanes
    return best, place


@inlined
def extreme_of_warp(replaces, best, place):
    """The extreme and its place among those of the lanes of a warp."""
    distance = WARP // 2
    while distance > 0:
        value, at = shuffle_xor(best, distance), shuffle_xor(place, distance)
        if goes_before(replaces, value, at, best, place):
            best, place = value, at
        distance //= 2
    return best, place


@inlined
def find_extreme_by_warp(replaces, x, out, outer, n, inner):
    """As `find_extreme`, a warp a line."""
    o, i, lane = warp_row(), warp_column(), lane_number()
    if o < outer and i < inner:
        best, place = extreme_of_elements(replaces, x, o * n * inner + i, 0, n, inner, lane, WARP)
        best, place = extreme_of_warp(replaces, best, place)
        if lane == 0:
            out[o * inner + i] = place


@inlined
def find_extremes_of_chunks(replaces, x, places, n, inner):
    """places[line, c] = the first j in chunk c of a line where x is extreme there, over a grid of chunks and lines."""
    start, first = cuda.blockIdx.y * n * inner + cuda.blockIdx.z, cuda.blockIdx.x * CHUNK
    best, place = extreme_of_elements(
        replaces, x, start, first, min(n, first + CHUNK), inner, cuda.threadIdx.x, THREADS
    )
    best, place = extreme_of_warp(replaces, best, place)
    bests, candidates = shared_like(best, WARP), shared_like(place, WARP)
    if lane_number() == 0:
        bests[warp_number()], candidates[warp_number()] = best, place
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        for warp in range(1, THREADS // WARP):
            if goes_before(replaces, bests[warp], candidates[warp], best, place):
                best, place = bests[warp], candidates[warp]
        places[chunk_line() * cuda.gridDim.x + cuda.blockIdx.x] = place


@inlined
def find_extreme_of_places(replaces, x, places, out, chunks, outer, n, inner):
    """out[line] = the one of places[line, :] where x is extreme, a warp a line."""
    o, i, lane = warp_row(), warp_column(), lane_number()
    if o < outer and i < inner:
        start, line = o * n * inner + i, o * inner + i
        place = places[line * chunks + min(lane, chunks - 1)]
        best, c = x[start + place * inner], int64(lane + WARP)
        while c < chunks:
            at = places[line * chunks + c]
            value = x[start + at * inner]
            if replaces(value, best):
                best, place = value, at
            c += WARP
        best, place = extreme_of_warp(replaces, best, place)
        if lane == 0:
            out[line] = place
