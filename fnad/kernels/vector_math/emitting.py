"""Writing functions of numbers straight as LLVM instructions.

An elementary function is a Python function of `Number`s. It runs once for every call in a kernel,
while that kernel is lowered, and each operator appends an instruction to the loop body. So nothing
can branch, there is no call left to inline before the loop is vectorized, numba never sees the
statements one by one, and one text serves both widths: constants take the dtype of the number that
they meet, and coefficients are looked up by `x.bits`.

Products and sums are never contracted: what is to be rounded once says `fused`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import types

from fnad.kernels.instructions import call, negative
from fnad.kernels.scopes import SCOPES, mark_scope


@dataclass(frozen=True)
class Format:
    """A binary floating-point format."""

    bits: int
    digits: int
    """Digits of the mantissa after the point."""

    bias: int
    type: ir.Type
    word: ir.IntType
    sqrt_half: int
    """The bits of the square root of 1/2."""

    @property
    def one(self) -> int:
        """The bits of 1."""
        return self.bias << self.digits

    @property
    def smallest(self) -> float:
        """The smallest normal number."""
        return 2.0 ** (1 - self.bias)


SINGLE = Format(32, 23, 127, ir.FloatType(), ir.IntType(32), 0x3F3504F3)
DOUBLE = Format(64, 52, 1023, ir.DoubleType(), ir.IntType(64), 0x3FE6A09E667F3BCD)

INF, NAN = float("inf"), float("nan")


class Number:
    """A value of the function being written: a float, a word of bits, or a truth."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.builder, self.value = builder, value

    @property
    def format(self) -> Format:
        return SINGLE if self.value.type in (SINGLE.type, SINGLE.word) else DOUBLE

    @property
    def bits(self) -> int:
        return self.format.bits

    def like(self, other: Any) -> ir.Value:
        """A number as it is, a constant in this number's dtype."""
        if isinstance(other, Number):
            return other.value
        number = int(other) if isinstance(self.value.type, ir.IntType) else float(other)
        return ir.Constant(self.value.type, number)

    def constant(self, value: float) -> Number:
        """A constant in this number's dtype."""
        return Number(self.builder, self.like(value))

    def _real(self) -> bool:
        return not isinstance(self.value.type, ir.IntType)

    def _with(self, real: Callable | None, whole: Callable | None, a: Any, b: Any) -> Number:
        write = real if self._real() else whole
        assert write is not None
        return Number(self.builder, write(self.like(a), self.like(b)))

    def _compare(self, test: str, other: Any) -> Number:
        return self._with(
            lambda a, b: self.builder.fcmp_ordered(test, a, b),
            lambda a, b: self.builder.icmp_signed(test, a, b),
            self,
            other,
        )

    def __add__(self, other: Any) -> Number:
        return self._with(self.builder.fadd, self.builder.add, self, other)

    def __radd__(self, other: Any) -> Number:
        return self._with(self.builder.fadd, self.builder.add, other, self)

    def __sub__(self, other: Any) -> Number:
        return self._with(self.builder.fsub, self.builder.sub, self, other)

    def __rsub__(self, other: Any) -> Number:
        return self._with(self.builder.fsub, self.builder.sub, other, self)

    def __mul__(self, other: Any) -> Number:
        return self._with(self.builder.fmul, self.builder.mul, self, other)

    def __rmul__(self, other: Any) -> Number:
        return self._with(self.builder.fmul, self.builder.mul, other, self)

    def __truediv__(self, other: Any) -> Number:
        return self._with(self.builder.fdiv, None, self, other)

    def __rtruediv__(self, other: Any) -> Number:
        return self._with(self.builder.fdiv, None, other, self)

    def __neg__(self) -> Number:
        return Number(self.builder, negative(self.builder, self.value))

    def __and__(self, other: Any) -> Number:
        return self._with(None, self.builder.and_, self, other)

    def __or__(self, other: Any) -> Number:
        return self._with(None, self.builder.or_, self, other)

    def __xor__(self, other: Any) -> Number:
        return self._with(None, self.builder.xor, self, other)

    def __invert__(self) -> Number:
        return Number(self.builder, self.builder.not_(self.value))

    def __lshift__(self, other: int) -> Number:
        return self._with(None, self.builder.shl, self, other)

    def __rshift__(self, other: int) -> Number:
        """Zeros come in: a word of bits has no sign here."""
        return self._with(None, self.builder.lshr, self, other)

    def __lt__(self, other: Any) -> Number:
        return self._compare("<", other)

    def __le__(self, other: Any) -> Number:
        return self._compare("<=", other)

    def __gt__(self, other: Any) -> Number:
        return self._compare(">", other)

    def __ge__(self, other: Any) -> Number:
        return self._compare(">=", other)

    def equals(self, other: Any) -> Number:
        """Whether both are the same number; False for NaN."""
        return self._compare("==", other)

    def differs(self, other: Any) -> Number:
        """Whether they are two different numbers; False for NaN."""
        return self._compare("!=", other)


