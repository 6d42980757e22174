"""Reductions over axes (a sorted tuple of non-negative axes, which the result drops), and scans along one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.ir.primitive import Kind, Primitive
from fnad.ir.program import filled
from fnad.ir.types import INDEX, ArrayType
from fnad.ops.elementwise import (
    add, choose, conj, convert, direction, exp, isfinite, log, power, sqrt, square, stop_gradient, sub,
)
from fnad.ops.families import linear
from fnad.ops.operands import rule
from fnad.ops.shaping import (
    batch_along_axes, batch_along_axis, concatenate, flip, inverse_permutation, kept_axes, reduce_sum, reduced_type,
    reshape, slice_, spread, transpose,
)

Axes = tuple[int, ...]

# --- The family


def _type_rule(name: str, kinds: str, empty: bool = True) -> Callable[..., ArrayType]:
    def type_rule(x: ArrayType, axes: Axes, **others: Any) -> ArrayType:
        result = reduced_type(name, kinds, x, axes)
        if not empty and any([x.shape[a] == 0 for a in axes]):
            raise ValueError(f"zero-size array to reduction operation {name} which has no identity")
        return result

    return type_rule


def _ufunc_reduce(ufunc: np.ufunc) -> Callable[..., Any]:
    def evaluate(x: Any, axes: Axes) -> Any:
        return ufunc.reduce(x, axis=axes, dtype=x.dtype)

    return evaluate


# --- Norm, logsumexp (the sum itself stands with its transpose, in shaping.py)


def _norm_expand(x: Any, axes: Axes) -> Any:
    return sqrt(reduce_sum(square(x), axes=axes))


@rule
def _norm_vjp(i: int, g: Any, y: Any, x: Any, axes: Axes) -> Any:
    return spread(g, x, axes) * _unit_vector(x, y, axes)


def _unit_vector(x: Any, y: Any, axes: Axes) -> Any:
    """x / |x|, of numbers scaled to where their squares neither overflow nor vanish; 0 for the zero vector."""
    limits = np.finfo(x.dtype)
    up, edge = 2.0 ** (limits.maxexp * 3 // 4), float(np.sqrt(limits.tiny) / limits.eps)
    scale = choose(y < edge, up, choose(y > 1 / edge, 1 / up, filled(1, y.type)))
    scaled = x * spread(scale, x, axes)
    return direction(scaled, spread(reduce_norm(scaled, axes=axes), x, axes))


# The Euclidean norm; its derivative at the zero vector is 0.
reduce_norm = Primitive(
    "reduce_norm", _type_rule("norm", "f"), _norm_expand, expand=_norm_expand, vjp=_norm_vjp, batch=batch_along_axes,
    kind=Kind.REDUCTION,
)


def _power_norm_expand(x: Any, axes: Axes, order: float) -> Any:
    return power(reduce_sum(power(x, order), axes=axes), 1 / order)


@rule
def _power_norm_vjp(i: int, g: Any, y: Any, x: Any, axes: Axes, order: float) -> Any:
    """(x / y)**(order - 1), of numbers scaled to where their powers neither overflow nor vanish; 0 where x or y is."""
    if 0 in x.shape:
        return spread(g, x, axes)
    limits = np.finfo(x.dtype)
    up, edge = 2.0 ** (limits.maxexp * 3 // 4), float(np.sqrt(limits.tiny) / limits.eps)
    leading = stop_gradient(reduce_max(x, axes=axes) if order > 0 else reduce_min(x, axes=axes))
    # In two steps, since one number alone cannot lift what is smallest.
    lift = choose(leading < edge, up, filled(1, leading.type))
    lifted = leading * lift
    level = choose((lifted > 0) & isfinite(lifted), 1 / lifted, 1)
    scaled = x * spread(lift, x, axes) * spread(level, x, axes)
    norm = reduce_power_norm(scaled, axes=axes, order=order)
    if 0 < order < 2:
        slope = power(scaled, order - 1) * spread(power(norm, 1 - order), x, axes)
        # What the scale takes away is much to this power.
        whole = power(norm, 1 - order) * power(lift, order - 1) * power(level, order - 1)
        is_lost = scaled < float(limits.tiny / limits.eps)
        slope = choose(is_lost, power(x, order - 1) * spread(whole, x, axes), slope)
    else:
        slope = power(scaled / spread(norm, x, axes), order - 1)
    return spread(g, x, axes) * choose((x == 0) | (spread(norm, x, axes) == 0), 0, slope)


# sum(x**order)**(1 / order), of numbers that are not negative; where its slope would be infinite, at 0, the slope is 0.
reduce_power_norm = Primitive(
    "reduce_power_norm", _type_rule("norm", "f"), _power_norm_expand, expand=_power_norm_expand, vjp=_power_norm_vjp,
    batch=batch_along_axes, kind=Kind.REDUCTION,
)


def _logsumexp_expand(x: Any, axes: Axes) -> Any:
    top = reduce_max(x, axes=axes)
    top = choose(isfinite(top), top, 0.0)
    return add(log(reduce_sum(exp(sub(x, spread(top, x, axes))), axes=axes)), top)


@rule
def _logsumexp_vjp(i: int, g: Any, y: Any, x: Any, axes: Axes) -> Any:
    y_spread = spread(y, x, axes)
    share = choose(y_spread == -np.inf, 0, exp(x - y_spread))
    return spread(g, x, axes) * share


reduce_logsumexp = Primitive(
    "reduce_logsumexp", _type_rule("logsumexp", "f", empty=False), _logsumexp_expand, expand=_logsumexp_expand,
    vjp=_logsumexp_vjp, batch=batch_along_axes, kind=Kind.REDUCTION,
)

# --- Product: each factor's derivative is the product of the others, exact with zeros among them


@rule
def _prod_vjp(i: int, g: Any, y: Any, x: Any, axes: Axes) -> Any:
    order = kept_axes(x.ndim, axes) + axes
    moved = transpose(x, perm=order)
    flat = _merge_last(moved, len(axes))
    others = reshape(_products_before(flat) * _products_after(flat), shape=moved.shape)
    return spread(g, x, axes) * conj(transpose(others, perm=inverse_permutation(order)))


def _merge_last(x: Any, count: int) -> Any:
    kept = x.shape[: x.ndim - count]
    return reshape(x, shape=kept + (int(np.prod(x.shape[x.ndim - count :], dtype=np.int64)),))


def _products_before(x: Any) -> Any:
    return cumprod(_shifted(x, 1.0), axis=x.ndim - 1)


def _products_after(x: Any) -> Any:
    last = (x.ndim - 1,)
    return flip(_products_before(flip(x, axes=last)), axes=last)


def _shifted(x: Any, first: float) -> Any:
    """``x`` moved up by one along its last axis, ``first`` in front."""
    if x.shape[-1] == 0:
        return x
    stops = x.shape[:-1] + (x.shape[-1] - 1,)
    body = slice_(x, starts=(0,) * x.ndim, stops=stops, steps=(1,) * x.ndim)
    front = np.full(x.shape[:-1] + (1,), first, x.dtype)
    return concatenate(front, body, axis=x.ndim - 1)


reduce_prod = Primitive(
    "reduce_prod", _type_rule("prod", "iufc"), _ufunc_reduce(np.multiply), vjp=_prod_vjp, batch=batch_along_axes,
    kind=Kind.REDUCTION, combine="multiply",
)

# --- Extremes: the derivative is shared evenly among ties


@rule
def _extreme_vjp(i: int, g: Any, y: Any, x: Any, axes: Axes) -> Any:
    hit = (x == spread(y, x, axes)) | (x != x)
    hits = convert(hit, dtype=x.dtype)
    share = g / reduce_sum(hits, axes=axes)
    return choose(hit, spread(share, x, axes), 0)


reduce_max = Primitive(
    "reduce_max", _type_rule("maximum", "iuf", empty=False), _ufunc_reduce(np.maximum), vjp=_extreme_vjp,
    batch=batch_along_axes, kind=Kind.REDUCTION, combine="maximum",
)
reduce_min = Primitive(
    "reduce_min", _type_rule("minimum", "iuf", empty=False), _ufunc_reduce(np.minimum), vjp=_extreme_vjp,
    batch=batch_along_axes, kind=Kind.REDUCTION, combine="minimum",
)
reduce_and = Primitive(
    "reduce_and", _type_rule("all", "b"), _ufunc_reduce(np.logical_and), differentiable=(), batch=batch_along_axes,
    kind=Kind.REDUCTION, combine="and",
)
reduce_or = Primitive(
    "reduce_or", _type_rule("any", "b"), _ufunc_reduce(np.logical_or), differentiable=(), batch=batch_along_axes,
    kind=Kind.REDUCTION, combine="or",
)


def _arg_type(name: str) -> Callable[..., ArrayType]:
    def type_rule(x: ArrayType, axis: int) -> ArrayType:
        if x.shape[axis] == 0:
            raise ValueError(f"attempt to get {name} of an empty sequence")
        return ArrayType(x.shape[:axis] + x.shape[axis + 1 :], INDEX)

    return type_rule


argmax = Primitive(
    "argmax", _arg_type("argmax"), lambda x, axis: np.argmax(x, axis=axis), differentiable=(), batch=batch_along_axis,
    total=True,
)
argmin = Primitive(
    "argmin", _arg_type("argmin"), lambda x, axis: np.argmin(x, axis=axis), differentiable=(), batch=batch_along_axis,
    total=True,
)

# --- Scans along an axis


def _scan_type(*types: ArrayType, axis: int) -> ArrayType:
    first = types[0]
    if not 0 <= axis < first.ndim or any([t.strong != first.strong for t in types]):
        raise ValueError(f"scan: requires arrays of one type with an axis {axis}, got {', '.join(map(str, types))}.")
    return ArrayType(first.shape, first.dtype)


def _backwards(scan: Callable[..., Any], *args: Any, axis: int) -> Any:
    return flip(scan(*[flip(a, axes=(axis,)) for a in args], axis=axis), axes=(axis,))


cumsum = linear(
    "cumsum", _scan_type, lambda x, axis: np.cumsum(x, axis=axis, dtype=x.dtype),
    lambda g, x, axis: _backwards(cumsum, g, axis=axis), batch_along_axis, kind=Kind.CUMULATIVE, combine="add",
)


def _recurrence_evaluate(a: Any, b: Any, axis: int) -> np.ndarray:
    a, y = np.moveaxis(a, axis, 0), np.array(np.moveaxis(b, axis, 0))
    for i in range(1, len(y)):
        y[i] += a[i] * y[i - 1]
    return np.moveaxis(y, 0, axis)


def _next(a: Any, axis: int) -> Any:
    """``a`` moved down by one along the axis, with 0 at the end."""
    if a.shape[axis] == 0:
        return a
    at = [int(i == axis) for i in range(a.ndim)]
    tail = slice_(a, starts=tuple(at), stops=a.shape, steps=(1,) * a.ndim)
    end = np.zeros([1 if i == axis else n for i, n in enumerate(a.shape)], a.dtype)
    return concatenate(tail, end, axis=axis)


def _previous(y: Any, axis: int) -> Any:
    return _backwards(_next, y, axis=axis)


@rule
def _recurrence_vjp(i: int, g: Any, y: Any, a: Any, b: Any, axis: int) -> Any:
    b_bar = _backwards(recurrence, conj(_next(a, axis)), g, axis=axis)
    return b_bar if i == 1 else b_bar * conj(_previous(y, axis))


# y[i] = a[i] y[i-1] + b[i] along the axis.
recurrence = Primitive(
    "recurrence", _scan_type, _recurrence_evaluate, vjp=_recurrence_vjp, batch=batch_along_axis,
    kind=Kind.CUMULATIVE,
)


@rule
def _cumprod_vjp(i: int, g: Any, y: Any, x: Any, axis: int) -> Any:
    # Sums of g[j] times the product of the factors between i and j: no division, so exact at zeros.
    after = _backwards(recurrence, conj(_next(x, axis)), g, axis=axis)
    before = _previous(y, axis)
    first = np.arange(x.shape[axis]).reshape([-1 if a == axis else 1 for a in range(x.ndim)]) == 0
    return after * conj(choose(np.broadcast_to(first, x.shape), 1, before))


cumprod = Primitive(
    "cumprod", _scan_type, lambda x, axis: np.cumprod(x, axis=axis, dtype=x.dtype), vjp=_cumprod_vjp,
    batch=batch_along_axis, kind=Kind.CUMULATIVE, combine="multiply",
)

# --- Order


def _order_type(x: ArrayType, axis: int) -> ArrayType:
    return ArrayType(_scan_type(x, axis=axis).shape, INDEX)


argsort = Primitive(
    "argsort", _order_type, lambda x, axis: np.argsort(x, axis=axis, kind="stable"), differentiable=(),
    batch=batch_along_axis, total=True,
)
