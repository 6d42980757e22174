"""Factorizations and triangular solves, of whole matrices by LAPACK, which gets them as Fortran keeps them.

Matrices are kept by rows. Fortran keeps them by columns, so it sees their transposes: a lower triangle is an upper one
there, and ``op(A) X = B`` is ``Xᵀ op(A)ᵀ = Bᵀ``, which needs no copies. LU, QR and eigenvectors are those of the matrix
itself, which is transposed for them.

The outer index space is the matrices of a batch, of which each function handles those from lo to hi. A status tells the
first one that fails, counted from 1.
"""

from numba import int32, int64, njit, uint8

from fnad.kernels.cpu.arithmetic import number_like
from fnad.kernels.cpu.lapack import GETRF, POTRF, TRSM, TRSV
from fnad.kernels.cpu.matmul import begin_serial, end_serial
from fnad.kernels.cpu.pointers import (
    allocate, as_int32, as_int64, as_pointer_like, call_by_reference, release, zero_of,
)
from fnad.kernels.linalg import OUT_OF_MEMORY

TILE = 16
"""Rows and columns of a piece that is transposed at a time."""

HEADER = 64
"""Bytes of work memory before the arrays in it: LAPACK's report is there."""

LOWER, UPPER, RIGHT, PLAIN, TRANSPOSED, ADJOINT, UNIT, GENERAL = 76, 85, 82, 78, 84, 67, 85, 78
"""Fortran's letters L, U, R, N, T, C, U and N."""


@njit
def transpose_to(source, target, rows, columns):
    """target = the transpose of rows x columns elements."""
    for i_start in range(0, rows, TILE):
        for j_start in range(0, columns, TILE):
            for i in range(i_start, min(i_start + TILE, rows)):
                for j in range(j_start, min(j_start + TILE, columns)):
                    target[j * rows + i] = source[i * columns + j]


@njit
def copy_to(source, target, count):
    """Copy elements."""
    for i in range(count):
        target[i] = source[i]


@njit
def conjugate_all(x, count):
    """Conjugate elements in their place."""
    for i in range(count):
        x[i] = x[i].conjugate()


@njit
def letter_of(flag, yes, no):
    """One of two of Fortran's letters."""
    return uint8(yes if flag else no)


# --- Cholesky


@njit
def cholesky(routines, a, out, n, lo, hi):
    """out = the lower triangle L with A = L Lᴴ, from the lower triangle of A."""
    blas, work = as_int64(routines), allocate(HEADER)
    if work == 0:
        return OUT_OF_MEMORY
    info, status = as_int32(work), 0
    begin_serial(blas)
    for k in range(lo, hi):
        source, target = a + k * n * n, out + k * n * n
        for i in range(n):
            for j in range(n):
                target[i * n + j] = source[i * n + j] if j <= i else zero_of(out)
        call_by_reference(blas[POTRF], (uint8(UPPER), int32(n), target, int32(n), info))
        if info[0] != 0:
            status = k + 1
            break
    end_serial(blas)
    release(work)
    return status


# --- Triangles


@njit
def is_singular(a, n):
    """Whether there is a 0 on the diagonal of a triangle."""
    for i in range(n):
        if a[i * (n + 1)] == 0:
            return True
    return False


@njit
def solve_triangle(blas, a, x, n, m, lower, mode, unit):
    """Solve op(A) X = B for n x m elements in their place; `mode` is Fortran's letter of op."""
    diagonal, triangle = letter_of(unit, UNIT, GENERAL), letter_of(lower, UPPER, LOWER)
    one = number_like(1, zero_of(x))
    if m == 1 and mode != ADJOINT:
        operands = (triangle, letter_of(mode == PLAIN, TRANSPOSED, PLAIN), diagonal, int32(n), a, int32(n), x, int32(1))
        call_by_reference(blas[TRSV], operands)
    elif m > 0:
        right = (uint8(RIGHT), triangle, uint8(mode), diagonal, int32(m), int32(n), one, a, int32(n), x, int32(m))
        call_by_reference(blas[TRSM], right)


@njit
def triangular_solve(routines, a, b, out, n, m, lower, adjoint, unit, strict, lo, hi):
    """out = A⁻¹ B or A⁻ᴴ B for a triangle of A, and n x m elements in B; singular ones fail if that is asked for."""
    blas, status = as_int64(routines), 0
    begin_serial(blas)
    for k in range(lo, hi):
        target = out + k * n * m
        if strict and is_singular(a + k * n * n, n):
            status = k + 1
            break
        copy_to(b + k * n * m, target, n * m)
        solve_triangle(blas, a + k * n * n, target, n, m, lower, ADJOINT if adjoint else PLAIN, unit)
    end_serial(blas)
    return status


# --- LU. The factors are kept as LAPACK gives them: L and U packed in one matrix, by columns


@njit
def lu(routines, a, out, pivots, n, lo, hi):
    """out = the factors of A, pivots = the rows that each row is swapped with, counted from 0."""
    blas, work = as_int64(routines), allocate(HEADER)
    if work == 0:
        return OUT_OF_MEMORY
    info = as_int32(work)
    begin_serial(blas)
    for k in range(lo, hi):
        target, swaps = out + k * n * n, pivots + k * n
        transpose_to(a + k * n * n, target, n, n)
        call_by_reference(blas[GETRF], (int32(n), int32(n), target, int32(n), swaps, info))
        for i in range(n):
            swaps[i] -= int32(1)
    end_serial(blas)
    release(work)
    return 0


@njit
def swap_rows(x, m, i, j):
    """Swap two rows of m elements."""
    if i != j:
        for c in range(m):
            x[i * m + c], x[j * m + c] = x[j * m + c], x[i * m + c]


@njit
def lu_solve(routines, factors, pivots, b, out, n, m, adjoint, strict, lo, hi):
    """out = A⁻¹ B or A⁻ᴴ B; a singular matrix is a failure if that is asked for."""
    blas = as_int64(routines)
    begin_serial(blas)
    status = 0
    for k in range(lo, hi):
        both, swaps, x = factors + k * n * n, pivots + k * n, out + k * n * m
        if strict and is_singular(both, n):
            status = k + 1
            break
        copy_to(b + k * n * m, x, n * m)
        # By columns, the memory of L is an upper triangle, and that of U a lower one: their transposes.
        if adjoint:
            conjugate_all(x, n * m)
            solve_triangle(blas, both, x, n, m, True, PLAIN, False)
            solve_triangle(blas, both, x, n, m, False, PLAIN, True)
            conjugate_all(x, n * m)
            for i in range(n - 1, -1, -1):
                swap_rows(x, m, i, swaps[i])
        else:
            for i in range(n):
                swap_rows(x, m, i, swaps[i])
            solve_triangle(blas, both, x, n, m, False, TRANSPOSED, True)
            solve_triangle(blas, both, x, n, m, True, TRANSPOSED, False)
    end_serial(blas)
    return status


@njit
def permutation(pivots, order, n, inverse, lo, hi):
    """order = the rows after all swaps of each matrix, or the order that undoes it."""
    for k in range(lo, hi):
        rows, swaps = order + k * n, pivots + k * n
        for i in range(n):
            rows[i] = i
        for step in range(n):
            i = n - 1 - step if inverse else step
            j = min(max(int64(swaps[i]), 0), n - 1)
            rows[i], rows[j] = rows[j], rows[i]
    return 0
