"""Matrix products C = alpha op(A) op(B) + beta C over row-major views, op a transpose or not.

Products of floats and complex numbers go to BLAS, whose addresses come with the parameters;
very small ones, and every dtype that BLAS does not know, run as loops. Fortran keeps matrices
by columns, so a row-major product is handed over transposed: C^T = op(B)^T op(A)^T. Where
beta is 0, C is not read.

The outer index space is the rows of all products of the batch, or the columns of a single one. Words of `params`:

    0-5     A, B, C: number and byte offset of each one's buffer
    6-8     m, n, k: op(A) is m x k, op(B) is k x n
    9-10    whether A and B are kept transposed, 0 or 1
    11-13   elements from one kept row of A, B, C to the next
    14-15   alpha, beta: bits of a float64
    16      address of the words of blas.py; `by_loops` does not read it
    17      whether the index space is C's columns, 0 or 1
    18-     number of batch axes; for each its extent and strides in A, B, C (elements)
"""

from numba import int32, njit, uint8

from fnad.kernels.cpu.arithmetic import add, multiply, radd
from fnad.kernels.cpu.atomics import pause, replace_word, store_word
from fnad.kernels.cpu.blas import GEMM, GEMV, GET_THREADS, HIDDEN, LOCKED, SET_THREADS, USE, USERS
from fnad.kernels.cpu.pointers import as_int64, call_by_reference, call_for_int, call_with_int, zero_of

SMALL = 128
"""Multiplications up to which loops are quicker than a call of BLAS (measured with OpenBLAS)."""

PLAIN, TRANSPOSED = 78, 84
"""Fortran's letters N and T."""


@njit
def batch_offset(params, batch, which):
    """Elements from the start of A, B or C (0, 1, 2) to its matrix number `batch`."""
    offset = 0
    for axis in range(params[18] - 1, -1, -1):
        word = 19 + 4 * axis
        offset += batch % params[word] * params[word + 1 + which]
        batch //= params[word]
    return offset


@njit
def letter(transposed):
    """What Fortran calls a matrix that is, or is not, kept transposed."""
    return uint8(TRANSPOSED if transposed else PLAIN)


@njit
def loop_inner(a, b, c, params, rows, n, alpha, beta):
    """A piece of C, each element as an inner product."""
    k = params[8]
    a_row, a_step = (1, params[11]) if params[9] else (params[11], 1)
    b_step, b_column = (1, params[12]) if params[10] else (params[12], 1)
    for i in range(rows):
        for j in range(n):
            total = zero_of(c)
            for p in range(k):
                term = multiply(a[i * a_row + p * a_step], b[p * b_step + j * b_column])
                total = radd(total, term)
            value = multiply(alpha, total)
            at = i * params[13] + j
            c[at] = add(value, multiply(beta, c[at])) if params[15] else value


@njit
def loop_rows(a, b, c, params, rows, n, alpha, beta):
    """A piece of C, each row as a sum of rows of B, which is not kept transposed."""
    k = params[8]
    a_row, a_step = (1, params[11]) if params[9] else (params[11], 1)
    for i in range(rows):
        target = c + i * params[13]
        for j in range(n):
            target[j] = multiply(beta, target[j]) if params[15] else zero_of(c)
        for p in range(k):
            factor = multiply(alpha, a[i * a_row + p * a_step])
            source = b + p * params[12]
            for j in range(n):
                target[j] = add(target[j], multiply(factor, source[j]))


@njit
def call_gemm(a, b, c, params, rows, columns, alpha, beta):
    """A piece of C by BLAS's matrix-matrix product."""
    operands = (
        letter(params[10]),
        letter(params[9]),
        int32(columns),
        int32(rows),
        int32(params[8]),
        alpha,
        b,
        int32(params[12]),
        a,
        int32(params[11]),
        beta,
        c,
        int32(params[13]),
    )
    call_by_reference(as_int64(params[16])[GEMM], operands)


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
def by_blas(a, b, c, params, rows, columns, alpha, beta):
    """A piece of C by what is quickest for the shape of the whole, for dtypes that BLAS knows."""
    m, n, k = params[6], params[7], params[8]
    a_kept_transposed, b_kept_transposed = params[9] != 0, params[10] != 0
    if m * n * k <= SMALL:
        loop_inner(a, b, c, params, rows, columns, alpha, beta)
        return
    blas = as_int64(params[16])
    begin_serial(blas)
    if n == 1:
        shape = (k, rows) if a_kept_transposed else (rows, k)
        step = 1 if b_kept_transposed else params[12]
        call_gemv(
            blas[GEMV], a_kept_transposed, a, shape, params[11], b, step, c, params[13], alpha, beta
        )
    elif m == 1:
        shape = (columns, k) if b_kept_transposed else (k, columns)
        step = params[11] if a_kept_transposed else 1
        call_gemv(
            blas[GEMV], not b_kept_transposed, b, shape, params[12], a, step, c, 1, alpha, beta
        )
    else:
        call_gemm(a, b, c, params, rows, columns, alpha, beta)
    end_serial(blas)


@njit
def by_loops(a, b, c, params, rows, columns, alpha, beta):
    """A piece of C by loops, in the order that reads B along its rows."""
    if params[10]:
        loop_inner(a, b, c, params, rows, columns, alpha, beta)
    else:
        loop_rows(a, b, c, params, rows, columns, alpha, beta)


@njit
def matmul(multiply_piece, a, b, c, params, lo, hi, alpha, beta):
    """Rows [lo, hi) of all products of the batch, or columns of a single one, by `by_blas` or `by_loops`."""
    m, n, row = params[6], params[7], lo
    if params[17]:
        b_start = lo * (params[12] if params[10] else 1)
        multiply_piece(a, b + b_start, c + lo, params, m, hi - lo, alpha, beta)
        return 0
    while row < hi:
        batch, first = row // m, row % m
        rows = min(hi - row, m - first)
        a_start = batch_offset(params, batch, 0) + first * (1 if params[9] else params[11])
        c_start = batch_offset(params, batch, 2) + first * params[13]
        b_start = batch_offset(params, batch, 1)
        multiply_piece(a + a_start, b + b_start, c + c_start, params, rows, n, alpha, beta)
        row += rows
    return 0
