"""Powers of integers whose exponents may be negative, which is an error."""

from numba import njit

from fnad.kernels.cpu.arithmetic import integer_power


@njit
def integer_powers(x, y, out, lo, hi):
    """out[i] = x[i] ** y[i] for the elements [lo, hi); 1 before anything is written if an exponent is negative."""
    for i in range(lo, hi):
        if y[i] < 0:
            return 1
    for i in range(lo, hi):
        out[i] = integer_power(x[i], y[i])
    return 0
