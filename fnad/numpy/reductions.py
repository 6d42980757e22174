"""Sums, products, extremes and their like over axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import BOOL, INDEX, ArrayType
from fnad.numpy import ufuncs
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.promotion import (
    Axes, all_axes, array_of, builder_of, cast, constant, fit, one_axis, operand, size_of, spread_to, strong, traced,
)
from fnad.numpy.shaping import reshaped
from fnad.ops import reductions as ops
from fnad.ops.elementwise import select
from fnad.ops.shaping import reduce_sum, reshape, transpose
from fnad.tracing.tracer import Tracer

UNSET = np._NoValue
FLOAT = np.dtype(np.float64)

# --- What they share


def kept(y: Tracer, x: Tracer, axes: Axes, keepdims: Any) -> Tracer:
    """The reduced value, with axes of size 1 for those that went if they are to be kept."""
    if keepdims is UNSET or not keepdims:
        return y
    return reshaped(y, tuple([1 if i in axes else n for i, n in enumerate(x.shape)]))


def masked(x: Tracer, where: Any, fill: Any) -> Tracer:
    """``x`` with a number where it is to be left out."""
    if where is True or where is UNSET:
        return x
    return select(mask_of(x, where), x, constant(x.builder, fill, x.shape, x.dtype))


def mask_of(x: Tracer, where: Any) -> Tracer:
    """The mask of what is to be taken, in the shape of ``x``."""
    return spread_to(cast(operand(x.builder, np.asarray(where) if type(where) is not Tracer else where), BOOL), x.shape)


def count_of(x: Tracer, axes: Axes, where: Any) -> Any:
    """The number of elements that are reduced; an array where some are left out."""
    if where is True or where is UNSET:
        count = 1
        for i in axes:
            count *= x.shape[i]
        return float(count)
    return cast(reduce_sum(cast(mask_of(x, where), INDEX), axes=axes), real_dtype(x.dtype))


def real_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype of the parts of a number."""
    return np.empty(0, dtype).real.dtype


_accumulating: dict[tuple[np.ufunc, np.dtype], np.dtype] = {}


def _accumulator(ufunc: np.ufunc, x: Tracer, dtype: Any) -> np.dtype:
    """The dtype in which NumPy accumulates: small integers in wide ones."""
    if dtype is not None:
        return np.dtype(dtype)
    known = _accumulating.get((ufunc, x.dtype))
    if known is None:
        known = _accumulating[ufunc, x.dtype] = ufunc.reduce(np.empty(0, x.dtype)).dtype
    return known


def floating(x: Tracer, dtype: Any = None) -> Tracer:
    if dtype is not None:
        return cast(x, np.dtype(dtype))
    return cast(x, FLOAT) if x.dtype.kind in "biu" else x


# --- Sums and products

DIVIDE = ufuncs.UFUNCS[np.true_divide]


def summed(x: Tracer, axes: Axes) -> Tracer:
    """The sum over axes, in the dtype of ``x``."""
    t = x.atom.type
    shape = tuple([n for i, n in enumerate(t.shape) if i not in axes])
    return x.builder.emit(reduce_sum, (x.atom,), {"axes": axes}, ArrayType(shape, t.dtype))


@implements(np.sum)
def sum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET,
    where: Any = True,
) -> Any:
    """Dtypes: all. Derivative: 1 in each element.

    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([4., 6.])
    """
    return _accumulate(np.add, reduce_sum, 0, a, axis, dtype, out, keepdims, initial, where)


@implements(np.prod)
def prod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET,
    where: Any = True,
) -> Any:
    """Dtypes: all. Derivative: in each element the product of the others.

    >>> prod([2.0, 3.0, 4.0])
    np.float64(24.0)
    """
    return _accumulate(np.multiply, ops.reduce_prod, 1, a, axis, dtype, out, keepdims, initial, where)


