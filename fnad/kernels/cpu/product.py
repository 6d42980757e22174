"""The numbers that describe a matrix product C = alpha op(A) op(B) + beta C, op a transpose or not, by index."""

M, N, K = 0, 1, 2
"""op(A) is m x k, op(B) is k x n."""

A_TRANSPOSED, B_TRANSPOSED = 3, 4
"""Whether A and B are kept transposed, 0 or 1."""

A_ROW, B_ROW, C_ROW = 5, 6, 7
"""Elements from one kept row of A, B, C to the next."""

READS_C = 8
"""Whether C is read, 0 or 1: whether beta is not 0."""

ROUTINES = 9
"""The address of the numbers of blas.py; 0 where BLAS does not know the dtype."""

BY_COLUMNS = 10
"""Whether the index space is C's columns, 0 or 1: else it is the rows of all products of the batch."""

AXES, BATCH = 11, 12
"""The number of batch axes; from the latter on for each its extent, and the elements to the next in A, B, C."""
