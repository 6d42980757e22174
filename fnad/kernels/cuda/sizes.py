"""Sizes that kernels and their launches agree on."""

WARP_BITS = 5
WARP = 1 << WARP_BITS
"""Threads of a warp, its lanes."""

THREADS = 256
"""Threads of a block."""

WIDEST = 16
"""Bytes that a thread loads or stores at once, at most; they start at a multiple of that."""

CHUNK = 4096
"""Elements of a long line that a block handles."""
