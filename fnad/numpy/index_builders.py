"""Index arrays: of triangles and diagonals, of grids, of places in a flat array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.ir.types import INDEX, Shape
from fnad.numpy.dispatch import implements
from fnad.numpy.documents import as_it_is
from fnad.numpy.promotion import array_of, as_places, builder_of, constant, is_traced, traced
from fnad.numpy.shaping import reshaped, stand_in
from fnad.numpy.taking import kept_inside
from fnad.tracing.tracer import Tracer

# --- Of sizes alone, which are known: NumPy's own arrays


def _of_sizes(function: Callable[..., Any], example: str) -> Callable[..., Any]:
    return as_it_is(function, f"Dtypes: integer. Derivative: none.\n\n    >>> {example}\n    ")


tril_indices = _of_sizes(np.tril_indices, "tril_indices(2)\n    (array([0, 1, 1]), array([0, 0, 1]))")
triu_indices = _of_sizes(np.triu_indices, "triu_indices(2)\n    (array([0, 0, 1]), array([0, 1, 1]))")
diag_indices = _of_sizes(np.diag_indices, "diag_indices(2)\n    (array([0, 1]), array([0, 1]))")
mask_indices = _of_sizes(np.mask_indices, (
    "import numpy as np\n    >>> mask_indices(2, np.triu)\n    (array([0, 0, 1]), array([0, 1, 1]))"
))
indices = _of_sizes(np.indices, "indices((1, 2))\n    array([[[0, 0]],\n    <BLANKLINE>\n           [[0, 1]]])")
broadcast_shapes = as_it_is(np.broadcast_shapes, """It takes shapes alone.

    Dtypes: none. Derivative: none.

    >>> broadcast_shapes((3, 1), (2,))
    (3, 2)
    """)
fromfunction = as_it_is(np.fromfunction, """The function may give traced values, and be given some by keyword.

    Dtypes: all. Derivative: the function's own.

    >>> fromfunction(lambda i, j, step: step * i + j, (2, 2), step=2.0)
    array([[0., 1.],
           [2., 3.]])
    """)


@implements(np.tril_indices_from)
def tril_indices_from(arr: Any, k: int = 0) -> Any:
    """Dtypes: all. Derivative: none.

    >>> tril_indices_from(np.ones((2, 2)))
    (array([0, 1, 1]), array([0, 0, 1]))
    """
    return np.tril_indices_from(stand_in(array_of(arr).shape), k)


@implements(np.triu_indices_from)
def triu_indices_from(arr: Any, k: int = 0) -> Any:
    """Dtypes: all. Derivative: none.

    >>> triu_indices_from(np.ones((2, 2)))
    (array([0, 0, 1]), array([0, 1, 1]))
    """
    return np.triu_indices_from(stand_in(array_of(arr).shape), k)


@implements(np.diag_indices_from)
def diag_indices_from(arr: Any) -> Any:
    """Dtypes: all. Derivative: none.

    >>> diag_indices_from(np.ones((2, 2)))
    (array([0, 1]), array([0, 1]))
    """
    return np.diag_indices_from(stand_in(array_of(arr).shape))


@implements(np.ix_)
def ix_(*args: Any) -> Any:
    """Dtypes: all; truth values must be known. Derivative: 1.

    >>> ix_([0, 1], [2])[0]
    array([[0],
           [1]])
    """
    builder = builder_of(*args)
    sequences = [traced(builder, a) if is_traced(a) else a for a in args]
    sequences = [a.concrete("a mask of np.ix_") if type(a) is Tracer and a.dtype.kind == "b" else a for a in sequences]
    ones = np.ix_(*[stand_in(a.shape, np.int8) if type(a) is Tracer else a for a in sequences])
    return tuple([reshaped(a, one.shape) if type(a) is Tracer else one for a, one in zip(sequences, ones)])


# --- Places in an array as numbers of its elements


@implements(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    """With the mode "raise" nothing is raised for traced places beyond the shape.

    Dtypes: integer. Derivative: none.

    >>> ravel_multi_index((1, [0, 2]), (2, 3))
    array([3, 5])
    """
    builder = builder_of(multi_index)
    shape = tuple(dims)
    places = [_integers(traced(builder, part)) for part in multi_index]
    modes = [mode] * len(shape) if isinstance(mode, str) else list(mode)
    np.ravel_multi_index([0] * len(places), [1] * len(shape), mode, order)  # raises for what does not fit
    places = [p if m == "raise" else kept_inside(p, n, m) for p, n, m in zip(places, shape, modes)]
    total: Any = constant(builder, 0, (), INDEX)
    for place, stride in zip(places, _strides(shape, order)):
        total = total + place * stride
    return total


@implements(np.unravel_index)
def unravel_index(indices: Any, shape: Any, order: str = "C") -> Any:
    """Nothing is raised for traced numbers beyond the last element.

    Dtypes: integer. Derivative: none.

    >>> unravel_index([3, 5], (2, 3))
    (array([1, 1]), array([0, 2]))
    """
    number = _integers(array_of(indices))
    sizes = tuple(shape) if np.ndim(shape) else (int(shape),)
    np.unravel_index(stand_in((0,) * number.ndim, INDEX), sizes, order)  # raises for what cannot be
    return tuple([number // stride % n for n, stride in zip(sizes, _strides(sizes, order))])


def _integers(x: Tracer) -> Tracer:
    if x.dtype.kind not in "biu":
        raise TypeError("only int indices permitted")
    return as_places(x)


def _strides(shape: Sequence[int], order: str) -> Shape:
    """By how many elements the places along each axis are apart."""
    inner_first = shape if order == "F" else shape[::-1]
    strides = [1, *[int(n) for n in np.cumprod(inner_first[:-1], dtype=INDEX)]][: len(shape)]
    return tuple(strides if order == "F" else strides[::-1])
