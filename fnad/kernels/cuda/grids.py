"""The place of a thread, or of a warp, in a grid that covers a matrix: rows along x, columns along y and then z.

Neighbouring columns are those of neighbouring threads or warps of a block. A grid is often larger than its matrix.
"""

from numba import cuda

from fnad.kernels.cuda.words import inlined


@inlined
def tile_of_columns():
    """The number of this block among those of its rows."""
    return cuda.blockIdx.z * cuda.gridDim.y + cuda.blockIdx.y


@inlined
def thread_row():
    """This thread's row, where a block has threads of columns along x and of rows along y."""
    return cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y


@inlined
def thread_column():
    """This thread's column."""
    return tile_of_columns() * cuda.blockDim.x + cuda.threadIdx.x


@inlined
def warp_row():
    """This warp's row, where a block has a warp's lanes along x, warps of columns along y and of rows along z."""
    return cuda.blockIdx.x * cuda.blockDim.z + cuda.threadIdx.z


@inlined
def warp_column():
    """This warp's column."""
    return tile_of_columns() * cuda.blockDim.y + cuda.threadIdx.y
