"""``x.at[index]``: arrays with other values at some of their places, by scattering."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.errors import InPlaceError
from fnad.ir.types import Shape
from fnad.numpy.indexing import axes_of, getitem
from fnad.numpy.promotion import builder_of, fit, is_traced, operand, size_of
from fnad.numpy.shaping import reshaped, stand_in
from fnad.ops import indexing as places
from fnad.tracing import Builder, Tracer


class At:
    """``x.at[index]``: the ways to have an array with other values at some of its places."""

    __slots__ = ("_x",)

    def __init__(self, x: Tracer) -> None:
        self._x = x

    def __getitem__(self, index: Any) -> Updates:
        return Updates(self._x, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise InPlaceError(
            "x.at[i] = v: requires a method of x.at[i], got an assignment, but a traced array is never written to. "
            "Use x = x.at[i].set(v)."
        )


class Updates:
    """The places of an array that are to change; each method returns a new array.

    Updates are applied one after the other, so an index that occurs twice counts twice, and of two values
    that are set the last one stays.
    """

    __slots__ = ("_x", "_index")

    def __init__(self, x: Tracer, index: Any) -> None:
        self._x, self._index = x, index

    def get(self) -> Tracer:
        """The values there."""
        return getitem(self._x, self._index)

    def set(self, values: Any) -> Tracer:
        """With these values there."""
        return self._scatter(values, "set")

    def add(self, values: Any) -> Tracer:
        """With these values added."""
        return self._scatter(values, "add")

    def subtract(self, values: Any) -> Tracer:
        """With these values subtracted."""
        return self._scatter(np.negative(values), "add")

    def multiply(self, values: Any) -> Tracer:
        """With the values there multiplied by these."""
        return self._scatter(values, "mul")

    mul = multiply

    def divide(self, values: Any) -> Tracer:
        """With the values there divided by these."""
        return self._scatter(np.true_divide(1.0, values), "mul")

    def min(self, values: Any) -> Tracer:
        """With the smaller ones of the values there and these."""
        return self._scatter(values, "min")

    def max(self, values: Any) -> Tracer:
        """With the larger ones of the values there and these."""
        return self._scatter(values, "max")

    def _scatter(self, values: Any, mode: str) -> Tracer:
        index = self._index if isinstance(self._index, tuple) else (self._index,)
        builder = builder_of(self._x, values, list(index))
        x = builder.tracer(self._x)
        lead = _lead_axes(index, x.shape)
        numbers = np.arange(size_of(x.shape[:lead])).reshape(x.shape[:lead])
        at = getitem(builder.tracer(numbers), index) if is_traced(list(index)) else numbers[index]
        rest = x.shape[lead:]
        updates = self._fitted(builder, values, x, (*at.shape, *rest))
        flat, rows = reshaped(x, (numbers.size, *rest)), reshaped(updates, (size_of(at.shape), *rest))
        return reshaped(places.scatter(flat, rows, at.reshape(-1), mode=mode), x.shape)

    def _fitted(self, builder: Builder, values: Any, x: Tracer, shape: Shape) -> Tracer:
        given = operand(builder, values)
        if type(given) is Tracer:
            extra = max(given.ndim - len(shape), 0)
            if given.shape[:extra] == (1,) * extra:
                given = reshaped(given, given.shape[extra:])
            _require_fits(given.shape, shape)
            if given.dtype.kind == "c" and x.dtype.kind != "c":
                raise TypeError(f"at: requires values that fit into {x.dtype}, got {given.dtype}. Use x.astype first.")
        return fit(builder, given, x.dtype, shape)


def _require_fits(given: Shape, shape: Shape) -> None:
    try:
        np.broadcast_to(stand_in(given), shape)
    except ValueError:
        raise ValueError(
            f"shape mismatch: value array of shape {given} could not be broadcast to indexing result of shape {shape}"
        ) from None


def _lead_axes(index: tuple[Any, ...], shape: Shape) -> int:
    """How many axes an index touches, counted from the front: the others are written whole."""
    if any([part is Ellipsis for part in index]):
        return len(shape)
    arrays = (np.ndarray, Tracer, list)
    return sum([axes_of(p) if isinstance(p, arrays) else 1 for p in index if p is not None])
