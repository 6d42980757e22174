"""Sums of products of windows with weights, along three axes; arrays are C-contiguous."""

from numba import njit


@njit
def add_products(x, w, out, taps, count):
    """out[i] += x[i + j] w[j] for so many i and all taps j, four at a time."""
    j = 0
    while j + 4 <= taps:
        w0, w1, w2, w3 = w[j], w[j + 1], w[j + 2], w[j + 3]
        at = x + j
        for i in range(count):
            out[i] = out[i] + (w0 * at[i] + w1 * at[i + 1] + w2 * at[i + 2] + w3 * at[i + 3])
        j += 4
    left, at = taps - j, x + j
    if left == 3:
        w0, w1, w2 = w[j], w[j + 1], w[j + 2]
        for i in range(count):
            out[i] = out[i] + (w0 * at[i] + w1 * at[i + 1] + w2 * at[i + 2])
    elif left == 2:
        w0, w1 = w[j], w[j + 1]
        for i in range(count):
            out[i] = out[i] + (w0 * at[i] + w1 * at[i + 1])
    elif left == 1:
        w0 = w[j]
        for i in range(count):
            out[i] = out[i] + w0 * at[i]


@njit
def correlate(x, w, out, x_step, w_step, x1, x2, k0, k1, k2, n0, n1, n2, block, lo, hi):
    """out[b, i] = sum over j of x[b, i + j] w[b, j]; the index space is that of rows of results in blocks.

    The extents of x's last axes are x1 and x2, those of the weights k0, k1, k2, of the results n0, n1, n2. From one
    example to the next are x_step and w_step elements, none where all have the same.
    """
    blocks = (n2 + block - 1) // block
    for index in range(lo, hi):
        row, start = index // blocks, index % blocks * block
        i1, i0, example = row % n1, row // n1 % n0, row // n1 // n0
        result, count = out + (row * n2 + start), min(block, n2 - start)
        for i in range(count):
            result[i] = 0
        for j0 in range(k0):
            for j1 in range(k1):
                met = x + (example * x_step + ((i0 + j0) * x1 + i1 + j1) * x2 + start)
                add_products(met, w + (example * w_step + (j0 * k1 + j1) * k2), result, k2, count)
    return 0
