"""Where things lie in the memory that the executor shares with Python, counted in int64 words.

A frame is one call's state: two words, then the table of buffer addresses that kernels see.
A plan is read-only: a header, one row an instruction, and the instructions' own parameters.
"""

POSITION, KERNEL_STATUS, TABLE = 0, 1, 2
"""A frame: the next instruction, the status of the kernel that failed, the buffer addresses."""

INSTRUCTIONS, INPUTS, OUTPUTS = 0, 1, 2
"""A plan's header: how many there are of each."""

ARRAY_TYPE, TYPE, LIST_SIZE, LIST_ITEMS, DATA, FLAGS, FLAGS_WANTED = 3, 4, 5, 6, 7, 8, 9
"""... numpy.ndarray's address (0: objects cannot be read), and byte offsets in such objects."""

ROWS = 10
KERNEL, PARAMS, EXTENT, ROW_WORDS = 0, 1, 2, 3
"""An instruction's row: its kernel's address (0 for a host step), its params' address, extent."""

DONE, HOST, FAILED, UNFIT = 0, 1, 2, 3
"""The executor's status: at the end, at a host step, a kernel failed, an array cannot be read."""

OPERAND_BITS = 7
"""Low bits of the status of an index out of bounds: the index operand's number, plus 1."""
