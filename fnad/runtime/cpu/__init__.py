"""The CPU: kernels compiled by numba, plans run by one compiled executor, large loops divided among threads."""
