"""Reshaping, transposing and broadcasting; other dtypes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from fnad.arrays import is_numeric
from fnad.errors import warn
from fnad.ir.program import Literal
from fnad.ir.types import ArrayType, Shape
from fnad.numpy.aliases import layout_of, own, view
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import array_of, builder_of, cast, one_axis, size_of, spread_to, traced
from fnad.ops import shaping as ops
from fnad.tracing.tracer import Tracer


def stand_in(shape: Shape, dtype: Any = bool) -> np.ndarray:
    """An array of a shape that takes no memory: to let NumPy find a result's shape, or the error."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def reshaped(x: Tracer, shape: Shape) -> Tracer:
    """``x`` in a shape that is known to fit."""
    t = x.atom.type
    if t.shape == shape:
        return x
    return x.builder.emit(ops.reshape, (x.atom,), {"shape": shape}, ArrayType(shape, t.dtype, t.weak))


def permuted(x: Tracer, perm: tuple[int, ...]) -> Tracer:
    """``x`` with its axes in an order that is known to be right."""
    t = x.atom.type
    return x.builder.emit(
        ops.transpose, (x.atom,), {"perm": perm}, ArrayType(tuple([t.shape[p] for p in perm]), t.dtype, t.weak)
    )


# --- One array in another shape


@implements(np.reshape)
def reshape(a: Any, /, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None) -> Any:
    """A view where NumPy gives one, for an array that was computed as if it lay in C order.

    Dtypes: all. Derivative: the cotangent in the array's own shape.

    >>> reshape([1.0, 2.0, 3.0, 4.0], (2, 2))
    array([[1., 2.],
           [3., 4.]])
    """
    x = array_of(a)
    shape = newshape if shape is None else shape
    if shape is None:
        raise TypeError("reshape() missing 1 required positional argument: 'shape'")
    shape = _resolved(x.shape, shape)
    result = reshaped(x, shape) if order == "C" else _reshaped(x, shape, order)
    if copy is False:
        np.reshape(layout_of(x), shape, order, copy=False)  # raises where NumPy would have to copy
    return own(result) if copy else view(x, result)


def _reshaped(x: Tracer, shape: Shape, order: str) -> Tracer:
    np.reshape(_NOTHING, 0, order)  # raises for what is no order
    if order in ("A", "a"):
        order = "F" if layout_of(x).flags.fnc else "C"
    if order not in ("F", "f"):
        return reshaped(x, shape)
    turned = reshaped(permuted(x, tuple(range(x.ndim))[::-1]), shape[::-1])
    return permuted(turned, tuple(range(turned.ndim))[::-1])


_NOTHING = np.zeros(0)


def _resolved(old: Shape, new: Any) -> Shape:
    """The shape that is asked for, with -1 settled, or NumPy's error."""
    if type(new) is int and new == -1:
        return (size_of(old),)
    if type(new) is tuple and all([type(n) is int and n >= 0 for n in new]) and size_of(new) == size_of(old):
        return new
    found = stand_in(old).reshape(new).shape
    if any([operator.index(n) < -1 for n in (new if isinstance(new, (tuple, list, np.ndarray)) else (new,))]):
        raise ValueError(
            f"reshape: requires sizes that are not negative, and -1 for one of them at most, got {new}. NumPy would "
            f"take any negative number for -1, and give {found}; write -1 where that is meant."
        )
    return found


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """Dtypes: all. Derivative: the cotangent in the array's own shape.

    >>> ravel([[1.0, 2.0], [3.0, 4.0]])
    array([1., 2., 3., 4.])
    """
    x = array_of(a)
    in_order, order = (_in_memory_order(x), "C") if order in ("K", "k") else (x, order)
    flat = _reshaped(in_order, (x.size,), order)
    return view(x, own(x) if flat is x else flat, contiguous=True)


def _in_memory_order(x: Tracer) -> Tracer:
    """``x`` with its axes as they follow one another in memory; one that repeats its elements stays where it is."""
    strides = layout_of(x).strides
    inner_first: list[int] = []
    for axis in reversed(range(x.ndim)):
        place = len(inner_first)
        for i, other in reversed(list(enumerate(inner_first))):
            if strides[axis] and strides[other]:
                if abs(strides[other]) <= abs(strides[axis]):
                    break
                place = i
        inner_first.insert(place, axis)
    perm = tuple(reversed(inner_first))
    return x if perm == tuple(range(x.ndim)) else permuted(x, perm)


