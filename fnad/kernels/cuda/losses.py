"""Losses, and in the same pass their gradients with respect to predictions or logits.

A kernel gives partial losses, one for a row of the logits or for a block of predictions; their sum is the mean loss,
since each is divided by the number of examples already.

A row of the logits is handled by a team: so many neighbouring lanes of a warp, or the threads of a block. `reduce` is
the team's reduction, `warp_reduce` or `block_reduce`. The exponentials are computed twice, for their sum and for the
gradient, which costs less than to write them and read them again.

Labels are integers, one a row, or probabilities ("soft"), n a row. An integer that names no class reports
`out_of_bounds(1, label)`, and its row is not written.
"""

from numba import cuda, int64

from fnad.kernels.cuda.arithmetic import add, number_like, rmax, select
from fnad.kernels.cuda.indexing import out_of_bounds
from fnad.kernels.cuda.pointers import load_vector, report, store_vector
from fnad.kernels.cuda.reductions import block_reduce
from fnad.kernels.cuda.sizes import THREADS
from fnad.kernels.cuda.words import inlined


@inlined
def errors_of_1(prediction, target, gradient, i, twice):
    """Element i of the gradient; gives the square of the error."""
    a = prediction[i] - target[i]
    gradient[i] = twice * a
    return a * a


@inlined
def errors_of_2(prediction, target, gradient, i, twice):
    """Two elements from i on; gives the sum of the squares."""
    (a, b), (s, t) = load_vector(prediction, i, 2), load_vector(target, i, 2)
    a, b = a - s, b - t
    store_vector(gradient, i, (twice * a, twice * b))
    return a * a + b * b


@inlined
def errors_of_4(prediction, target, gradient, i, twice):
    """Four elements from i on; gives the sum of the squares."""
    (a, b, c, d), (s, t, u, v) = load_vector(prediction, i, 4), load_vector(target, i, 4)
    a, b, c, d = a - s, b - t, c - u, d - v
    store_vector(gradient, i, (twice * a, twice * b, twice * c, twice * d))
    return (a * a + b * b) + (c * c + d * d)


@inlined
def mse_with_gradient(errors, width, prediction, target, losses, gradient, count, each, scale):
    """gradient = 2 scale (prediction - target), losses = scale * sum of squares, a block for `each` predictions.

    A thread takes `width` elements at a time, by `errors`, the function of so many.
    """
    twice, total = add(scale, scale), number_like(0, scale)
    start = cuda.blockIdx.x * each
    end = min(count, start + each)
    whole = end - (end - start & width - 1)
    i = start + cuda.threadIdx.x * width
    while i < whole:
        total = add(total, errors(prediction, target, gradient, i, twice))
        i += THREADS * width
    i = whole + cuda.threadIdx.x
    if i < end:
        total = add(total, errors_of_1(prediction, target, gradient, i, twice))
    total = block_reduce(add, total, THREADS)
    if cuda.threadIdx.x == 0:
        losses[cuda.blockIdx.x] = scale * total


# --- softmax cross-entropy --------------------------------------------------------------------


@inlined
def row_of_team(lanes):
    """The row of this thread's team of so many lanes."""
    return (cuda.blockIdx.x * THREADS + cuda.threadIdx.x) // lanes


@inlined
def largest(reduce, z, start, n, lane, lanes):
    """The largest of n > 0 logits; NaN if one is."""
    top = z[start + min(lane, n - 1)]
    for j in range(lane + lanes, n, lanes):
        top = rmax(top, z[start + j])
    return reduce(rmax, top, lanes)


@inlined
def sum_of_exponentials(reduce, exp, z, start, top, n, lane, lanes):
    """Sum of exp(z - top)."""
    total = number_like(0, top)
    for j in range(start + lane, start + n, lanes):
        total = add(total, exp(z[j] - top))
    return reduce(add, total, lanes)


@inlined
def cross_entropy(reduce, exp, log, z, labels, losses, gradient, m, n, scale, lanes, has_gradient, status, number):
    """losses = scale * (logsumexp(z) - z[label]), gradient = scale * (softmax(z) - 1 at the label)."""
    row, lane = row_of_team(lanes), cuda.threadIdx.x & (lanes - 1)
    start = min(row, m - 1) * n
    label = int64(labels[min(row, m - 1)])
    top = largest(reduce, z, start, n, lane, lanes)
    total = sum_of_exponentials(reduce, exp, z, start, top, n, lane, lanes)
    if row < m:
        if label < 0 or label >= n:
            report(status, number, out_of_bounds(1, label))
            return
        if lane == 0:
            losses[row] = scale * (log(total) + (top - z[start + label]))
        if has_gradient:
            factor, zero = scale / total, number_like(0, scale)
            for j in range(lane, n, lanes):
                share = exp(z[start + j] - top) * factor
                gradient[start + j] = share - select(j == label, scale, zero)


@inlined
def weighted_sums(reduce, exp, z, weights, start, top, n, lane, lanes):
    """Sums of exp(z - top), of the weights, and of weights * (top - z).

    A weight of 0 counts for nothing, also where z is -inf.
    """
    zero = number_like(0, top)
    total, weight, depth = zero, zero, zero
    for j in range(start + lane, start + n, lanes):
        below = top - z[j]
        total = add(total, exp(-below))
        weight = add(weight, weights[j])
        depth = add(depth, select(weights[j] == zero, zero, weights[j] * below))
    return reduce(add, total, lanes), reduce(add, weight, lanes), reduce(add, depth, lanes)


@inlined
def soft_cross_entropy(reduce, exp, log, z, labels, losses, gradient, m, n, scale, lanes, has_gradient):
    """losses = scale * sum over classes of label * (logsumexp(z) - z).

    gradient = scale * (sum of labels * softmax(z) - labels).
    """
    row, lane = row_of_team(lanes), cuda.threadIdx.x & (lanes - 1)
    start = min(row, m - 1) * n
    top = largest(reduce, z, start, n, lane, lanes)
    total, weight, depth = weighted_sums(reduce, exp, z, labels, start, top, n, lane, lanes)
    if row < m:
        if lane == 0:
            losses[row] = scale * (weight * log(total) + depth)
        if has_gradient:
            factor = scale * weight / total
            for j in range(start + lane, start + n, lanes):
                gradient[j] = exp(z[j] - top) * factor - scale * labels[j]
