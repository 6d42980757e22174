"""Sorting long lines of real numbers by the digits of their ranks, which takes no comparisons.

Numbers are seen as their bits. A rank is an unsigned integer: a number that comes first has a smaller one, equal
numbers (both zeros; all nan, which come last) have the same.
"""

from numba import int64, njit, uint64

from fnad.kernels.cpu.digits import DIGIT, RADIX


@njit
def rank_of_unsigned(bits, width):
    """The rank of an unsigned integer."""
    return uint64(bits)


@njit
def rank_of_signed(bits, width):
    """The rank of an integer in two's complement."""
    return uint64(bits) ^ (uint64(1) << uint64(width - 1))


@njit
def rank_of_float(bits, width, infinity):
    """The rank of a number whose size has the bits of infinity at most, unless it is nan."""
    bits, sign = uint64(bits), uint64(1) << uint64(width - 1)
    size = bits & (sign - uint64(1))
    if size > uint64(infinity):
        return sign + (sign - uint64(1))
    return sign - size if bits & sign else sign + size


@njit
def rank_of_float16(bits, width):
    """The rank of a number of half precision."""
    return rank_of_float(bits, width, 0x7C00)


@njit
def rank_of_float32(bits, width):
    """The rank of a number of single precision."""
    return rank_of_float(bits, width, 0x7F800000)


@njit
def rank_of_float64(bits, width):
    """The rank of a number of double precision."""
    return rank_of_float(bits, width, 0x7FF0000000000000)


@njit
def digit(rank, shift):
    """A digit of a rank."""
    return int64((rank >> uint64(shift)) & uint64(RADIX - 1))


@njit
def place_by_digit(ranks, places, to_ranks, to_places, counts, shift, n):
    """Move n numbers in the order of one digit, those with the same one in the order that they have; whether any is
    moved."""
    for c in range(RADIX):
        counts[c] = 0
    for k in range(n):
        counts[digit(ranks[k], shift)] += 1
    if counts[digit(ranks[0], shift)] == n:
        return False
    total = 0
    for c in range(RADIX):
        count = counts[c]
        counts[c] = total
        total += count
    for k in range(n):
        c = digit(ranks[k], shift)
        to_ranks[counts[c]], to_places[counts[c]] = ranks[k], places[k]
        counts[c] += 1
    return True


@njit
def sort_by_digits(rank, x, out, ranks, places, counts, width, n, inner, chunk, lo, hi):
    """out[o, :, i] = the places j of x[o, j, i] in their order for o in [lo, hi).

    For each `chunk` of rows there is room for 2 n ranks, 2 n places and `RADIX` counts.
    """
    slot = lo // chunk
    ranks, places, counts = ranks + slot * 2 * n, places + slot * 2 * n, counts + slot * RADIX
    for line in range(lo * inner, hi * inner):
        first, here, there = line // inner * n * inner + line % inner, 0, n
        for k in range(n):
            ranks[k], places[k] = rank(x[first + k * inner], width), k
        for shift in range(0, width, DIGIT):
            if place_by_digit(ranks + here, places + here, ranks + there, places + there, counts, shift, n):
                here, there = there, here
        for k in range(n):
            out[first + k * inner] = places[here + k]
    return 0
