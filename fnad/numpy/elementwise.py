"""Elementwise functions of NumPy that are no ufuncs: choice, rounding, comparison within bounds, parts of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.program import Literal
from fnad.ir.types import BOOL, ArrayType, Shape
from fnad.numpy.aliases import own, view
from fnad.numpy.complexes import by_parts
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.promotion import (
    array_of, broadcast_shapes, builder_of, cast, constant, fit, is_traced, operand, result_dtype, shape_of, traced,
)
from fnad.numpy.ufuncs import UFUNCS
from fnad.ops import elementwise as ops
from fnad.ops import special
from fnad.ops.complexes import complex_
from fnad.tracing.builder import Builder
from fnad.tracing.tracer import Tracer

MAXIMUM, MINIMUM = UFUNCS[np.maximum], UFUNCS[np.minimum]

# --- Choice


@implements(np.where)
def where(condition: Any, x: Any = np._NoValue, y: Any = np._NoValue, /) -> Any:
    """With the condition alone, whose value must be known, the places where it holds.

    Dtypes: all. Derivative: 1 in x where the condition holds, 1 in y elsewhere.

    >>> where([True, False], [1.0, 2.0], 0.0)
    array([1., 0.])
    """
    if x is np._NoValue and y is np._NoValue:
        return np.nonzero(array_of(condition).concrete("np.where of a condition alone"))
    if x is np._NoValue or y is np._NoValue:
        raise ValueError("either both or neither of x and y should be given")
    builder = builder_of(condition, x, y)
    c, a, b = operand(builder, condition), operand(builder, x), operand(builder, y)
    dtype = result_dtype(a, b)
    shape = broadcast_shapes(shape_of(c), shape_of(a), shape_of(b))
    choices = fit(builder, c, BOOL, shape), *[_chosen(builder, x, dtype, shape) for x in (a, b)]
    if all([type(x.atom) is Literal for x in choices]):
        return ops.select(*choices)
    return builder.emit(ops.select, tuple([x.atom for x in choices]), {}, ArrayType(shape, dtype))


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Dtypes: all. Derivative: 1 in the choice that was taken.

    >>> select([[True, False], [True, True]], [[1.0, 2.0], [3.0, 4.0]])
    array([1., 4.])
    """
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if len(condlist) == 0:
        raise ValueError("select with an empty condition list is not possible")
    builder = builder_of(list(condlist), list(choicelist), default)
    conditions = [operand(builder, c) for c in condlist]
    *choices, result = [operand(builder, c) for c in (*choicelist, default)]
    dtype = result_dtype(*choices, result)
    shape = broadcast_shapes(*[shape_of(x) for x in (*conditions, *choices, result)])
    result = _chosen(builder, result, dtype, shape)
    for i, (condition, choice) in reversed(list(enumerate(zip(conditions, choices)))):
        if np.result_type(condition) != BOOL:
            raise TypeError(f"invalid entry {i} in condlist: should be boolean ndarray")
        result = ops.select(fit(builder, condition, BOOL, shape), _chosen(builder, choice, dtype, shape), result)
    return result


def _chosen(builder: Builder, x: Any, dtype: np.dtype, shape: Shape) -> Tracer:
    """A choice in a dtype and shape; a Python integer that the dtype cannot hold wraps."""
    wraps = type(x) is int and dtype.kind in "iu"
    return fit(builder, int(np.asarray(x).astype(dtype)) if wraps else x, dtype, shape)


@implements(np.clip)
def clip(
    a: Any, a_min: Any = np._NoValue, a_max: Any = np._NoValue, out: Any = None, *, min: Any = np._NoValue,
    max: Any = np._NoValue,
) -> Any:
    """Dtypes: all but bool. Derivative: 1 between the bounds, in a bound beyond it; at a bound each has half.

    >>> clip([1.0, 5.0], 2.0, 4.0)
    array([2., 4.])
    """
    refuse_out("np.clip", out)
    low = min if a_min is np._NoValue else a_min
    high = max if a_max is np._NoValue else a_max
    low, high = None if low is np._NoValue else low, None if high is np._NoValue else high
    x = traced(builder_of(a, low, high), a)
    if x.dtype.kind in "iu":  # a Python integer that the dtype cannot hold bounds nothing, or raises
        limits = np.iinfo(x.dtype)
        low = None if type(low) is int and low <= limits.min else low
        high = None if type(high) is int and high >= limits.max else high
    bounds = [b for b in (low, high) if b is not None]
    if not bounds:
        return own(x)
    x = cast(x, result_dtype(x, *[operand(x.builder, b) for b in bounds]))
    x = x if low is None else _within(MAXIMUM, x, low)
    return x if high is None else _within(MINIMUM, x, high)


def _within(extreme: Callable[..., Tracer], x: Tracer, bound: Any) -> Tracer:
    """``x`` or its bound; of zeros that differ in sign, ``x``."""
    # NumPy's extremes of float32 and float64 give the second one of two equal numbers, its others the first.
    return extreme(bound, x) if x.dtype in (np.float32, np.float64) else extreme(x, bound)


