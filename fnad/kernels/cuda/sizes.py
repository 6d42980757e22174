"""Sizes that kernels and their launches agree on."""

WARP_BITS = 5
WARP = 1 << WARP_BITS
"""Threads of a warp, its lanes."""

THREADS = 256
"""Threads of a block."""

CHUNK = 4096
"""Elements of a long line that a block handles."""
