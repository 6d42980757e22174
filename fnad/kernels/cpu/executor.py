"""The kernel that runs a plan: it walks the rows of its code and calls each kernel by its address.

It is a kernel like any other: `buffers` is a frame, `params` the code (frame.py says what lies
where), `lo` and `hi` are the addresses of two Python lists, the argument and result arrays; 0
says that the frame knows their addresses and where to go on.
"""

from numba import njit

from fnad.kernels.cpu.frame import (
    ADVANCES,
    ARRAY_TYPE,
    AXES,
    BASE,
    CHUNK,
    CHOOSE,
    CLEAR,
    COPY,
    DATA,
    DESCRIPTION,
    DONE,
    DTYPE,
    DTYPE_MASK,
    ELEMENT,
    EXTENT,
    FAILED,
    FLAGS,
    FLAGS_WANTED,
    HOST,
    INPUTS,
    INSTRUCTIONS,
    KERNEL,
    KERNEL_STATUS,
    LARGEST,
    LAST_OPERATION,
    LIST_ITEMS,
    LIST_SIZE,
    MOST_PATIENCE,
    NEXT,
    OUTPUTS,
    PARAMS,
    PAUSED,
    PLACE,
    POOL,
    POSITION,
    ROW_WORDS,
    ROWS,
    SIZES,
    SKIP,
    STEPS,
    SUSPENDED,
    TABLE,
    TYPE,
    TYPED,
    TYPES,
    UNFIT,
    UNSTAFFED,
)
from fnad.kernels.cpu.pointers import (
    address_of,
    as_int8,
    as_int16,
    as_int32,
    as_int64,
    as_uint8,
    as_uint16,
    as_uint32,
    call_kernel,
    copy_bytes,
)
from fnad.kernels.cpu.pool import DIVIDE, STARTED, THREADS, TO_DIVIDE


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
def are_of_types(plan, arrays):
    """Whether the last arrays in a Python list have the dtypes and shapes that they had."""
    items = as_int64(as_int64(arrays + plan[LIST_ITEMS])[0])
    types = as_int64(plan[TYPES])
    at = 0
    for k in range(plan[TYPED], plan[INPUTS]):
        fields = items[k] + plan[DATA]
        dtype = as_int64(fields + DESCRIPTION)[0]
        if as_int32(dtype + DTYPE)[0] & DTYPE_MASK != types[at] or as_int64(dtype + ELEMENT)[0] != types[at + 1]:
            return False
        axes = as_int32(fields + AXES)[0]
        if axes != types[at + 2]:
            return False
        sizes = as_int64(as_int64(fields + SIZES)[0])
        at += 3
        for axis in range(axes):
            if sizes[axis] != types[at + axis]:
                return False
        at += axes
    return True


@njit
def place(table, words, count):
    """Let slots point into what others point to."""
    for k in range(0, 3 * count, 3):
        table[words[k]] = table[words[k + 1]] + words[k + 2]


@njit
def copy(table, words):
    """Copy bytes, unless they lie there already."""
    target, source = table[words[0]] + words[1], table[words[2]] + words[3]
    if target != source:
        copy_bytes(target, source, words[4])


@njit
def next_step(table, words, extent, row):
    """End a step of a loop; gives the row to go on with after the one given."""
    counter = words[0]
    count = table[counter] + 1
    table[counter] = count
    if count == words[STEPS]:
        return row + 1
    pairs = words + (ADVANCES + 1)
    advances = words[ADVANCES]
    for k in range(0, 2 * advances, 2):
        table[pairs[k]] += pairs[k + 1]
    triples = pairs + 2 * advances
    for k in range(0, 3 * extent, 3):
        made = table[triples[k + 1]]
        table[triples[k]] = made
        table[triples[k + 1]] = table[triples[k + 2]]
        table[triples[k + 2]] = made
    return words[2]


@njit
def read_index(address, kind):
    """An integer of a dtype by its number in INDEX_KINDS; a large uint64 is as large as an int64 can be."""
    if kind == 0 or kind == 2:
        return as_uint8(address)[0]
    if kind == 1:
        return (as_int8(address)[0])
    if kind == 3:
        return (as_int16(address)[0])
    if kind == 4:
        return (as_uint16(address)[0])
    if kind == 5:
        return (as_int32(address)[0])
    if kind == 6:
        return (as_uint32(address)[0])
    value = as_int64(address)[0]
    return LARGEST if kind == 8 and value < 0 else value


@njit
def operate(table, operation, words, extent, row):
    """Do what is no kernel; gives the row to go on with after the one given."""
    if operation == NEXT:
        return next_step(table, words, extent, row)
    if operation == PLACE:
        place(table, words, extent)
    elif operation == SKIP:
        if words[0] < 0 or as_int8(table[words[0]])[0] == 0:
            return words[1]
    elif operation == CLEAR:
        table[words[0]] = 0
    elif operation == COPY:
        copy(table, words)
    elif operation == CHOOSE:
        index = read_index(table[words[0]] + words[1], words[2])
        return words[3 + min(max(index, 0), extent - 1)]
    return row + 1


@njit
def has_workers(pool):
    """Whether all workers that there shall be have been started."""
    words = as_int64(pool)
    return words[STARTED] != 0 or words[THREADS] < 2


@njit
def run_alone(kernel, buffers, params, extent, chunk):
    """Run a kernel over [0, extent) in chunks, until one fails; gives its status, or 0."""
    for lo in range(0, extent, chunk):
        status = call_kernel(kernel, buffers, params, lo, min(lo + chunk, extent))
        if status != 0:
            return status
    return 0


@njit
def launch(row, buffers, pool):
    """Run a row's kernel over its range, on all threads if it is divided and what does so is there."""
    if row[CHUNK] == 0:
        return call_kernel(row[KERNEL], buffers, row[PARAMS], 0, row[EXTENT])
    divide = as_int64(pool)[DIVIDE]
    if divide != 0:
        return call_kernel(divide, buffers, address_of(row), pool, TO_DIVIDE)
    return run_alone(row[KERNEL], buffers, row[PARAMS], row[EXTENT], row[CHUNK])


@njit
def run_plan(frame, plan, inputs, outputs):
    """Run a plan from where its frame stands until it ends, fails or needs Python."""
    table, rows = as_int64(address_of(frame) + 8 * TABLE), as_int64(address_of(plan) + 8 * ROWS)
    if inputs != 0:
        if bind_arrays(table, plan, inputs, plan[INPUTS], 0) != DONE:
            return UNFIT
        if plan[TYPES] != 0 and not are_of_types(plan, inputs):
            return UNFIT
        if bind_arrays(table, plan, outputs, plan[OUTPUTS], plan[INPUTS]) != DONE:
            return UNFIT
        frame[POSITION] = 0
    position, end = frame[POSITION], plan[INSTRUCTIONS]
    patience = MOST_PATIENCE
    while position < end:
        row = rows + ROW_WORDS * position
        kernel = row[KERNEL]
        if kernel > LAST_OPERATION:
            if row[CHUNK] != 0 and not has_workers(plan[POOL]):
                frame[POSITION] = position
                return UNSTAFFED
            status = launch(row, address_of(table) + row[BASE], plan[POOL])
            if status != 0:
                frame[POSITION] = position
                frame[KERNEL_STATUS] = status
                return FAILED
            position += 1
        elif kernel == HOST:
            frame[POSITION] = position
            return SUSPENDED
        else:
            reached = operate(table, kernel, as_int64(row[PARAMS]), row[EXTENT], position)
            patience -= reached < position
            position = reached
            if patience == 0:
                frame[POSITION] = position
                return PAUSED
    return DONE
