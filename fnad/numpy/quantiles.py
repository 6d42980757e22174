"""Quantiles and medians: elements of sorted rows, and what lies between two of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.ir.types import INDEX
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.nan_reductions import nanmean
from fnad.numpy.promotion import Axes, all_axes, builder_of, cast, constant, is_traced, spread_to, traced
from fnad.numpy.reductions import FLOAT, UNSET, floating, mean
from fnad.numpy.shaping import permuted, reshaped
from fnad.numpy.statistics import weights_of
from fnad.ops import reductions as ops
from fnad.ops.elementwise import isnan, select
from fnad.ops.searching import searchsorted, shared
from fnad.tracing.tracer import Tracer

# --- Where a quantile lies in n sorted numbers: between which of them, and where there. Of arrays and traced values


def _stretched(alpha: float, beta: float) -> Callable[[Any, Any], Any]:
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


def _stepped(index: Any, stays: Callable[[Any, Any], Any]) -> Any:
    """The place below an index where it stays there, else the one above it."""
    below = np.floor(index)
    place = np.where(stays(index - below, below), below, below + 1)
    return np.maximum(place.astype(INDEX), 0)


def _as_it_is(gamma: Any, index: Any) -> Any:
    return gamma


_Method = tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any] | None]
METHODS: dict[str, _Method] = {
    "inverted_cdf": (lambda n, q: _stepped(n * q - 1, lambda gamma, below: gamma == 0), None),
    "averaged_inverted_cdf": (lambda n, q: n * q - 1, lambda gamma, index: np.where(gamma == 0, 0.5, 1.0)),
    "closest_observation": (
        lambda n, q: _stepped(n * q - 1 - 0.5, lambda gamma, below: (gamma == 0) & (below % 2 == 1)), None,
    ),
    "interpolated_inverted_cdf": (_stretched(0, 1), _as_it_is),
    "hazen": (_stretched(0.5, 0.5), _as_it_is),
    "weibull": (_stretched(0, 0), _as_it_is),
    "linear": (lambda n, q: (n - 1) * q, _as_it_is),
    "median_unbiased": (_stretched(1 / 3.0, 1 / 3.0), _as_it_is),
    "normal_unbiased": (_stretched(3 / 8.0, 3 / 8.0), _as_it_is),
    "lower": (lambda n, q: np.floor((n - 1) * q).astype(INDEX), None),
    "higher": (lambda n, q: np.ceil((n - 1) * q).astype(INDEX), None),
    "midpoint": (
        lambda n, q: 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q)),
        lambda gamma, index: np.where(index % 1 == 0, 0.0, 0.5),
    ),
    "nearest": (lambda n, q: np.around((n - 1) * q).astype(INDEX), None),
}
"""For each method the place, a real number or an integer, and the weight of the upper of its two neighbours."""

# --- Rows


def _rows(x: Tracer, axes: Axes) -> Tracer:
    """The elements along some axes as the last axis."""
    rest = tuple([i for i in range(x.ndim) if i not in axes])
    moved = permuted(x, rest + axes)
    n = int(np.prod(moved.shape[len(rest) :], dtype=INDEX))
    return reshaped(moved, (*moved.shape[: len(rest)], n))


def _sorted(rows: Tracer) -> tuple[Tracer, Tracer]:
    """Sorted rows, in which equal elements share their cotangents evenly, and where the elements come from."""
    order = ops.argsort(rows, axis=rows.ndim - 1)
    ordered = np.take_along_axis(rows, order, -1)
    if rows.dtype.kind not in "fc" or not rows.shape[-1]:
        return ordered, order
    first = constant(rows.builder, True, (*rows.shape[:-1], 1), np.dtype(bool))
    begins = np.concatenate([first, ordered[..., 1:] != ordered[..., :-1]], axis=-1)
    number = np.cumsum(cast(begins, INDEX)) - 1
    return reshaped(shared(reshaped(ordered, (rows.size,)), number), rows.shape), order


def _at(rows: Tracer, places: Any, q_ndim: int) -> Tracer:
    """Elements of rows at places of the shape of q, or of it and the rows' own; the axes of q come first."""
    if places.ndim == q_ndim:
        return np.moveaxis(rows[..., places], tuple(range(rows.ndim - 1, rows.ndim - 1 + q_ndim)), tuple(range(q_ndim)))
    flat = np.moveaxis(places.reshape(-1, *rows.shape[:-1]), 0, -1)
    found = np.take_along_axis(rows, flat, -1)
    return np.moveaxis(found, -1, 0).reshape(places.shape)


# --- The quantile of sorted rows


