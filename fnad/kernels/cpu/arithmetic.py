"""The arithmetic of `fnad.kernels.arithmetic` as words of the CPU's kernel source."""

from numba.extending import intrinsic

from fnad.kernels import arithmetic, division, parts

add, multiply = intrinsic(arithmetic.add), intrinsic(arithmetic.multiply)
radd, rmul = intrinsic(arithmetic.radd), intrinsic(arithmetic.rmul)

maximum, minimum = intrinsic(arithmetic.maximum), intrinsic(arithmetic.minimum)
rmax, rmin = intrinsic(arithmetic.rmax), intrinsic(arithmetic.rmin)
above, below = intrinsic(arithmetic.above), intrinsic(arithmetic.below)
select = intrinsic(arithmetic.select)

real, imag, complex_of = intrinsic(parts.real), intrinsic(parts.imag), intrinsic(parts.complex_of)

sqrt, fabs = intrinsic(arithmetic.sqrt), intrinsic(arithmetic.fabs)
floor, ceil = intrinsic(arithmetic.floor), intrinsic(arithmetic.ceil)
trunc, rint = intrinsic(arithmetic.trunc), intrinsic(arithmetic.rint)
copysign, fma = intrinsic(arithmetic.copysign), intrinsic(arithmetic.fma)
bitcast, number_like = intrinsic(arithmetic.bitcast), intrinsic(arithmetic.number_like)

floor_divide, remainder = intrinsic(division.floor_divide), intrinsic(division.remainder)
fmod = intrinsic(division.fmod)
subtract, negate, truncated = (intrinsic(arithmetic.subtract), intrinsic(arithmetic.negate),
                               intrinsic(arithmetic.truncated))
left_shift, right_shift = intrinsic(arithmetic.left_shift), intrinsic(arithmetic.right_shift)
integer_power, gcd = intrinsic(arithmetic.integer_power), intrinsic(arithmetic.gcd)
