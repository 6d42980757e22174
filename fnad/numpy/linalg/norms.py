"""Norms, condition numbers, traces and diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from fnad.ir.types import BOOL
from fnad.numpy import diagonals
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import Axes, all_axes, builder_of, cast, constant, one_axis, traced
from fnad.numpy.linalg.matrices import common, in_common_dtype, square, stacked
from fnad.numpy.linalg.spectra import singular_values
from fnad.numpy.reductions import any_, floating, kept, max_, min_, sum
from fnad.numpy.shaping import permuted
from fnad.ops import reductions as ops
from fnad.ops.elementwise import abs_, choose, div, isnan, mul, stop_gradient
from fnad.ops.linalg import inverse
from fnad.ops.pseudoinverse import is_large
from fnad.ops.shaping import reshape
from fnad.tracing.tracer import Tracer


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    """Dtypes: numbers. Derivative: x / norm(x) for the order 2, and 0 at the zero vector; equal extremes share it.

    >>> norm([3.0, 4.0])
    np.float64(5.0)
    >>> norm([[3.0, 0.0], [0.0, 4.0]], 2)
    np.float64(4.0)
    """
    given = floating(traced(builder_of(x), x))
    if axis is None and ord is None:
        return _vector_norm(given, None, all_axes(None, given.ndim), keepdims)
    axes = tuple(range(given.ndim)) if axis is None else (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    axes = tuple([one_axis(i, given.ndim) for i in axes])
    if len(axes) == 1:
        return _vector_norm(given, ord, axes, keepdims)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    if axes[0] == axes[1]:
        raise ValueError("Duplicate axes given.")
    return _matrix_norm(given, ord, axes, keepdims)


@implements(np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """Dtypes: all. Derivative: 1 on the diagonal.

    >>> diagonal([[1.0, 2.0], [3.0, 4.0]])
    array([1., 4.])
    """
    return diagonals.diagonal(x, offset, -2, -1)


@implements(np.linalg.trace)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Dtypes: all. Derivative: 1 on the diagonal.

    >>> trace([[1.0, 2.0], [3.0, 4.0]])
    np.float64(5.0)
    """
    return diagonals.trace(x, offset, -2, -1, dtype)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: Any = False, ord: Any = "fro") -> Any:
    """Dtypes: numbers. Derivative: as of `norm`.

    >>> matrix_norm([[3.0, 0.0], [0.0, 4.0]])
    np.float64(5.0)
    >>> matrix_norm([[3.0, 0.0], [0.0, 4.0]], ord=2)
    np.float64(4.0)
    """
    return norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
    """Dtypes: numbers. Derivative: as of `norm`.

    >>> vector_norm([3.0, 4.0])
    np.float64(5.0)
    """
    given = floating(traced(builder_of(x), x))
    return _vector_norm(given, ord, all_axes(axis, given.ndim), keepdims)


def _vector_norm(x: Tracer, ord: Any, axes: Axes, keepdims: Any) -> Tracer:
    size = abs_(x) if x.dtype.kind == "c" else x
    if ord is None or ord == 2:
        return kept(ops.reduce_norm(size, axes=tuple(sorted(axes))), x, axes, keepdims)
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord == np.inf:
        return max_(abs_(x), axes, keepdims=keepdims)
    if ord == -np.inf:
        return min_(abs_(x), axes, keepdims=keepdims)
    if ord == 0:
        return sum(cast(cast(x, BOOL), size.dtype), axes, keepdims=keepdims)
    if ord == 1:
        return sum(abs_(x), axes, keepdims=keepdims)
    return kept(ops.reduce_power_norm(abs_(x), axes=tuple(sorted(axes)), order=float(ord)), x, axes, keepdims)


def _matrix_norm(x: Tracer, ord: Any, axes: Axes, keepdims: Any) -> Tracer:
    if ord in (None, "fro", "f"):
        return _vector_norm(x, None, axes, keepdims)
    if ord in (2, -2, "nuc"):
        return _singular_norm(x, ord, axes, keepdims)
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError("Invalid norm order for matrices.")
    summed, ranked = axes if abs(ord) == 1 else axes[::-1]
    totals = sum(abs_(x), summed, keepdims=True)
    extreme = max_ if ord > 0 else min_
    y = extreme(totals, ranked, keepdims=True)
    return y if keepdims else reshape(y, shape=tuple([n for i, n in enumerate(x.shape) if i not in axes]))


def _singular_norm(x: Tracer, ord: Any, axes: Axes, keepdims: Any) -> Tracer:
    (x,) = in_common_dtype(x)
    batch = tuple([i for i in range(x.ndim) if i not in axes])
    values = singular_values(permuted(x, (*batch, *axes)))
    if ord == "nuc":
        y = sum(_without_noise(values, max(x.shape[i] for i in axes)), -1)
    else:
        y = max_(values, -1, initial=0) if ord > 0 else min_(values, -1)
    return kept(y, x, axes, keepdims)


def _without_noise(values: Tracer, size: int) -> Tracer:
    """Singular values, of which those that would be 0 but for rounding have no derivative, as a norm at 0."""
    if not values.size:
        return values
    cut = constant(values.builder, size * np.finfo(values.dtype).eps, values.shape[:-1], values.dtype)
    return choose(is_large(values, cut), values, stop_gradient(values))


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """Dtypes: numbers. Derivative: as of the norms and the inverse.

    >>> cond([[1.0, 0.0], [0.0, 4.0]])
    np.float64(4.0)
    >>> cond([[1.0, 0.0], [0.0, 4.0]], 1)
    np.float64(4.0)
    """
    (given,) = common(x)
    if given.ndim >= 2 and 0 in given.shape[-2:]:
        raise LinAlgError("cond is not defined on empty arrays")
    if p in (None, 2, -2):
        values = singular_values(stacked(given)[0])
        first, last = values[..., 0], values[..., -1]
        ratio = div(last, first) if p == -2 else div(first, last)
    else:
        given = square(given)
        ratio = mul(norm(given, p, (-2, -1)), norm(inverse(given, strict=False), p, (-2, -1)))
    has_nan = any_(isnan(given), (-2, -1)) if given.dtype.kind in "fc" else False
    unknown = isnan(ratio) & ~has_nan if isinstance(has_nan, Tracer) else isnan(ratio)
    return choose(unknown, np.inf, ratio)
