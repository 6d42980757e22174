"""Digits of ranks, by which long lines are sorted."""

DIGIT = 8
"""Bits of a digit."""

RADIX = 1 << DIGIT
"""How many digits there are."""
