"""The addresses of BLAS for a dtype, one a word."""

GEMM, GEMV = 0, 1
"""Its routines, by Fortran's convention."""

GET_THREADS, SET_THREADS = 2, 3
"""C functions that get and set its number of threads; 0 where it has none."""

USE = 4
"""The address of words that all dtypes share, which say who uses it."""

WORDS = 5

LOCKED, USERS, HIDDEN = 0, 1, 2
"""Whether a thread is at these words; how many products are being made; the number of threads that it had before, to
be set again when the last of them is made; 0 if it need not be."""

USE_WORDS = 3
