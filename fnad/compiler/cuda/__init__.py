"""The CUDA target: kernels compiled by numba-cuda, plans run launch by launch on a device.

toolchain.py turns source text into PTX and is the only file that brings numba-cuda in; runtime.py says what a
device must be able to do; executor.py runs a plan by that.
"""
