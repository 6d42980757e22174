"""The kernel that runs a plan: it walks the instructions and calls each kernel by its address.

It is a kernel like any other: `buffers` is a frame, `params` a plan (frame.py says what lies
where), `lo` and `hi` are the addresses of two Python lists, the argument and result arrays; 0
says that the frame knows their addresses and where to go on.
"""

from numba import njit

from fnad.kernels.cpu.frame import (
    ARRAY_TYPE,
    DATA,
    DONE,
    EXTENT,
    FAILED,
    FLAGS,
    FLAGS_WANTED,
    HOST,
    INPUTS,
    INSTRUCTIONS,
    KERNEL,
    KERNEL_STATUS,
    LIST_ITEMS,
    LIST_SIZE,
    OUTPUTS,
    PARAMS,
    POSITION,
    ROW_WORDS,
    ROWS,
    TABLE,
    TYPE,
    UNFIT,
)
from fnad.kernels.cpu.pointers import address_of, as_int32, as_int64, call_kernel


@njit
def bind_arrays(table, plan, arrays, count, first):
    """Put the data addresses of the arrays in a Python list into the table of buffers."""
    if plan[ARRAY_TYPE] == 0 or as_int64(arrays + plan[LIST_SIZE])[0] != count:
        return UNFIT
    items = as_int64(as_int64(arrays + plan[LIST_ITEMS])[0])
    for k in range(count):
        array = items[k]
        if as_int64(array + plan[TYPE])[0] != plan[ARRAY_TYPE]:
            return UNFIT
        if as_int32(array + plan[FLAGS])[0] & plan[FLAGS_WANTED] != plan[FLAGS_WANTED]:
            return UNFIT
        table[first + k] = as_int64(array + plan[DATA])[0]
    return DONE


@njit
def run_plan(frame, plan, inputs, outputs):
    """Run a plan from where its frame stands until it ends, fails or meets a host step."""
    table = as_int64(address_of(frame) + 8 * TABLE)
    if inputs != 0:
        if bind_arrays(table, plan, inputs, plan[INPUTS], 0) != DONE:
            return UNFIT
        if bind_arrays(table, plan, outputs, plan[OUTPUTS], plan[INPUTS]) != DONE:
            return UNFIT
        frame[POSITION] = 0
    for position in range(frame[POSITION], plan[INSTRUCTIONS]):
        row = ROWS + ROW_WORDS * position
        kernel = plan[row + KERNEL]
        if kernel == 0:
            frame[POSITION] = position
            return HOST
        status = call_kernel(kernel, address_of(table), plan[row + PARAMS], 0, plan[row + EXTENT])
        if status != 0:
            frame[POSITION] = position
            frame[KERNEL_STATUS] = status
            return FAILED
    return DONE
