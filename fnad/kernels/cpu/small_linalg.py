"""The same as linalg.py for matrices of a few rows, whose number is a constant: loops that cost less than a call.

They pivot as LAPACK does. Matrices are kept by rows, LU's factors by columns.
"""

from numba import int32, njit

from fnad.kernels.cpu.arithmetic import fabs, sqrt
from fnad.kernels.cpu.linalg import is_singular, swap_rows
from fnad.kernels.cpu.pointers import zero_of


@njit
def magnitude(x):
    """What pivots are compared by."""
    return fabs(x.real) + fabs(x.imag)


@njit
def small_cholesky(a, out, n, lo, hi):
    """As cholesky."""
    for k in range(lo, hi):
        x, y = a + k * n * n, out + k * n * n
        for j in range(n):
            rest = x[j * n + j].real
            for p in range(j):
                root = y[j * n + p]
                rest -= root.real * root.real + root.imag * root.imag
            if not rest > 0:
                return k + 1
            pivot = sqrt(rest)
            y[j * n + j] = zero_of(out) + pivot
            for i in range(j + 1, n):
                total = x[i * n + j]
                for p in range(j):
                    total -= y[i * n + p] * y[j * n + p].conjugate()
                y[i * n + j] = total / pivot
                y[j * n + i] = zero_of(out)
    return 0


@njit
def small_triangle(a, x, n, m, row, column, lower, unit):
    """Solve op(A) X = B in place, where op(A)[i, j] is a[i * row + j * column]."""
    for step in range(n):
        j = step if lower else n - 1 - step
        if not unit:
            pivot = a[j * (row + column)]
            for c in range(m):
                x[j * m + c] /= pivot
        first, last = (j + 1, n) if lower else (0, j)
        for i in range(first, last):
            factor = a[i * row + j * column]
            for c in range(m):
                x[i * m + c] -= factor * x[j * m + c]


@njit
def conjugates(x, count, wanted):
    """Conjugate elements in their place if that is asked for."""
    if wanted:
        for i in range(count):
            x[i] = x[i].conjugate()


@njit
def small_triangular_solve(a, b, out, n, m, lower, adjoint, unit, strict, lo, hi):
    """As triangular_solve."""
    for k in range(lo, hi):
        x = out + k * n * m
        if strict and is_singular(a + k * n * n, n):
            return k + 1
        for i in range(n * m):
            x[i] = b[k * n * m + i]
        conjugates(x, n * m, adjoint)
        row, column = (1, n) if adjoint else (n, 1)
        small_triangle(a + k * n * n, x, n, m, row, column, lower != adjoint, unit)
        conjugates(x, n * m, adjoint)
    return 0


@njit
def small_lu(a, out, pivots, n, lo, hi):
    """As lu."""
    for k in range(lo, hi):
        x, y, swaps = a + k * n * n, out + k * n * n, pivots + k * n
        for i in range(n):
            for j in range(n):
                y[j * n + i] = x[i * n + j]
        for j in range(n):
            place, largest = j, magnitude(y[j * n + j])
            for i in range(j + 1, n):
                size = magnitude(y[j * n + i])
                if size > largest:
                    place, largest = i, size
            swaps[j] = int32(place)
            if place != j:
                for c in range(n):
                    y[c * n + j], y[c * n + place] = y[c * n + place], y[c * n + j]
            pivot = y[j * n + j]
            if pivot != 0:
                for i in range(j + 1, n):
                    y[j * n + i] /= pivot
            for c in range(j + 1, n):
                factor = y[c * n + j]
                for i in range(j + 1, n):
                    y[c * n + i] -= y[j * n + i] * factor
    return 0


@njit
def small_lu_solve(factors, pivots, b, out, n, m, adjoint, strict, lo, hi):
    """As lu_solve."""
    for k in range(lo, hi):
        both, swaps, x = factors + k * n * n, pivots + k * n, out + k * n * m
        if strict and is_singular(both, n):
            return k + 1
        for i in range(n * m):
            x[i] = b[k * n * m + i]
        if adjoint:
            conjugates(x, n * m, True)
            small_triangle(both, x, n, m, n, 1, True, False)
            small_triangle(both, x, n, m, n, 1, False, True)
            conjugates(x, n * m, True)
            for i in range(n - 1, -1, -1):
                swap_rows(x, m, i, swaps[i])
        else:
            for i in range(n):
                swap_rows(x, m, i, swaps[i])
            small_triangle(both, x, n, m, 1, n, True, True)
            small_triangle(both, x, n, m, 1, n, False, False)
    return 0
