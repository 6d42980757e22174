"""Calls of ufuncs' inner loops, `void loop(char **operands, npy_intp *dimensions, npy_intp *steps, void *data)`."""

from numba import njit

from fnad.kernels.cpu import foreign
from fnad.kernels.cpu.pointers import call_loop, local_words, store_addresses, words_from

FUNCTION, DATA, OPERANDS = foreign.FUNCTION, foreign.DATA, foreign.OPERANDS
AXES, CORE, TOLD = foreign.AXES, foreign.CORE, foreign.TOLD
MOST_OPERANDS, MOST_DIMENSIONS = foreign.MOST_OPERANDS, foreign.MOST_DIMENSIONS


@njit
def call_ufunc(operands, told, lo, hi):
    """Indices [lo, hi) of the index space, whose axes are counted in C order; along the innermost the loop goes."""
    starts, dimensions = local_words(MOST_OPERANDS), local_words(MOST_DIMENSIONS)
    count, axes, core = told[OPERANDS], told[AXES], told[CORE]
    extents, steps = TOLD + core, TOLD + core + axes
    for k in range(core):
        dimensions[1 + k] = told[TOLD + k]
    inner, at = told[extents + axes - 1], lo
    while at < hi:
        store_addresses(starts, operands)
        left = at
        for axis in range(axes - 1, -1, -1):
            index = left % told[extents + axis]
            left //= told[extents + axis]
            for k in range(count):
                starts[k] += index * told[steps + axis * count + k]
        dimensions[0] = min(inner - at % inner, hi - at)
        call_loop(told[FUNCTION], starts, dimensions, words_from(told, steps + (axes - 1) * count), told[DATA])
        at += dimensions[0]
    return 0
