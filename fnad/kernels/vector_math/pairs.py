"""Complex numbers in functions that are written as LLVM instructions: two `Number`s, which LLVM vectorizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types

from fnad.kernels.parts import joined, parts
from fnad.kernels.vector_math.emitting import INF, Number, choose, magnitude, narrow, wide


class Complex(NamedTuple):
    """A complex number's parts."""

    re: Number
    im: Number


def multiplied(x: Complex, y: Complex) -> Complex:
    """The product, by NumPy's formula."""
    return Complex(x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re)


def chosen(condition: Number, x: Complex, y: Complex) -> Complex:
    """x where the condition holds, else y."""
    return Complex(choose(condition, x.re, y.re), choose(condition, x.im, y.im))


def times_i(z: Complex) -> Complex:
    """i z."""
    return Complex(-z.im, z.re)


def over_i(z: Complex) -> Complex:
    """z / i."""
    return Complex(z.im, -z.re)


def is_finite(x: Number) -> Number:
    """Whether a number is neither infinite nor NaN."""
    return magnitude(x) < INF


def is_infinite(x: Number) -> Number:
    """Whether a number is infinite."""
    return magnitude(x).equals(INF)


def is_nan(x: Number) -> Number:
    """Whether a number is NaN."""
    return ~x.equals(x)


def is_zero(z: Complex) -> Number:
    """Whether both parts are 0."""
    return z.re.equals(0.0) & z.im.equals(0.0)


def larger(z: Complex) -> Number:
    """The size of the larger part; NaN does not count."""
    a, b = magnitude(z.re), magnitude(z.im)
    return choose((a > b) | is_nan(b), a, b)


# --- The words of functions

_DTYPES = {64: types.complex64, 128: types.complex128}


def word(emit: Callable[..., Complex], operands: int, bits: int) -> Any:
    """The word of a function of so many operands of a dtype, as `intrinsic` takes it."""
    dtype = _DTYPES[bits]

    def resolve(*given: types.Type) -> Any:
        if not all(t == dtype for t in given):
            return None

        def lower(context: Any, builder: ir.IRBuilder, signature: Any, args: tuple) -> ir.Value:
            given = [Complex(*[Number(builder, part) for part in parts(builder, value)]) for value in args]
            return joined(builder, *[part.value for part in emit(*given)])

        return dtype(*[dtype] * operands), lower

    typers: dict[int, Callable] = {
        1: lambda typing_context, x: resolve(x),
        2: lambda typing_context, x, y: resolve(x, y),
    }
    function = typers[operands]
    function.__doc__ = emit.__doc__
    return function


def in_float64(emit: Callable[..., Complex]) -> Callable[..., Complex]:
    """A function of complex64, computed in complex128."""
    return lambda *given: Complex(*map(narrow, emit(*[Complex(*map(wide, z)) for z in given])))
