"""``x.at[index]``: arrays with other values at some of their places, by scattering."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.errors import InPlaceError
from fnad.ir.types import Shape
from fnad.numpy.dispatch import evaluated
from fnad.numpy.indexing import axes_of, getitem
from fnad.numpy.promotion import builder_of, fit, is_traced, operand, size_of
from fnad.numpy.shaping import reshaped, stand_in
from fnad.ops.indexing import scatter
from fnad.tracing import Builder, Tracer


class At:
    """``x.at[index]``: the ways to have an array with other values at some of its places."""

    __slots__ = ("_x",)

    def __init__(self, x: Any) -> None:
        self._x = x if isinstance(x, Tracer) else np.asarray(x)

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

    def __init__(self, x: Any, index: Any) -> None:
        self._x, self._index = x, index

    def get(self) -> Any:
        """The values there."""
        return _got(self._x, index=self._index)

    def set(self, values: Any) -> Any:
        """With these values there."""
        return self._scatter(values, "set")

    def add(self, values: Any) -> Any:
        """With these values added."""
        return self._scatter(values, "add")

    def subtract(self, values: Any) -> Any:
        """With these values subtracted."""
        return self._scatter(np.negative(values), "add")

    def multiply(self, values: Any) -> Any:
        """With the values there multiplied by these."""
        return self._scatter(values, "mul")

    mul = multiply

    def divide(self, values: Any) -> Any:
        """With the values there divided by these."""
        return self._scatter(np.true_divide(1.0, values), "mul")

    def min(self, values: Any) -> Any:
        """With the smaller ones of the values there and these."""
        return self._scatter(values, "min")

    def max(self, values: Any) -> Any:
        """With the larger ones of the values there and these."""
        return self._scatter(values, "max")

    def _scatter(self, values: Any, mode: str) -> Any:
        return _scattered(self._x, values, index=self._index, mode=mode)


def at(a: Any) -> At:
    """``at(a)[i].set(v)`` and its like: ``a`` with other values at some of its places, for any array.

    The methods are ``set add subtract multiply divide min max`` and ``get``. A traced array has the same
    as an attribute, ``x.at[i].set(v)``.

    >>> at(np.zeros(3))[[0, 0, 2]].add(1.0)
    array([2., 0., 1.])
    """
    return At(a)


@evaluated
def _got(x: Any, *, index: Any) -> Any:
    return getitem(x, index)


@evaluated
def _scattered(x: Any, values: Any, *, index: Any, mode: str) -> Any:
    index = index if isinstance(index, tuple) else (index,)
    builder = builder_of(x, values, list(index))
    x = builder.tracer(x)
    lead = _lead_axes(index, x.shape)
    numbers = np.arange(size_of(x.shape[:lead])).reshape(x.shape[:lead])
    places = getitem(builder.tracer(numbers), index) if is_traced(list(index)) else numbers[index]
    rest = x.shape[lead:]
    rows = _fitted(builder, values, x, (*places.shape, *rest))
    flat, rows = reshaped(x, (numbers.size, *rest)), reshaped(rows, (size_of(places.shape), *rest))
    return reshaped(scatter(flat, rows, places.reshape(-1), mode=mode), x.shape)


def _fitted(builder: Builder, values: Any, x: Tracer, shape: Shape) -> Tracer:
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