@implements(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
    """Dtypes: all. Derivative: the cotangent, transposed back.

    >>> transpose([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 3.],
           [2., 4.]])
    """
    x = array_of(a)
    if axes is None:
        return view(x, permuted(x, tuple(range(x.ndim))[::-1]))
    stand_in(x.shape).transpose(axes)
    return view(x, permuted(x, tuple([one_axis(i, x.ndim) for i in axes])))


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """Dtypes: all. Derivative: the cotangent, transposed back.

    >>> matrix_transpose([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 3.],
           [2., 4.]])
    """
    given = array_of(x)
    if given.ndim < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {given.ndim}")
    return swapaxes(given, -1, -2)


def _numbered(x: Tracer) -> np.ndarray:
    """An array whose axes have the numbers of the axes as their sizes, from 1 on."""
    return stand_in(tuple(range(1, x.ndim + 1)))


def _order(numbered: np.ndarray) -> tuple[int, ...]:
    return tuple([n - 1 for n in numbered.shape])


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: Any, axis2: Any) -> Any:
    """Dtypes: all. Derivative: the cotangent, transposed back.

    >>> swapaxes([[1.0, 2.0], [3.0, 4.0]], 0, 1)
    array([[1., 3.],
           [2., 4.]])
    """
    x = array_of(a)
    return view(x, permuted(x, _order(np.swapaxes(_numbered(x), axis1, axis2))))


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Dtypes: all. Derivative: the cotangent, transposed back.

    >>> moveaxis(np.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = array_of(a)
    return view(x, permuted(x, _order(np.moveaxis(_numbered(x), source, destination))))


@implements(np.rollaxis)
def rollaxis(a: Any, axis: Any, start: int = 0) -> Any:
    """Dtypes: all. Derivative: the cotangent, transposed back.

    >>> rollaxis(np.ones((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    x = array_of(a)
    return view(x, permuted(x, _order(np.rollaxis(_numbered(x), axis, start))))


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """Dtypes: all. Derivative: the cotangent in the array's own shape.

    >>> expand_dims([1.0, 2.0], 0)
    array([[1., 2.]])
    """
    x = array_of(a)
    return view(x, reshaped(x, np.expand_dims(stand_in(x.shape), axis).shape))


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    """Dtypes: all. Derivative: the cotangent in the array's own shape.

    >>> squeeze([[1.0, 2.0]])
    array([1., 2.])
    """
    x = array_of(a)
    return view(x, reshaped(x, np.squeeze(stand_in(x.shape), axis).shape))


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Dtypes: all. Derivative: the cotangent in the array's own shape.

    >>> atleast_1d(1.0)
    array([1.])
    """
    return _at_least(np.atleast_1d, arys)


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """Dtypes: all. Derivative: the cotangent in the array's own shape.

    >>> atleast_2d(1.0)
    array([[1.]])
    """
    return _at_least(np.atleast_2d, arys)


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """Dtypes: all. Derivative: the cotangent in the array's own shape.

    >>> atleast_3d(1.0)
    array([[[1.]]])
    """
    return _at_least(np.atleast_3d, arys)


def _at_least(function: Any, arys: Sequence[Any]) -> Any:
    builder = builder_of(*arys)
    xs = [traced(builder, a) for a in arys]
    results = tuple([view(x, reshaped(x, function(stand_in(x.shape)).shape)) for x in xs])
    return results[0] if len(results) == 1 else results


# --- Broadcasting


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """It gives a view that cannot be written to.

    Dtypes: all. Derivative: the cotangent, summed over the repetitions.

    >>> broadcast_to([1.0, 2.0], (2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    x = array_of(array)
    return _spread_view(x, np.broadcast_to(stand_in(x.shape), shape).shape)


def _spread_view(x: Tracer, shape: Shape) -> Tracer:
    if type(x.atom) is Literal and x.shape != shape:
        # An equation, by which the view of a constant is known as one: the constant may be written to.
        x = view(x, x.builder.emit(ops.reshape, (x.atom,), {"shape": x.shape}, x.type))
    spread = spread_to(x, shape)
    return view(x, own(x) if spread is x else spread, readonly=True)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    """Dtypes: all. Derivative: the cotangent, summed over the repetitions.

    >>> broadcast_arrays([1, 2], [[3], [4]])
    (array([[1, 2],
           [1, 2]]), array([[3, 3],
           [4, 4]]))
    """
    builder = builder_of(*args)
    xs = [traced(builder, a) for a in args]
    shape = np.broadcast_shapes(*[x.shape for x in xs])
    return tuple(xs if all([x.shape == shape for x in xs]) else [_spread_view(x, shape) for x in xs])


# --- Ranges


def window(x: Tracer, axis: int, start: int, stop: int) -> Tracer:
    """A range along one axis."""
    starts = tuple([start if i == axis else 0 for i in range(x.ndim)])
    stops = tuple([stop if i == axis else n for i, n in enumerate(x.shape)])
    return sliced(x, starts, stops, (1,) * x.ndim)


def sliced(x: Tracer, starts: Shape, stops: Shape, steps: Shape) -> Tracer:
    """A range along every axis, known to fit."""
    t = x.atom.type
    if steps == (1,) * len(steps):
        shape = tuple([stop - start for start, stop in zip(starts, stops)])
    else:
        shape = tuple([-((start - stop) // step) for start, stop, step in zip(starts, stops, steps)])
    params = {"starts": starts, "stops": stops, "steps": steps}
    return x.builder.emit(ops.slice_, (x.atom,), params, ArrayType(shape, t.dtype, t.weak))


# --- Other dtypes


@implements(np.astype)
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """Dtypes: all. Derivative: 1 between floats, and between complex numbers; none through others.

    >>> astype(np.array([1.0, 2.0]), np.float32)
    array([1., 2.], dtype=float32)
    """
    found = cast_to(x, dtype)
    return own(found) if copy and found is x else found


def cast_to(x: Any, dtype: Any) -> Tracer:
    """A traced array in the dtype that a user names."""
    given, target = array_of(x), np.dtype(dtype)
    if not is_numeric(target):
        raise TypeError(f"astype: requires a dtype of numbers, got {target}. Traced arrays hold numbers only.")
    if given.dtype.kind == "c" and target.kind in "iuf":
        warn("Casting complex values to real discards the imaginary part", np.exceptions.ComplexWarning)
    return given if given.dtype == target else cast(given, target)
