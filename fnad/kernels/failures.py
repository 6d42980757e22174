"""What a kernel tells of an index that does not fit, as one number."""

OPERAND_BITS = 7
"""Low bits of the number: that of the index operand, plus 1. The index itself is above them."""

LARGEST_TOLD = (1 << 63 - OPERAND_BITS) - 1
"""What is told of this index and of all above it; of those below its negative, that less 1."""
