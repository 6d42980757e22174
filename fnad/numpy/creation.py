"""Making arrays. What is not made of traced values is an ordinary array."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import array_of, builder_of, cast, constant, is_traced, result_dtype, spread_to, traced
from fnad.numpy.shaping import cast_to, reshaped
from fnad.ops.elementwise import add, mul, sub
from fnad.tracing import Tracer

# These never see a traced value: shapes and bounds are known.
zeros, ones, empty, arange, eye, identity, tri = np.zeros, np.ones, np.empty, np.arange, np.eye, np.identity, np.tri


def array(object: Any, dtype: Any = None, *, ndmin: int = 0) -> Any:
    """`numpy.array`, also of nested lists with traced values in them."""
    if not is_traced(object):
        return np.array(object, dtype, ndmin=ndmin)
    x = traced(builder_of(object), object)
    x = x if dtype is None else cast_to(x, dtype)
    return reshaped(x, (1,) * (ndmin - x.ndim) + x.shape)


def asarray(a: Any, dtype: Any = None) -> Any:
    """`numpy.asarray`, also of nested lists with traced values in them."""
    return array(a, dtype) if is_traced(a) else np.asarray(a, dtype)


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """`numpy.full`, also of a traced value."""
    if not is_traced(fill_value):
        return np.full(shape, fill_value, dtype)
    x = array(fill_value, dtype)
    return spread_to(x, np.broadcast_to(np.empty(x.shape), shape).shape)


def _like(a: Any, value: Any, dtype: Any, shape: Any) -> Tracer:
    x = array_of(a)
    target = x.dtype if dtype is None else np.dtype(dtype)
    shape = x.shape if shape is None else tuple(np.atleast_1d(shape).tolist())
    if type(value) in (bool, int, float, complex):
        return constant(x.builder, value, shape, target)
    return spread_to(cast(traced(builder_of(a, value), value), target), shape)


@implements(np.zeros_like)
def zeros_like(a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **_: Any) -> Any:
    """`numpy.zeros_like`."""
    return _like(a, 0, dtype, shape)


@implements(np.ones_like)
def ones_like(a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **_: Any) -> Any:
    """`numpy.ones_like`."""
    return _like(a, 1, dtype, shape)


@implements(np.empty_like)
def empty_like(
    prototype: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **_: Any
) -> Any:
    """`numpy.empty_like`; filled with 0."""
    return _like(prototype, 0, dtype, shape)


@implements(np.full_like)
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **_: Any
) -> Any:
    """`numpy.full_like`."""
    return _like(traced(builder_of(a, fill_value), a), fill_value, dtype, shape)


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """`numpy.copy`; a traced value is never written to, so it is its own copy."""
    return array_of(a)


@implements(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0, **_: Any,
) -> Any:
    """`numpy.linspace`."""
    builder = builder_of(start, stop)
    first, last = traced(builder, start), traced(builder, stop)
    common = np.result_type(result_dtype(first, last), float(num))
    first, last = np.broadcast_arrays(cast(first, common), cast(last, common))
    gaps = num - 1 if endpoint else num
    step = mul(sub(last, first), 1.0 / gaps if gaps else np.nan)
    share = builder.tracer(np.linspace(0, 1, num, endpoint).astype(common).reshape(-1, *[1] * first.ndim))
    shape = (num, *first.shape)
    first, last, share = [spread_to(x, shape) for x in (first, last, share)]
    points = np.moveaxis(add(mul(first, sub(1.0, share)), mul(last, share)), 0, axis)
    points = points if dtype is None else cast_to(points, dtype)
    return (points, step) if retstep else points


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """`numpy.meshgrid`."""
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    builder = builder_of(*xi)
    xs = [traced(builder, x) for x in xi]
    order = list(range(len(xs)))
    if indexing == "xy" and len(xs) > 1:
        order[:2] = [1, 0]
    grids = [reshaped(x, tuple([x.size if i == at else 1 for i in range(len(xs))])) for x, at in zip(xs, order)]
    if sparse:
        return tuple(grids)
    shape = np.broadcast_shapes(*[g.shape for g in grids])
    return tuple([spread_to(g, shape) for g in grids])
