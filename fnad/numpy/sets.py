"""Arrays as sets: what is in them, once each.

How many elements a set has depends on values. Where Python may ask for them the number is a known value; where it may
not, or for one program for all numbers, ``size`` says how many there are to be.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from fnad.ir.types import INDEX
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import (
    arrays_of, builder_of, cast, constant, one_axis, result_dtype, size_of, spread_to, traced,
)
from fnad.numpy.searching import order_of, picked, places_in, places_where
from fnad.numpy.shaping import ravel, reshaped
from fnad.ops import elementwise as ops
from fnad.ops import reductions
from fnad.ops.indexing import gather, scatter
from fnad.ops.searching import shared
from fnad.tracing.tracer import Tracer

# --- Equal elements side by side


class _Runs(NamedTuple):
    """The slices of an array in their order: runs of equal ones, which share their cotangents evenly."""

    values: Tracer
    order: Tracer
    """The places that they come from."""
    begins: Tracer
    """Whether a run begins at a place."""
    number: Tracer
    """The number of the run at a place."""


def _runs_of(x: Tracer, equal_nan: bool = True) -> _Runs:
    """The runs of the slices along the first axis; of nan, where all are one, if slices are numbers."""
    n = x.shape[0]
    columns = reshaped(x, (n, size_of(x.shape[1:])))
    if x.ndim == 1:
        order = reductions.argsort(x, axis=0)
    elif columns.shape[1]:
        order = order_of([columns[:, j] for j in reversed(range(columns.shape[1]))], 0)
    else:
        order = traced(x.builder, np.arange(n))
    rows = gather(x, order)
    begins = _begins(rows, equal_nan)
    number = np.cumsum(cast(begins, INDEX)) - 1
    return _Runs(shared(rows, number), order, begins, number)


def _begins(rows: Tracer, equal_nan: bool) -> Tracer:
    """Whether a slice differs from the one before it."""
    n = rows.shape[0]
    later, earlier = rows[1:], rows[:-1]
    differs = np.any(reshaped(ops.ne(later, earlier), (max(n - 1, 0), size_of(rows.shape[1:]))), axis=1)
    if equal_nan and rows.ndim == 1 and rows.dtype.kind in "fc":
        differs = differs & ~(ops.isnan(later) & ops.isnan(earlier))
    return np.concatenate([constant(rows.builder, True, (min(n, 1),), differs.dtype), differs])


# --- Distinct elements


@implements(np.unique)
def unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: Any = None, *,
    equal_nan: bool = True, sorted: bool = True, size: Any = None, fill_value: Any = None,
) -> Any:
    """They are sorted. Without ``size`` their number must be known; with it there are so many.

    With ``size``, further values are ``fill_value`` or, without one, the first value, and their counts are 0.

    Dtypes: all. Derivative: 1 from each value, shared evenly among the elements that are equal to it.

    >>> unique([3.0, 1.0, 3.0])
    array([1., 3.])
    """
    x = traced(builder_of(ar), ar)
    at = 0 if axis is None else one_axis(axis, x.ndim)
    rows = ravel(x) if axis is None else np.moveaxis(x, at, 0)
    runs = _runs_of(rows, equal_nan)
    found = np.count_nonzero(runs.begins)
    count = found.concrete("np.unique without size=", int) if size is None else operator.index(size)
    places = places_where(runs.begins, count + 1)
    values, index = _firsts(runs, places[:-1], fill_value)
    results = [values if axis is None else np.moveaxis(values, 0, at)]
    if return_index:
        results.append(index)
    if return_inverse:
        inverse = scatter(constant(x.builder, 0, runs.number.shape, INDEX), runs.number, runs.order, mode="set")
        results.append(reshaped(inverse, x.shape) if axis is None else inverse)
    if return_counts:
        results.append(places[1:] - places[:-1])
    return results[0] if len(results) == 1 else tuple(results)


def _firsts(runs: _Runs, places: Tracer, fill_value: Any) -> tuple[Tracer, Tracer]:
    """The first slices of runs, and where they come from; beyond the last run those of the first one, or a number."""
    rows, n = runs.values, runs.values.shape[0]
    fill = constant(rows.builder, 0 if fill_value is None else fill_value, (), rows.dtype)
    if not n:
        return spread_to(fill, (places.size, *rows.shape[1:])), places
    is_found = places < n
    inside = np.where(is_found, places, 0)
    values = gather(rows, inside)
    if fill_value is not None:
        values = np.where(reshaped(is_found, (places.size,) + (1,) * (rows.ndim - 1)), values, fill)
    return values, gather(runs.order, inside)


_All, _Counts, _Inverse = (type(f(np.zeros(0))) for f in (np.unique_all, np.unique_counts, np.unique_inverse))


@implements(np.unique_all)
def unique_all(x: Any, /, *, size: Any = None, fill_value: Any = None) -> Any:
    """Each nan is a value of its own; ``size`` and the rest as of `unique`.

    Dtypes: all. Derivative: that of `unique` through the values.

    >>> unique_all([2.0, 1.0, 2.0]).counts
    array([1, 2])
    """
    return _All(*unique(x, True, True, True, equal_nan=False, size=size, fill_value=fill_value))


@implements(np.unique_counts)
def unique_counts(x: Any, /, *, size: Any = None, fill_value: Any = None) -> Any:
    """Each nan is a value of its own; ``size`` and the rest as of `unique`.

    Dtypes: all. Derivative: that of `unique` through the values.

    >>> unique_counts([2.0, 1.0, 2.0]).values
    array([1., 2.])
    """
    return _Counts(*unique(x, return_counts=True, equal_nan=False, size=size, fill_value=fill_value))


@implements(np.unique_inverse)
def unique_inverse(x: Any, /, *, size: Any = None, fill_value: Any = None) -> Any:
    """Each nan is a value of its own; ``size`` and the rest as of `unique`.

    Dtypes: all. Derivative: that of `unique` through the values.

    >>> unique_inverse([2.0, 1.0, 2.0]).inverse_indices
    array([1, 0, 1])
    """
    return _Inverse(*unique(x, return_inverse=True, equal_nan=False, size=size, fill_value=fill_value))


@implements(np.unique_values)
def unique_values(x: Any, /, *, size: Any = None, fill_value: Any = None) -> Any:
    """They are sorted, each nan a value of its own; ``size`` and the rest as of `unique`.

    Dtypes: all. Derivative: that of `unique`.

    >>> unique_values([2.0, 2.0])
    array([2.])
    """
    return unique(x, equal_nan=False, size=size, fill_value=fill_value)


# --- Sets together


@implements(np.union1d)
def union1d(ar1: Any, ar2: Any, *, size: Any = None, fill_value: Any = None) -> Any:
    """The number of values as of `unique`.

    Dtypes: all. Derivative: that of `unique` of all elements.

    >>> union1d([1.0, 3.0], [2.0, 3.0])
    array([1., 2., 3.])
    """
    first, second = arrays_of(ar1, ar2)
    return unique(np.concatenate([ravel(first), ravel(second)]), size=size, fill_value=fill_value)


def _as_set(x: Tracer, assume_unique: bool) -> _Runs:
    """The runs of all elements; those that are known to differ are as many runs."""
    runs = _runs_of(ravel(x))
    return runs._replace(begins=constant(x.builder, True, (x.size,), np.dtype(bool))) if assume_unique else runs


@implements(np.intersect1d)
def intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False, *, size: Any = None,
    fill_value: Any = None,
) -> Any:
    """The number of values as of `unique`; with ``size``, further values and indices are ``fill_value`` or 0.

    Dtypes: all. Derivative: 1 from each value, shared evenly among the equal elements of the first array.

    >>> intersect1d([1.0, 3.0, 3.0], [2.0, 3.0])
    array([3.])
    """
    first, second = arrays_of(ar1, ar2)
    runs, other = _as_set(first, assume_unique), ravel(second)
    mask = runs.begins & _is_member(runs.values, other)
    given = "np.intersect1d", size, fill_value
    values = picked(cast(runs.values, result_dtype(first, second)), mask, *given)
    if not return_indices:
        return values
    order = reductions.argsort(other, axis=0)
    places = places_in(gather(other, order), runs.values)
    theirs = gather(order, ops.minimum(places, other.size - 1)) if other.size else places
    return values, picked(runs.order, mask, *given), picked(theirs, mask, *given)


@implements(np.setdiff1d)
def setdiff1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, *, size: Any = None, fill_value: Any = None
) -> Any:
    """The number of values as of `unique`; with ``size``, further values are ``fill_value`` or 0.

    Dtypes: all. Derivative: 1 from each value, shared evenly among the elements that are equal to it.

    >>> setdiff1d([1.0, 2.0, 3.0], [2.0])
    array([1., 3.])
    """
    first, second = arrays_of(ar1, ar2)
    if assume_unique:
        values, mask = ravel(first), True
    else:
        values, _, mask, _ = _runs_of(ravel(first))
    kept = ~_is_member(values, ravel(second)) & mask
    return picked(values, kept, "np.setdiff1d", size, fill_value)


@implements(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False, *, size: Any = None, fill_value: Any = None) -> Any:
    """The number of values as of `unique`; with ``size``, further values are ``fill_value`` or 0.

    Dtypes: all. Derivative: 1 from each value, shared evenly among the elements that are equal to it.

    >>> setxor1d([1.0, 2.0], [2.0, 3.0])
    array([1., 3.])
    """
    first, second = arrays_of(ar1, ar2)
    sets = [_as_set(x, assume_unique) for x in (first, second)]
    values = np.concatenate([runs.values for runs in sets])
    pairs = zip(sets, reversed(sets))
    mask = np.concatenate([runs.begins & ~_is_member(runs.values, other.values) for runs, other in pairs])
    order = reductions.argsort(values, axis=0)
    given = "np.setxor1d", size, fill_value
    return picked(gather(values, order), gather(mask, order), *given)


@implements(np.isin)
def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None
) -> Any:
    """Dtypes: all. Derivative: none.

    >>> isin([1.0, 2.0], [2.0, 3.0])
    array([False,  True])
    """
    x, tests = arrays_of(element, test_elements)
    _require_kind(kind, x, tests)
    found = reshaped(_is_member(ravel(x), ravel(tests)), x.shape)
    return ~found if invert else found


def _require_kind(kind: Any, x: Tracer, tests: Tracer) -> None:
    """Raise as NumPy for a way of searching that is none, or none for these dtypes."""
    np.isin(np.zeros(0, x.dtype), np.zeros(1, tests.dtype), kind=kind)


def _is_member(x: Tracer, tests: Tracer) -> Tracer:
    """Whether elements of an array of one axis are among those of another one."""
    dtype = result_dtype(x, tests)
    x, tests = cast(x, dtype), cast(tests, dtype)
    if not tests.size:
        return constant(x.builder, False, x.shape, np.dtype(bool))
    ordered = gather(tests, reductions.argsort(tests, axis=0))
    places = ops.minimum(places_in(ordered, x), tests.size - 1)
    return ops.eq(gather(ordered, places), x)
