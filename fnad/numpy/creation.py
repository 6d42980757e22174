"""Making arrays.

Inside of a traced function a new array is traced, so that it can be written to; elsewhere what is not made of traced
values is an ordinary array.
"""

from __future__ import annotations

import inspect
import operator
from functools import wraps
from typing import Any

import numpy as np

from fnad.arrays import PYTHON_SCALARS, is_numeric
from fnad.errors import boundary
from fnad.ir.types import Shape
from fnad.numpy.aliases import own, view
from fnad.numpy.dispatch import RULES, implements
from fnad.numpy.documents import documented, documents
from fnad.numpy.promotion import (
    array_of, builder_of, cast, constant, is_traced, operand, result_dtype, spread_to, traced,
)
from fnad.numpy.shaping import cast_to, reshaped, stand_in
from fnad.ops import shaping as ops
from fnad.ops.elementwise import add, div, eq, floor, mul, select, sub
from fnad.ownership import in_c_order
from fnad.tracing.state import current_builder
from fnad.tracing.tracer import Tracer


def _filled(make: Any, value: int) -> Any:
    """A function that makes an array of one value: inside of a traced function one that can be written to."""

    @boundary
    @wraps(make)
    def function(shape: Any, dtype: Any = None, order: Any = "C", *, device: Any = None, like: Any = None) -> Any:
        builder, target = current_builder(), np.dtype(dtype)
        if builder is None or not is_numeric(target):
            return make(shape, dtype, order, device=device, like=like)
        make(0, dtype, order, device=device, like=like)  # raises for what else is wrong
        return constant(builder, value, _shape(shape), target)

    return function


def known(make: Any) -> Any:
    """A function that makes an array of known values: inside of a traced function one that can be written to."""

    @boundary
    @wraps(make)
    def function(*args: Any, **kwargs: Any) -> Any:
        return writable(make(*args, **kwargs))

    return function


def writable(array: Any) -> Any:
    """A new array as one that a traced function can write to."""
    builder = current_builder()
    is_made = builder is not None and type(array) is np.ndarray and is_numeric(array.dtype)
    return builder.constant(array) if is_made else array


def _of_arrays_too(function: Any) -> Any:
    """A function that makes an array like another one: inside of a traced function also if that is ordinary."""
    rule = inspect.unwrap(function)

    @boundary
    @wraps(function)
    def made(a: Any, *args: Any, **kwargs: Any) -> Any:
        return (function if current_builder() is None else rule)(a, *args, **kwargs)

    return made


def _shape(shape: Any) -> Shape:
    return np.broadcast_to(False, shape).shape


def _shown(function: Any, example: str) -> Any:
    """A function that was made of NumPy's, with its text."""
    text = f"""Inside of a traced function the result can be written to.

    Dtypes: all. Derivative: none.

    {example}
    """
    function.__doc__ = documented(inspect.unwrap(function), text)
    return function


zeros = _shown(_filled(np.zeros, 0), ">>> zeros(2)\n    array([0., 0.])")
ones = _shown(_filled(np.ones, 1), ">>> ones(2)\n    array([1., 1.])")
empty = _shown(_filled(np.empty, 0), ">>> empty((2, 3)).shape\n    (2, 3)")
eye = _shown(known(np.eye), ">>> eye(2)\n    array([[1., 0.],\n           [0., 1.]])")
identity = _shown(known(np.identity), ">>> identity(2)\n    array([[1., 0.],\n           [0., 1.]])")
tri = _shown(known(np.tri), ">>> tri(2)\n    array([[1., 0.],\n           [1., 1.]])")


@documents(np.array)
@boundary
def array(
    object: Any, dtype: Any = None, *, copy: Any = True, order: Any = "K", subok: bool = False, ndmin: int = 0,
    like: Any = None,
) -> Any:
    """Nested lists may hold traced values. The result is an array of its own, which can be written to.

    Dtypes: all. Derivative: 1.

    >>> array([[1, 2], [3, 4]], dtype=np.float32)
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """
    if not is_traced(object):
        made = np.array(object, dtype, copy=copy, order=order, subok=subok, ndmin=ndmin, like=like)
        return writable(in_c_order(made, [object]) if order == "K" else made)
    x = asarray(object, dtype, order, copy=copy)
    return view(x, reshaped(x, (1,) * (ndmin - x.ndim) + x.shape))


@documents(np.asarray)
@boundary
def asarray(a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: Any = None) -> Any:
    """Nested lists may hold traced values. A traced array is its own.

    Dtypes: all. Derivative: 1.

    >>> asarray([1.0, 2.0])
    array([1., 2.])
    """
    if not is_traced(a):
        return np.asarray(a, dtype, order, device=device, copy=copy)
    np.asarray(_NOTHING, order=order, device=device)  # raises for what they cannot be
    x = traced(builder_of(a), a)
    found = x if dtype is None else cast_to(x, dtype)
    if copy is False and found is not a:
        raise ValueError("Unable to avoid copy while creating an array as requested.")
    return own(found) if copy and found is a else found


_NOTHING = np.zeros(0)


