"""The CUDA target: kernels compiled by numba-cuda, plans run launch by launch on a device.

As for the CPU, lower.py says what runs for the steps of a schedule: loops (nests.py orders their axes, loops.py
writes their source, divide.py cuts them to a GPU's measure), and kernels of the library (library.py, layers.py,
products.py; cublas.py offers a library of the device's own). toolchain.py and passes.py turn source into PTX and are
the only files that bring numba-cuda in; loader.py keeps the PTX.

runtime.py says what a device must be able to do. hardware.py does it by a GPU's driver (driver.py, pool.py),
simulator.py by numba's simulator. executor.py runs a plan on a device; arrays.py holds what lies there, transfers.py
and exchange.py bring it there and back, failures.py tells what went wrong, devices.py chooses.
"""
