"""Reading and writing slices of an array by integer index arrays.

The array is C-contiguous and seen as its k indexed axes, then the rest, R elements a slice. Index
j is n int64 values, the places along axis j; negative ones count from the end. An index out of
bounds ends the kernel with `out_of_bounds(j, value)` before anything is written.

`indices` and `extents` are tuples: the k pointers to index values, and the extents of their axes.
"""

from numba import int64, njit

from fnad.kernels.failures import LARGEST_TOLD, OPERAND_BITS


@njit
def out_of_bounds(j, value):
    """The status for index operand j whose value does not fit its axis."""
    told = LARGEST_TOLD if value > LARGEST_TOLD else -LARGEST_TOLD - 1 if value < -LARGEST_TOLD else int64(value)
    return (told << OPERAND_BITS) | (j + 1)


@njit
def check_indices(indices, extents, lo, hi):
    """0 if the indices of rows [lo, hi) fit their axes, else the status of one that does not."""
    for j in range(len(indices)):
        index, extent = indices[j], extents[j]
        for i in range(lo, hi):
            if index[i] < -extent or index[i] >= extent:
                return out_of_bounds(j, index[i])
    return 0


@njit
def slice_number(indices, extents, i):
    """The number of the slice of the array that row i of the indices names."""
    place = 0
    for j in range(len(indices)):
        value = indices[j][i]
        place = place * extents[j] + value + (extents[j] if value < 0 else 0)
    return place


@njit
def gather(x, out, indices, extents, size, lo, hi):
    """out[i, :] = x[index_0[i], ..., index_k-1[i], :] for the rows i in [lo, hi), R = size."""
    status = check_indices(indices, extents, lo, hi)
    if status != 0:
        return status
    if size == 1:
        for i in range(lo, hi):
            out[i] = x[slice_number(indices, extents, i)]
    else:
        for i in range(lo, hi):
            source, target = x + slice_number(indices, extents, i) * size, out + i * size
            for r in range(size):
                target[r] = source[r]
    return 0


@njit
def scatter(combine, out, updates, indices, extents, count, size, lo, hi):
    """Combine rows of updates into out, one after the other, for the columns r in [lo, hi)."""
    status = check_indices(indices, extents, 0, count)
    if status != 0:
        return status
    for i in range(count):
        target, source = out + slice_number(indices, extents, i) * size, updates + i * size
        for r in range(lo, hi):
            target[r] = combine(target[r], source[r])
    return 0


@njit
def second(old, new):
    """The combination of a plain assignment."""
    return new
