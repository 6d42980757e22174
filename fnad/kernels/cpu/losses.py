"""Losses, and in the same pass their gradients with respect to predictions or logits.

A kernel gives partial losses, one for a row of the logits or for a block of predictions; their
sum is the mean loss, since each is divided by the number of examples already. So ranges of the
outer index space are independent, and the result is the same however it is split.

The outer index space is the blocks of predictions, or the rows of the logits. `scale` is 1 / the number of
predictions or rows.

Labels are integers, one a row, or probabilities ("soft"), n a row. An integer that names no class
ends the kernel with `out_of_bounds(1, label)`.
"""

from numba import njit

from fnad.kernels.cpu.arithmetic import add, number_like, radd, rmax, select
from fnad.kernels.cpu.indexing import out_of_bounds
from fnad.kernels.cpu.pointers import zero_of

CACHED = 2048
"""Exponentials that are computed together: enough to vectorize, and still in the cache."""


@njit
def mse_with_gradient(prediction, target, losses, gradient, count, each, scale, lo, hi):
    """Blocks [lo, hi): gradient = 2 scale (prediction - target), losses = scale * sum of squares.

    A block is `each` predictions; the result depends on it, not on how blocks are shared out.
    """
    twice = add(scale, scale)
    for block in range(lo, hi):
        total = zero_of(losses)
        for i in range(block * each, min(count, (block + 1) * each)):
            error = prediction[i] - target[i]
            gradient[i] = twice * error
            total = radd(total, error * error)
        losses[block] = scale * total
    return 0


# --- softmax cross-entropy --------------------------------------------------------------------


@njit
def largest(z, n):
    """The largest of n > 0 logits; NaN if one is."""
    top = z[0]
    for j in range(1, n):
        top = rmax(top, z[j])
    return top


@njit
def weighted_depth(z, weights, top, n):
    """Sum of weights * (top - z); a weight of 0 counts for nothing, also where z is -inf."""
    total = zero_of(z)
    for j in range(n):
        zero = number_like(0, top)
        total = radd(total, select(weights[j] == zero, zero, weights[j] * (top - z[j])))
    return total


@njit
def sum_of(x, n):
    """The sum of n numbers."""
    total = zero_of(x)
    for j in range(n):
        total = radd(total, x[j])
    return total


@njit
def sum_of_exponentials(exp, z, top, n):
    """Sum of exp(z - top)."""
    total = zero_of(z)
    for j in range(n):
        total = radd(total, exp(z[j] - top))
    return total


@njit
def cross_entropy(exp, log, z, labels, losses, n, scale, lo, hi):
    """Rows [lo, hi): losses = scale * (logsumexp(z) - z[label])."""
    for i in range(lo, hi):
        row, label = z + i * n, labels[i]
        if label < 0 or label >= n:
            return out_of_bounds(1, label)
        top = largest(row, n)
        depth = top - row[label]
        losses[i] = scale * (log(sum_of_exponentials(exp, row, top, n)) + depth)
    return 0


@njit
def soft_cross_entropy(exp, log, z, labels, losses, n, scale, lo, hi):
    """Rows [lo, hi): losses = scale * sum over classes of label * (logsumexp(z) - z)."""
    for i in range(lo, hi):
        row, weights = z + i * n, labels + i * n
        top = largest(row, n)
        total = log(sum_of_exponentials(exp, row, top, n))
        depth = weighted_depth(row, weights, top, n)
        losses[i] = scale * (sum_of(weights, n) * total + depth)
    return 0


@njit
def exponentials(exp, z, losses, out, n, first, last):
    """out = exp(z - its row's maximum) for some rows; `losses` serves as memory for the maxima."""
    for i in range(first, last):
        losses[i] = largest(z + i * n, n)
        top = losses[i]
        for j in range(i * n, (i + 1) * n):
            out[j] = z[j] - top
    for j in range(first * n, last * n):
        out[j] = exp(out[j])


@njit
def cross_entropy_with_gradient(exp, log, z, labels, losses, gradient, n, scale, lo, hi):
    """As `cross_entropy`; gradient = scale * (softmax(z) - 1 at the label)."""
    step = max(1, CACHED // n)
    for first in range(lo, hi, step):
        last = min(first + step, hi)
        exponentials(exp, z, losses, gradient, n, first, last)
        for i in range(first, last):
            label, row = labels[i], gradient + i * n
            if label < 0 or label >= n:
                return out_of_bounds(1, label)
            total = sum_of(row, n)
            losses[i] = scale * (log(total) + (losses[i] - z[i * n + label]))
            factor = scale / total
            for j in range(n):
                row[j] = row[j] * factor
            row[label] = row[label] - scale
    return 0


@njit
def soft_cross_entropy_with_gradient(exp, log, z, labels, losses, gradient, n, scale, lo, hi):
    """As `soft_cross_entropy`; gradient = scale * (sum of labels * softmax(z) - labels)."""
    step = max(1, CACHED // n)
    for first in range(lo, hi, step):
        last = min(first + step, hi)
        exponentials(exp, z, losses, gradient, n, first, last)
        for i in range(first, last):
            weights, row = labels + i * n, gradient + i * n
            weight, total = sum_of(weights, n), sum_of(row, n)
            depth = weighted_depth(z + i * n, weights, losses[i], n)
            losses[i] = scale * (weight * log(total) + depth)
            factor = scale * weight / total
            for j in range(n):
                row[j] = row[j] * factor - scale * weights[j]
    return 0
