"""Elementwise primitives: arithmetic, powers, exponentials, trigonometry, comparison, rounding.

Each is one row: the NumPy meaning, the scalar expression, the partial derivatives ``(g, y, *inputs)``.
Operands have one shape and one dtype. Derivatives with an infinite slope are guarded: a zero
cotangent stays zero where the slope is infinite, so that ``where(x > 0, sqrt(x), 0)`` has the
gradient 0 at 0.

A rule is ``g`` times the slope, a function of the operands alone, so that all modes and orders agree on it. The slope
is written so that it neither cancels nor overflows before it must, and its convention at a kink is a `choose`, whose
own derivative there is 0. Python's operators are operations there, see `fnad.ops.operands`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.program import Literal
from fnad.ir.types import ArrayType
from fnad.ops.families import elementwise, literal_value
from fnad.ops.operands import define_operators
from fnad.ops.shaping import broadcast

FLOAT = "f"
INEXACT = "fc"
INTEGER = "iu"
BITS = "biu"
NUMBER = "iufc"
REAL = "biuf"

# --- Helpers of the derivative rules


def conj(x: Any) -> Any:
    """The complex conjugate; the value itself where it is real."""
    return conjugate(x) if x.dtype.kind == "c" else x


def divide_guarded(g: Any, y: Any) -> Any:
    """``g / y``, but 0 where ``g`` is 0 and ``y`` is 0 or nan; plain division by a known nonzero constant."""
    value = literal_value(y)
    return guarded_div(g, y) if value is None or value == 0 else g / y


def scaled_reciprocal(factor: float) -> Any:
    return lambda g, y, x: divide_guarded(g, x) * (1 / factor)


def _power_by_base(g: Any, z: Any, x: Any, y: Any) -> Any:
    slope = guarded_mul(y, x ** (y - 1))
    # x**0 is 1 at 0 too.
    return guarded_mul(g, conj(slope if literal_value(y) else choose((x == 0) & (y == 0), 0, slope)))


def _power_by_exponent(g: Any, z: Any, x: Any, y: Any) -> Any:
    at_zero = (x == 0) & (y >= 0) if x.dtype.kind == "f" else x == 0
    return guarded_mul(g, conj(choose(at_zero, 0, guarded_mul(z, log(x)))))


def _is_power_total(x: Any, y: Any) -> bool:
    """Whether no exponent can be negative where the base is an integer: that is refused."""
    return x.type.dtype.kind != "i" or isinstance(y, Literal) and y.value >= 0


def if_flag(flag: Any, x: Any) -> Any:
    """An array where a scalar flag is true, else zeros."""
    return select(broadcast(flag, shape=x.shape, dims=()), x, 0)


def _power_conditional(op: Primitive, flag: Any, only_if: Any, x: Any, y: Any) -> Any:
    return op(x, if_flag(flag, y))


def _quotient_by_denominator(g: Any, z: Any, x: Any, y: Any) -> Any:
    return -guarded_mul(g, conj(z / y))


def direction(x: Any, r: Any) -> Any:
    """``x / r`` for the distance ``r`` from 0, along an axis of which ``x`` lies; at 0 it is 0."""
    return choose(r == 0, 0, x / r)


def _angle_slope(x: Any, y: Any) -> Any:
    """x / (x² + y²), where the squares would overflow or vanish."""
    r = hypot(x, y)
    return choose(isinf(r), 0, direction(cosine(x, y), r))


def _evaluate_cosine(x: Any, y: Any) -> Any:
    r = np.hypot(x, y)
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(x), np.sign(x), np.where(r == 0, np.zeros_like(r), x / r))


def _evaluate_guarded_div(g: Any, y: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((g == 0) & ((y == 0) | (y != y)), np.asarray(g * 0), g / y)


def _evaluate_guarded_mul(x: Any, y: Any) -> Any:
    with np.errstate(invalid="ignore"):
        is_zero = (x == 0) & ~np.isfinite(y) | (y == 0) & ~np.isfinite(x)
        return np.where(is_zero, np.zeros((), np.asarray(x).dtype), x * y)


def _evaluate_sech_square(x: Any) -> Any:
    with np.errstate(over="ignore"):
        return np.square(1 / np.cosh(x))


def _evaluate_weight(x: Any, y: Any, above: Any) -> Any:
    return np.where(x == y, x.dtype.type(0.5), ((x != x) | above).astype(x.dtype))


def _abs_partial(g: Any, y: Any, x: Any) -> Any:
    if x.dtype.kind != "c":
        return g * sign(x)
    return convert(g, dtype=x.dtype) * unit(x)


def _unit_partial(g: Any, y: Any, x: Any) -> Any:
    """The part of ``g`` at right angles to the direction of x, over the distance from 0."""
    along = y * convert(real(conj(y) * g), dtype=x.dtype)
    return direction(g - along, convert(abs(x), dtype=x.dtype))


# --- Arithmetic

neg = elementwise("neg", np.negative, "-{0}", [lambda g, y, x: -g], NUMBER)
add = elementwise("add", np.add, "{0} + {1}", [lambda g, z, x, y: g, lambda g, z, x, y: g], NUMBER, commutative=True)
sub = elementwise("sub", np.subtract, "{0} - {1}", [lambda g, z, x, y: g, lambda g, z, x, y: -g], NUMBER)
mul = elementwise(
    "mul", np.multiply, "{0} * {1}",
    [lambda g, z, x, y: g * conj(y), lambda g, z, x, y: g * conj(x)], NUMBER, commutative=True,
)
div = elementwise(
    "div", np.true_divide, "{0} / {1}",
    [lambda g, z, x, y: divide_guarded(g, conj(y)), _quotient_by_denominator], INEXACT,
)
guarded_div = elementwise(
    "guarded_div", _evaluate_guarded_div, "select(({0} == 0) & (({1} == 0) | ({1} != {1})), {0}, {0} / {1})",
    [lambda g, z, x, y: divide_guarded(g, conj(y)),
     lambda g, z, x, y: -guarded_mul(g, conj(guarded_div(z, y)))], INEXACT,
)
# x * y, but 0 where one of them is 0 and the other infinite or nan: a zero cotangent does not wake such a slope.
guarded_mul = elementwise(
    "guarded_mul", _evaluate_guarded_mul,
    "select((({0} == 0) & ~isfinite({1})) | (({1} == 0) & ~isfinite({0})), 0, {0} * {1})",
    [lambda g, z, x, y: guarded_mul(g, conj(y)), lambda g, z, x, y: guarded_mul(g, conj(x))], INEXACT,
)
abs_ = elementwise("abs", np.absolute, "abs({0})", [lambda g, y, x: _abs_partial(g, y, x)], NUMBER, result="real")
sign = elementwise("sign", np.sign, "sign({0})", kinds="iuf")
# The complex number of length 1 in the same direction, also of one infinite part; 0 at 0.
unit = elementwise("unit", np.sign, "unit({0})", [lambda g, y, x: _unit_partial(g, y, x)], "c")
# 1 - x², which as a product keeps its digits near ±1.
one_minus_square = elementwise(
    "one_minus_square", lambda x: (1 - x) * (1 + x), "(1 - {0}) * (1 + {0})",
    [lambda g, y, x: g * (x * -2)], FLOAT,
)
square = elementwise("square", np.square, "{0} * {0}", [lambda g, y, x: g * conj(x * 2)], NUMBER)
floor_div = elementwise("floor_div", np.floor_divide, "floor_divide({0}, {1})", kinds="iuf")
mod = elementwise(
    "mod", np.remainder, "mod({0}, {1})",
    [lambda g, z, x, y: g, lambda g, z, x, y: -(g * (x // y))], "iuf",
)
fmod = elementwise(
    "fmod", np.fmod, "fmod({0}, {1})",
    [lambda g, z, x, y: g, lambda g, z, x, y: -(g * trunc(x / y))], "iuf",
)
copysign = elementwise(
    "copysign", np.copysign, "copysign({0}, {1})",
    [lambda g, z, x, y: g * (sign(x) * copysign(1, y)), None], FLOAT,
)
nextafter = elementwise("nextafter", np.nextafter, "nextafter({0}, {1})", kinds=FLOAT)

# --- Powers and roots

sqrt = elementwise("sqrt", np.sqrt, "sqrt({0})", [lambda g, y, x: divide_guarded(g, conj(y * 2))], INEXACT)
cbrt = elementwise("cbrt", np.cbrt, "cbrt({0})", [lambda g, y, x: guarded_mul(g, (1 / y) ** 2 * (1 / 3))], FLOAT)
power = elementwise(
    "power", np.power, "pow({0}, {1})", [_power_by_base, _power_by_exponent], NUMBER, total=_is_power_total,
    conditional=_power_conditional,
)
hypot = elementwise(
    "hypot", np.hypot, "hypot({0}, {1})",
    [lambda g, z, x, y: g * cosine(x, y), lambda g, z, x, y: g * cosine(y, x)], FLOAT,
)
# x / hypot(x, y), 0 at the origin. Its slope y² / r³ would cancel as a derivative of the quotient.
cosine = elementwise(
    "cosine", _evaluate_cosine,
    "select(isinf({0}), sign({0}), select(({0} == 0) & ({1} == 0), 0, {0} / hypot({0}, {1})))",
    [lambda g, z, x, y: g * direction(cosine(y, x) ** 2, hypot(x, y)),
     lambda g, z, x, y: -(g * direction(z * cosine(y, x), hypot(x, y)))], FLOAT,
)

# --- Exponentials and logarithms

LN2, LN10 = float(np.log(2.0)), float(np.log(10.0))

exp = elementwise("exp", np.exp, "exp({0})", [lambda g, y, x: g * conj(y)], INEXACT)
exp2 = elementwise("exp2", np.exp2, "exp2({0})", [lambda g, y, x: g * (y * LN2)], FLOAT)
expm1 = elementwise("expm1", np.expm1, "expm1({0})", [lambda g, y, x: g * exp(x)], FLOAT)
log = elementwise("log", np.log, "log({0})", [lambda g, y, x: divide_guarded(g, conj(x))], INEXACT)
log2 = elementwise("log2", np.log2, "log2({0})", [scaled_reciprocal(LN2)], FLOAT)
log10 = elementwise("log10", np.log10, "log10({0})", [scaled_reciprocal(LN10)], FLOAT)
log1p = elementwise("log1p", np.log1p, "log1p({0})", [lambda g, y, x: divide_guarded(g, x + 1)], FLOAT)
# --- Trigonometry

sin = elementwise("sin", np.sin, "sin({0})", [lambda g, y, x: g * cos(x)], FLOAT)
cos = elementwise("cos", np.cos, "cos({0})", [lambda g, y, x: -(g * sin(x))], FLOAT)
tan = elementwise("tan", np.tan, "tan({0})", [lambda g, y, x: g * (y * y + 1)], FLOAT)
arcsin = elementwise(
    "arcsin", np.arcsin, "arcsin({0})", [lambda g, y, x: divide_guarded(g, sqrt(one_minus_square(x)))], FLOAT
)
arccos = elementwise(
    "arccos", np.arccos, "arccos({0})", [lambda g, y, x: -divide_guarded(g, sqrt(one_minus_square(x)))], FLOAT
)
arctan = elementwise(
    "arctan", np.arctan, "arctan({0})", [lambda g, y, x: g * (1 / hypot(x, 1))**2], FLOAT
)
arctan2 = elementwise(
    "arctan2", np.arctan2, "arctan2({0}, {1})",
    [lambda g, z, y, x: g * _angle_slope(x, y), lambda g, z, y, x: -(g * _angle_slope(y, x))], FLOAT,
)
sinh = elementwise("sinh", np.sinh, "sinh({0})", [lambda g, y, x: g * cosh(x)], FLOAT)
cosh = elementwise("cosh", np.cosh, "cosh({0})", [lambda g, y, x: g * sinh(x)], FLOAT)
tanh = elementwise("tanh", np.tanh, "tanh({0})", [lambda g, y, x: g * sech_square(x)], FLOAT)
# 1 / cosh(x)², the slope of tanh: 1 - tanh(x)² has no digits left where tanh is nearly ±1.
sech_square = elementwise(
    "sech_square", _evaluate_sech_square, "(1 / cosh({0})) * (1 / cosh({0}))",
    [lambda g, y, x: g * (tanh(x) * y * -2)], FLOAT,
)
arcsinh = elementwise("arcsinh", np.arcsinh, "arcsinh({0})", [lambda g, y, x: g / hypot(x, 1)], FLOAT)
arccosh = elementwise(
    "arccosh", np.arccosh, "arccosh({0})",
    [lambda g, y, x: divide_guarded(g, guarded_mul(sqrt(x - 1), sqrt(x + 1)))], FLOAT,
)
arctanh = elementwise(
    "arctanh", np.arctanh, "arctanh({0})", [lambda g, y, x: divide_guarded(g, one_minus_square(x))], FLOAT
)
# --- Choice. A tie is shared: maximum and minimum give each operand half.

max_weight = elementwise(
    "max_weight", lambda x, y: _evaluate_weight(np.asarray(x), y, x > y),
    "select({0} == {1}, 0.5, select(({0} > {1}) | ({0} != {0}), 1, 0))", kinds=FLOAT,
)
min_weight = elementwise(
    "min_weight", lambda x, y: _evaluate_weight(np.asarray(x), y, x < y),
    "select({0} == {1}, 0.5, select(({0} < {1}) | ({0} != {0}), 1, 0))", kinds=FLOAT,
)
maximum = elementwise(
    "maximum", np.maximum, "maximum({0}, {1})",
    [lambda g, z, x, y: g * max_weight(x, y), lambda g, z, x, y: g * max_weight(y, x)], REAL, commutative=True,
)
minimum = elementwise(
    "minimum", np.minimum, "minimum({0}, {1})",
    [lambda g, z, x, y: g * min_weight(x, y), lambda g, z, x, y: g * min_weight(y, x)], REAL, commutative=True,
)
fmax = elementwise(
    "fmax", np.fmax, "fmax({0}, {1})",
    [lambda g, z, x, y: g * _fmax_weight(x, y), lambda g, z, x, y: g * _fmax_weight(y, x)], REAL, commutative=True,
)
fmin = elementwise(
    "fmin", np.fmin, "fmin({0}, {1})",
    [lambda g, z, x, y: g * _fmax_weight(-x, -y), lambda g, z, x, y: g * _fmax_weight(-y, -x)],
    REAL, commutative=True,
)


def _fmax_weight(x: Any, y: Any) -> Any:
    # fmax passes the number where one operand is nan.
    return max_weight(*[choose(isnan(z), -np.inf, z) for z in (x, y)])


select = elementwise(
    "select", np.where, "select({0}, {1}, {2})",
    [None, lambda g, z, c, x, y: select(c, g, 0), lambda g, z, c, x, y: select(c, 0, g)],
)
# The same, where it is the size of values that chooses, as at a kink: the masks that begin with it are not firm
# (see fnad/transforms/masks.py).
choose = elementwise(
    "choose", np.where, "select({0}, {1}, {2})",
    [None, lambda g, z, c, x, y: choose(c, g, 0), lambda g, z, c, x, y: choose(c, 0, g)],
)

# --- Comparison, logic and bits: no derivative

eq = elementwise("eq", np.equal, "{0} == {1}", result="bool", commutative=True)
ne = elementwise("ne", np.not_equal, "{0} != {1}", result="bool", commutative=True)
lt = elementwise("lt", np.less, "{0} < {1}", kinds="biufc", result="bool")
le = elementwise("le", np.less_equal, "{0} <= {1}", kinds="biufc", result="bool")
gt = elementwise("gt", np.greater, "{0} > {1}", kinds="biufc", result="bool")
ge = elementwise("ge", np.greater_equal, "{0} >= {1}", kinds="biufc", result="bool")
and_ = elementwise("and", np.bitwise_and, "{0} & {1}", kinds=BITS, commutative=True)
or_ = elementwise("or", np.bitwise_or, "{0} | {1}", kinds=BITS, commutative=True)
xor = elementwise("xor", np.bitwise_xor, "{0} ^ {1}", kinds=BITS, commutative=True)
not_ = elementwise("not", np.invert, "not_({0})", kinds=BITS)
shift_left = elementwise("shift_left", np.left_shift, "shift_left({0}, {1})", kinds=INTEGER)
shift_right = elementwise("shift_right", np.right_shift, "shift_right({0}, {1})", kinds=INTEGER)
gcd = elementwise("gcd", np.gcd, "gcd({0}, {1})", kinds=INTEGER, commutative=True)
logical_and, logical_or, logical_not = and_, or_, not_
isnan = elementwise("isnan", np.isnan, "isnan({0})", kinds=INEXACT, result="bool")
isinf = elementwise("isinf", np.isinf, "isinf({0})", kinds=INEXACT, result="bool")
isfinite = elementwise("isfinite", np.isfinite, "isfinite({0})", kinds=INEXACT, result="bool")
signbit = elementwise("signbit", np.signbit, "signbit({0})", kinds=FLOAT, result="bool")

# --- Rounding: piecewise constant

floor = elementwise("floor", np.floor, "floor({0})", kinds=FLOAT)
ceil = elementwise("ceil", np.ceil, "ceil({0})", kinds=FLOAT)
trunc = elementwise("trunc", np.trunc, "trunc({0})", kinds=FLOAT)
rint = elementwise("rint", np.rint, "rint({0})", kinds=FLOAT)

# --- Parts of complex numbers. A cotangent of a complex value is dL/dRe + i dL/dIm.

conjugate = elementwise("conjugate", np.conjugate, "conjugate({0})", [lambda g, y, x: conjugate(g)], "c")
real = elementwise("real", np.real, "real({0})", [lambda g, y, x: convert(g, dtype=x.dtype)], "c", result="real")
imag = elementwise(
    "imag", np.imag, "imag({0})", [lambda g, y, x: convert(g, dtype=x.dtype) * 1j], "c", result="real"
)

# --- Conversion


def _convert_type(x: ArrayType, dtype: np.dtype) -> ArrayType:
    return ArrayType(x.shape, dtype)


def _convert_vjp(i: int, g: Any, y: Any, x: Any, dtype: np.dtype) -> Any:
    if g.dtype.kind == "c" and x.dtype.kind == "f":
        g = real(g)
    return g if g.dtype == x.dtype else convert(g, dtype=x.dtype)


def _evaluate_convert(x: Any, dtype: np.dtype) -> Any:
    x = np.real(x) if np.iscomplexobj(x) and dtype.kind in "iuf" else np.asarray(x)
    if dtype == np.uint32 and x.dtype.kind == "f":
        x = x.astype(np.int64)  # NumPy does so for single elements, and gives others where it takes many at once
    return x.astype(dtype)


convert = Primitive("convert", _convert_type, _evaluate_convert, vjp=_convert_vjp, expression="convert({0})")


def _bitcast_type(x: ArrayType, dtype: np.dtype) -> ArrayType:
    if x.dtype.itemsize != dtype.itemsize:
        raise TypeError(f"bitcast: requires dtypes of one size, got {x.dtype} and {dtype}.")
    return ArrayType(x.shape, dtype)


# The same bits read as another dtype.
bitcast = Primitive(
    "bitcast", _bitcast_type, lambda x, dtype: np.ascontiguousarray(x).view(dtype).reshape(np.shape(x)),
    differentiable=(), expression="bitcast({0})",
)

# The identity. A compiler copies by it: into memory of its own, and to the window of an array where a value belongs.
copy = elementwise("copy", np.array, "{0}", [lambda g, y, x: g])

# The identity, through which no derivative flows.
stop_gradient = Primitive("stop_gradient", lambda x: x, lambda x: x, differentiable=(), expression="{0}")

# --- Python's operators in the rules

define_operators(
    {"neg": neg, "abs": abs_, "invert": not_, "eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge},
    {"add": add, "sub": sub, "mul": mul, "truediv": div, "floordiv": floor_div, "mod": mod, "and": and_, "or": or_,
     "pow": lambda x, y: square(x) if type(y) is int and y == 2 else power(x, y)},
)
