"""Arrays with a border around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.numpy.aliases import own
from fnad.numpy.dispatch import RULES, implements
from fnad.numpy.joining import taken
from fnad.numpy.promotion import array_of, builder_of, cast, is_traced, operand, spread_to, traced
from fnad.numpy.shaping import reshaped, stand_in, window
from fnad.ops import shaping as ops
from fnad.ops.elementwise import mul, sub
from fnad.tracing.tracer import Tracer

Pair = tuple[Any, Any]


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """With the mode "empty" the border of a traced value is 0.

    Dtypes: all. Derivative: 1 inside, and from the border to what it repeats.

    >>> pad([1.0, 2.0], 1, mode="edge")
    array([1., 1., 2., 2.])
    """
    x = array_of(array) if is_traced(array) else traced(builder_of(*kwargs.values()), array)
    widths = _widths(pad_width, x.ndim)
    if callable(mode):
        return _by_function(x, widths, mode, kwargs)
    _require_meant(x, mode, kwargs)
    if mode == "constant":
        return _with_constants(x, widths, kwargs.get("constant_values", 0))
    if mode == "empty" or not x.size:
        _require_elements(x, widths, mode)
        return _with_zeros(x, widths)
    options = [_OPTIONS[name](value, x.ndim) for name, value in kwargs.items()] or [[None] * x.ndim]
    x = own(x)
    for axis, (width, option) in enumerate(zip(widths, options[0])):
        if width != (0, 0):
            x = _MODES[mode](x, axis, width, mode, option)
    return x


# --- Arguments


def _pairs(value: Any, ndim: int) -> list[Pair]:
    """One pair for each axis, from one number or pair for all of them or one for each."""
    array = np.asarray(value)
    if array.ndim < 3 and (array.size == 1 or array.size == 2 and array.shape != (2, 1)):
        # Scalars of NumPy's, which an array of another dtype takes as they are converted.
        return [tuple(np.broadcast_to(array.reshape(-1), 2))] * ndim
    return [tuple(pair) for pair in np.broadcast_to(array, (ndim, 2)).tolist()]


def _counts(value: Any, ndim: int) -> list[Pair]:
    """Pairs of numbers of elements; ``None`` is all that there are."""
    if value is None:
        return [(None, None)] * ndim
    counts = np.round(np.asarray(value)).astype(np.intp)
    if np.any(counts < 0):
        raise ValueError("index can't contain negative values")
    return [(int(first), int(second)) for first, second in _pairs(counts, ndim)]


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        widths: list[Any] = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            widths[axis] = (width, width) if isinstance(width, int) else width
        pad_width = widths
    if np.asarray(pad_width).dtype.kind != "i":
        raise TypeError("`pad_width` must be of integral type.")
    return _counts(pad_width, ndim)


def _require_meant(x: Tracer, mode: Any, kwargs: dict[str, Any]) -> None:
    """NumPy's errors of modes and keywords."""
    shapes = {name: stand_in(operand(x.builder, v).shape) if is_traced(v) else v for name, v in kwargs.items()}
    if "stat_length" in kwargs:
        shapes["stat_length"] = 1  # none of 0 elements, of which NumPy would warn here already
        if mode in ("maximum", "minimum") and 0 in np.ravel(_counts(kwargs["stat_length"], x.ndim)):
            raise ValueError("stat_length of 0 yields no value for padding")
    np.pad(np.zeros((1,) * x.ndim), 0, mode, **shapes)


def _require_elements(x: Tracer, widths: Sequence[tuple[int, int]], mode: str) -> None:
    empty = [axis for axis, width in enumerate(widths) if not x.shape[axis] and width != (0, 0)]
    if empty and mode != "empty":
        raise ValueError(f"can't extend empty axis {empty[0]} using modes other than 'constant' or 'empty'")


_OPTIONS: dict[str, Callable[..., Any]] = {
    "stat_length": _counts, "reflect_type": lambda kind, ndim: [kind] * ndim,
    "end_values": lambda values, ndim: _values(values, ndim),
}


def _values(values: Any, ndim: int) -> list[Pair]:
    """One pair of numbers for each axis, of which some may be traced."""
    if not is_traced(values):
        return _pairs(values, ndim)
    x = traced(builder_of(values), values)
    places = _pairs(np.arange(x.size).reshape(x.shape), ndim)
    flat = reshaped(x, (x.size,))
    return [(flat[first], flat[second]) for first, second in places]


# --- Numbers


def _with_zeros(x: Tracer, widths: Sequence[tuple[int, int]]) -> Tracer:
    low, high = tuple([w[0] for w in widths]), tuple([w[1] for w in widths])
    return ops.pad(x, low=low, high=high, interior=(0,) * x.ndim)


