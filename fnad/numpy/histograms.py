"""Counts of values: of integers, in bins along one axis, in bins of several dimensions.

Values only say where to count, so derivatives flow through weights, and through edges that are made of the values.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from fnad.ir.types import INDEX
from fnad.numpy.creation import linspace
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import arrays_of, builder_of, cast, constant, is_traced, result_dtype, size_of, traced
from fnad.numpy.reductions import max_, min_
from fnad.numpy.searching import places_in
from fnad.numpy.shaping import ravel, reshaped
from fnad.ops.elementwise import eq, select
from fnad.ops.indexing import scatter
from fnad.tracing.builder import Builder
from fnad.tracing.tracer import Tracer

FLOAT, COMPLEX = np.dtype(np.float64), np.dtype(np.complex128)

# --- Counts of integers


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: Any = 0, *, length: Any = None) -> Any:
    """Without ``length`` the largest integer must be known, for it decides the shape of the result.

    With ``length`` there are so many counts: larger integers are left out, negative ones count as 0.

    Dtypes: integers; real weights. Derivative: 1 from each weight to its sum.

    >>> bincount([0, 2, 2], [1.0, 0.5, 0.25])
    array([1.  , 0.  , 0.75])
    """
    given, w = arrays_of(x, weights)
    if given.ndim != 1:
        raise ValueError(f"object {'too deep' if given.ndim else 'of too small depth'} for desired array")
    if given.dtype.kind not in "biu":
        raise _no_cast(given.dtype, np.dtype(INDEX))
    if w is not None and w.dtype.kind == "c":
        raise _no_cast(w.dtype, FLOAT)
    if w is not None and w.shape != given.shape:
        raise ValueError("The weights and list don't have the same length.")
    if minlength is None:
        raise TypeError("use 0 instead of None for minlength")
    if operator.index(minlength) < 0:
        raise ValueError("'minlength' must not be negative")
    places = cast(given, INDEX)
    size = _length(places, minlength) if length is None else operator.index(length)
    # Of nothing the counts are integers, whatever the weights are.
    return _counts(np.clip(places, 0, size), size, None if w is None or not w.size else cast(w, FLOAT))


def _no_cast(dtype: np.dtype, wanted: np.dtype) -> TypeError:
    return TypeError(f"Cannot cast array data from {dtype!r} to {wanted!r} according to the rule 'safe'")


def _length(places: Tracer, minlength: int) -> int:
    """How many counts there are, which takes the values to know."""
    if not places.size:
        return minlength
    what = "np.bincount without length="
    if min_(places).concrete(what, lambda least: bool(least < 0)):
        raise ValueError("'list' argument must have no negative elements")
    return max(max_(places).concrete(what, int) + 1, minlength)


def _counts(places: Tracer, size: int, weights: Tracer | None) -> Tracer:
    """How often each number below ``size`` occurs, or the sum of the weights there; ``size`` is not counted."""
    given = constant(places.builder, 1, places.shape, INDEX) if weights is None else weights
    zeros = constant(places.builder, 0, (size + 1,), given.dtype)
    return scatter(zeros, given, places, mode="add")[:size]


# --- Edges


@implements(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """For bins by name the values must be known, for they decide how many there are.

    Dtypes: numbers. Derivative: through the smallest and the largest value, where no range is given.

    >>> histogram_bin_edges([0.0, 1.0, 4.0], bins=2)
    array([0., 2., 4.])
    """
    builder = builder_of(a, bins, list(range or ()), weights)
    return _edges(builder, ravel(traced(builder, a)), bins, range, weights)


def _edges(builder: Builder, a: Tracer, bins: Any, range: Any, weights: Any) -> Tracer:
    if np.ndim(bins) > 1:
        raise ValueError("`bins` must be 1d, when an array")
    if np.ndim(bins) == 1:
        if not is_traced(bins):
            given = np.asarray(bins)
            _require_rising(given[:-1], given[1:], "`bins` must increase monotonically, when an array")
        return traced(builder, bins)
    count = _number_of_bins(a, bins, range, weights)
    return _even_edges(builder, a, count, range)


def _require_rising(earlier: Any, later: Any, message: str) -> None:
    if np.any(earlier > later):
        raise ValueError(message)


def _number_of_bins(a: Tracer, bins: Any, range: Any, weights: Any) -> int:
    if isinstance(bins, str):
        values = a.concrete("np.histogram with bins by name")
        return len(np.histogram_bin_edges(values, bins, range, None if weights is None else np.ones(a.shape))) - 1
    try:
        count = operator.index(bins)
    except TypeError as error:
        raise TypeError("`bins` must be an integer, a string, or an array") from error
    if count < 1:
        raise ValueError("`bins` must be positive, when an integer")
    return count


def _even_edges(builder: Builder, a: Tracer, count: int, range: Any, dtype: np.dtype | None = None) -> Tracer:
    """The edges of bins that are equally wide, from the smallest to the largest value or in a range."""
    first, last = _outer_edges(builder, a, range)
    if dtype is None:
        dtype = result_dtype(first, last, a)
        dtype = FLOAT if dtype.kind in "iub" else dtype
    if range is not None and not is_traced(list(range)):
        return traced(builder, np.linspace(first, last, count + 1, dtype=dtype))
    first, last = (cast(traced(builder, edge), dtype) for edge in (first, last))
    is_one = eq(first, last)
    return linspace(select(is_one, first - 0.5, first), select(is_one, last + 0.5, last), count + 1, dtype=dtype)


def _outer_edges(builder: Builder, a: Tracer, range: Any) -> tuple[Any, Any]:
    if range is None:
        return (min_(a), max_(a)) if a.size else (0, 1)
    first, last = range
    if is_traced([first, last]):
        return first, last
    if first > last:
        raise ValueError("max must be larger than min in range parameter.")
    if not (np.isfinite(first) and np.isfinite(last)):
        raise ValueError(f"supplied range of [{first}, {last}] is not finite")
    return (first - 0.5, last + 0.5) if first == last else (first, last)


# --- Histograms


@implements(np.histogram)
def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """Whether traced values are finite, and traced edges rise, is not checked; bins by name as of
    `histogram_bin_edges`.

    Dtypes: numbers. Derivative: 1 from each weight to its sum, and through the edges.

    >>> histogram([0.0, 1.0, 4.0], bins=2)
    (array([2, 1]), array([0., 2., 4.]))
    """
    builder = builder_of(a, bins, list(range or ()), weights)
    x = traced(builder, a)
    w = None if weights is None else traced(builder, weights)
    if w is not None and w.shape != x.shape:
        raise ValueError("weights should have the same shape as a.")
    x, w = ravel(x), None if w is None else ravel(w)
    edges = _edges(builder, x, bins, range, weights)
    size = max(edges.size - 1, 0)
    wide = None if w is None else cast(w, COMPLEX if w.dtype.kind == "c" else FLOAT)
    counts = _counts(_bins_of(x, edges), size, wide)
    counts = counts if w is None else cast(counts, w.dtype)
    if not density:
        return counts, edges
    return counts / cast(np.diff(edges), FLOAT) / np.sum(counts), edges


def _bins_of(x: Tracer, edges: Tracer) -> Tracer:
    """The number of the bin of each value, and the number of bins where it is in none."""
    size = max(edges.size - 1, 0)
    if not size:
        return constant(x.builder, 0, x.shape, INDEX)
    places = places_in(edges, x, "right") - 1
    places = np.where(np.equal(x, edges[size]), size - 1, places)  # the last bin has its upper edge
    return np.where(places < 0, size, places)


@implements(np.histogram2d)
def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """Dtypes: real. Derivative: as of `histogramdd`.

    >>> histogram2d([0.0, 1.0], [0.0, 1.0], bins=2)[0]
    array([[1., 0.],
           [0., 1.]])
    """
    if len(x) != len(y):
        raise ValueError("x and y must have the same length.")
    if hasattr(bins, "__len__") and len(bins) not in (1, 2):
        bins = [bins, bins]
    counts, edges = histogramdd([x, y], bins, range, density, weights)
    return counts, edges[0], edges[1]


@implements(np.histogramdd)
def histogramdd(sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """Whether traced values are finite, and traced edges rise, is not checked.

    Dtypes: real. Derivative: 1 from each weight to its sum, and through the edges.

    >>> histogramdd(np.array([[0.0, 0.0], [1.0, 1.0]]), bins=2)[0]
    array([[1., 0.],
           [0., 1.]])
    """
    builder = builder_of(sample, bins, [*map(list, (r for r in range or () if r is not None))], weights)
    columns = _columns(builder, sample)
    bins, ranges = _for_each(bins, len(columns)), [None] * len(columns) if range is None else list(range)
    if len(ranges) != len(columns):
        raise ValueError("range argument must have one entry per dimension")
    edges = [_edges_along(i, builder, *each) for i, each in enumerate(zip(columns, bins, ranges))]
    w = None if weights is None else traced(builder, weights)
    if w is not None and w.dtype.kind == "c":
        raise _no_cast(w.dtype, FLOAT)
    if w is not None and w.shape != columns[0].shape:
        raise ValueError("The weights and list don't have the same length.")
    sizes = tuple([e.size - 1 for e in edges])
    counts = _counts(_cells_of(columns, edges, sizes), size_of(sizes), None if w is None else cast(w, FLOAT))
    counts = cast(reshaped(counts, sizes), FLOAT)
    return (_density(counts, edges) if density else counts), edges


def _columns(builder: Builder, sample: Any) -> list[Tracer]:
    """The values along each dimension."""
    if isinstance(sample, (list, tuple)):
        rows = np.atleast_2d(traced(builder, sample))
        return [rows[i] for i in np.arange(rows.shape[0])]
    x = traced(builder, sample)
    x = x if x.ndim == 2 else np.atleast_2d(x).T
    return [x[:, i] for i in np.arange(x.shape[1])]


def _for_each(bins: Any, dimensions: int) -> list[Any]:
    if not hasattr(bins, "__len__"):
        return [bins] * dimensions
    if len(bins) != dimensions:
        raise ValueError("The dimension of bins must be equal to the dimension of the sample x.")
    return list(bins)


def _edges_along(i: int, builder: Builder, x: Tracer, bins: Any, range: Any) -> Tracer:
    """The edges along dimension i."""
    if np.ndim(bins) == 1:
        if not is_traced(bins):
            given = np.asarray(bins)
            message = f"`bins[{i}]` must be monotonically increasing, when an array"
            _require_rising(given[:-1], given[1:], message)
        return traced(builder, bins)
    if np.ndim(bins) > 1:
        raise ValueError(f"`bins[{i}]` must be a scalar or 1d array")
    if bins < 1:
        raise ValueError(f"`bins[{i}]` must be positive, when an integer")
    try:
        count = operator.index(bins)
    except TypeError as error:
        raise TypeError(f"`bins[{i}]` must be an integer, when a scalar") from error
    return _even_edges(builder, x, count, range, FLOAT)


def _cells_of(columns: Sequence[Tracer], edges: Sequence[Tracer], sizes: Sequence[int]) -> Tracer:
    """The number of the cell of each point, and the number of cells where it is in none."""
    cell: Any = 0
    inside: Any = True
    for x, e, size in zip(columns, edges, sizes):
        places = _bins_of(x, e)
        cell, inside = cell * size + places, inside & (places < size)
    return np.where(inside, cell, size_of(sizes))


def _density(counts: Tracer, edges: Sequence[Tracer]) -> Tracer:
    total = np.sum(counts)
    for i, e in enumerate(edges):
        widths = np.diff(e)
        counts = counts / reshaped(widths, tuple([widths.size if i == k else 1 for k in np.arange(len(edges))]))
    return counts / total
