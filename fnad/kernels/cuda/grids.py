"""The place of a thread in a grid that covers a matrix: rows along x, columns along y.

A block covers as many columns as it has threads along x, neighbours by neighbouring threads, and as many rows as along
y. Each thread has one row and goes through columns:

    row, column = plane_row(), plane_column()
    while row < rows and column < columns:
        ...
        column += plane_step()
"""

from numba import cuda


@cuda.jit(device=True, forceinline=True)
def plane_row():
    """This thread's row."""
    return cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y


@cuda.jit(device=True, forceinline=True)
def plane_column():
    """This thread's first column."""
    return cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x


@cuda.jit(device=True, forceinline=True)
def plane_step():
    """Columns from one of this thread to its next."""
    return cuda.gridDim.y * cuda.blockDim.x
