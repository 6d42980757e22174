"""Powers of integers whose exponents may be negative, which is an error."""

from fnad.kernels.cuda.arithmetic import integer_power
from fnad.kernels.cuda.grids import thread_row
from fnad.kernels.cuda.pointers import report
from fnad.kernels.cuda.words import inlined


@inlined
def integer_powers(x, y, out, count, status, number):
    """out[i] = x[i] ** y[i] for the elements i < count; where an exponent is negative, 0 and the report of a 1."""
    i = thread_row()
    if i < count:
        if y[i] < 0:
            report(status, number, 1)
        out[i] = integer_power(x[i], y[i])
