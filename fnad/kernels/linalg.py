"""What kernels of linear algebra report."""

OUT_OF_MEMORY = -2
"""The status of a kernel that got no memory to work in."""
