"""Sums, products, extremes and their like over axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.numpy.promotion import all_axes, builder_of, cast, traced
from fnad.ops.elementwise import div
from fnad.ops.shaping import reduce_sum, reshape
from fnad.tracing import Tracer


def sum(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """`numpy.sum`."""
    x = traced(builder_of(a), a)
    axes = all_axes(axis, x.ndim)
    x = cast(x, np.dtype(dtype) if dtype is not None else np.add.reduce(np.empty(0, x.dtype)).dtype)
    return kept(reduce_sum(x, axes=axes), x, axes, keepdims)


def mean(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """`numpy.mean`."""
    x = traced(builder_of(a), a)
    axes = all_axes(axis, x.ndim)
    count = 1
    for i in axes:
        count *= x.shape[i]
    total = sum(cast(x, np.dtype(float)) if x.dtype.kind in "biu" else x, axis, dtype, keepdims)
    return div(total, float(count))


def kept(y: Tracer, x: Tracer, axes: Any, keepdims: bool) -> Tracer:
    """The reduced value, with axes of size 1 for those that went if they are to be kept."""
    return reshape(y, shape=tuple([1 if i in axes else n for i, n in enumerate(x.shape)])) if keepdims else y
