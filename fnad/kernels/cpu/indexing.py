"""Reading and writing slices of an array by integer index arrays.

The array is C-contiguous and seen as its k indexed axes, then the rest, R elements a slice. Index
j is n int64 values, the places along axis j; negative ones count from the end. An index out of
bounds ends the kernel with `out_of_bounds(j, value)` and touches nothing outside the array.

Words of `params`:

    0-1     the array: number and byte offset of its buffer
    2-3     gather: the result, (n, R); scatter: the updates, (n, R)
    4-6     n, R, k
    7-      for each index its buffer's number and byte offset, and its axis's extent
"""

from numba import njit

from fnad.kernels.cpu.frame import OPERAND_BITS
from fnad.kernels.cpu.pointers import as_int64, operand


@njit
def out_of_bounds(j, value):
    """The status for index operand j whose value does not fit its axis."""
    return (value << OPERAND_BITS) | (j + 1)


@njit
def check_indices(buffers, params):
    """0 if every index fits its axis, else the status of the first that does not."""
    for j in range(params[6]):
        index, extent = as_int64(operand(buffers, params, 7 + 3 * j)), params[9 + 3 * j]
        for i in range(params[4]):
            if index[i] < -extent or index[i] >= extent:
                return out_of_bounds(j, index[i])
    return 0


@njit
def slice_start(buffers, params, i):
    """The element of the array at which the slice of row i starts."""
    place = 0
    for j in range(params[6]):
        value, extent = as_int64(operand(buffers, params, 7 + 3 * j))[i], params[9 + 3 * j]
        place = place * extent + (value + extent if value < 0 else value)
    return place * params[5]


@njit
def gather(x, out, buffers, params, lo, hi):
    """out[i, :] = x[index_0[i], ..., index_k-1[i], :] for the rows i in [lo, hi)."""
    status = check_indices(buffers, params)
    if status == 0:
        for i in range(lo, hi):
            source, target = x + slice_start(buffers, params, i), out + i * params[5]
            for r in range(params[5]):
                target[r] = source[r]
    return status


@njit
def scatter(combine, out, updates, buffers, params, lo, hi):
    """Combine the updates into out one row after the other, for the columns r in [lo, hi)."""
    status = check_indices(buffers, params)
    if status == 0:
        for i in range(params[4]):
            target, source = out + slice_start(buffers, params, i), updates + i * params[5]
            for r in range(lo, hi):
                target[r] = combine(target[r], source[r])
    return status


@njit
def second(old, new):
    """The combination of a plain assignment."""
    return new
