"""QR, eigenvalues and singular values by LAPACK, to which matrices are given by columns.

The outer index space is the matrices of a batch, as in linalg.py, and a status tells the first one that fails, by its
number and the reason. LAPACK works in so many ``elements``, real numbers and integers, which a kernel allocates once.
"""

from numba import int32, njit, uint8

from fnad.kernels.cpu.lapack import GEEV, GEQRF, GESDD, ORGQR, SYEVD
from fnad.kernels.cpu.linalg import HEADER, transpose_to
from fnad.kernels.cpu.matmul import begin_serial, end_serial
from fnad.kernels.cpu.pointers import (
    allocate, as_int32, as_int64, as_pointer_like, call_by_reference, itemsize_of, release, zero_of,
)
from fnad.kernels.linalg import OUT_OF_MEMORY

NONE, VECTORS, SOME, ALL = 78, 86, 83, 65
LOWER, UPPER = 76, 85
"""Fortran's letters N, V, S and A, L and U."""


@njit
def room(count, like):
    """Bytes for so many elements, a multiple of a line of the cache."""
    return -(-count * itemsize_of(like) // HEADER) * HEADER


@njit
def workspace(like, real, elements, reals, integers):
    """The address of memory to work in, 0 if there is none; and where there is room for each kind of numbers."""
    first = room(elements, like)
    second = first + room(reals, real)
    work = allocate(HEADER + second + 4 * integers)
    start = work + HEADER
    elements_room, real_room = as_pointer_like(start, like), as_pointer_like(start + first, real)
    return work, as_int32(work), elements_room, real_room, as_int32(start + second)


@njit
def triangle_by_rows(by_columns, out, rows, columns, height):
    """The upper triangle of so many rows of a matrix kept by columns of a height."""
    for i in range(rows):
        for j in range(columns):
            out[i * columns + j] = by_columns[j * height + i] if j >= i else zero_of(out)


@njit
def qr(routines, a, q, r, m, n, wide, elements, lo, hi):
    """q, r = the factors of m x n matrices; q has `wide` columns."""
    blas, k = as_int64(routines), min(m, n)
    work, info, room_to_work, _, _ = workspace(a, a, elements, 0, 0)
    if work == 0:
        return OUT_OF_MEMORY
    length = int32(elements - m * max(n, wide) - k)
    tau = room_to_work + length
    x = tau + k
    begin_serial(blas)
    for b in range(lo, hi):
        transpose_to(a + b * m * n, x, m, n)
        call_by_reference(blas[GEQRF], (int32(m), int32(n), x, int32(m), tau, room_to_work, length, info))
        triangle_by_rows(x, r + b * wide * n, wide, n, m)
        operands = (int32(m), int32(wide), int32(k), x, int32(m), tau, room_to_work, length, info)
        call_by_reference(blas[ORGQR], operands)
        transpose_to(x, q + b * m * wide, wide, m)
    end_serial(blas)
    release(work)
    return 0


@njit
def householder(routines, a, h, tau, m, n, elements, lo, hi):
    """h, tau = the reflections of QR as LAPACK gives them; h is kept by columns."""
    blas, k = as_int64(routines), min(m, n)
    work, info, room_to_work, _, _ = workspace(a, a, elements, 0, 0)
    if work == 0:
        return OUT_OF_MEMORY
    begin_serial(blas)
    for b in range(lo, hi):
        x = h + b * m * n
        transpose_to(a + b * m * n, x, m, n)
        operands = (int32(m), int32(n), x, int32(m), tau + b * k, room_to_work, int32(elements), info)
        call_by_reference(blas[GEQRF], operands)
    end_serial(blas)
    release(work)
    return 0


@njit
def eigh(routines, a, w, v, n, lower, vectors, is_complex, elements, reals, integers, lo, hi):
    """w, v = the eigenvalues and, if asked for, vectors of Hermitian matrices, from one triangle."""
    blas, status = as_int64(routines), 0
    work, info, room_to_work, real_room, integer_room = workspace(a, w, elements, reals, integers)
    if work == 0:
        return OUT_OF_MEMORY
    length = int32(elements - n * n)
    x = room_to_work + length
    job, half = uint8(VECTORS if vectors else NONE), uint8(LOWER if lower else UPPER)
    begin_serial(blas)
    for b in range(lo, hi):
        transpose_to(a + b * n * n, x, n, n)
        first = (job, half, int32(n), x, int32(n), w + b * n, room_to_work, length)
        last = (integer_room, int32(integers), info)
        if is_complex:
            call_by_reference(blas[SYEVD], first + (real_room, int32(reals)) + last)
        else:
            call_by_reference(blas[SYEVD], first + last)
        if info[0] != 0:
            status = b + 1
            break
        if vectors:
            transpose_to(x, v + b * n * n, n, n)
    end_serial(blas)
    release(work)
    return status


@njit
def svd(routines, a, u, s, vh, m, n, wide, high, vectors, is_complex, elements, reals, integers, lo, hi):
    """u, s, vh = singular vectors, if asked for, and values of m x n matrices; u has `wide` columns, vh `high` rows."""
    blas, status, k = as_int64(routines), 0, min(m, n)
    work, info, room_to_work, real_room, integer_room = workspace(a, s, elements, reals, integers)
    if work == 0:
        return OUT_OF_MEMORY
    length = int32(elements - m * n - m * wide - high * n)
    x = room_to_work + length
    left, right = x + m * n, x + m * n + m * wide
    job = uint8((SOME if wide == k and high == k else ALL) if vectors else NONE)
    begin_serial(blas)
    for b in range(lo, hi):
        transpose_to(a + b * m * n, x, m, n)
        first = (
            job, int32(m), int32(n), x, int32(m), s + b * k, left, int32(m), right, int32(high), room_to_work, length,
        )
        if is_complex:
            call_by_reference(blas[GESDD], first + (real_room, integer_room, info))
        else:
            call_by_reference(blas[GESDD], first + (integer_room, info))
        if info[0] != 0:
            status = b + 1
            break
        if vectors:
            transpose_to(left, u + b * m * wide, wide, m)
            transpose_to(right, vh + b * high * n, n, high)
    end_serial(blas)
    release(work)
    return status


@njit
def paired_vectors(by_columns, imaginary, v, n):
    """Complex eigenvectors of a real matrix: where eigenvalues are a pair, of a real and an imaginary part."""
    j = 0
    while j < n:
        if imaginary[j] == 0:
            for i in range(n):
                v[i * n + j] = complex(by_columns[j * n + i], zero_of(by_columns))
            j += 1
        else:
            for i in range(n):
                re, im = by_columns[j * n + i], by_columns[(j + 1) * n + i]
                v[i * n + j], v[i * n + j + 1] = complex(re, im), complex(re, -im)
            j += 2


@njit
def is_finite(x, count):
    """Whether there is no infinity and no nan among elements: LAPACK may not come to an end on these."""
    for i in range(count):
        if (x[i] - x[i]) != 0:
            return False
    return True


@njit
def eig(routines, a, w, v, n, vectors, elements, lo, hi):
    """w, v = the eigenvalues and, if asked for, vectors of real matrices, as complex numbers."""
    blas, status = as_int64(routines), 0
    work, info, room_to_work, _, _ = workspace(a, a, elements, 0, 0)
    if work == 0:
        return OUT_OF_MEMORY
    length = int32(elements - 2 * n * n - 2 * n)
    x = room_to_work + length
    y, re, im = x + n * n, x + 2 * n * n, x + 2 * n * n + n
    job = uint8(VECTORS if vectors else NONE)
    begin_serial(blas)
    for b in range(lo, hi):
        if not is_finite(a + b * n * n, n * n):
            status = 2 * b + 2
            break
        transpose_to(a + b * n * n, x, n, n)
        operands = (
            uint8(NONE), job, int32(n), x, int32(n), re, im, y, int32(n), y, int32(n), room_to_work, length, info,
        )
        call_by_reference(blas[GEEV], operands)
        if info[0] != 0:
            status = 2 * b + 1
            break
        for i in range(n):
            w[b * n + i] = complex(re[i], im[i])
        if vectors:
            paired_vectors(y, im, v + b * n * n, n)
    end_serial(blas)
    release(work)
    return status


@njit
def complex_eig(routines, a, w, v, real, n, vectors, elements, reals, lo, hi):
    """The same of complex matrices; `real` is a pointer to numbers of the dtype of their parts."""
    blas, status = as_int64(routines), 0
    work, info, room_to_work, real_room, _ = workspace(a, real, elements, reals, 0)
    if work == 0:
        return OUT_OF_MEMORY
    length = int32(elements - 2 * n * n)
    x = room_to_work + length
    y, job = x + n * n, uint8(VECTORS if vectors else NONE)
    begin_serial(blas)
    for b in range(lo, hi):
        if not is_finite(a + b * n * n, n * n):
            status = 2 * b + 2
            break
        transpose_to(a + b * n * n, x, n, n)
        operands = (
            uint8(NONE), job, int32(n), x, int32(n), w + b * n, y, int32(n), y, int32(n), room_to_work, length,
            real_room, info,
        )
        call_by_reference(blas[GEEV], operands)
        if info[0] != 0:
            status = 2 * b + 1
            break
        if vectors:
            transpose_to(y, v + b * n * n, n, n)
    end_serial(blas)
    release(work)
    return status
