"""NumPy's ufuncs on traced values: which primitive runs for which dtype.

A rule takes the operands as the user gave them. Operands of one shape and dtype, and Python
numbers, take a short way; all others are promoted and broadcast first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.program import Literal, Var
from fnad.ir.types import BOOL, ArrayType
from fnad.numpy import bits, complexes
from fnad.numpy.aliases import own
from fnad.numpy.promotion import (
    broadcast_shapes, builder_of, cast, constant, fit, is_weak, loop_dtypes, loop_with_result, operand, shape_of,
    spread_to, strong,
)
from fnad.ops import elementwise as ops
from fnad.ops import special
from fnad.tracing.builder import Builder
from fnad.tracing.tracer import Tracer

Rule = Callable[..., Any]

# --- What runs where the dtype decides. Each takes operands in the dtypes of NumPy's loop and in one shape.


def _identity(x: Tracer) -> Tracer:
    return own(x)


def _fill(value: Any, dtype: np.dtype = BOOL) -> Rule:
    return lambda x: constant(x.builder, value, x.shape, dtype)


def _integer_reciprocal(x: Tracer) -> Tracer:
    is_one = ops.eq(x, 1) if x.dtype.kind == "u" else ops.or_(ops.eq(x, 1), ops.eq(x, -1))
    with np.errstate(all="ignore"):
        of_zero = np.reciprocal(x.dtype.type(0))
    return ops.select(is_one, x, ops.select(ops.eq(x, 0), constant(x.builder, of_zero, x.shape, x.dtype), 0))


def _heaviside(x: Tracer, at_zero: Tracer) -> Tracer:
    one = constant(x.builder, 1, x.shape, x.dtype)
    step = ops.select(ops.eq(x, 0.0), at_zero, ops.select(ops.gt(x, 0.0), one, 0.0))
    return ops.select(ops.isnan(x), x, step)


def _modf(x: Tracer) -> tuple[Tracer, Tracer]:
    whole = ops.trunc(x)
    return ops.copysign(ops.select(ops.isinf(x), 0.0, ops.sub(x, whole)), x), whole


def _reciprocal(x: Tracer) -> Tracer:
    return ops.div(constant(x.builder, 1, x.shape, x.dtype), x)


def _scaled(ufunc: np.ufunc) -> Rule:
    """A ufunc that multiplies by a number, which has the digits of the dtype."""
    return lambda x: ops.mul(x, constant(x.builder, ufunc(x.dtype.type(1)), x.shape, x.dtype))


# --- The table: NumPy's ufunc, and for the kind of its first operand what runs

RULES: dict[np.ufunc, dict[str, Rule]] = {
    np.add: {"b": ops.or_, "iufc": ops.add},
    np.subtract: {"iufc": ops.sub},
    np.multiply: {"b": ops.and_, "iufc": ops.mul},
    np.true_divide: {"fc": ops.div},
    np.floor_divide: {"iuf": ops.floor_div},
    np.remainder: {"iuf": ops.mod},
    np.fmod: {"iuf": ops.fmod},
    np.divmod: {"iuf": lambda x, y: (ops.floor_div(x, y), ops.mod(x, y))},
    np.negative: {"iufc": ops.neg},
    np.positive: {"iufc": _identity},
    np.absolute: {"b": _identity, "iufc": ops.abs_},
    np.fabs: {"f": ops.abs_},
    np.sign: {"iuf": ops.sign, "c": ops.unit},
    np.square: {"iufc": ops.square},
    np.reciprocal: {"iu": _integer_reciprocal, "f": _reciprocal, "c": complexes.function(np.reciprocal)},
    np.sqrt: {"fc": ops.sqrt},
    np.cbrt: {"f": ops.cbrt},
    np.hypot: {"f": ops.hypot},
    np.power: {"iufc": ops.power},
    np.float_power: {"fc": ops.power},
    np.exp: {"fc": ops.exp},
    np.exp2: {"f": ops.exp2, "c": complexes.function(np.exp2)},
    np.expm1: {"f": ops.expm1, "c": complexes.function(np.expm1)},
    np.log: {"fc": ops.log},
    np.log2: {"f": ops.log2, "c": complexes.function(np.log2)},
    np.log10: {"f": ops.log10, "c": complexes.function(np.log10)},
    np.log1p: {"f": ops.log1p, "c": complexes.function(np.log1p)},
    np.logaddexp: {"f": special.logaddexp},
    np.logaddexp2: {"f": special.logaddexp2},
    np.sin: {"f": ops.sin, "c": complexes.function(np.sin)},
    np.cos: {"f": ops.cos, "c": complexes.function(np.cos)},
    np.tan: {"f": ops.tan, "c": complexes.function(np.tan)},
    np.arcsin: {"f": ops.arcsin, "c": complexes.function(np.arcsin)},
    np.arccos: {"f": ops.arccos, "c": complexes.function(np.arccos)},
    np.arctan: {"f": ops.arctan, "c": complexes.function(np.arctan)},
    np.arctan2: {"f": ops.arctan2},
    np.sinh: {"f": ops.sinh, "c": complexes.function(np.sinh)},
    np.cosh: {"f": ops.cosh, "c": complexes.function(np.cosh)},
    np.tanh: {"f": ops.tanh, "c": complexes.function(np.tanh)},
    np.arcsinh: {"f": ops.arcsinh, "c": complexes.function(np.arcsinh)},
    np.arccosh: {"f": ops.arccosh, "c": complexes.function(np.arccosh)},
    np.arctanh: {"f": ops.arctanh, "c": complexes.function(np.arctanh)},
    np.deg2rad: {"f": _scaled(np.deg2rad)},
    np.radians: {"f": _scaled(np.radians)},
    np.rad2deg: {"f": _scaled(np.rad2deg)},
    np.degrees: {"f": _scaled(np.degrees)},
    np.maximum: {"biuf": ops.maximum, "c": complexes.extreme(ops.ge)},
    np.minimum: {"biuf": ops.minimum, "c": complexes.extreme(ops.le)},
    np.fmax: {"biuf": ops.fmax, "c": complexes.extreme(ops.ge, True)},
    np.fmin: {"biuf": ops.fmin, "c": complexes.extreme(ops.le, True)},
    np.equal: {"biufc": ops.eq},
    np.not_equal: {"biufc": ops.ne},
    np.less: {"biufc": ops.lt},
    np.less_equal: {"biufc": ops.le},
    np.greater: {"biufc": ops.gt},
    np.greater_equal: {"biufc": ops.ge},
    np.logical_and: {"b": ops.and_},
    np.logical_or: {"b": ops.or_},
    np.logical_xor: {"b": ops.xor},
    np.logical_not: {"b": ops.not_},
    np.bitwise_and: {"biu": ops.and_},
    np.bitwise_or: {"biu": ops.or_},
    np.bitwise_xor: {"biu": ops.xor},
    np.invert: {"biu": ops.not_},
    np.left_shift: {"iu": ops.shift_left},
    np.right_shift: {"iu": ops.shift_right},
    np.gcd: {"iu": ops.gcd},
    np.lcm: {"iu": bits.lcm},
    np.bitwise_count: {"iu": bits.bitwise_count},
    np.isnan: {"biu": _fill(False), "fc": ops.isnan},
    np.isinf: {"biu": _fill(False), "fc": ops.isinf},
    np.isfinite: {"biu": _fill(True), "fc": ops.isfinite},
    np.signbit: {"f": ops.signbit},
    np.copysign: {"f": ops.copysign},
    np.nextafter: {"f": bits.nextafter},
    np.spacing: {"f": bits.spacing},
    np.ldexp: {"f": bits.ldexp},
    np.frexp: {"f": bits.frexp},
    np.heaviside: {"f": _heaviside},
    np.modf: {"f": _modf},
    np.floor: {"biu": _identity, "f": ops.floor},
    np.ceil: {"biu": _identity, "f": ops.ceil},
    np.trunc: {"biu": _identity, "f": ops.trunc},
    np.rint: {"f": ops.rint, "c": complexes.by_parts(ops.rint)},
    np.conjugate: {"biuf": _identity, "c": ops.conjugate},
}

OTHERS: dict[np.ufunc, dict[str, Rule]] = {}
"""The same for the ufuncs of another library, once these are there."""

COMPARISONS = {np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal}
_LOGICAL = {np.logical_and, np.logical_or, np.logical_xor, np.logical_not}


def _runs(ufunc: np.ufunc, dtype: np.dtype) -> Rule:
    """The rule of a ufunc whose loop takes a dtype."""
    for kinds, function in (RULES.get(ufunc) or OTHERS[ufunc]).items():
        if dtype.kind in kinds:
            return function
    raise TypeError(f"{ufunc.__name__}: requires operands of another dtype, got {dtype}. Convert them with astype.")


# --- The general way


def run(ufunc: np.ufunc, operands: tuple[Any, ...], weak: bool = False, dtype: Any = None) -> Any:
    """Promote, broadcast and run; ``weak`` keeps the result of Python numbers one of them."""
    builder = builder_of(*operands)
    xs = [operand(builder, x) for x in operands]
    dtypes = _loop(ufunc, xs) if dtype is None or ufunc in _LOGICAL else loop_with_result(ufunc, np.dtype(dtype), xs)
    shape = broadcast_shapes(*[shape_of(x) for x in xs])
    if ufunc in COMPARISONS and dtypes[0] != dtypes[1]:
        return _compare_signs(ufunc, *[fit(builder, x, d, shape) for x, d in zip(xs, dtypes)])
    try:
        fitted = [fit(builder, x, d, shape) for x, d in zip(xs, dtypes)]
    except OverflowError:
        if ufunc not in COMPARISONS:
            raise
        return constant(builder, _compare_beyond(ufunc, xs, dtypes[0]), shape, BOOL)
    weak = weak and all([is_weak(x) for x in xs])
    return _as_weak(_runs(ufunc, dtypes[0])(*fitted), weak and dtypes[-1] != BOOL)


def _loop(ufunc: np.ufunc, xs: list[Any]) -> tuple[np.dtype, ...]:
    """The dtypes of NumPy's loop, as our rules take them."""
    if ufunc in _LOGICAL:
        return (BOOL,) * ufunc.nargs
    traced = [x for x in xs if type(x) is Tracer]
    if ufunc in COMPARISONS and (all([is_weak(x) for x in xs]) or any([x.dtype.kind == "u" for x in traced])):
        # A traced Python integer may be negative: the unsigned dtype must not take it over. And NumPy has no
        # loop but that of objects for two Python integers.
        xs = [strong(x) if type(x) is Tracer else x for x in xs]
    return loop_dtypes(ufunc, *xs)


