"""The rectified linear unit, max(x, 0): 0 where x is 0 or -0.0, and NaN stays NaN.

Its derivative is 1 where the result is positive, 0 where it is not, so that the result alone
tells it; a cotangent passes where the result is NaN.
"""

from numba import njit

from fnad.kernels.cpu.arithmetic import number_like, select


@njit
def relu(x):
    """max(x, 0)."""
    zero = number_like(0, x)
    return select(x <= zero, zero, x)


@njit
def relu_backward(g, y):
    """The cotangent g of the result y, carried back to the argument."""
    zero = number_like(0, g)
    return select(y <= zero, zero, g)
