"""Sorting along an axis, and searching in what is sorted.

Arrays are C-contiguous. Elements are compared by `precedes_at` or, complex ones seen as pairs of their parts, by
`precedes_at_parts`, and those of half precision, seen as their bits, by `precedes_at_bits`: in NumPy's order, in which
nan comes last.
"""

from numba import int64, njit

RUN = 16
"""Elements that are sorted by insertion before they are merged."""


@njit
def precedes(a, b):
    """Whether a number comes before another one; nan comes behind all others."""
    return a < b or (b != b and a == a)


@njit
def precedes_at(x, i, y, j):
    """Whether x[i] comes before y[j]."""
    return precedes(x[i], y[j])


@njit
def precedes_at_parts(x, i, y, j):
    """Whether complex number i of x comes before number j of y: by real parts, then by imaginary ones.

    Numbers without nan come first, then those with nan as their imaginary, as their real, and as both parts.
    """
    a, b, c, d = x[2 * i], x[2 * i + 1], y[2 * j], y[2 * j + 1]
    if a < c:
        return b == b or d != d
    if a > c:
        return d != d and b == b
    if a == c or (a != a and c != c):
        return precedes(b, d)
    return c != c


@njit
def rank_of_half(bits):
    """An integer that ranks a number of half precision among others; the same for both zeros, and for all nan."""
    size = int64(bits & 0x7FFF)
    if size > 0x7C00:
        return 0x7C01
    return -size if bits & 0x8000 else size


@njit
def precedes_at_bits(x, i, y, j):
    """Whether the number of half precision with the bits x[i] comes before the one with the bits y[j]."""
    return rank_of_half(x[i]) < rank_of_half(y[j])


@njit
def sort_runs(before, x, out, first, n, step):
    """The places of each `RUN` elements of a line in their order."""
    for start in range(0, n, RUN):
        for k in range(start, min(start + RUN, n)):
            j = k
            while j > start and before(x, first + k * step, x, first + out[first + (j - 1) * step] * step):
                out[first + j * step] = out[first + (j - 1) * step]
                j -= 1
            out[first + j * step] = k


@njit
def merge_runs(before, x, source, target, first, step, start, middle, stop):
    """Two sorted runs of places, [start, middle) and [middle, stop), as one; of equal elements the left one first."""
    i, j, k = first + start * step, first + middle * step, first + start * step
    left, right = j, first + stop * step
    while i < left and j < right:  # without a jump that depends on the elements
        a, b = source[i], source[j]
        is_right = int64(before(x, first + b * step, x, first + a * step))
        target[k] = a + is_right * (b - a)
        i += step - is_right * step
        j += is_right * step
        k += step
    while i < left:
        target[k] = source[i]
        i, k = i + step, k + step
    while j < right:
        target[k] = source[j]
        j, k = j + step, k + step


@njit
def sort_line(before, x, out, room, first, n, step):
    """The places of the n elements of a line in their order."""
    sort_runs(before, x, out, first, n, step)
    source, target, width = out, room, RUN
    swapped = False
    while width < n:
        for start in range(0, n, 2 * width):
            middle = min(start + width, n)
            merge_runs(before, x, source, target, first, step, start, middle, min(start + 2 * width, n))
        source, target = target, source
        swapped = not swapped
        width *= 2
    if swapped:
        for k in range(first, first + n * step, step):
            out[k] = room[k]


@njit
def sort_places(before, x, out, room, n, inner, lo, hi):
    """out[o, :, i] = the places j of x[o, j, i] in their order for o in [lo, hi), by a stable merge sort.

    `room` is memory as large as `out`.
    """
    for o in range(lo, hi):
        for i in range(inner):
            sort_line(before, x, out, room, o * n * inner + i, n, inner)
    return 0


@njit
def goes_before(before, right, a, i, v, e):
    """Whether a[i] comes before v[e], or, if right, not behind it."""
    return not before(v, e, a, i) if right else before(a, i, v, e)


@njit
def search(before, right, a, v, out, n, m, lo, hi):
    """out[b, i] = how many of the n > 0 sorted a[b] go before v[b, i]; elements [lo, hi)."""
    for e in range(lo, hi):
        row = e // m * n
        at, left = row, n
        while left > 1:  # without a jump that depends on the elements
            half = left // 2
            at += half * int64(goes_before(before, right, a, at + half - 1, v, e))
            left -= half
        out[e] = at - row + int64(goes_before(before, right, a, at, v, e))
    return 0


@njit
def search_nothing(out, lo, hi):
    """out = 0 for elements [lo, hi): the places in rows that are empty."""
    for e in range(lo, hi):
        out[e] = 0
    return 0
