"""The real and imaginary parts of complex numbers in kernels; the functions here are as those of `arithmetic`."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types


def parts(builder: ir.IRBuilder, value: ir.Value) -> list[ir.Value]:
    """The real and imaginary part of a complex number."""
    return [builder.extract_value(value, 0), builder.extract_value(value, 1)]


def joined(builder: ir.IRBuilder, re: ir.Value, im: ir.Value) -> ir.Value:
    """The complex number of two parts."""
    pair = ir.Constant(ir.LiteralStructType([re.type, im.type]), ir.Undefined)
    return builder.insert_value(builder.insert_value(pair, re, 0), im, 1)


def _part(number: int, meaning: str) -> Callable:
    def resolve(typing_context: Any, value: types.Type) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
            return parts(builder, args[0])[number]

        dtype = types.unliteral(value)
        return (dtype.underlying_float(dtype), generate) if isinstance(dtype, types.Complex) else None

    resolve.__doc__ = meaning
    return resolve


real = _part(0, "The real part.")
imag = _part(1, "The imaginary part.")


def complex_of(typing_context: Any, re: types.Type, im: types.Type) -> Any:
    """The complex number with two floats of one dtype as its parts."""
    dtype = types.unliteral(re)
    result = {types.float32: types.complex64, types.float64: types.complex128}.get(dtype)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return joined(builder, *args)

    return None if result is None or types.unliteral(im) != dtype else (result(dtype, dtype), generate)