@implements(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Dtypes: all. Derivative: 1 where the number is finite.

    >>> nan_to_num([1.0, np.nan])
    array([1., 0.])
    """
    a = traced(builder_of(x), x)
    if a.dtype.kind in "biu":
        return own(a)
    if a.dtype.kind == "c":
        parts = [nan_to_num(p, True, nan, posinf, neginf) for p in (ops.real(a), ops.imag(a))]
        return complex_(*parts)
    info = np.finfo(a.dtype)
    low, high = info.min if neginf is None else neginf, info.max if posinf is None else posinf
    a_ = ops.select(ops.eq(a, np.inf), constant(a.builder, high, a.shape, a.dtype), a)
    a_ = ops.select(ops.eq(a, -np.inf), constant(a.builder, low, a.shape, a.dtype), a_)
    return ops.select(ops.isnan(a), constant(a.builder, nan, a.shape, a.dtype), a_)


# --- Rounding


@implements(np.round, np.around)
def round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    """Dtypes: all. Derivative: 0.

    >>> round([1.26, -0.5], 1)
    array([ 1.3, -0.5])
    """
    refuse_out("np.round", out)
    x = traced(builder_of(a), a)
    if x.dtype.kind == "b":
        return ops.rint(cast(x, np.dtype(np.float16)))
    if x.dtype.kind in "iu" and decimals >= 0:
        return own(x)
    if x.dtype.kind in "iu":
        return cast(_scaled_rint(cast(x, np.dtype(float)), decimals), x.dtype)
    if x.dtype.kind == "c":
        return by_parts(lambda part: _scaled_rint(part, decimals))(x)
    return _scaled_rint(x, decimals)


def _scaled_rint(x: Tracer, decimals: int) -> Tracer:
    if decimals == 0:
        return ops.rint(x)
    scale = float(10 ** abs(decimals))
    if decimals > 0:
        return ops.div(ops.rint(ops.mul(x, scale)), scale)
    return ops.mul(ops.rint(ops.div(x, scale)), scale)


@implements(np.fix)
def fix(x: Any, out: Any = None) -> Any:
    """Dtypes: real. Derivative: 0.

    >>> fix([1.7, -1.7])
    array([ 1., -1.])
    """
    refuse_out("np.fix", out)
    return UFUNCS[np.trunc](traced(builder_of(x), x))


# --- Comparison within bounds


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """Dtypes: all. Derivative: none.

    >>> isclose([1.0, 2.0], [1.0, 2.1])
    array([ True, False])
    """
    a, b = _listed(a), _listed(b)
    near = np.abs(a - b) <= atol + rtol * np.abs(b)
    result = (near & np.isfinite(b)) | (np.equal(a, b))
    return result | (np.isnan(a) & np.isnan(b)) if equal_nan else result


def _listed(a: Any) -> Any:
    """Nested lists as an array."""
    return a if not isinstance(a, (list, tuple)) else array_of(a) if is_traced(a) else np.asarray(a)


@implements(np.allclose)
def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """Of traced values the result is a traced truth value.

    Dtypes: all. Derivative: none.

    >>> allclose([1.0, 2.0], [1.0, 2.1])
    False
    """
    return np.all(isclose(a, b, rtol, atol, equal_nan))


@implements(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """Of traced values whose shapes agree the result is a traced truth value.

    Dtypes: all. Derivative: none.

    >>> array_equal([1.0, 2.0], [1.0, 2.0])
    True
    """
    if np.shape(a1) != np.shape(a2):
        return False
    same = np.equal(a1, a2)
    return np.all(same | (np.isnan(a1) & np.isnan(a2)) if equal_nan else same)


@implements(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> Any:
    """Of traced values whose shapes broadcast the result is a traced truth value.

    Dtypes: all. Derivative: none.

    >>> array_equiv([1.0, 2.0], [[1.0, 2.0], [1.0, 2.0]])
    True
    """
    try:
        return np.all(np.equal(a1, a2))
    except ValueError:
        return False


# --- Functions of one number


@implements(np.sinc)
def sinc(x: Any) -> Any:
    """Dtypes: numbers. Derivative: (cos(pi x) - sinc(x)) / x, and 0 at 0.

    >>> sinc([0.0, 0.5])
    array([1.        , 0.63661977])
    """
    a = traced(builder_of(x), x)
    if a.dtype.kind == "c":
        turned = ops.mul(ops.select(ops.eq(a, 0.0), 1e-20, a), np.pi)
        return ops.div(UFUNCS[np.sin](turned), turned)
    return special.sinc(cast(a, np.dtype(float)) if a.dtype.kind in "biu" else a)


@implements(np.real)
def real(val: Any) -> Any:
    """Dtypes: all. Derivative: 1 in the real part.

    >>> real([1.0 + 2.0j])
    array([1.])
    """
    x = traced(builder_of(val), val)
    return _part(ops.real, x) if x.dtype.kind == "c" else x


def _part(part: Primitive, x: Tracer) -> Tracer:
    """The real or imaginary part: a view."""
    t = part.type_rule(x.atom.type)
    return view(x, x.builder.emit(part, (x.atom,), {}, t))


@implements(np.imag)
def imag(val: Any) -> Any:
    """Dtypes: all. Derivative: 1 in the imaginary part.

    >>> imag([1.0 + 2.0j])
    array([2.])
    """
    x = traced(builder_of(val), val)
    return _part(ops.imag, x) if x.dtype.kind == "c" else constant(x.builder, 0, x.shape, x.dtype)


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """Dtypes: numbers. Derivative: as of `arctan2` of the parts.

    >>> angle([1.0j, -1.0])
    array([1.57079633, 3.14159265])
    """
    radians = UFUNCS[np.arctan2](imag(z), real(z))
    return UFUNCS[np.multiply](radians, 180 / np.pi) if deg else radians
