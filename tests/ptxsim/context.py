"""The words of memory through which kernel, checks and machine speak: an int64 array, by number."""

from __future__ import annotations

EPOCH = 0
"""Counts barriers: what lies before one is ordered before what follows it."""
ERRORS = 1
"""How many mistakes the checks found; FIRST and the words after it tell of the first."""
FIRST = 2
"""Which mistake, its address, thread, linear block, kind of access, bytes."""
TRAPPED = 8
SHARED = 9
"""Address of the block's shared memory."""
SHARED_BYTES = 10
SHARED_SHADOW = 11
BLOCK_NUMBER = 12
WARP_EPOCHS = 13
"""Address of an int64 for each warp, which counts its meetings."""
PARAMETERS = 14
"""Address of the kernel's parameters."""
STATES = 15
"""Address of the int64 state of each thread: why it does not run."""
EXCHANGE = 16
"""Address of EXCHANGE_WORDS int32 words for each thread, for what threads tell one another."""
BLOCK_SIZE = 17
GRID_SIZE = 20
BLOCK_INDEX = 23
DYNAMIC_BYTES = 26
SHARED_GRANULE = 27
"""Bytes of shared memory that a record of its shadow tells of."""
FIRST_BLOCK = 28
"""What is added to a block's number in shadows, so that no two launches have a block in common; see shadows.py."""
RANGES = 29
"""How many ranges of memory the kernel may touch; they follow, RANGE_WORDS for each."""
RANGE_START = 30
RANGE_WORDS = 5
"""First byte, end, shadow (0: none), first byte that the shadow tells of, granule (0: may only be read)."""

# Why a thread does not run.
DONE, AT_BARRIER, AT_SHUFFLE, AT_VOTE, AT_WARP_BARRIER = range(1, 6)

# What a thread leaves in its exchange words: a value (and finds the result there), two operands, which operation,
# the lanes that take part, which reduction goes with a barrier.
EXCHANGE_WORDS = 8
VALUE, SECOND, THIRD, MODE, LANES, REDUCTION = range(6)

SHUFFLES = {"up": 0, "down": 1, "bfly": 2, "idx": 3}
VOTES = {"ballot": 0, "all": 1, "any": 2, "uni": 3}
REDUCTIONS = {"popc": 1, "and": 2, "or": 3}

# Kinds of access; IN_SHARED is added for an address that is an offset into shared memory.
LOAD, STORE, ATOMIC, IN_SHARED = 0, 1, 2, 8

# Mistakes.
OUT_OF_BOUNDS, MISALIGNED, RACE, READ_ONLY = range(1, 5)
MISTAKES = {
    OUT_OF_BOUNDS: "out-of-bounds",
    MISALIGNED: "misaligned",
    RACE: "race at",
    READ_ONLY: "read-only variable changed by",
}

# What a shadow keeps of each granule, in int32 words: its last write, then its last read.
SHADOW_WORDS = 8
