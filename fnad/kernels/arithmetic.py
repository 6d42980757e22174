"""Arithmetic for kernels that numba's operators do not give, with NumPy's meaning.

The operands of an operation are of one dtype, and so is its result: int8 stays int8 and wraps,
where numba's own operators would widen it. Nothing branches, so loops over it vectorize, but for
`fmod`, `remainder` and `floor_divide` of floats in `division` (a call of the C library) and `integer_power`.

The functions here are what `intrinsic` of a target takes: they are given the types of a call, and
resolve it to a signature and a writer of instructions. Each target registers them as the words of
its kernel source: `fnad.kernels.cpu.arithmetic` and `fnad.kernels.cuda.arithmetic`.
"""

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types

from fnad.kernels.instructions import call, for_gpu, negative
from fnad.kernels.parts import joined, parts

_ANY = types.Number | types.Boolean
_REAL = types.Float | types.Integer | types.Boolean


def operation(accepted: Any, meaning: str, operands: int = 2) -> Callable:
    """Make `generate(builder, dtype, *values) -> value` a function of operands of one dtype."""

    def decorate(generate: Callable[..., ir.Value]) -> Callable:
        def resolve(*given: types.Type) -> Any:
            dtype = types.unliteral(given[0])
            if not isinstance(dtype, accepted):
                return None
            if any(types.unliteral(other) != dtype for other in given):
                return None

            def lower(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
                return generate(builder, dtype, *args)

            return dtype(*[dtype] * operands), lower

        typers: dict[int, Callable] = {
            1: lambda typing_context, x: resolve(x),
            2: lambda typing_context, x, y: resolve(x, y),
            3: lambda typing_context, x, y, z: resolve(x, y, z),
        }
        operation = typers[operands]
        operation.__doc__ = meaning
        return operation

    return decorate


def _llvm(name: str) -> Callable[..., ir.Value]:
    """A generator that calls one of LLVM's own functions of numbers."""

    def generate(builder: ir.IRBuilder, dtype: types.Type, *values: ir.Value) -> ir.Value:
        return call(builder, name, *values)

    return generate


# --- sums and products ------------------------------------------------------------------------


def _add(flags: tuple[str, ...]) -> Callable[..., ir.Value]:
    def generate(builder: ir.IRBuilder, dtype: types.Type, x: ir.Value, y: ir.Value) -> ir.Value:
        if isinstance(dtype, types.Boolean):
            return builder.or_(x, y)
        if isinstance(dtype, types.Integer):
            return builder.add(x, y)
        if isinstance(dtype, types.Float):
            return builder.fadd(x, y, flags=flags)
        pairs = zip(parts(builder, x), parts(builder, y), strict=True)
        return joined(builder, *(builder.fadd(a, b, flags=flags) for a, b in pairs))

    return generate


def _multiply(flags: tuple[str, ...]) -> Callable[..., ir.Value]:
    def generate(builder: ir.IRBuilder, dtype: types.Type, x: ir.Value, y: ir.Value) -> ir.Value:
        if isinstance(dtype, types.Boolean):
            return builder.and_(x, y)
        if isinstance(dtype, types.Integer):
            return builder.mul(x, y)
        if isinstance(dtype, types.Float):
            return builder.fmul(x, y, flags=flags)
        (a, b), (c, d) = parts(builder, x), parts(builder, y)
        real = builder.fsub(builder.fmul(a, c), builder.fmul(b, d))
        return joined(builder, real, builder.fadd(builder.fmul(a, d), builder.fmul(b, c)))

    return generate


add = operation(_ANY, "a + b: integers wrap, booleans are or-ed.")(_add(()))
multiply = operation(_ANY, "a * b: integers wrap, booleans are and-ed.")(_multiply(()))
# `reassoc` on this instruction alone lets LLVM split a sum into lanes, and nothing else.
radd = operation(_ANY, "A term of a sum in any order: acc = radd(acc, x).")(_add(("reassoc",)))
rmul = operation(_ANY, "A factor of a product in any order.")(_multiply(("reassoc",)))


# --- comparisons ------------------------------------------------------------------------------


def _first_wins(builder: ir.IRBuilder, dtype: types.Type, test: str, x: Any, y: Any) -> ir.Value:
    """Whether x is the extreme of the two; numbers only, complex ones compare as pairs."""
    if isinstance(dtype, types.Float):
        return builder.fcmp_ordered(test, x, y)
    if not isinstance(dtype, types.Complex):
        signed = isinstance(dtype, types.Integer) and dtype.signed
        return (builder.icmp_signed if signed else builder.icmp_unsigned)(test, x, y)
    (a, b), (c, d) = parts(builder, x), parts(builder, y)
    tie = builder.and_(builder.fcmp_ordered("==", a, c), builder.fcmp_ordered(test, b, d))
    return builder.or_(builder.fcmp_ordered(test, a, c), tie)


def _order(test: str, meaning: str) -> Callable:
    def resolve(typing_context: Any, x: types.Type, y: types.Type) -> Any:
        dtype = types.unliteral(x)

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
            return _first_wins(builder, dtype, test, *args)

        return (types.boolean(dtype, dtype), generate) if types.unliteral(y) == dtype else None

    resolve.__doc__ = meaning
    return resolve


above = _order(">", "Whether x is more than y; complex numbers by their real parts first.")
below = _order("<", "Whether x is less than y; complex numbers by their real parts first.")


def _is_nan(builder: ir.IRBuilder, dtype: types.Type, x: ir.Value) -> ir.Value:
    if isinstance(dtype, types.Complex):
        return builder.fcmp_unordered("uno", *parts(builder, x))
    return builder.fcmp_unordered("uno", x, x)


def _extreme(test: str) -> Callable[..., ir.Value]:
    def generate(builder: ir.IRBuilder, dtype: types.Type, x: ir.Value, y: ir.Value) -> ir.Value:
        chosen = builder.select(_first_wins(builder, dtype, test, x, y), x, y)
        if not isinstance(dtype, types.Float | types.Complex):
            return chosen
        if isinstance(dtype, types.Complex):  # an ordered float test has seen that y is NaN
            chosen = builder.select(_is_nan(builder, dtype, y), y, chosen)
        return builder.select(_is_nan(builder, dtype, x), x, chosen)

    return generate


def _running_extreme(test: str, name: str) -> Callable[..., ir.Value]:
    """As `_extreme`, but 0 is more than -0, so that the order of the terms of a maximum or minimum has no part in it.

    On the CPU this is the one form that LLVM vectorizes as a reduction.
    """
    known = llvm.llvm_version_info >= (17,)  # before, x86 has no code for it

    def generate(builder: ir.IRBuilder, dtype: types.Type, x: ir.Value, y: ir.Value) -> ir.Value:
        if not (known and isinstance(dtype, types.Float)):
            return _extreme(test)(builder, dtype, x, y)
        if not for_gpu(builder.module):
            return call(builder, name, x, y)
        bits = ir.IntType(dtype.bitwidth)
        join = builder.and_ if test == ">" else builder.or_  # of equal numbers, only zeros have different bits
        joined = builder.bitcast(join(builder.bitcast(x, bits), builder.bitcast(y, bits)), x.type)
        equal = builder.fcmp_ordered("==", x, y)
        return builder.select(equal, joined, _extreme(test)(builder, dtype, x, y))

    return generate


maximum = operation(_ANY, "The larger one; NaN if either is NaN.")(_extreme(">"))
minimum = operation(_ANY, "The smaller one; NaN if either is NaN.")(_extreme("<"))
rmax = operation(_ANY, "A term of a running maximum: acc = rmax(acc, x).")(
    _running_extreme(">", "llvm.maximum")
)
rmin = operation(_ANY, "A term of a running minimum: acc = rmin(acc, x).")(
    _running_extreme("<", "llvm.minimum")
)


def select(typing_context: Any, condition: types.Type, a: types.Type, b: types.Type) -> Any:
    """a where the condition holds, else b; both are computed, there is no branch."""
    dtype = types.unliteral(a)
    if condition != types.boolean or types.unliteral(b) != dtype:
        return None

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        if not isinstance(dtype, types.Complex):
            return builder.select(*args)
        pairs = zip(parts(builder, args[1]), parts(builder, args[2]), strict=True)  # LLVM has no vectors of pairs
        return joined(builder, *(builder.select(args[0], x, y) for x, y in pairs))

    return dtype(types.boolean, dtype, dtype), generate


# --- floats -----------------------------------------------------------------------------------

sqrt = operation(types.Float, "The square root.", 1)(_llvm("llvm.sqrt"))
fabs = operation(types.Float, "The absolute value.", 1)(_llvm("llvm.fabs"))
floor = operation(types.Float, "Rounded down.", 1)(_llvm("llvm.floor"))
ceil = operation(types.Float, "Rounded up.", 1)(_llvm("llvm.ceil"))
trunc = operation(types.Float, "Rounded towards zero.", 1)(_llvm("llvm.trunc"))
rint = operation(types.Float, "Rounded to an integer, ties to even.", 1)(_llvm("llvm.rint"))
copysign = operation(types.Float, "x with the sign of y.")(_llvm("llvm.copysign"))
fma = operation(types.Float, "x * y + z, rounded once.", 3)(_llvm("llvm.fma"))


def bitcast(typing_context: Any, value: types.Type, dtype: types.Type) -> Any:
    """The bits of a number read as another dtype of the same size: `bitcast(x, int32)`."""
    target = dtype.dtype

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return builder.bitcast(args[0], context.get_value_type(target))

    return target(value, dtype), generate


# --- integers ---------------------------------------------------------------------------------

# numba's own + - * of int64 promise LLVM that nothing overflows: then `x + 1 > x` is true for every x.


@operation(types.Integer | types.Complex, "a - b; integers wrap.")
def subtract(builder: ir.IRBuilder, dtype: types.Type, a: ir.Value, b: ir.Value) -> ir.Value:
    if isinstance(dtype, types.Integer):
        return builder.sub(a, b)
    pairs = zip(parts(builder, a), parts(builder, b), strict=True)
    return joined(builder, *(builder.fsub(x, y) for x, y in pairs))


@operation(types.Integer | types.Complex, "-a; integers wrap.", 1)
def negate(builder: ir.IRBuilder, dtype: types.Type, a: ir.Value) -> ir.Value:
    if isinstance(dtype, types.Integer):
        return builder.neg(a)
    return joined(builder, *(negative(builder, x) for x in parts(builder, a)))


def truncated(typing_context: Any, value: types.Type, dtype: types.Type) -> Any:
    """A float rounded towards zero in an integer dtype, `truncated(x, uint8)`, by x86-64's rule for all numbers.

    What a signed integer of 32 bits (of 64 for int64, uint32 and uint64) cannot hold becomes its smallest number,
    and of that the lower bits are kept. Above 2^63 a uint64 is 2^63 and what is left. LLVM's own instruction
    leaves all of that open, and vectors get other numbers than single elements.
    """
    target = dtype.dtype
    narrow = target.bitwidth < 32 or target.bitwidth == 32 and target.signed
    held = ir.IntType(32 if narrow else 64)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        (x, _), result = args, ir.IntType(target.bitwidth)
        if target.signed or target.bitwidth < 64:
            found = _as_signed(builder, x, held)
            return found if held == result else builder.trunc(found, result)
        half = ir.Constant(x.type, 2.0**63)
        large = builder.xor(_as_signed(builder, builder.fsub(x, half), held), ir.Constant(held, -(2**63)))
        return builder.select(builder.fcmp_ordered(">=", x, half), large, _as_signed(builder, x, held))

    return target(value, dtype), generate


def _as_signed(builder: ir.IRBuilder, x: ir.Value, dtype: ir.IntType) -> ir.Value:
    limit = 2.0 ** (dtype.width - 1)
    fits = builder.fcmp_ordered("<", call(builder, "llvm.fabs", x), ir.Constant(x.type, limit))
    return builder.fptosi(builder.select(fits, x, ir.Constant(x.type, -limit)), dtype)


@operation(types.Integer, "a << b; 0 where b is no less than the width.")
def left_shift(builder: ir.IRBuilder, dtype: types.Integer, a: ir.Value, b: ir.Value) -> ir.Value:
    inside = builder.icmp_unsigned("<", b, ir.Constant(b.type, dtype.bitwidth))
    return builder.select(inside, builder.shl(a, b), ir.Constant(a.type, 0))


@operation(types.Integer, "a >> b; the sign alone where b is no less than the width.")
def right_shift(builder: ir.IRBuilder, dtype: types.Integer, a: ir.Value, b: ir.Value) -> ir.Value:
    inside = builder.icmp_unsigned("<", b, ir.Constant(b.type, dtype.bitwidth))
    if not dtype.signed:
        return builder.select(inside, builder.lshr(a, b), ir.Constant(a.type, 0))
    last = ir.Constant(b.type, dtype.bitwidth - 1)
    return builder.ashr(a, builder.select(inside, b, last))


def number_like(typing_context: Any, value: types.Type, like: types.Type) -> Any:
    """A number in the dtype of another one: `number_like(1, x)`."""
    dtype = types.unliteral(like)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return context.cast(builder, args[0], sig.args[0], dtype)

    return dtype(types.unliteral(value), dtype), generate


def _until_zero(builder: ir.IRBuilder, state: tuple, following: Callable[..., tuple]) -> ir.Value:
    """The first of some values that change together until the last one is 0: what goes around is phi nodes."""
    before, zero = builder.block, ir.Constant(state[-1].type, 0)
    around, after = builder.append_basic_block("around"), builder.append_basic_block("after")
    builder.cbranch(builder.icmp_unsigned("!=", state[-1], zero), around, after)

    builder.position_at_end(around)
    phis = [builder.phi(value.type) for value in state]
    changed = following(*phis)
    builder.cbranch(builder.icmp_unsigned("!=", changed[-1], zero), around, after)

    builder.position_at_end(after)
    first = builder.phi(state[0].type)
    for phi, start, end in zip([*phis, first], [*state, state[0]], [*changed, changed[0]], strict=True):
        phi.add_incoming(start, before)
        phi.add_incoming(end, around)
    return first


@operation(types.Integer, "base to the power of an exponent; wraps; 0 if the exponent is negative.")
def integer_power(builder: ir.IRBuilder, dtype: types.Integer, base: ir.Value, exponent: ir.Value) -> ir.Value:
    """By the exponent's digits, the last one first."""
    zero, one = ir.Constant(base.type, 0), ir.Constant(base.type, 1)
    negative = builder.icmp_signed("<", exponent, zero) if dtype.signed else ir.Constant(ir.IntType(1), False)
    first, digits = builder.select(negative, zero, one), builder.select(negative, zero, exponent)

    def next_digit(result: ir.Value, square: ir.Value, rest: ir.Value) -> tuple:
        product = builder.select(builder.trunc(rest, ir.IntType(1)), builder.mul(result, square), result)
        return product, builder.mul(square, square), builder.lshr(rest, one)

    return _until_zero(builder, (first, base, digits), next_digit)


@operation(types.Integer, "The greatest common divisor; of signed integers, of their absolute values.")
def gcd(builder: ir.IRBuilder, dtype: types.Integer, a: ir.Value, b: ir.Value) -> ir.Value:
    if dtype.signed:
        zero = ir.Constant(a.type, 0)
        a, b = (builder.select(builder.icmp_signed("<", x, zero), builder.neg(x), x) for x in (a, b))
    return _until_zero(builder, (a, b), lambda larger, smaller: (smaller, builder.urem(larger, smaller)))