# --- what has no operator ---------------------------------------------------------------------


def _call(name: str, *numbers: Any) -> Number:
    first = next(number for number in numbers if isinstance(number, Number))
    return Number(first.builder, call(first.builder, name, *(first.like(n) for n in numbers)))


def fused(x: Any, y: Any, z: Any) -> Number:
    """x * y + z, rounded once."""
    return _call("llvm.fma", x, y, z)


def square_root(x: Number) -> Number:
    return _call("llvm.sqrt", x)


def magnitude(x: Number) -> Number:
    return _call("llvm.fabs", x)


def nearest(x: Number) -> Number:
    """Rounded to a whole number, ties to even."""
    return _call("llvm.rint", x)


def signed_like(x: Number, y: Number) -> Number:
    return _call("llvm.copysign", x, y)


def choose(condition: Number, a: Any, b: Any) -> Number:
    """a where the condition holds, else b; one of them is a Number."""
    like = a if isinstance(a, Number) else b
    return Number(like.builder, like.builder.select(condition.value, like.like(a), like.like(b)))


def at_most(x: Number, high: float) -> Number:
    """x, or `high` where x is more; NaN stays."""
    return choose(x > high, high, x)


def at_least(x: Number, low: float) -> Number:
    """x, or `low` where x is less; NaN stays."""
    return choose(x < low, low, x)


def bits_of(x: Number) -> Number:
    return Number(x.builder, x.builder.bitcast(x.value, x.format.word))


def from_bits(word: Number) -> Number:
    return Number(word.builder, word.builder.bitcast(word.value, word.format.type))


def wide(x: Number) -> Number:
    """A float32 as a float64."""
    return Number(x.builder, x.builder.fpext(x.value, DOUBLE.type))


def narrow(x: Number) -> Number:
    """A float64 rounded to float32."""
    return Number(x.builder, x.builder.fptrunc(x.value, SINGLE.type))


def flip_sign(x: Number, condition: Number) -> Number:
    return choose(condition, -x, x)


def lookup(name: str, table: Sequence[float], index: Number) -> Number:
    """table[index]: float64 numbers that lie once in each kernel that asks for them."""
    builder, name = index.builder, f"fnad.{name}"
    known = builder.module.globals.get(name)
    if known is None:
        dtype = ir.ArrayType(DOUBLE.type, len(table))
        known = ir.GlobalVariable(builder.module, dtype, name)
        known.initializer = ir.Constant(dtype, list(table))
        known.linkage, known.global_constant, known.unnamed_addr = "internal", True, True
    place = builder.gep(known, [ir.Constant(index.value.type, 0), index.value], inbounds=True)
    element = builder.load(place)
    # nothing writes to the table: without being told so, LLVM would not vectorize the loop
    mark_scope(builder, element, SCOPES - 1)
    return Number(builder, element)


