"""The CUDA target: kernels compiled by numba-cuda, plans run launch by launch on a device.

toolchain.py turns source text into PTX; runtime.py says what a device must be able to do, which hardware.py does by
NVIDIA's driver and simulator.py by numba's simulator; executor.py runs a plan by that. devices.py chooses where
functions run, arrays.py holds what stays on a device, transfers.py and exchange.py bring it there and share it.
"""
