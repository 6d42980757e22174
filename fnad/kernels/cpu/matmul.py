"""Matrix products C = alpha op(A) op(B) + beta C over row-major views, op a transpose or not.

Products of floats and complex numbers go to BLAS, whose addresses come with the parameters;
very small ones, and every dtype that BLAS does not know, run as loops. Fortran keeps matrices
by columns, so a row-major product is handed over transposed: C^T = op(B)^T op(A)^T. Where
beta is 0, C is not read.

The outer index space is the rows of all products of the batch, or the columns of a single one. `product`
points to what product.py says.
"""

from numba import int32, njit, uint8

from fnad.kernels.cpu.arithmetic import add, multiply, radd
from fnad.kernels.cpu.atomics import pause, replace_word, store_word
from fnad.kernels.cpu.blas import GEMM, GEMV, GET_THREADS, HIDDEN, LOCKED, SET_THREADS, USE, USERS
from fnad.kernels.cpu.pointers import as_int64, call_by_reference, call_for_int, call_with_int, zero_of
from fnad.kernels.cpu.product import (
    A_ROW, A_TRANSPOSED, AXES, B_ROW, B_TRANSPOSED, BATCH, BY_COLUMNS, C_ROW, K, M, N, READS_C, ROUTINES,
)

SMALL = 128
"""Multiplications up to which loops are quicker than a call of BLAS (measured with OpenBLAS)."""

PLAIN, TRANSPOSED = 78, 84
"""Fortran's letters N and T."""


@njit
def batch_offset(product, batch, which):
    """Elements from the start of A, B or C (0, 1, 2) to its matrix number `batch`."""
    offset = 0
    for axis in range(product[AXES] - 1, -1, -1):
        place = BATCH + 4 * axis
        offset += batch % product[place] * product[place + 1 + which]
        batch //= product[place]
    return offset


@njit
def letter(transposed):
    """BLAS's letter for a matrix, kept transposed or not."""
    return uint8(TRANSPOSED if transposed else PLAIN)


@njit
def loop_inner(a, b, c, product, rows, n, alpha, beta):
    """A piece of C, each element as an inner product."""
    k = product[K]
    a_row, a_step = (1, product[A_ROW]) if product[A_TRANSPOSED] else (product[A_ROW], 1)
    b_step, b_column = (1, product[B_ROW]) if product[B_TRANSPOSED] else (product[B_ROW], 1)
    for i in range(rows):
        for j in range(n):
            total = zero_of(c)
            for p in range(k):
                term = multiply(a[i * a_row + p * a_step], b[p * b_step + j * b_column])
                total = radd(total, term)
            value = multiply(alpha, total)
            at = i * product[C_ROW] + j
            c[at] = add(value, multiply(beta, c[at])) if product[READS_C] else value


@njit
def loop_rows(a, b, c, product, rows, n, alpha, beta):
    """A piece of C, each row as a sum of rows of B, which is not kept transposed."""
    k = product[K]
    a_row, a_step = (1, product[A_ROW]) if product[A_TRANSPOSED] else (product[A_ROW], 1)
    for i in range(rows):
        target = c + i * product[C_ROW]
        for j in range(n):
            target[j] = multiply(beta, target[j]) if product[READS_C] else zero_of(c)
        for p in range(k):
            factor = multiply(alpha, a[i * a_row + p * a_step])
            source = b + p * product[B_ROW]
            for j in range(n):
                target[j] = add(target[j], multiply(factor, source[j]))


@njit
def call_gemm(a, b, c, product, rows, columns, alpha, beta):
    """A piece of C by BLAS's matrix-matrix product."""
    operands = (
        letter(product[B_TRANSPOSED]),
        letter(product[A_TRANSPOSED]),
        int32(columns),
        int32(rows),
        int32(product[K]),
        alpha,
        b,
        int32(product[B_ROW]),
        a,
        int32(product[A_ROW]),
        beta,
        c,
        int32(product[C_ROW]),
    )
    call_by_reference(as_int64(product[ROUTINES])[GEMM], operands)


