"""Kernels written by hand, a folder for each target, with the same file names in both.

What lies here itself serves both: numbers written as LLVM instructions (arithmetic, vector_math), which a target
registers as words of its kernel source.
"""