# --- common steps -----------------------------------------------------------------------------


def polynomial(x: Number, coefficients: Sequence[float]) -> Number:
    """Horner's rule; the constant term comes first."""
    *rest, result = coefficients
    for coefficient in reversed(rest):
        result = fused(x, result, coefficient)
    return result


def power_of_two(n: Number) -> Number:
    """2 to the power of a whole number for which it is normal."""
    f = n.format
    # The sum's last bits are n + bias; the shift leaves nothing else.
    return from_bits(bits_of(n + (1.5 * 2.0**f.digits + f.bias)) << f.digits)


def scaled(x: Number, n: Number) -> Number:
    """x * 2**n, rounded once, for x near 1; also where the result is subnormal or infinite."""
    half = nearest(n * 0.5)
    return x * power_of_two(half) * power_of_two(n - half)


def split(x: Number) -> tuple[Number, Number]:
    """k and m of x = m * 2**k with m from sqrt(1/2) to sqrt(2), for normal positive x."""
    f = x.format
    word = bits_of(x) + (f.one - f.sqrt_half)
    # The exponent becomes the last digits of 2**digits + exponent: no conversion from integers,
    # which few machines have for vectors of 64 bits.
    exponent = from_bits((word >> f.digits) | ((f.bias + f.digits) << f.digits))
    mantissa = (word & ((1 << f.digits) - 1)) + f.sqrt_half
    return exponent - (2.0**f.digits + f.bias), from_bits(mantissa)


# --- pairs: unevaluated sums high + low, where low is less than the last digit of high -----------

Pair = tuple[Number, Number]


def two_sum(a: Any, b: Any) -> Pair:
    """a + b and its rounding error (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def fast_two_sum(a: Any, b: Any) -> Pair:
    """a + b and its rounding error where |a| >= |b| or a = 0 (Dekker)."""
    total = a + b
    return total, b - (total - a)


def two_product(a: Any, b: Any) -> Pair:
    """a * b and its rounding error."""
    product = a * b
    return product, fused(a, b, -product)


def divide(a: Any, a_low: Any, b: Number, b_low: Any) -> Pair:
    """The quotient of two pairs; b and 1 / b are finite."""
    inverse = 1.0 / b
    quotient = a * inverse
    rest = fused(-quotient, b, a) + (a_low - quotient * b_low)
    return quotient, rest * inverse


# --- the words --------------------------------------------------------------------------------

_DTYPES = {32: types.float32, 64: types.float64}


def _word(emit: Callable[..., Number], operands: int, bits: int) -> Any:
    dtype = _DTYPES[bits]

    def resolve(*given: types.Type) -> Any:
        # Any real number will do; it is converted to the dtype that the function's name says.
        if not all(isinstance(t, types.Float | types.Integer | types.Boolean) for t in given):
            return None

        def lower(context: Any, builder: ir.IRBuilder, signature: Any, args: tuple) -> ir.Value:
            return emit(*(Number(builder, value) for value in args)).value

        return dtype(*[dtype] * operands), lower

    typers: dict[int, Callable] = {
        1: lambda typing_context, x: resolve(x),
        2: lambda typing_context, x, y: resolve(x, y),
    }
    function = typers[operands]
    function.__doc__ = emit.__doc__
    return function


def elementary(emit: Callable[..., Number], operands: int = 1) -> tuple[Any, Any]:
    """The words `<op>_float32` and `<op>_float64`, as `intrinsic` takes them, computed in their own dtype."""
    return _word(emit, operands, 32), _word(emit, operands, 64)


def elementary_by_width(
    single: Callable[..., Number], double: Callable[..., Number], operands: int = 1
) -> tuple[Any, Any]:
    """The same where float32 has a text of its own, which computes in float64."""

    def emit(*given: Number) -> Number:
        return narrow(single(*map(wide, given)))

    emit.__doc__ = double.__doc__
    return _word(emit, operands, 32), _word(double, operands, 64)
