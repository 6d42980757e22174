"""GPUs: kernels compiled by numba-cuda, plans run launch by launch, arrays that lie there.

runtime.py says what a device must be able to do. hardware.py does it by a GPU's driver (driver.py, pool.py),
simulator.py by numba's simulator. arrays.py holds what lies on a device, transfers.py and exchange.py bring it there
and back, failures.py tells what went wrong, devices.py chooses.
"""
