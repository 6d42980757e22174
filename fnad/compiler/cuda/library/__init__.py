"""Launches of the hand-written kernels of fnad/kernels/cuda, a file for each family, from views of their operands.

Operands are C-contiguous where nothing else is said. Sizes of grids and the choice among kernels follow from shapes,
layouts and alignments alone, so that every device gives the same bits.
"""
