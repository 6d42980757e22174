"""The arithmetic of `fnad.kernels.arithmetic` as words of a GPU's kernel source."""

from typing import Any

from fnad.kernels import arithmetic, division, parts
from fnad.kernels.cuda.words import word


def _word(name: str, module: Any = arithmetic) -> Any:
    return word(getattr(module, name), name)


add, multiply, radd, rmul = _word("add"), _word("multiply"), _word("radd"), _word("rmul")

maximum, minimum, rmax, rmin = _word("maximum"), _word("minimum"), _word("rmax"), _word("rmin")
above, below, select = _word("above"), _word("below"), _word("select")

real, imag, complex_of = _word("real", parts), _word("imag", parts), _word("complex_of", parts)

sqrt, fabs, copysign, fma = _word("sqrt"), _word("fabs"), _word("copysign"), _word("fma")
floor, ceil, trunc, rint = _word("floor"), _word("ceil"), _word("trunc"), _word("rint")
bitcast, number_like = _word("bitcast"), _word("number_like")

floor_divide, remainder = _word("floor_divide", division), _word("remainder", division)
fmod = _word("fmod", division)
subtract, negate, truncated = _word("subtract"), _word("negate"), _word("truncated")
left_shift, right_shift = _word("left_shift"), _word("right_shift")
integer_power, gcd = _word("integer_power"), _word("gcd")