def _as_weak(x: Any, weak: bool) -> Any:
    """A result as a Python number, which yields in promotion, or as NumPy's."""
    if type(x) is tuple:
        return tuple([_as_weak(part, weak) for part in x])
    atom, t = x.atom, x.atom.type._replace(weak=weak)
    if t == atom.type:
        return x
    if type(atom) is Literal:
        return Tracer(x.builder, Literal(atom.value, t))
    return x.builder.emit(ops.convert, (atom,), {"dtype": t.dtype}, t)


def _compare_signs(ufunc: np.ufunc, x: Tracer, y: Tracer) -> Tracer:
    """Compare a signed with an unsigned integer: a negative one is below all of the others."""
    signed = x if x.dtype.kind == "i" else y
    unsigned = y.dtype if signed is x else x.dtype
    below = ufunc(-1, 0) if signed is x else ufunc(0, -1)
    compared = _runs(ufunc, unsigned)(cast(x, unsigned), cast(y, unsigned))
    return ops.select(ops.lt(signed, 0), constant(x.builder, below, x.shape, BOOL), compared)


def _compare_beyond(ufunc: np.ufunc, xs: list[Any], dtype: np.dtype) -> bool:
    """Compare with a Python integer that the dtype cannot hold: any value stands for all of them."""
    return bool(ufunc(*[dtype.type(0) if type(x) is Tracer else x for x in xs]))


