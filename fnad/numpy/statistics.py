"""Weighted averages, variances, and what is made of them: covariances and correlations."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.numpy import ufuncs
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.promotion import (
    Axes, all_axes, builder_of, cast, constant, one_axis, result_dtype, spread_to, traced,
)
from fnad.numpy.reductions import UNSET, count_of, floating, kept, masked, mean, sum
from fnad.ops import reductions as ops
from fnad.ops.elementwise import abs_, div, maximum, square, sub
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
        w = weights_of(traced(builder, weights), x, axis)
        scale = sum(cast(w, result_dtype(floating(x), w)), axis, keepdims=keepdims)
        result = ufuncs.UFUNCS[np.true_divide](sum(ufuncs.UFUNCS[np.multiply](x, w), axis, keepdims=keepdims), scale)
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
    return kept(div(reduce_sum(square(distance), axes=axes), divisor), x, axes, keepdims)


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
    norm = ops.reduce_norm(distance, axes=axes)
    if type(divisor) is not Tracer:
        divisor = constant(x.builder, divisor, norm.shape, norm.dtype)
    return kept(div(norm, ufuncs.UFUNCS[np.sqrt](divisor)), x, axes, keepdims)


def _spread(
    a: Any, axis: Any, dtype: Any, ddof: Any, where: Any, center: Any, correction: Any
) -> tuple[Tracer, Axes, Tracer, Any]:
    """The operand, the axes, the (real) distances from the mean, and what to divide the sum of their squares by."""
    x = traced(builder_of(a, where, center), a)
    axes = all_axes(axis, x.ndim)
    x = floating(x, dtype)
    count = count_of(x, axes, where)
    less = ddof if correction is UNSET else correction
    divisor = maximum(sub(count, float(less)), 0.0) if type(count) is Tracer else max(count - less, 0.0)
    if center is UNSET:
        center = mean(x, axis=axis, where=where, keepdims=True)
    distance = sub(x, spread_to(cast(traced(x.builder, center), x.dtype), x.shape))
    return x, axes, masked(abs_(distance) if x.dtype.kind == "c" else distance, where, 0), divisor
