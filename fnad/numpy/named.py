"""NumPy's ufuncs by name, which also take lists with traced values in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.errors import boundary
from fnad.ir.ownership import in_c_order
from fnad.numpy.promotion import builder_of, is_traced, stacked


def _named(ufunc: np.ufunc) -> Callable[..., Any]:
    """A ufunc of NumPy as a function."""

    def function(*args: Any, **kwargs: Any) -> Any:
        given = [stacked(builder_of(a), a) if type(a) in (list, tuple) and is_traced(a) else a for a in args]
        result = ufunc(*given, **kwargs)
        return result if kwargs else in_c_order(result, given)

    function.__name__ = function.__qualname__ = ufunc.__name__
    function.__doc__ = f"`numpy.{ufunc.__name__}`."
    return boundary(function)


add = _named(np.add)
subtract = _named(np.subtract)
multiply = _named(np.multiply)
true_divide = _named(np.true_divide)
floor_divide = _named(np.floor_divide)
remainder = _named(np.remainder)
fmod = _named(np.fmod)
divmod = _named(np.divmod)
negative = _named(np.negative)
positive = _named(np.positive)
absolute = _named(np.absolute)
fabs = _named(np.fabs)
sign = _named(np.sign)
square = _named(np.square)
reciprocal = _named(np.reciprocal)
sqrt = _named(np.sqrt)
cbrt = _named(np.cbrt)
hypot = _named(np.hypot)
power = _named(np.power)
float_power = _named(np.float_power)
exp = _named(np.exp)
exp2 = _named(np.exp2)
expm1 = _named(np.expm1)
log = _named(np.log)
log2 = _named(np.log2)
log10 = _named(np.log10)
log1p = _named(np.log1p)
logaddexp = _named(np.logaddexp)
logaddexp2 = _named(np.logaddexp2)
sin = _named(np.sin)
cos = _named(np.cos)
tan = _named(np.tan)
arcsin = _named(np.arcsin)
arccos = _named(np.arccos)
arctan = _named(np.arctan)
arctan2 = _named(np.arctan2)
sinh = _named(np.sinh)
cosh = _named(np.cosh)
tanh = _named(np.tanh)
arcsinh = _named(np.arcsinh)
arccosh = _named(np.arccosh)
arctanh = _named(np.arctanh)
deg2rad = _named(np.deg2rad)
radians = _named(np.radians)
rad2deg = _named(np.rad2deg)
degrees = _named(np.degrees)
maximum = _named(np.maximum)
minimum = _named(np.minimum)
fmax = _named(np.fmax)
fmin = _named(np.fmin)
equal = _named(np.equal)
not_equal = _named(np.not_equal)
less = _named(np.less)
less_equal = _named(np.less_equal)
greater = _named(np.greater)
greater_equal = _named(np.greater_equal)
logical_and = _named(np.logical_and)
logical_or = _named(np.logical_or)
logical_xor = _named(np.logical_xor)
logical_not = _named(np.logical_not)
bitwise_and = _named(np.bitwise_and)
bitwise_or = _named(np.bitwise_or)
bitwise_xor = _named(np.bitwise_xor)
invert = _named(np.invert)
left_shift = _named(np.left_shift)
right_shift = _named(np.right_shift)
isnan = _named(np.isnan)
isinf = _named(np.isinf)
isfinite = _named(np.isfinite)
signbit = _named(np.signbit)
copysign = _named(np.copysign)
nextafter = _named(np.nextafter)
heaviside = _named(np.heaviside)
modf = _named(np.modf)
floor = _named(np.floor)
ceil = _named(np.ceil)
trunc = _named(np.trunc)
rint = _named(np.rint)
conjugate = _named(np.conjugate)

divide = true_divide
mod = remainder
abs = absolute
pow = power
acos = arccos
asin = arcsin
atan = arctan
atan2 = arctan2
acosh = arccosh
asinh = arcsinh
atanh = arctanh
conj = conjugate
bitwise_not = invert
bitwise_invert = invert
bitwise_left_shift = left_shift
bitwise_right_shift = right_shift
