"""Operations in order along one axis: cumulative sums and products, recurrences, argmax and argmin.

Arrays are C-contiguous and seen as (outer, n, inner) with the axis in the middle. The outer index
space is the first of the three; each function handles its rows [lo, hi).
"""

from numba import njit

from fnad.kernels.cpu.arithmetic import above, add, below, multiply


@njit
def accumulate(combine, x, out, n, inner, lo, hi):
    """out[o, j, i] = combine(out[o, j - 1, i], x[o, j, i])."""
    for o in range(lo, hi):
        start = o * n * inner
        for i in range(start, start + min(n, 1) * inner):
            out[i] = x[i]
        for i in range(start + inner, start + n * inner):
            out[i] = combine(out[i - inner], x[i])
    return 0


@njit
def recur(a, b, out, n, inner, lo, hi):
    """out[o, j, i] = a[o, j, i] out[o, j - 1, i] + b[o, j, i], with nothing before the first."""
    for o in range(lo, hi):
        start = o * n * inner
        for i in range(start, start + min(n, 1) * inner):
            out[i] = b[i]
        for i in range(start + inner, start + n * inner):
            out[i] = add(b[i], multiply(a[i], out[i - inner]))
    return 0


@njit
def is_above(value, best):
    """Whether a value takes the place of the largest so far; the first NaN is larger than all."""
    return best == best and (above(value, best) or value != value)


@njit
def is_below(value, best):
    """Whether a value takes the place of the smallest so far; the first NaN is smaller than all."""
    return best == best and (below(value, best) or value != value)


@njit
def find_in_row(extreme, x, n):
    """The first place of the extreme, or of a NaN, in n elements: a loop for its value and one for its place."""
    best, place = x[0], 0
    for j in range(1, n):
        best = extreme(best, x[j])
    while x[place] != best and x[place] == x[place]:
        place += 1
    return place


@njit
def find_extreme(replaces, extreme, x, out, n, inner, lo, hi):
    """out[o, i] = the first j where x[o, j, i] is extreme; n is at least 1."""
    for o in range(lo, hi):
        if inner == 1:
            out[o] = find_in_row(extreme, x + o * n, n)
            continue
        for i in range(inner):
            start = o * n * inner + i
            best, place = x[start], 0
            for j in range(1, n):
                value = x[start + j * inner]
                if replaces(value, best):
                    best, place = value, j
            out[o * inner + i] = place
    return 0
