"""The numbers that `kernels/cpu/ufuncs.py` is told of a ufunc's loop and of its operands, one a word.

Behind them are: the core dimensions; the extents of the axes of the index space, from the outermost on; for each axis
the steps in bytes of all operands; the steps in bytes of their core dimensions, in the order of the operands.
"""

FUNCTION, DATA = 0, 1
"""The address of the loop, and that of its data."""

OPERANDS, AXES, CORE = 2, 3, 4
"""How many operands (results among them), axes, and core dimensions there are."""

TOLD = 5

MOST_OPERANDS, MOST_DIMENSIONS = 16, 9
"""Operands, and dimensions with that of the loop itself, at most."""
