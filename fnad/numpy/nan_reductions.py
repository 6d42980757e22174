"""Sums, products, means, extremes, their places and scans that leave nan out."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.numpy import ufuncs
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import builder_of, constant, traced
from fnad.numpy.reductions import (
    UNSET, all_, argmax, argmin, cumprod, cumsum, extreme, least, mean, prod, sum,
)
from fnad.ops.elementwise import isnan, select
from fnad.tracing.tracer import Tracer


def without_nan(a: Any, fill: Any, *others: Any) -> tuple[Tracer, Any]:
    """An array with a number in the place of nan, and where that is; ``others`` are arguments that may be traced."""
    x = traced(builder_of(a, *others), a)
    if x.dtype.kind not in "fc":
        return x, None
    missing = isnan(x)
    return select(missing, constant(x.builder, fill, x.shape, x.dtype), x), missing


@implements(np.nansum)
def nansum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET,
    where: Any = UNSET,
) -> Any:
    """Dtypes: all. Derivative: as of `sum`, and 0 at nan.

    >>> nansum([1.0, np.nan, 3.0])
    np.float64(4.0)
    """
    x, _ = without_nan(a, 0, initial, where)
    return sum(x, axis, dtype, out, keepdims, initial, True if where is UNSET else where)


@implements(np.nanprod)
def nanprod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET,
    where: Any = UNSET,
) -> Any:
    """Dtypes: all. Derivative: as of `prod`, and 0 at nan.

    >>> nanprod([2.0, np.nan, 3.0])
    np.float64(6.0)
    """
    x, _ = without_nan(a, 1, initial, where)
    return prod(x, axis, dtype, out, keepdims, initial, True if where is UNSET else where)


@implements(np.nanmean)
def nanmean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = UNSET
) -> Any:
    """Dtypes: all. Derivative: as of `mean`, and 0 at nan.

    >>> nanmean([1.0, np.nan, 3.0])
    np.float64(2.0)
    """
    x, missing = without_nan(a, 0, where)
    counted = True if where is UNSET else where
    if missing is not None:
        counted = ufuncs.UFUNCS[np.logical_and](ufuncs.UFUNCS[np.logical_not](missing), counted)
    return mean(x, axis, dtype, out, keepdims, where=counted)


@implements(np.nanmax)
def nanmax(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET, where: Any = UNSET
) -> Any:
    """Dtypes: all. Derivative: as of `max`, and 0 at nan.

    >>> nanmax([1.0, np.nan, 3.0])
    np.float64(3.0)
    """
    return _nan_extreme(np.maximum, a, axis, out, keepdims, initial, where)


@implements(np.nanmin)
def nanmin(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET, where: Any = UNSET
) -> Any:
    """Dtypes: all. Derivative: as of `min`, and 0 at nan.

    >>> nanmin([1.0, np.nan, 3.0])
    np.float64(1.0)
    """
    return _nan_extreme(np.minimum, a, axis, out, keepdims, initial, where)


def _nan_extreme(
    ufunc: np.ufunc, a: Any, axis: Any, out: Any, keepdims: Any, initial: Any, where: Any
) -> Tracer:
    given = traced(builder_of(a, initial, where), a)
    x, missing = without_nan(given, least(ufunc, given.dtype))
    y = extreme(ufunc, x, axis, out, keepdims, initial, where)
    if missing is None or initial is not UNSET:
        return y
    nothing = all_(missing, axis, keepdims=keepdims)
    return select(nothing, constant(y.builder, np.nan, y.shape, y.dtype), y)


# --- Places, scans and variances


@implements(np.nanargmax)
def nanargmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = UNSET) -> Any:
    """Where all elements are nan, it is -1: which of them are is not known.

    Dtypes: all. Derivative: none.

    >>> nanargmax([1.0, np.nan, 3.0])
    np.int64(2)
    """
    return _nan_place(argmax, np.maximum, a, axis, out, keepdims)


@implements(np.nanargmin)
def nanargmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = UNSET) -> Any:
    """Where all elements are nan, it is -1: which of them are is not known.

    Dtypes: all. Derivative: none.

    >>> nanargmin([3.0, np.nan, 1.0])
    np.int64(2)
    """
    return _nan_place(argmin, np.minimum, a, axis, out, keepdims)


def _nan_place(place: Any, ufunc: np.ufunc, a: Any, axis: Any, out: Any, keepdims: Any) -> Tracer:
    given = traced(builder_of(a), a)
    x, missing = without_nan(given, least(ufunc, given.dtype))
    y = place(x, axis, out, keepdims=keepdims)
    if missing is None:
        return y
    return select(all_(missing, axis, keepdims=keepdims), constant(y.builder, -1, y.shape, y.dtype), y)


@implements(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Dtypes: all. Derivative: as of `cumsum`, and 0 at nan.

    >>> nancumsum([1.0, np.nan, 3.0])
    array([1., 1., 4.])
    """
    return cumsum(without_nan(a, 0)[0], axis, dtype, out)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Dtypes: all. Derivative: as of `cumprod`, and 0 at nan.

    >>> nancumprod([2.0, np.nan, 3.0])
    array([2., 2., 6.])
    """
    return cumprod(without_nan(a, 1)[0], axis, dtype, out)