def _accumulate(
    ufunc: np.ufunc, primitive: Primitive, identity: int, a: Any, axis: Any, dtype: Any, out: Any, keepdims: Any,
    initial: Any, where: Any,
) -> Tracer:
    refuse_out(f"np.{ufunc.__name__}.reduce", out)
    x = a if type(a) is Tracer and initial is UNSET and where is True else traced(builder_of(a, where, initial), a)
    x = strong(x)
    axes = all_axes(axis, x.ndim)
    x = cast(x, _accumulator(ufunc, x, dtype))
    if primitive is reduce_sum and where is True and initial is UNSET and x.dtype != BOOL:
        return kept(summed(x, axes), x, axes, keepdims)
    if x.dtype == BOOL:
        primitive = ops.reduce_or if ufunc is np.add else ops.reduce_and
    y = kept(primitive(masked(x, where, identity), axes=axes), x, axes, keepdims)
    if initial is UNSET:
        return y
    return ufuncs.UFUNCS[ufunc](y, fit(x.builder, operand(x.builder, initial), y.dtype, y.shape))


@implements(np.mean)
def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, where: Any = True) -> Any:
    """Dtypes: all. Derivative: 1 / n in each of n elements.

    >>> mean([[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([2., 3.])
    """
    refuse_out("np.mean", out)
    given = array_of(a) if where is True else traced(builder_of(a, where), a)
    axes = all_axes(axis, given.ndim)
    x = floating(given, dtype)
    whole = x.dtype if x.dtype.kind in "iub" else None
    half = x.dtype == np.float16 and dtype is None
    x = cast(x, np.dtype(np.float32)) if half else x
    left, count = masked(x, where, 0), count_of(x, axes, where)
    if x.dtype == BOOL:
        result = DIVIDE(ops.reduce_or(left, axes=axes), count)
    else:
        result = DIVIDE(summed(left, axes), _as_divisor(count, x.dtype))
    wanted = np.dtype(np.float16) if half else whole
    return kept(result if wanted is None else cast(result, wanted), x, axes, keepdims)


def _as_divisor(count: Any, dtype: np.dtype) -> Any:
    return cast(count, dtype) if type(count) is Tracer else count


# --- Extremes


@implements(np.max, np.amax)
def max_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET, where: Any = True
) -> Any:
    """Dtypes: all. Derivative: 1 in the largest element; ties share it evenly.

    >>> from fnad.numpy import max
    >>> max([1.0, 3.0, 2.0])
    np.float64(3.0)
    """
    return extreme(np.maximum, a, axis, out, keepdims, initial, where)


@implements(np.min, np.amin)
def min_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET, where: Any = True
) -> Any:
    """Dtypes: all. Derivative: 1 in the smallest element; ties share it evenly.

    >>> from fnad.numpy import min
    >>> min([1.0, 3.0, 2.0])
    np.float64(1.0)
    """
    return extreme(np.minimum, a, axis, out, keepdims, initial, where)


_EXTREMES = {np.maximum: (ops.reduce_max, ops.reduce_or), np.minimum: (ops.reduce_min, ops.reduce_and)}


def least(ufunc: np.ufunc, dtype: np.dtype) -> Any:
    """The number that never wins."""
    if dtype.kind in "fc":
        end = -np.inf if ufunc is np.maximum else np.inf
        return complex(end, end) if dtype.kind == "c" else end
    if dtype.kind == "b":
        return ufunc is np.minimum
    return np.iinfo(dtype).min if ufunc is np.maximum else np.iinfo(dtype).max


def extreme(ufunc: np.ufunc, a: Any, axis: Any, out: Any, keepdims: Any, initial: Any, where: Any) -> Tracer:
    name = ufunc.__name__
    refuse_out(f"np.{name}.reduce", out)
    x = traced(builder_of(a, where, initial), a)
    axes = all_axes(axis, x.ndim)
    if where is not True and where is not UNSET and initial is UNSET:
        raise ValueError(
            f"reduction operation '{name}' does not have an identity, so to use a where mask one has to specify "
            "'initial'"
        )
    primitive, logical = _EXTREMES[ufunc]
    first = None if initial is UNSET else operand(x.builder, initial)
    if first is not None and any([x.shape[i] == 0 for i in axes]):
        shape = tuple([n for i, n in enumerate(x.shape) if i not in axes])
        return kept(fit(x.builder, first, x.dtype, shape), x, axes, keepdims)
    if any([x.shape[i] == 0 for i in axes]):
        raise ValueError(f"zero-size array to reduction operation {name} which has no identity")
    left = masked(x, where, least(ufunc, x.dtype))
    if x.dtype.kind == "c":
        y = _first_extreme(ops.argmax if ufunc is np.maximum else ops.argmin, left, axes)
    else:
        y = (logical if x.dtype == BOOL else primitive)(left, axes=axes)
    if first is not None:
        y = ufuncs.UFUNCS[ufunc](y, fit(x.builder, first, y.dtype, y.shape))
    return kept(y, x, axes, keepdims)


