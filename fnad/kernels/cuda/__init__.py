"""Functions that the kernels of a GPU call, the twins of those in `fnad.kernels.cpu`."""
