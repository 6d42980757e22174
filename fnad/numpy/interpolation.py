"""Linear interpolation between knots."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import builder_of, cast, constant, is_traced, traced
from fnad.numpy.searching import places_in
from fnad.numpy.shaping import reshaped
from fnad.ops.elementwise import eq, isnan, maximum, minimum, select
from fnad.ops.indexing import gather
from fnad.ops.shaping import concatenate
from fnad.tracing.tracer import Tracer

REAL, COMPLEX = np.dtype(np.float64), np.dtype(np.complex128)


@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """At a knot the slope is the mean of both; a period that is traced is not checked.

    Dtypes: real, and complex values. Derivatives: the slope s in x, weights of two knots in fp, these times -s in xp.

    >>> interp(1.5, [1.0, 2.0], [10.0, 20.0])
    np.float64(15.0)
    """
    builder = builder_of(x, xp, fp, left, right, period)
    at, knots, values = traced(builder, x), traced(builder, xp), traced(builder, fp)
    dtype = COMPLEX if values.dtype.kind == "c" else REAL
    _require_real(at, "x"), _require_real(knots, "xp")
    at, knots, values = cast(at, REAL), cast(knots, REAL), cast(values, dtype)
    if period is not None and not is_traced(period) and period == 0:
        raise ValueError("period must be a non-zero value")
    if knots.ndim != 1 or values.ndim != 1:
        deep = "object too deep for desired array"
        raise ValueError("Data points must be 1-D sequences" if period is not None else deep)
    if not knots.size:
        raise ValueError("array of sample points is empty")
    if knots.shape != values.shape:
        raise ValueError("fp and xp are not of the same length.")
    if period is not None:
        at, knots, values = _around(at, knots, values, period)
        left = right = None
    flat = reshaped(at, (at.size,))
    y = _interpolated(flat, knots, values)
    for end, place, is_beyond in ((left, 0, flat < knots[0]), (right, -1, flat > knots[-1])):
        outside = values[place] if end is None else cast(traced(builder, end), dtype)
        y = np.where(is_beyond, outside, y)
    if knots.size > 1:
        y = select(isnan(flat), cast(flat, dtype), y)
    return reshaped(y, at.shape)


def _require_real(x: Tracer, name: str) -> None:
    if x.dtype.kind == "c":
        raise TypeError(
            "Cannot cast array data from dtype('complex128') to dtype('float64') according to the rule 'safe'"
        )


def _around(x: Tracer, knots: Tracer, values: Tracer, period: Any) -> tuple[Tracer, Tracer, Tracer]:
    """A place, and knots in one period and the nearest ones beyond it."""
    period = abs(period)
    x, knots = x % period, knots % period
    order = np.argsort(knots)
    knots, values = gather(knots, order), gather(values, order)
    knots = np.concatenate([knots[-1:] - period, knots, knots[:1] + period])
    return x, knots, np.concatenate([values[-1:], values, values[:1]])


def _interpolated(x: Tracer, knots: Tracer, values: Tracer) -> Tracer:
    """The lines between knots at x, each drawn from the knot to its left; constant beyond the ends."""
    n = knots.size
    place = maximum(places_in(knots, x, "right") - 1, 0)
    slopes = _slopes(knots, values)
    here, there = gather(knots, place), gather(values, place)
    behind, before = gather(slopes, place + 1), gather(slopes, place)
    # The mean of both slopes at a knot, where it makes no difference to the value.
    is_knot = eq(x, here)
    slope = np.where(is_knot, (before + behind) / 2, behind)
    y = slope * (x - here) + there
    # As NumPy has it for values that are infinite: from the knot to the right, then the value if both are the same.
    after = minimum(place + 1, n - 1)
    right, beyond = gather(knots, after), gather(values, after)
    from_right = slope * (x - right) + beyond
    from_right = np.where(isnan(from_right) & eq(there, beyond), there, from_right)
    return np.where(isnan(y), np.where(is_knot, there, from_right), y)


def _slopes(knots: Tracer, values: Tracer) -> Tracer:
    """The slopes between knots, and 0 before the first and behind the last one; 0 where the value jumps."""
    width = knots[1:] - knots[:-1]
    jumps = width == 0
    between = np.where(jumps, 0.0, (values[1:] - values[:-1]) / np.where(jumps, 1.0, width))
    flat = constant(values.builder, 0, (1,), values.dtype)
    return concatenate(flat, between, flat, axis=0)
