"""Quotients rounded down and remainders, of integers and floats, as `arithmetic` writes its functions."""

from llvmlite import ir
from numba import types

from fnad.kernels.arithmetic import operation
from fnad.kernels.instructions import call


def _integer_division(
    builder: ir.IRBuilder, dtype: types.Integer, a: ir.Value, b: ir.Value
) -> tuple[ir.Value, ir.Value]:
    """Quotient rounded towards zero, and remainder; both 0 for b = 0, and MIN / -1 = MIN."""
    zero, one = ir.Constant(a.type, 0), ir.Constant(a.type, 1)
    by_zero = builder.icmp_signed("==", b, zero)
    if not dtype.signed:
        divisor = builder.select(by_zero, one, b)
        quotient, rest = builder.udiv(a, divisor), builder.urem(a, divisor)
    else:
        negates = builder.icmp_signed("==", b, ir.Constant(a.type, -1))
        divisor = builder.select(builder.or_(by_zero, negates), one, b)
        quotient, rest = builder.sdiv(a, divisor), builder.srem(a, divisor)
        quotient = builder.select(negates, builder.neg(a), quotient)
    return builder.select(by_zero, zero, quotient), builder.select(by_zero, zero, rest)


def _rounds_down(builder: ir.IRBuilder, rest: ir.Value, b: ir.Value) -> ir.Value:
    """Whether a quotient rounded towards zero is 1 more than the floor: an integer's test."""
    zero = ir.Constant(b.type, 0)
    unequal_signs = builder.icmp_signed("<", builder.xor(rest, b), zero)
    return builder.and_(builder.icmp_signed("!=", rest, zero), unequal_signs)


def _float_division(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> tuple[ir.Value, ir.Value]:
    """NumPy's floor quotient and remainder of floats (npy_divmod)."""
    zero, half, one = (ir.Constant(a.type, value) for value in (0.0, 0.5, 1.0))
    rest = call(builder, "frem", a, b)
    quotient = builder.fdiv(builder.fsub(a, rest), b)
    has_rest = builder.fcmp_unordered("!=", rest, zero)
    signs = (builder.fcmp_ordered("<", value, zero) for value in (b, rest))
    shifts = builder.and_(has_rest, builder.xor(*signs))
    quotient = builder.select(shifts, builder.fsub(quotient, one), quotient)
    signed_zero = call(builder, "llvm.copysign", zero, b)
    rest_found = builder.select(shifts, builder.fadd(rest, b), rest)
    rest_found = builder.select(has_rest, rest_found, signed_zero)

    whole = call(builder, "llvm.floor", quotient)
    too_low = builder.fcmp_ordered(">", builder.fsub(quotient, whole), half)
    whole = builder.select(too_low, builder.fadd(whole, one), whole)
    ratio = builder.fdiv(a, b)
    signed_zero = call(builder, "llvm.copysign", zero, ratio)
    whole = builder.select(builder.fcmp_unordered("!=", quotient, zero), whole, signed_zero)
    by_zero = builder.fcmp_ordered("==", b, zero)
    return builder.select(by_zero, ratio, whole), builder.select(by_zero, rest, rest_found)


@operation(types.Integer | types.Float, "The quotient rounded down; of integers by 0, 0.")
def floor_divide(builder: ir.IRBuilder, dtype: types.Type, a: ir.Value, b: ir.Value) -> ir.Value:
    if isinstance(dtype, types.Float):
        return _float_division(builder, a, b)[0]
    quotient, rest = _integer_division(builder, dtype, a, b)
    if not dtype.signed:
        return quotient
    lower = builder.sub(quotient, ir.Constant(a.type, 1))
    return builder.select(_rounds_down(builder, rest, b), lower, quotient)


@operation(types.Integer | types.Float, "a - b * floor_divide(a, b); of integers by 0, 0.")
def remainder(builder: ir.IRBuilder, dtype: types.Type, a: ir.Value, b: ir.Value) -> ir.Value:
    if isinstance(dtype, types.Float):
        return _float_division(builder, a, b)[1]
    rest = _integer_division(builder, dtype, a, b)[1]
    if not dtype.signed:
        return rest
    return builder.select(_rounds_down(builder, rest, b), builder.add(rest, b), rest)


@operation(types.Integer | types.Float, "The remainder with the sign of a; of integers by 0, 0.")
def fmod(builder: ir.IRBuilder, dtype: types.Type, a: ir.Value, b: ir.Value) -> ir.Value:
    if isinstance(dtype, types.Float):
        return call(builder, "frem", a, b)
    return _integer_division(builder, dtype, a, b)[1]