def _with_constants(x: Tracer, widths: Sequence[tuple[int, int]], values: Any) -> Tracer:
    if isinstance(values, (int, float)) and values == 0:
        return _with_zeros(x, widths)
    for axis, (width, ends) in enumerate(zip(widths, _values(values, x.ndim))):
        front, back = [_border(x, axis, n, value) for n, value in zip(width, ends)]
        x = ops.concatenate(front, x, back, axis=axis)
    return x


def _border(x: Tracer, axis: int, width: int, value: Any) -> Tracer:
    """So many slices that are all the same."""
    return spread_to(_like(x, value), (*x.shape[:axis], width, *x.shape[axis + 1 :]))


def _like(x: Tracer, value: Any) -> Tracer:
    """A value in the dtype of an array, as where it is written into it."""
    if isinstance(value, Tracer):
        return cast(value, x.dtype)
    number = np.zeros((), x.dtype)
    number[()] = value
    return x.builder.tracer(number[()])


# --- Elements once more


def _repeating(x: Tracer, axis: int, width: Pair, mode: str, _: Any) -> Tracer:
    return taken(x, np.pad(np.arange(x.shape[axis]), width, mode), axis)


def _reflecting(x: Tracer, axis: int, width: Pair, mode: str, kind: Any) -> Tracer:
    if kind != "odd":
        return _repeating(x, axis, width, mode, None)
    if mode == "reflect" and x.shape[axis] == 1:
        return _repeating(x, axis, width, "edge", None)
    return _oddly_reflecting(x, axis, width, with_edge=mode == "symmetric")


def _oddly_reflecting(x: Tracer, axis: int, width: tuple[int, int], with_edge: bool) -> Tracer:
    """Reflections at the points at both ends, as often as they are needed, in whole periods of the array."""
    left, right = width
    period = x.shape[axis] - (not with_edge)
    while left or right:
        n, skipped = x.shape[axis], int(not with_edge)
        most = (n - skipped) // period * period
        low, high = min(most, left), min(most, right)
        front = _turned(x, axis, (skipped, skipped + low), (0, 1))
        # The back is the reflection of what the front has made longer, as NumPy goes along.
        x = ops.concatenate(front, x, axis=axis) if low else x
        end = x.shape[axis]
        back = _turned(x, axis, (end - skipped - high, end - skipped), (end - 1, end))
        x = ops.concatenate(x, back, axis=axis) if high else x
        left, right = left - low, right - high
    return x


def _turned(x: Tracer, axis: int, part: tuple[int, int], edge: tuple[int, int]) -> Tracer:
    """The reflection of a part at the point of an edge."""
    point, turned = window(x, axis, *edge), ops.flip(window(x, axis, *part), axes=(axis,))
    if x.dtype.kind == "b":
        return _turned(cast(x, np.dtype(np.int64)), axis, part, edge) != 0
    return sub(spread_to(mul(point, 2), turned.shape), turned)


# --- Ramps and statistics


def _ramping(x: Tracer, axis: int, width: tuple[int, int], mode: str, ends: Pair) -> Tracer:
    n = x.shape[axis]
    edges = [window(x, axis, 0, 1), window(x, axis, n - 1, n)]
    ramps = [
        RULES[np.linspace](end, np.squeeze(edge, axis), number, endpoint=False, dtype=x.dtype, axis=axis)
        for end, edge, number in zip(ends or (0, 0), edges, width)
    ]
    return ops.concatenate(ramps[0], x, ops.flip(ramps[1], axes=(axis,)), axis=axis)


_STATISTICS = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}


def _summarizing(x: Tracer, axis: int, width: tuple[int, int], mode: str, lengths: Any) -> Tracer:
    """A statistic of the elements that are next to a side."""
    n = x.shape[axis]
    first, last = [n if length is None else min(length, n) for length in lengths or (None, None)]
    borders = []
    for part, number in zip([window(x, axis, 0, first), window(x, axis, n - last, n)], width):
        found = RULES[_STATISTICS[mode]](part, axis=axis, keepdims=True)
        found = RULES[np.round](found) if x.dtype.kind in "iu" else found
        borders.append(_border(x, axis, number, found))
    return ops.concatenate(borders[0], x, borders[1], axis=axis)


_MODES: dict[str, Callable[..., Tracer]] = {
    "edge": _repeating, "wrap": _repeating, "reflect": _reflecting, "symmetric": _reflecting, "linear_ramp": _ramping,
    **dict.fromkeys(_STATISTICS, _summarizing),
}

# --- What a function of the user's writes


def _by_function(x: Tracer, widths: Sequence[tuple[int, int]], function: Any, kwargs: dict[str, Any]) -> Tracer:
    """Each vector of the array with zeros around goes through the function, which writes to it."""
    padded = own(_with_zeros(x, widths))
    for axis, width in enumerate(widths):
        rows = np.moveaxis(padded, axis, -1)
        for index in np.ndindex(rows.shape[:-1]):
            function(rows[(*index, ...)], width, axis, kwargs)
    return padded
