"""The CPU target: kernels compiled by numba, plans run by one compiled executor.

toolchain.py turns source text into machine code and is the only file that brings numba in;
loader.py finds a kernel's machine code in memory, on disk, or by compiling it; executor.py links
a plan and calls it.
"""
