"""Matrices of cofactors by LU with the largest pivot of all that are left, which are right for singular matrices too.

With P A Q = L U the matrix U may have zeros at the end of its diagonal only. Its adjugate divides by all of that but
the last number, and is 0 if another one is.
"""

from numba import njit

from fnad.kernels.cpu.arithmetic import number_like
from fnad.kernels.cpu.pointers import allocate, as_int64, as_pointer_like, itemsize_of, release, zero_of
from fnad.kernels.cpu.small_linalg import magnitude
from fnad.kernels.linalg import OUT_OF_MEMORY


@njit
def bring_largest(x, rows, columns, n, k):
    """Swap the largest element from row and column k on to there; whether the sign of the determinant changes."""
    row, column, largest = k, k, magnitude(x[k * n + k])
    for i in range(k, n):
        for j in range(k, n):
            size = magnitude(x[i * n + j])
            if size > largest:
                row, column, largest = i, j, size
    if row != k:
        rows[k], rows[row] = rows[row], rows[k]
        for j in range(n):
            x[k * n + j], x[row * n + j] = x[row * n + j], x[k * n + j]
    if column != k:
        columns[k], columns[column] = columns[column], columns[k]
        for i in range(n):
            x[i * n + k], x[i * n + column] = x[i * n + column], x[i * n + k]
    return (row != k) != (column != k)


@njit
def eliminate(x, rows, columns, n):
    """L and U in place of a matrix, and the orders of its rows and columns; whether these change the sign."""
    is_negative = False
    for k in range(n):
        rows[k], columns[k] = k, k
    for k in range(n):
        is_negative = bring_largest(x, rows, columns, n, k) != is_negative
        pivot = x[k * n + k]
        if pivot == 0:
            return is_negative
        for i in range(k + 1, n):
            factor = x[i * n + k] / pivot
            x[i * n + k] = factor
            for j in range(k + 1, n):
                x[i * n + j] -= factor * x[k * n + j]
    return is_negative


@njit
def adjugate_of_triangle(x, y, n, sign):
    """y = the adjugate of U times a number."""
    last, size = n - 1, sign
    for k in range(last):
        size = size * x[k * (n + 1)]
    for k in range(n * n):
        y[k] = zero_of(y)
    y[last * (n + 1)] = size
    if size == 0:
        return
    for j in range(last - 1, -1, -1):  # rows of size times the inverse of U but for its last row and column
        y[j * (n + 1)] = size / x[j * (n + 1)]
        for k in range(j + 1, last):
            factor = x[j * n + k] / x[j * (n + 1)]
            for i in range(k, last):
                y[j * n + i] -= factor * y[k * n + i]
    for i in range(last):
        total = zero_of(y)
        for k in range(i, last):
            total += y[i * n + k] * x[k * n + last]
            y[i * n + k] = y[i * n + k] * x[last * (n + 1)]
        y[i * n + last] = -total


@njit
def times_inverse(x, y, n):
    """Multiply y by the inverse of L from the right."""
    for i in range(n):
        for j in range(n - 1, -1, -1):
            total = y[i * n + j]
            for k in range(j + 1, n):
                total -= y[i * n + k] * x[k * n + j]
            y[i * n + j] = total


@njit
def cofactors(a, out, n, lo, hi):
    """out = the derivatives of determinants in each element."""
    work = allocate(2 * n * n * itemsize_of(a) + 16 * n)
    if work == 0:
        return OUT_OF_MEMORY
    x = as_pointer_like(work, a)
    y, places = x + n * n, as_int64(work + 2 * n * n * itemsize_of(a))
    for b in range(lo, hi):
        for k in range(n * n):
            x[k] = a[b * n * n + k]
        sign = number_like(-1 if eliminate(x, places, places + n, n) else 1, zero_of(a))
        adjugate_of_triangle(x, y, n, sign)
        times_inverse(x, y, n)
        for i in range(n):
            for j in range(n):
                out[b * n * n + places[i] * n + places[n + j]] = y[j * n + i]
    release(work)
    return 0
