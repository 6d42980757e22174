"""Offsets in the memory that the executor shares with Python, counted in int64 words.

A frame is one call's state: a few words, then the table of buffer addresses that kernels see, with the
tables of the plans inside of the plan behind it. A word that a table needs beyond its buffers, a slot, may
hold a loop's counter. Code is read-only: a header, one row an instruction, and the rows' own parameters.
"""

POSITION, KERNEL_STATUS, TABLE = 0, 1, 2
"""A frame: the next row, the status of the kernel that failed, the addresses."""

INSTRUCTIONS, INPUTS, OUTPUTS = 0, 1, 2
"""A header: how many rows, inputs and outputs there are."""

ARRAY_TYPE, TYPE, LIST_SIZE, LIST_ITEMS, DATA, FLAGS, FLAGS_WANTED = 3, 4, 5, 6, 7, 8, 9
"""... numpy.ndarray's address (0: objects cannot be read), and byte offsets in such objects."""

POOL = 10
"""... and the address of the pool of threads."""

TYPES, TYPED = 11, 12
"""... and the address of the types of the inputs from a number on: for each its `DTYPE`, bytes of an element, number of
axes, and sizes. Without such an address none is looked at."""
DTYPE, ELEMENT, DTYPE_MASK = 24, 40, 0xFF00FF
"""Offsets in a dtype of its kind, and two bytes further its byte order, and of the bytes of an element."""
AXES, SIZES, DESCRIPTION = 8, 16, 40
"""Offsets in an array, from the address of its data, of its number of axes, its sizes and its dtype."""

ROWS = 13
KERNEL, PARAMS, EXTENT, BASE, CHUNK, ROW_WORDS = 0, 1, 2, 3, 4, 5
"""A row: a kernel's address or an operation, its params' address, its extent, its table's offset in bytes, and the
indices in a chunk where the range is divided among threads, else 0."""

HOST, CLEAR, PLACE, COPY, NEXT, SKIP, CHOOSE = 0, 1, 2, 3, 4, 5, 6
"""Operations, which no address is as small as. Slots are counted from the start of the frame's table.

    HOST    leave this row to Python
    CLEAR   slot                           set a counter to 0
    PLACE   (slot, from, offset) * extent  let a slot point `offset` bytes behind what another one points to
    COPY    to, to offset, from, from offset, nbytes
    NEXT    counter, steps, row, advances, (slot, bytes) * advances, (input, output, other) * rotations
            the end of a step of a loop: move pointers, let the output's memory be the next input, and go
            back to a row unless this was the last step
    SKIP    slot, row                      go to a row if a boolean is false; a slot of -1 always does
    CHOOSE  slot, offset, kind, row * extent
            go to the row that an index names; an index out of bounds names the nearest
"""

STEPS = 1
ADVANCES = 3
LAST_OPERATION = CHOOSE

INDEX_KINDS = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
"""The dtypes of an index by their kind."""

LARGEST = 2**63 - 1
"""As many steps as a loop without a known number of them has."""

MOST_PATIENCE = 4096
"""Steps of loops between two pauses, in which Python may look for an interrupt."""

DONE, SUSPENDED, PAUSED, FAILED, UNFIT, UNSTAFFED = 0, 1, 2, 3, 4, 5
"""The executor's status: at the end, at a host step, amid a loop, a kernel failed, an array cannot be read, the
pool's threads have not been started."""