def _between(rows: Tracer, q: Any, count: Any, method: str, is_weak: bool) -> Tracer:
    """The quantiles of sorted rows, of which the first ``count`` numbers count."""
    if method not in METHODS:
        raise ValueError(f"{method!r} is not a valid method. Use one of: {METHODS.keys()}")
    place, weight = METHODS[method]
    q_ndim = np.ndim(q)
    index = place(count, q if type(count) is not Tracer else np.reshape(q, np.shape(q) + (1,) * count.ndim))
    index = index if type(index) is Tracer else np.asarray(index)
    if weight is None or method == "linear" and index.dtype.kind in "iu":
        return _at(rows, index, q_ndim)
    below = np.floor(index)
    last, lowest = index >= count - 1, index < 0
    lower = np.where(last, -1, np.where(lowest, 0, below)).astype(INDEX)
    upper = np.where(last, -1, np.where(lowest, 0, below + 1)).astype(INDEX)
    gamma = weight(index - lower, index).astype(index.dtype)
    if type(count) is Tracer:
        lower, upper = (np.where(p < 0, np.maximum(count.astype(INDEX) - 1, 0), p) for p in (lower, upper))
    a, b = _at(rows, lower, q_ndim), _at(rows, upper, q_ndim)
    if is_weak:
        gamma = gamma.astype(a.dtype if a.dtype.kind == "f" else FLOAT)
    if gamma.ndim < a.ndim:
        gamma = gamma.reshape(gamma.shape + (1,) * (a.ndim - gamma.ndim))
    return _mixed(a, b, gamma)


def _mixed(a: Tracer, b: Tracer, t: Any) -> Tracer:
    """Between a and b, from the one that is nearer."""
    distance = b - a
    return np.where(t >= 0.5, b - distance * (1 - t), a + distance * t)


def _weighted(rows: Tracer, weights: Tracer, order: Tracer, q: Any) -> Tracer:
    """The quantiles of sorted rows by the inverse of the distribution that weights give."""
    sums = np.cumsum(cast(np.take_along_axis(weights, order, -1), FLOAT), axis=-1)
    shares = sums / sums[..., -1:]
    sought = traced(rows.builder, q)
    shares = cast(shares, sought.dtype) if sought.dtype.kind == "f" else shares
    # What has no weight is not the one that q = 0 finds.
    shares = select(shares == 0, constant(rows.builder, -1, shares.shape, shares.dtype), shares)
    flat = spread_to(cast(sought, shares.dtype).reshape(-1), (*rows.shape[:-1], sought.size))
    places = np.minimum(searchsorted(shares, flat, side="left"), rows.shape[-1] - 1)
    found = np.moveaxis(np.take_along_axis(rows, places, -1), -1, 0)
    return reshaped(found, sought.shape + rows.shape[:-1])


# --- What users call


def _quantile(
    a: Any, q: Any, axis: Any, out: Any, method: str, keepdims: Any, weights: Any, percent: bool = False,
    without_nan: bool = False,
) -> Tracer:
    name = f"np.{'nan' * without_nan}{'percentile' if percent else 'quantile'}"
    refuse_out(name, out)
    builder = builder_of(a, q, weights)
    x = traced(builder, a)
    if x.dtype.kind == "c":
        raise TypeError("a must be an array of real numbers")
    is_weak = type(q) in (int, float) or type(q) is Tracer and q.type.weak
    share = _as_share(builder, q, percent)
    axes = all_axes(axis, x.ndim)
    if weights is not None:
        weights = _valid_weights(builder, weights, x, axis, method)
    if without_nan and not x.size:
        return nanmean(x, axis, keepdims=keepdims)
    rows, order = _sorted(_rows(x, axes))
    y = _of_rows(rows, order, share, method, is_weak, None if weights is None else _rows(weights, axes), without_nan)
    if keepdims is UNSET or not keepdims:
        return y
    return reshaped(y, y.shape[: np.ndim(share)] + tuple([1 if i in axes else n for i, n in enumerate(x.shape)]))


def _as_share(builder: Any, q: Any, percent: bool) -> Any:
    """What is asked for as numbers from 0 to 1, or NumPy's error."""
    share = traced(builder, q) if is_traced(q) else np.asarray(q)
    share = np.true_divide(share, 100) if percent else share
    if type(share) is not Tracer:
        share = np.asarray(share)
        if share.size and not (share.min() >= 0 and share.max() <= 1):
            raise ValueError(
                "Percentiles must be in the range [0, 100]" if percent else "Quantiles must be in the range [0, 1]"
            )
    if share.ndim > 2:
        raise ValueError("q must be a scalar or 1d")
    return share