@documents(np.full)
@boundary
def full(
    shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", *, device: Any = None, like: Any = None
) -> Any:
    """The value may be traced; inside of a traced function the result can be written to.

    Dtypes: all. Derivative: 1 in the value, summed over the elements.

    >>> full((2, 2), 0.5)
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    np.full(0, 0, None, order, device=device, like=like)  # raises for what they cannot be
    if not is_traced(fill_value):
        array, builder = np.asarray(fill_value, dtype), current_builder()
        if builder is None or array.ndim or not is_numeric(array.dtype):
            return writable(np.full(shape, fill_value, dtype, order))
        return constant(builder, array[()], _shape(shape), array.dtype)
    x = asarray(fill_value, dtype)
    return own(spread_to(x, np.broadcast_to(stand_in(x.shape), shape).shape))


def _like(a: Any, value: Any, dtype: Any, shape: Any, device: Any) -> Tracer:
    np.asarray(_NOTHING, device=device)  # raises for what is no device of NumPy's
    builder = current_builder() or builder_of(a, value)
    x = traced(builder, a) if is_traced(a) else np.asarray(a)
    target = x.dtype if dtype is None else np.dtype(dtype)
    shape = x.shape if shape is None else _shape(shape)
    if type(value) in PYTHON_SCALARS:
        return constant(builder, value, shape, target)
    return own(spread_to(cast(traced(builder, value), target), shape))


@_of_arrays_too
@implements(np.zeros_like)
def zeros_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    """Inside of a traced function the result can be written to.

    Dtypes: all. Derivative: none.

    >>> zeros_like([1.0, 2.0])
    array([0., 0.])
    """
    return _like(a, 0, dtype, shape, device)


@_of_arrays_too
@implements(np.ones_like)
def ones_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    """Inside of a traced function the result can be written to.

    Dtypes: all. Derivative: none.

    >>> ones_like([1.0, 2.0])
    array([1., 1.])
    """
    return _like(a, 1, dtype, shape, device)


@_of_arrays_too
@implements(np.empty_like)
def empty_like(
    prototype: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *,
    device: Any = None,
) -> Any:
    """Inside of a traced function the result can be written to, and is filled with 0.

    Dtypes: all. Derivative: none.

    >>> empty_like([1.0, 2.0]).shape
    (2,)
    """
    return _like(prototype, 0, dtype, shape, device)


@_of_arrays_too
@implements(np.full_like)
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *,
    device: Any = None,
) -> Any:
    """Inside of a traced function the result can be written to.

    Dtypes: all. Derivative: 1 in the value, summed over the elements.

    >>> full_like([1.0, 2.0], 0.5)
    array([0.5, 0.5])
    """
    return _like(a, fill_value, dtype, shape, device)


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """Dtypes: all. Derivative: 1.

    >>> copy([1.0, 2.0])
    array([1., 2.])
    """
    return own(array_of(a))


@known
@implements(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0, *, device: Any = None,
) -> Any:
    """Dtypes: numbers. Derivative: 1 - t in the start and t in the stop, t from 0 to 1.

    >>> linspace(0.0, 1.0, 5)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    np.asarray(_NOTHING, device=device)  # raises for what is no device of NumPy's
    builder, num = builder_of(start, stop), operator.index(num)
    first, last = traced(builder, start), traced(builder, stop)
    common = np.result_type(result_dtype(operand(builder, start), operand(builder, stop)), float(num))
    first, last = np.broadcast_arrays(cast(first, common), cast(last, common))
    gaps = num - 1 if endpoint else num
    distance = sub(last, first)
    step = div(distance, gaps) if gaps > 0 else constant(builder, np.nan, distance.shape, common)
    points = add(_offsets(num, gaps, distance, step), spread_to(first, (num, *first.shape)))
    if endpoint and num > 1:
        points = ops.concatenate(points[:-1], reshaped(last, (1, *last.shape)), axis=0)
    points = np.moveaxis(points, 0, axis)
    if dtype is not None and np.dtype(dtype).kind in "iu":
        points = floor(points)
    points = points if dtype is None else cast_to(points, dtype)
    return (points, step) if retstep else points


def _offsets(num: int, gaps: int, distance: Tracer, step: Tracer) -> Tracer:
    """The distances of the points from the first one."""
    shape = (num, *distance.shape)
    number = distance.builder.tracer(np.arange(num, dtype=distance.dtype).reshape(-1, *[1] * distance.ndim))
    number, distances = spread_to(number, shape), spread_to(distance, shape)
    if gaps <= 0:
        return mul(number, distances)
    # As NumPy has it for all steps where one is zero: the distance may be one of the smallest numbers.
    is_lost = spread_to(RULES[np.any](eq(step, 0.0)), shape)
    return select(is_lost, mul(div(number, gaps), distances), mul(number, spread_to(step, shape)))


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """Dtypes: all. Derivative: 1, summed over the places of an element.

    >>> meshgrid([1, 2], [3, 4])
    (array([[1, 2],
           [1, 2]]), array([[3, 3],
           [4, 4]]))
    """
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    builder = builder_of(*xi)
    xs = [traced(builder, x) for x in xi]
    order = list(range(len(xs)))
    if indexing == "xy" and len(xs) > 1:
        order[:2] = [1, 0]
    grids = [reshaped(x, tuple([x.size if i == at else 1 for i in range(len(xs))])) for x, at in zip(xs, order)]
    grids = [own(g) for g in grids] if copy else grids
    if sparse:
        return tuple(grids)
    shape = np.broadcast_shapes(*[g.shape for g in grids])
    return tuple([spread_to(g, shape) for g in grids])
