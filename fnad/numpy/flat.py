"""Arrays as if they had one axis: ``x.flat``, `numpy.put` and `numpy.place`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fnad.numpy.aliases import layout_of, own
from fnad.numpy.dispatch import RULES, implements
from fnad.numpy.indexing import getitem
from fnad.numpy.promotion import cast, is_traced, traced
from fnad.numpy.shaping import reshaped
from fnad.numpy.taking import kept_inside, numbers
from fnad.numpy.updates import fitted
from fnad.numpy.writing import require_traced, setitem
from fnad.ops.elementwise import maximum, select
from fnad.tracing.tracer import Tracer


class Flat:
    """``x.flat``: the elements in C order; what is written to them is written to the array."""

    __slots__ = ("base", "index")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, x: Tracer) -> None:
        self.base = x
        self.index = 0

    @property
    def coords(self) -> tuple[int, ...]:
        """Where the element is that comes next."""
        return tuple([int(i) for i in np.unravel_index(self.index, self.base.shape)])

    def _row(self) -> Tracer:
        return reshaped(self.base, (self.base.size,))

    def copy(self) -> Tracer:
        """The elements as an array."""
        return own(self._row())

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Tracer]:
        return self

    def __next__(self) -> Tracer:
        if self.index >= len(self):
            raise StopIteration
        self.index += 1
        return getitem(self._row(), self.index - 1)

    def __getitem__(self, index: Any) -> Tracer:
        return own(getitem(self._row(), _required(index)))

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, tuple) and not index:
            raise IndexError("Assigning to a flat iterator with a 0-D index is not supported")
        x, index = self.base, _required(index)
        values = RULES[np.ravel](fitted(x.builder, value, x, np.shape(value), "x.flat[i] = v"))
        shape = getitem(self._row(), index).shape
        if shape == () and values.size != 1:
            raise ValueError("Error setting single item of array.")
        if not values.size:
            return
        values = reshaped(_repeated(values, int(np.prod(shape))), shape)
        if layout_of(x).flags.c_contiguous:
            return setitem(RULES[np.reshape](x, -1), index, values)
        row = self.copy()
        setitem(row, index, values)
        setitem(x, Ellipsis, reshaped(row, x.shape))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "at" or any([type(target) is Flat for target in kwargs.get("out", ())]):
            raise self._no_array(ufunc.__name__)
        return getattr(ufunc, method)(*map(_as_array, inputs), **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in _WRITES and type(args[0]) is Flat:
            raise self._no_array(function.__name__)
        return function(*map(_as_array, args), **{name: _as_array(value) for name, value in kwargs.items()})

    def _no_array(self, name: str) -> TypeError:
        return TypeError(f"np.{name}: requires an array to write to, got x.flat. Write x.flat[i] = v.")

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.base, dtype).reshape(-1)


_WRITES = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}


def _compared(operation: Callable[[Any, Any], Any]) -> Callable[[Flat, Any], Any]:
    return lambda self, other: operation(self.copy(), _as_array(other))


for _name in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
    setattr(Flat, _name, _compared(getattr(operator, _name)))


def _as_array(value: Any) -> Any:
    """A value in which what is flat is an array."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_as_array, value))
    return value.copy() if type(value) is Flat else value


def _required(index: Any) -> Any:
    """An index of the elements, without new axes and without truth values that name no place."""
    (index,) = index if isinstance(index, tuple) and len(index) == 1 else (index,)
    if index is None or isinstance(index, (bool, np.bool_)):
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`) and integer or boolean arrays are valid indices"
        )
    return index


def _repeated(values: Tracer, count: int) -> Tracer:
    """So many values, from the first one again after the last."""
    return values if values.size == count else RULES[np.take](values, np.arange(count) % values.size)


def set_flat(x: Tracer, value: Any) -> None:
    """``x.flat = value``."""
    Flat(x)[...] = value


@implements(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Values are repeated as often as needed.

    Dtypes: all. Derivative: 1 in the values that are written, 0 in what they replace.

    >>> x = np.zeros(3)
    >>> put(x, [0, 2], 5.0)
    >>> x
    array([5., 0., 5.])
    """
    require_traced(a, "np.put")
    index, values = numbers(a.builder, ind), RULES[np.ravel](traced(a.builder, v))
    if mode != "raise":
        index = kept_inside(traced(a.builder, index), a.size, mode)
    index = RULES[np.ravel](index) if type(index) is Tracer else np.ravel(index)
    if values.size:
        Flat(a)[index] = values[: index.size]


@implements(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """The mask need not be known; values are repeated as often as needed.

    Dtypes: all. Derivative: 1 in the values that are written, 0 in what they replace.

    >>> x = np.zeros(3)
    >>> place(x, np.array([True, False, True]), [5.0])
    >>> x
    array([5., 0., 5.])
    """
    require_traced(arr, "np.place")
    builder = arr.builder
    chosen = RULES[np.ravel](cast(traced(builder, mask), np.dtype(bool)))
    if chosen.size != arr.size:
        raise ValueError("place: mask and data must be the same size")
    values = RULES[np.ravel](fitted(builder, vals, arr, np.shape(vals), "np.place"))
    if not values.size:
        if is_traced(mask) or np.any(mask):
            raise ValueError("Cannot insert from an empty array!")
        return
    counts = RULES[np.cumsum](chosen) - 1
    own_values = RULES[np.take](values, maximum(counts, 0) % values.size)
    setitem(arr, Ellipsis, reshaped(select(chosen, own_values, reshaped(arr, (arr.size,))), arr.shape))
