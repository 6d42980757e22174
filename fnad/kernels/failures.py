"""A kernel's report of an index out of bounds, as one number."""

OPERAND_BITS = 7
"""Low bits of the number: that of the index operand, plus 1. The index itself is above them."""

LARGEST_TOLD = (1 << 63 - OPERAND_BITS) - 1
"""The report on this index and all above it; on those below its negative, that less 1."""
