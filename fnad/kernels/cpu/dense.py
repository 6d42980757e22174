"""A dense layer, y = x w + b, with or without ReLU, and what its backward pass needs.

Forward, the outer index space is the rows or the columns of y: a range of them is made by the product,
which has no batch axes, then given bias and ReLU.

Backward, x̄ = ḡ wᵀ and w̄ = xᵀ ḡ are products of matmul.py over transposed views, and b̄ is the sum
of the rows of ḡ. With ReLU, ḡ is the cotangent of y where y is positive, else 0; it and its sum are
made in one pass, over columns [lo, hi).
"""

from numba import njit

from fnad.kernels.cpu.arithmetic import add
from fnad.kernels.cpu.matmul import by_blas, matmul
from fnad.kernels.cpu.pointers import zero_of
from fnad.kernels.cpu.product import BY_COLUMNS, C_ROW, M, N
from fnad.kernels.cpu.relu import relu, relu_backward


@njit
def add_bias(y, b, n):
    """y = y + b for one row."""
    for j in range(n):
        y[j] = add(y[j], b[j])


@njit
def add_bias_and_relu(y, b, n):
    """y = relu(y + b) for one row."""
    for j in range(n):
        y[j] = relu(add(y[j], b[j]))


@njit
def dense(finish, x, w, b, y, product, lo, hi, one, zero):
    """Rows or columns [lo, hi) of y = x w + b; `finish` is add_bias or add_bias_and_relu."""
    m, n, row = product[M], product[N], product[C_ROW]
    matmul(by_blas, x, w, y, product, lo, hi, one, zero)
    if product[BY_COLUMNS]:
        for i in range(m):
            finish(y + (i * row + lo), b + lo, hi - lo)
    else:
        for i in range(lo, hi):
            finish(y + i * row, b, n)
    return 0


@njit
def relu_backward_sum(g, y, masked, sums, m, n, lo, hi):
    """Columns [lo, hi) of masked = relu_backward(g, y), and their sums."""
    for j in range(lo, hi):
        sums[j] = zero_of(sums)
    for i in range(m):
        start = i * n
        for j in range(lo, hi):
            value = relu_backward(g[start + j], y[start + j])
            masked[start + j] = value
            sums[j] = add(sums[j], value)
    return 0