# --- The short way


def _partner(x: Tracer, y: Any) -> Any:
    """The atom of ``y`` if it has, or as a Python number takes on, exactly the type of ``x``."""
    kind, t = type(y), x.atom.type
    if kind is Tracer:
        return y.atom if y.builder is x.builder and y.atom.type == t else None
    if kind is float or kind is int:
        return Literal(t.dtype.type(y), t) if t.dtype.kind == "f" else None
    if kind is np.ndarray and y.shape == t.shape and y.dtype == t.dtype:
        return x.builder.atom(y)
    return Literal(y, t) if isinstance(y, np.generic) and y.dtype == t.dtype and not t.weak else None


def _spread(x: Any, y: Any) -> tuple[Tracer, Tracer] | None:
    """Two operands that differ in shape only, in their common shape."""
    builder = x.builder if type(x) is Tracer else y.builder
    x, y = _here(builder, x), _here(builder, y)
    if x is None or y is None:
        return None
    s, t = x.atom.type, y.atom.type
    if s.dtype != t.dtype or s.weak or t.weak or s.shape == t.shape:
        return None
    shape = broadcast_shapes(s.shape, t.shape)
    return x if s.shape == shape else spread_to(x, shape), y if t.shape == shape else spread_to(y, shape)


def _here(builder: Builder, x: Any) -> Tracer | None:
    """An array, or a traced one of this builder, as one of its tracers; ``None`` for all else."""
    if type(x) is Tracer:
        return x if x.builder is builder else None
    return Tracer(builder, builder.atom(x)) if type(x) is np.ndarray else None


def _plain(ufunc: np.ufunc, dtype: np.dtype) -> tuple[Primitive, np.dtype] | None:
    """The primitive and the result's dtype, if operands of a dtype need no conversion and one primitive runs."""
    dtypes = _loop_or_none(ufunc, dtype)
    if dtypes is None or ufunc.nout > 1 or any([d != dtype for d in dtypes[: ufunc.nin]]):
        return None
    if ufunc in _LOGICAL and dtype != BOOL:
        return None
    function = _runs(ufunc, dtype)
    return (function, dtypes[-1]) if isinstance(function, Primitive) else None


