"""Launches of the hand-written kernels of fnad/kernels/cpu, a file for each family, from views of their operands."""