def _valid_weights(builder: Any, weights: Any, x: Tracer, axis: Any, method: str) -> Tracer:
    if method != "inverted_cdf":
        raise ValueError(f"Only method 'inverted_cdf' supports weights. Got: {method}.")
    if not is_traced(weights):
        given = np.asarray(weights)
        if np.any(given < 0):
            raise ValueError("Weights must be non-negative.")
        if not np.all(np.isfinite(given)) or given.size and not np.any(given):
            raise ValueError("Weights included NaN, inf or were all zero.")
    return weights_of(traced(builder, weights), x, axis)


def _of_rows(
    rows: Tracer, order: Tracer, q: Any, method: str, is_weak: bool, weights: Tracer | None, without_nan: bool
) -> Tracer:
    n = rows.shape[-1]
    if not n and 0 not in rows.shape[:-1]:
        raise IndexError("index -1 is out of bounds for axis 0 with size 0")
    missing = isnan(rows) if rows.dtype.kind == "f" else None
    if without_nan and missing is not None:
        if weights is None:
            count = n - np.count_nonzero(missing, axis=-1)
            return _between(rows, q, count, method, is_weak)
        nothing = constant(rows.builder, 0, rows.shape, weights.dtype)
        weights = select(np.take_along_axis(missing, np.argsort(order), -1), nothing, weights)
    y = _between(rows, q, n, method, is_weak) if weights is None else _weighted(rows, weights, order, q)
    if missing is None or without_nan:
        return y
    last = cast(rows[..., n - 1], y.dtype)
    return np.where(missing[..., n - 1], last, y)


@implements(np.quantile)
def quantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: Any = False, *, weights: Any = None,
) -> Any:
    """Of equal elements each has the same share of the derivative.

    Dtypes: real. Derivatives: in the two neighbours the weights of the interpolation, in q its slope.

    >>> quantile([3.0, 1.0, 2.0], 0.75)
    np.float64(2.5)
    """
    return _quantile(a, q, axis, out, method, keepdims, weights)


@implements(np.percentile)
def percentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: Any = False, *, weights: Any = None,
) -> Any:
    """Dtypes: real. Derivative: as of `quantile`.

    >>> percentile([3.0, 1.0, 2.0], 75)
    np.float64(2.5)
    """
    return _quantile(a, q, axis, out, method, keepdims, weights, percent=True)


@implements(np.nanquantile)
def nanquantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: Any = UNSET, *, weights: Any = None,
) -> Any:
    """Dtypes: real. Derivative: as of `quantile`, and 0 at nan.

    >>> nanquantile([3.0, 1.0, np.nan, 2.0], 0.75)
    np.float64(2.5)
    """
    return _quantile(a, q, axis, out, method, keepdims, weights, without_nan=True)


@implements(np.nanpercentile)
def nanpercentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: Any = UNSET, *, weights: Any = None,
) -> Any:
    """Dtypes: real. Derivative: as of `quantile`, and 0 at nan.

    >>> nanpercentile([3.0, 1.0, np.nan, 2.0], 75)
    np.float64(2.5)
    """
    return _quantile(a, q, axis, out, method, keepdims, weights, percent=True, without_nan=True)


# --- Medians


@implements(np.median)
def median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False) -> Any:
    """Dtypes: numbers. Derivative: 1 in the middle element; the two middle ones and equal ones share it evenly.

    >>> median([3.0, 1.0, 2.0])
    np.float64(2.0)
    """
    refuse_out("np.median", out)
    return _median(a, axis, keepdims, without_nan=False)


@implements(np.nanmedian)
def nanmedian(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = UNSET) -> Any:
    """Dtypes: numbers. Derivative: as of `median`, and 0 at nan.

    >>> nanmedian([3.0, np.nan, 1.0, 2.0])
    np.float64(2.0)
    """
    refuse_out("np.nanmedian", out)
    return _median(a, axis, keepdims, without_nan=True)


def _median(a: Any, axis: Any, keepdims: Any, without_nan: bool) -> Tracer:
    x = floating(traced(builder_of(a), a))
    axes = all_axes(axis, x.ndim)
    rows, _ = _sorted(_rows(x, axes))
    n = rows.shape[-1]
    if n == 0:
        y = constant(x.builder, np.nan, rows.shape[:-1], x.dtype)
    elif without_nan:
        count = (n - np.count_nonzero(isnan(rows), axis=-1))[..., None]
        middle = np.concatenate([np.maximum(count - 1, 0) // 2, np.minimum(count // 2, n - 1)], axis=-1)
        y = mean(np.take_along_axis(rows, middle, -1), axis=-1)
    else:
        last = rows[..., n - 1]
        middle = mean(rows[..., (n - 1) // 2 : n // 2 + 1], axis=-1)  # also of a single one: -0.0 becomes 0.0
        y = select(isnan(last), last, middle)
    if keepdims is UNSET or not keepdims:
        return y
    return reshaped(y, tuple([1 if i in axes else m for i, m in enumerate(x.shape)]))
