"""Sums, products, means and extremes that leave nan out."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.numpy import ufuncs
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import builder_of, constant, traced
from fnad.numpy.reductions import UNSET, all_, extreme, least, mean, prod, sum
from fnad.ops.elementwise import isnan, select
from fnad.tracing.tracer import Tracer


def _without_nan(a: Any, fill: Any) -> tuple[Tracer, Any]:
    x = traced(builder_of(a), a)
    if x.dtype.kind not in "fc":
        return x, None
    missing = isnan(x)
    return select(missing, constant(x.builder, fill, x.shape, x.dtype), x), missing


@implements(np.nansum)
def nansum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    """Dtypes: all. Derivative: as of `sum`, and 0 at nan.

    >>> nansum([1.0, np.nan, 3.0])
    np.float64(4.0)
    """
    return sum(_without_nan(a, 0)[0], axis, dtype, out, keepdims)


@implements(np.nanprod)
def nanprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    """Dtypes: all. Derivative: as of `prod`, and 0 at nan.

    >>> nanprod([2.0, np.nan, 3.0])
    np.float64(6.0)
    """
    return prod(_without_nan(a, 1)[0], axis, dtype, out, keepdims)


@implements(np.nanmean)
def nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    """Dtypes: all. Derivative: as of `mean`, and 0 at nan.

    >>> nanmean([1.0, np.nan, 3.0])
    np.float64(2.0)
    """
    x, missing = _without_nan(a, 0)
    if missing is None:
        return mean(x, axis, dtype, out, keepdims)
    return mean(x, axis, dtype, out, keepdims, where=ufuncs.UFUNCS[np.logical_not](missing))


@implements(np.nanmax)
def nanmax(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    """Dtypes: all. Derivative: as of `max`, and 0 at nan.

    >>> nanmax([1.0, np.nan, 3.0])
    np.float64(3.0)
    """
    return _nan_extreme(np.maximum, a, axis, out, keepdims)


@implements(np.nanmin)
def nanmin(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    """Dtypes: all. Derivative: as of `min`, and 0 at nan.

    >>> nanmin([1.0, np.nan, 3.0])
    np.float64(1.0)
    """
    return _nan_extreme(np.minimum, a, axis, out, keepdims)


def _nan_extreme(ufunc: np.ufunc, a: Any, axis: Any, out: Any, keepdims: Any) -> Tracer:
    given = traced(builder_of(a), a)
    x, missing = _without_nan(given, least(ufunc, given.dtype))
    y = extreme(ufunc, x, axis, out, keepdims, UNSET, True)
    if missing is None:
        return y
    nothing = all_(missing, axis, keepdims=keepdims)
    return select(nothing, constant(y.builder, np.nan, y.shape, y.dtype), y)
