"""What a kernel tells of an index that does not fit, as one number."""

OPERAND_BITS = 7
"""Low bits of the number: that of the index operand, plus 1. The index itself is above them."""