@njit
def call_gemv(address, transposed, matrix, shape, row, x, x_step, y, y_step, alpha, beta):
    """y = alpha op(M) x + beta y for M kept by rows, `row` elements apart."""
    operands = (
        letter(not transposed),  # Fortran reads the rows of M as columns
        int32(shape[1]),
        int32(shape[0]),
        alpha,
        matrix,
        int32(row),
        x,
        int32(x_step),
        beta,
        y,
        int32(y_step),
    )
    call_by_reference(address, operands)


@njit
def begin_serial(blas):
    """Keep BLAS to the threads that call it, until the last of them has ended that: it decides the last bits."""
    if blas[GET_THREADS] == 0:
        return
    use = as_int64(blas[USE])
    while not replace_word(blas[USE] + 8 * LOCKED, 0, 1):
        pause()
    use[USERS] += 1
    threads = call_for_int(blas[GET_THREADS])
    if threads != 1:
        use[HIDDEN] = threads
        call_with_int(blas[SET_THREADS], 1)
    store_word(blas[USE] + 8 * LOCKED, 0)


@njit
def end_serial(blas):
    """Let others have BLAS as they had it; who has set another number of threads meanwhile keeps that."""
    if blas[GET_THREADS] == 0:
        return
    use = as_int64(blas[USE])
    while not replace_word(blas[USE] + 8 * LOCKED, 0, 1):
        pause()
    use[USERS] -= 1
    if use[USERS] == 0 and use[HIDDEN] != 0:
        if call_for_int(blas[GET_THREADS]) == 1:
            call_with_int(blas[SET_THREADS], use[HIDDEN])
        use[HIDDEN] = 0
    store_word(blas[USE] + 8 * LOCKED, 0)


@njit
def by_blas(a, b, c, product, rows, columns, alpha, beta):
    """A piece of C by what is quickest for the shape of the whole, for dtypes that BLAS knows."""
    m, n, k = product[M], product[N], product[K]
    a_kept_transposed, b_kept_transposed = product[A_TRANSPOSED] != 0, product[B_TRANSPOSED] != 0
    if m * n * k <= SMALL:
        loop_inner(a, b, c, product, rows, columns, alpha, beta)
        return
    blas = as_int64(product[ROUTINES])
    begin_serial(blas)
    if n == 1:
        shape = (k, rows) if a_kept_transposed else (rows, k)
        step = 1 if b_kept_transposed else product[B_ROW]
        call_gemv(
            blas[GEMV], a_kept_transposed, a, shape, product[A_ROW], b, step, c, product[C_ROW], alpha, beta
        )
    elif m == 1:
        shape = (columns, k) if b_kept_transposed else (k, columns)
        step = product[A_ROW] if a_kept_transposed else 1
        call_gemv(
            blas[GEMV], not b_kept_transposed, b, shape, product[B_ROW], a, step, c, 1, alpha, beta
        )
    else:
        call_gemm(a, b, c, product, rows, columns, alpha, beta)
    end_serial(blas)


@njit
def by_loops(a, b, c, product, rows, columns, alpha, beta):
    """A piece of C by loops, in the order that reads B along its rows."""
    if product[B_TRANSPOSED]:
        loop_inner(a, b, c, product, rows, columns, alpha, beta)
    else:
        loop_rows(a, b, c, product, rows, columns, alpha, beta)


@njit
def matmul(multiply_piece, a, b, c, product, lo, hi, alpha, beta):
    """Rows [lo, hi) of all products of the batch, or columns of a single one, by `by_blas` or `by_loops`."""
    m, n, row = product[M], product[N], lo
    if product[BY_COLUMNS]:
        b_start = lo * (product[B_ROW] if product[B_TRANSPOSED] else 1)
        multiply_piece(a, b + b_start, c + lo, product, m, hi - lo, alpha, beta)
        return 0
    while row < hi:
        batch, first = row // m, row % m
        rows = min(hi - row, m - first)
        a_start = batch_offset(product, batch, 0) + first * (1 if product[A_TRANSPOSED] else product[A_ROW])
        c_start = batch_offset(product, batch, 2) + first * product[C_ROW]
        b_start = batch_offset(product, batch, 1)
        multiply_piece(a + a_start, b + b_start, c + c_start, product, rows, n, alpha, beta)
        row += rows
    return 0
