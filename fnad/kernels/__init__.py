"""Kernels written by hand, a folder for each target, with the same file names in both."""
