"""What kernels know of BLAS for a dtype: words of addresses."""

GEMM, GEMV = 0, 1
"""Its routines, by Fortran's convention."""

GET_THREADS, SET_THREADS = 2, 3
"""What tells and sets how many threads it works on, functions of C; 0 where it has none."""

WORDS = 4
