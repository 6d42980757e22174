"""Weighted averages and variances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.numpy import ufuncs
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.nan_reductions import without_nan
from fnad.numpy.promotion import (
    Axes, all_axes, builder_of, cast, constant, is_traced, one_axis, result_dtype, spread_to, traced,
)
from fnad.numpy.reductions import UNSET, count_of, floating, kept, masked, mean, sum
from fnad.ops import reductions as ops
from fnad.ops.elementwise import abs_, div, maximum, mul, select, square, sub
from fnad.ops.shaping import reduce_sum, reshape, transpose
from fnad.tracing.tracer import Tracer

# --- Averages


@implements(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    """Dtypes: numbers. Derivative: its share of the weights in each element.

    >>> average([1.0, 3.0], weights=[3.0, 1.0])
    np.float64(1.5)
    """
    builder = builder_of(a, weights)
    x = traced(builder, a)
    axes = all_axes(axis, x.ndim)
    if weights is None:
        result = mean(x, axis, keepdims=keepdims)
        scale: Any = constant(builder, count_of(x, axes, True), result.shape, result.dtype)
    else:
        given = traced(builder, weights)
        dtype = result_dtype(floating(x), given)
        w = cast(weights_of(given, x, axis), dtype)
        scale = sum(w, axis, keepdims=keepdims)
        if not is_traced(weights) and np.any(scale.concrete("np.average") == 0):
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        result = ufuncs.UFUNCS[np.true_divide](sum(mul(cast(x, dtype), w), axis, keepdims=keepdims), scale)
    return (result, scale) if returned else result


def weights_of(w: Tracer, x: Tracer, axis: Any) -> Tracer:
    """Weights, perhaps of some axes only, for each element."""
    if w.shape == x.shape:
        return w
    if axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    axes = [one_axis(i, x.ndim) for i in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    if w.shape != tuple([x.shape[i] for i in axes]):
        raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
    ordered = transpose(w, perm=tuple([int(i) for i in np.argsort(axes)]))
    return spread_to(reshape(ordered, shape=tuple([n if i in axes else 1 for i, n in enumerate(x.shape)])), x.shape)


# --- Variance


@implements(np.var)
def var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, *,
    where: Any = True, mean: Any = UNSET, correction: Any = UNSET,
) -> Any:
    """Dtypes: numbers. Derivative: 2 (x - mean(x)) / (n - ddof) in each of n elements.

    >>> var([1.0, 2.0, 3.0, 4.0])
    np.float64(1.25)
    """
    refuse_out("np.var", out)
    x, axes, distance, divisor = _spread(a, axis, dtype, ddof, where, mean, correction)
    return kept(_variance(distance, axes, divisor), x, axes, keepdims)


def _variance(distance: Tracer, axes: Axes, divisor: Any) -> Tracer:
    return div(reduce_sum(square(distance), axes=axes), divisor)


@implements(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, *,
    where: Any = True, mean: Any = UNSET, correction: Any = UNSET,
) -> Any:
    """Dtypes: numbers. Derivative: (x - mean(x)) / ((n - ddof) std(x)), and 0 where all elements are equal.

    >>> std([1.0, 3.0])
    np.float64(1.0)
    """
    refuse_out("np.std", out)
    x, axes, distance, divisor = _spread(a, axis, dtype, ddof, where, mean, correction)
    return kept(_deviation(distance, axes, divisor), x, axes, keepdims)


def _deviation(distance: Tracer, axes: Axes, divisor: Any) -> Tracer:
    norm = ops.reduce_norm(distance, axes=axes)
    if type(divisor) is not Tracer:
        divisor = constant(norm.builder, divisor, norm.shape, norm.dtype)
    return div(norm, ufuncs.UFUNCS[np.sqrt](divisor))


def _spread(
    a: Any, axis: Any, dtype: Any, ddof: Any, where: Any, center: Any, correction: Any
) -> tuple[Tracer, Axes, Tracer, Any]:
    """The operand, the axes, the (real) distances from the mean, and what to divide the sum of their squares by."""
    x = traced(builder_of(a, where, center), a)
    axes = all_axes(axis, x.ndim)
    x = floating(x, dtype)
    count = count_of(x, axes, where)
    if correction is not UNSET and ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    less = ddof if correction is UNSET else correction
    divisor = maximum(sub(count, float(less)), 0.0) if type(count) is Tracer else max(count - less, 0.0)
    if center is UNSET:
        center = mean(x, axis=axis, where=where, keepdims=True)
    distance = sub(x, spread_to(cast(traced(x.builder, center), x.dtype), x.shape))
    return x, axes, masked(abs_(distance) if x.dtype.kind == "c" else distance, where, 0), divisor


# --- Variance without nan


@implements(np.nanvar)
def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = UNSET, *,
    where: Any = UNSET, mean: Any = UNSET, correction: Any = UNSET,
) -> Any:
    """Dtypes: numbers. Derivative: as of `var`, and 0 at nan.

    >>> nanvar([1.0, np.nan, 3.0])
    np.float64(1.0)
    """
    refuse_out("np.nanvar", out)
    return _without_nan(_variance, a, axis, dtype, ddof, keepdims, where, mean, correction)


@implements(np.nanstd)
def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = UNSET, *,
    where: Any = UNSET, mean: Any = UNSET, correction: Any = UNSET,
) -> Any:
    """Dtypes: numbers. Derivative: as of `std`, and 0 at nan.

    >>> nanstd([1.0, np.nan, 3.0])
    np.float64(1.0)
    """
    refuse_out("np.nanstd", out)
    return _without_nan(_deviation, a, axis, dtype, ddof, keepdims, where, mean, correction)


def _without_nan(
    of: Callable[..., Tracer], a: Any, axis: Any, dtype: Any, ddof: Any, keepdims: Any, where: Any, center: Any,
    correction: Any,
) -> Tracer:
    """A variance or deviation of what is no nan; nan where too few of them are left."""
    x, missing = without_nan(a, 0, where, center)
    counted: Any = True if where is UNSET else where
    if missing is not None:
        counted = ufuncs.UFUNCS[np.logical_and](ufuncs.UFUNCS[np.logical_not](missing), counted)
    x, axes, distance, divisor = _spread(x, axis, dtype, ddof, counted, center, correction)
    y = of(distance, axes, divisor)
    if type(divisor) is Tracer and missing is not None:
        y = select(divisor <= 0, constant(y.builder, np.nan, y.shape, y.dtype), y)
    return kept(y, x, axes, keepdims)
