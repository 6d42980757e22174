"""Hypothesis strategies for what numerical code takes: shapes, arrays in every memory layout, pytrees.

>>> from hypothesis import given
>>> @given(x=arrays(dtype=np.float32, layouts=LAYOUTS))
... def test_negation_is_its_own_inverse(x):
...     np.testing.assert_array_equal(-(-x), x)
>>> test_negation_is_its_own_inverse()
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

__all__ = [
    "arrays", "Box", "broadcastable_shapes", "in_layout", "LAYOUTS", "numbers", "Pair", "pytrees", "shapes",
    "SPECIAL_VALUES",
]
__dir__ = __all__.copy

Shape = tuple[int, ...]

SPECIAL_VALUES = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan)


class Pair(NamedTuple):
    """The namedtuple that `pytrees` draws.

    >>> Pair(1.0, None)
    Pair(first=1.0, second=None)
    """

    first: Any
    second: Any


@dataclass
class Box:
    """The dataclass that `pytrees` draws.

    >>> Box(1.0, None)
    Box(content=1.0, label=None)
    """

    content: Any
    label: Any = None


# --- Shapes


def shapes(max_dims: int = 3, max_side: int = 4, min_dims: int = 0, min_side: int = 0) -> st.SearchStrategy[Shape]:
    """Shapes of arrays, also ``()`` and, unless ``min_side`` forbids it, of no element.

    Args:
        max_dims: the most axes.
        max_side: the largest size of an axis.
        min_dims: the fewest axes.
        min_side: the smallest size of an axis.

    Returns:
        A strategy of tuples of integers.

    Raises:
        hypothesis.errors.InvalidArgument: when drawn, a bound is beyond the other.

    >>> from hypothesis import find
    >>> find(shapes(), lambda shape: len(shape) == 2)
    (0, 0)
    """
    return st.lists(st.integers(min_side, max_side), min_size=min_dims, max_size=max_dims).map(tuple)


def broadcastable_shapes(
    count: int = 2, max_dims: int = 3, max_side: int = 4, min_side: int = 0
) -> st.SearchStrategy[tuple[Shape, ...]]:
    """Tuples of ``count`` shapes that broadcast against each other.

    Args:
        count: the number of shapes.
        max_dims: the most axes.
        max_side: the largest size of an axis.
        min_side: the smallest size of an axis.

    Returns:
        A strategy of tuples of shapes.

    Raises:
        hypothesis.errors.InvalidArgument: when drawn, a bound is beyond the other.

    >>> from hypothesis import given
    >>> @given(broadcastable_shapes(count=3))
    ... def test_their_sum_has_their_common_shape(three):
    ...     assert sum(np.zeros(shape) for shape in three).shape == np.broadcast_shapes(*three)
    >>> test_their_sum_has_their_common_shape()
    """
    together = hnp.mutually_broadcastable_shapes(
        num_shapes=count, min_dims=0, max_dims=max_dims, min_side=min_side, max_side=max_side
    )
    return together.map(lambda found: found.input_shapes)


# --- Arrays


def _reversed(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.flip(np.flip(x).copy()))


def _strided(x: np.ndarray) -> np.ndarray:
    wide = np.zeros([2 * n for n in x.shape], x.dtype)
    view = wide[(..., *[slice(None, None, 2)] * x.ndim)]
    view[...] = x
    return view


def _read_only(x: np.ndarray) -> np.ndarray:
    x = np.array(x)
    x.flags.writeable = False
    return x


def _broadcast(x: np.ndarray) -> np.ndarray:
    """The first element along the first axis, repeated with a stride of 0."""
    return np.broadcast_to(x[:1], x.shape) if x.ndim else x


_LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "C": lambda x: np.array(x, order="C"),
    "F": lambda x: np.array(x, order="F"),
    "reversed": _reversed,
    "strided": _strided,
    "read-only": _read_only,
    "broadcast": _broadcast,
}
LAYOUTS = tuple(_LAYOUTS)


def in_layout(x: np.ndarray, layout: str) -> np.ndarray:
    """An array of equal values in a memory layout of `LAYOUTS`; for ``"broadcast"`` the first row, repeated.

    Args:
        x: an array of any shape and dtype.
        layout: one of `LAYOUTS`.

    Returns:
        An array of the same shape and dtype.

    Raises:
        KeyError: there is no such layout.

    >>> in_layout(np.arange(3), "reversed").strides
    (-8,)
    """
    return _LAYOUTS[layout](x)


def arrays(
    shape: Shape | st.SearchStrategy[Shape] | None = None,
    dtype: Any = np.float64,
    elements: st.SearchStrategy[Any] | None = None,
    special_values: bool = False,
    layouts: Sequence[str] = ("C",),
) -> st.SearchStrategy[np.ndarray]:
    """Arrays of a shape, dtype and layout, or of any of several.

    Args:
        shape: a shape or a strategy of shapes; by default ``shapes()``.
        dtype: a dtype or a strategy of dtypes.
        elements: the elements; by default numbers between -8 and 8.
        special_values: whether signed zeros, infinities and nan are among the elements.
        layouts: the memory layouts to draw from; `LAYOUTS` names them all.

    Returns:
        A strategy of arrays.

    Raises:
        TypeError: ``dtype`` is no dtype.

    >>> from hypothesis import find
    >>> find(arrays(shape=(2,), dtype=np.int32), lambda x: x[0] != x[1])
    array([0, 1], dtype=int32)
    """
    dtypes = dtype if isinstance(dtype, st.SearchStrategy) else st.just(np.dtype(dtype))

    def of_dtype(chosen: Any) -> st.SearchStrategy[np.ndarray]:
        drawn = elements if elements is not None else numbers(chosen, special_values)
        return hnp.arrays(chosen, shapes() if shape is None else shape, elements=drawn)

    return st.builds(in_layout, dtypes.flatmap(of_dtype), st.sampled_from(tuple(layouts)))


def numbers(dtype: Any, special_values: bool = False, low: float = -8, high: float = 8) -> st.SearchStrategy[Any]:
    """Numbers of a dtype between two bounds, and, if asked for, signed zeros, infinities and nan.

    Args:
        dtype: a dtype.
        special_values: whether `SPECIAL_VALUES` are drawn too.
        low: the smallest number, or part of a complex one.
        high: the largest.

    Returns:
        A strategy of Python numbers that the dtype can hold.

    Raises:
        TypeError: ``dtype`` is no dtype.

    >>> numbers(bool)
    booleans()
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return st.booleans()
    if dtype.kind in "iu":
        return st.integers(max(int(np.ceil(low)), np.iinfo(dtype).min), min(int(high), np.iinfo(dtype).max))
    width = 8 * np.empty(0, dtype).real.itemsize
    drawn = st.floats(float(np.float32(low)), float(np.float32(high)), width=width, allow_subnormal=False)
    if special_values:
        drawn = drawn | st.sampled_from(SPECIAL_VALUES)
    return st.builds(complex, drawn, drawn) if dtype.kind == "c" else drawn


# --- Pytrees


def pytrees(leaves: st.SearchStrategy[Any] | None = None, max_leaves: int = 6) -> st.SearchStrategy[Any]:
    """Nested dicts, lists, tuples, namedtuples, dataclasses and ``None`` around leaves, by default arrays.

    Args:
        leaves: a strategy of leaves.
        max_leaves: the number of leaves to stay about below.

    Returns:
        A strategy of pytrees.

    Raises:
        hypothesis.errors.InvalidArgument: when drawn, ``leaves`` is no strategy.

    >>> from hypothesis import find
    >>> find(pytrees(st.just(1.0)), lambda tree: isinstance(tree, Box))
    Box(content=None, label=None)
    """
    leaves = arrays(shapes(max_dims=2, max_side=3)) if leaves is None else leaves
    return st.recursive(st.none() | leaves, _nodes, max_leaves=max_leaves)


def _nodes(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.dictionaries(st.sampled_from("abc"), children, max_size=3),
        st.lists(children, max_size=3),
        st.lists(children, max_size=3).map(tuple),
        st.builds(Pair, children, children),
        st.builds(Box, children, children),
    )
