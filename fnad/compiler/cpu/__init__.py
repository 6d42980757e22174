"""The CPU as a target: loops as source for numba, launches of kernels of fnad/kernels/cpu, and their division."""
