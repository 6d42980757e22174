"""What CPU kernels are made of: numba and NumPy only, called with positional arguments."""
