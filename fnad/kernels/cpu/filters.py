"""Recursive filters; arrays are C-contiguous."""

from numba import njit


@njit
def all_pole(a, x, out, a_step, order, n, lo, hi):
    """out[line, t] = x[line, t] - sum over i of a[line, i] out[line, t - 1 - i], for the lines [lo, hi).

    From one line's coefficients to the next are a_step elements, none where all have the same.
    """
    for line in range(lo, hi):
        weights, given, result = a + line * a_step, x + line * n, out + line * n
        for t in range(n):
            value = given[t]
            for i in range(min(order, t)):
                value = value - weights[i] * result[t - 1 - i]
            result[t] = value
    return 0
