"""The parts of CPU kernels: numba and NumPy only, called with positional arguments."""