def _first_extreme(place: Primitive, x: Tracer, axes: Axes) -> Tracer:
    """The first extreme of complex numbers over axes, in NumPy's order: by real parts, then by imaginary ones."""
    rest = tuple([i for i in range(x.ndim) if i not in axes])
    rows = transpose(x, perm=rest + axes)
    rows = reshape(rows, shape=(*[x.shape[i] for i in rest], size_of([x.shape[i] for i in axes])))
    return np.take_along_axis(rows, place(rows, axis=len(rest))[..., None], -1)[..., 0]


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    """Dtypes: numbers. Derivative: that of the maximum less that of the minimum.

    >>> ptp([1.0, 3.0, 2.0])
    np.float64(2.0)
    """
    refuse_out("np.ptp", out)
    return ufuncs.UFUNCS[np.subtract](max_(a, axis, keepdims=keepdims), min_(a, axis, keepdims=keepdims))


def _flat_or_along(a: Any, axis: Any) -> tuple[Tracer, int]:
    """The operand and an axis of it; all of its elements in a row where none is named."""
    x = traced(builder_of(a), a)
    return (reshape(x, shape=(x.size,)), 0) if axis is None else (x, one_axis(axis, x.ndim))


def _arg_extreme(primitive: Primitive, a: Any, axis: Any, out: Any, keepdims: Any) -> Tracer:
    refuse_out(f"np.{primitive.name}", out)
    x, at = _flat_or_along(a, axis)
    y = primitive(x, axis=at)
    if keepdims is UNSET or not keepdims:
        return y
    return kept(y, traced(x.builder, a), all_axes(axis, np.ndim(a)), True)


@implements(np.argmax)
def argmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    """Dtypes: all. Derivative: none.

    >>> argmax([1.0, 3.0, 2.0])
    np.int64(1)
    """
    return _arg_extreme(ops.argmax, a, axis, out, keepdims)


@implements(np.argmin)
def argmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    """Dtypes: all. Derivative: none.

    >>> argmin([1.0, 3.0, 2.0])
    np.int64(0)
    """
    return _arg_extreme(ops.argmin, a, axis, out, keepdims)


# --- Logic


@implements(np.all)
def all_(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Any:
    """Dtypes: all. Derivative: none.

    >>> from fnad.numpy import all
    >>> all([True, False])
    np.False_
    """
    return _logic(ops.reduce_and, True, a, axis, out, keepdims, where)


@implements(np.any)
def any_(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Any:
    """Dtypes: all. Derivative: none.

    >>> from fnad.numpy import any
    >>> any([True, False])
    np.True_
    """
    return _logic(ops.reduce_or, False, a, axis, out, keepdims, where)


def _logic(primitive: Primitive, identity: bool, a: Any, axis: Any, out: Any, keepdims: Any, where: Any) -> Tracer:
    refuse_out(f"np.{primitive.name}", out)
    x = cast(traced(builder_of(a, where), a), BOOL)
    axes = all_axes(axis, x.ndim)
    return kept(primitive(masked(x, where, identity), axes=axes), x, axes, keepdims)


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Dtypes: all. Derivative: none.

    >>> count_nonzero([0.0, 2.0, 3.0])
    np.int64(2)
    """
    x = cast(cast(traced(builder_of(a), a), BOOL), INDEX)
    axes = all_axes(axis, x.ndim)
    return kept(reduce_sum(x, axes=axes), x, axes, keepdims)


# --- Scans


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Dtypes: all. Derivative: 1 in each element up to the place.

    >>> cumsum([1.0, 2.0, 3.0])
    array([1., 3., 6.])
    """
    return _scan(np.add, ops.cumsum, a, axis, dtype, out)


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Dtypes: all. Derivative: in each element up to the place the product of the others.

    >>> cumprod([1.0, 2.0, 3.0])
    array([1., 2., 6.])
    """
    return _scan(np.multiply, ops.cumprod, a, axis, dtype, out)


def _scan(ufunc: np.ufunc, primitive: Primitive, a: Any, axis: Any, dtype: Any, out: Any) -> Tracer:
    refuse_out(f"np.{primitive.name}", out)
    x, at = _flat_or_along(a, axis)
    return primitive(cast(x, _accumulator(ufunc, x, dtype)), axis=at)