def _loop_or_none(ufunc: np.ufunc, dtype: np.dtype) -> tuple[np.dtype, ...] | None:
    """The dtypes of the loop for operands of one dtype, where there is one."""
    try:
        return ufunc.resolve_dtypes((*[dtype] * ufunc.nin, *[None] * ufunc.nout))
    except TypeError:
        return None


class _Plain(dict):
    """For a dtype what `_plain` says, remembered."""

    def __init__(self, ufunc: np.ufunc) -> None:
        self.ufunc = ufunc

    def __missing__(self, dtype: np.dtype) -> Any:
        self[dtype] = found = _plain(self.ufunc, dtype)
        return found


def unary(ufunc: np.ufunc, weak: bool = False) -> Rule:
    """The rule of a ufunc of one operand."""
    plain = _Plain(ufunc)

    def rule(x: Any) -> Any:
        atom = x.atom
        t = atom.type
        if type(atom) is Var and not t.weak:
            found = plain[t.dtype]
            if found is not None:
                primitive, dtype = found
                return x.builder.emit(primitive, (atom,), {}, t if dtype is t.dtype else ArrayType(t.shape, dtype))
        return run(ufunc, (x,), weak)

    return rule


def binary(ufunc: np.ufunc, weak: bool = False) -> Rule:
    """The rule of a ufunc of two operands."""
    plain = _Plain(ufunc)

    def rule(x: Any, y: Any) -> Any:
        if type(x) is Tracer:
            main, a, b = x, x.atom, _partner(x, y)
        else:
            main, a, b = y, _partner(y, x), y.atom
        if a is None or b is None:
            pair = _spread(x, y)
            return run(ufunc, (x, y), weak) if pair is None else rule(*pair)
        t = main.atom.type
        if type(main.atom) is Var and not t.weak:
            found = plain[t.dtype]
            if found is not None:
                primitive, dtype = found
                return main.builder.emit(primitive, (a, b), {}, t if dtype is t.dtype else ArrayType(t.shape, dtype))
        return run(ufunc, (x, y), weak)

    return rule


# --- Powers: a small static exponent is a product

_POWERS: dict[Any, Callable[[Any], Any]] = {
    1: own,
    2: lambda x: SQUARE(x),
    3: lambda x: MULTIPLY(SQUARE(x), x),
    4: lambda x: SQUARE(SQUARE(x)),
}
_INEXACT_POWERS = {0.5: lambda x: run(np.sqrt, (x,), True), -1: lambda x: run(np.reciprocal, (x,), True),
                   -2: lambda x: SQUARE(run(np.reciprocal, (x,), True))}
_COMPLEX_POWERS = (0, 1, 2, -1, 0.5)
"""Those that NumPy, too, does not take for a power: products of infinities have more than one way to be nan."""


def _is_static(exponent: Any) -> bool:
    return type(exponent) in (int, float)


def power_rule(ufunc: np.ufunc, weak: bool = False) -> Rule:
    """The rule of a power: products for small integer exponents that are known."""
    general = binary(ufunc, weak)

    def rule(x: Any, y: Any) -> Any:
        if type(x) is not Tracer or not _is_static(y) or (not weak and x.type.weak):
            return general(x, y)
        if weak and type(y) is int and y == 2 and x.shape:
            return SQUARE(x)  # whose dtype for booleans is another than that of np.power and of single numbers
        return _static_power(x, y, general)

    return rule


def _static_power(x: Tracer, n: Any, general: Rule) -> Any:
    dtype = loop_dtypes(np.power, x, n)[-1]
    if dtype.kind in "iu" and n < 0:
        dtype.type(n)  # which raises where NumPy does
        raise ValueError("Integers to negative integer powers are not allowed.")
    if dtype != x.dtype or dtype.kind not in "iufc" or dtype.kind == "c" and n not in _COMPLEX_POWERS:
        return general(x, n)
    if n == 0:
        return constant(x.builder, 1, x.shape, dtype)
    known = _POWERS.get(n) or (_INEXACT_POWERS.get(n) if dtype.kind in "fc" else None)
    return general(x, n) if known is None else known(x)


SQUARE, MULTIPLY = unary(np.square, True), binary(np.multiply, True)

SPECIAL = {np.power: power_rule}
UFUNCS: dict[np.ufunc, Rule] = {
    ufunc: (SPECIAL.get(ufunc) or (unary if ufunc.nin == 1 else binary))(ufunc) for ufunc in RULES
}
