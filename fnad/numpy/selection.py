"""Choosing among arrays, elements that fulfil a condition, and functions along axes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.ir.types import BOOL
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.elementwise import imag, real
from fnad.numpy.promotion import (
    arrays_of, broadcast_shapes, builder_of, cast, constant, fit, is_traced, one_axis, operand, result_dtype,
    shape_of, traced,
)
from fnad.numpy.searching import picked
from fnad.numpy.shaping import ravel
from fnad.numpy.taking import kept_inside, take
from fnad.numpy.ufuncs import UFUNCS
from fnad.tracing.tracer import Tracer

# --- Elements


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """Dtypes: all; integers as the numbers of choices. Derivative: 1 in the choice that was taken.

    >>> choose([1, 0], [[1.0, 2.0], [3.0, 4.0]])
    array([3., 2.])
    """
    refuse_out("np.choose", out)
    builder = builder_of(a, choices)
    index, given = traced(builder, a), [operand(builder, x) for x in choices]
    dtype, shape = result_dtype(*given), broadcast_shapes(index.shape, *map(shape_of, given))
    if not np.can_cast(index.dtype, np.int64, "same_kind"):
        raise TypeError(
            f"Cannot cast array data from {index.dtype!r} to {np.dtype(np.int64)!r} according to the rule 'safe'"
        )
    index, n = fit(builder, index, np.dtype(np.int64), shape), len(given)
    if mode != "raise":
        index = kept_inside(index, n, mode)
    elif not is_traced(a):
        np.choose(np.asarray(a), [0] * n)
    else:
        index = np.where(index < 0, n, index)  # where none is found, which is an error
    stacked = np.stack([fit(builder, x, dtype, shape) for x in given])
    return np.take_along_axis(stacked, index[None], 0)[0]


@implements(np.compress)
def compress(
    condition: Any, a: Any, axis: Any = None, out: Any = None, *, size: Any = None, fill_value: Any = None
) -> Any:
    """Without ``size`` the number of slices must be known; with it there are so many, the last ones ``fill_value``
    or 0.

    Dtypes: all. Derivative: 1 in the slices that are kept.

    >>> compress([True, False, True], [1.0, 2.0, 3.0])
    array([1., 3.])
    """
    refuse_out("np.compress", out)
    mask, x = arrays_of(condition, a)
    if mask.ndim != 1:
        raise ValueError("condition must be a 1-d array")
    x, at = (ravel(x), 0) if axis is None else (x, one_axis(axis, x.ndim))
    return _kept(mask, x, at, condition, size, fill_value, "np.compress")


@implements(np.extract)
def extract(condition: Any, arr: Any, *, size: Any = None, fill_value: Any = None) -> Any:
    """Without ``size`` the number of elements must be known; with it there are so many, the last ones ``fill_value``
    or 0.

    Dtypes: all. Derivative: 1 in the elements that are kept.

    >>> extract([True, False, True], [1.0, 2.0, 3.0])
    array([1., 3.])
    """
    mask, x = arrays_of(condition, arr)
    return _kept(ravel(mask), ravel(x), 0, condition, size, fill_value, "np.extract")


def _kept(mask: Tracer, x: Tracer, axis: int, condition: Any, size: Any, fill_value: Any, what: str) -> Tracer:
    """The slices along an axis where a mask holds, which may be shorter than the axis."""
    if size is None and not is_traced(condition):
        return take(x, np.flatnonzero(condition), axis)
    n = x.shape[axis]
    held = cast(mask, BOOL)[:n]
    held = np.concatenate([held, constant(x.builder, False, (n - held.size,), BOOL)])
    rows = picked(np.moveaxis(x, axis, 0), held, what, size, fill_value)
    return np.moveaxis(rows, 0, axis)


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Each function is given the whole array, not the elements of its condition alone.

    Dtypes: all. Derivative: that of the function whose condition holds.

    >>> piecewise([-1.0, 2.0], [[True, False], [False, True]], [0.0, lambda v: v * v])
    array([0., 4.])
    """
    given, = arrays_of(x) if is_traced(x) else (traced(builder_of(condlist), x),)
    conditions = _conditions(given, condlist)
    functions = len(funclist)
    if len(conditions) == functions - 1:
        conditions.append(~np.any(np.stack(conditions), axis=0))
    elif len(conditions) != functions:
        n = len(conditions)
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    y: Any = constant(given.builder, 0, given.shape, given.dtype)
    for condition, function in zip(conditions, funclist):
        value = function(given, *args, **kw) if isinstance(function, Callable) else function  # type: ignore[arg-type]
        y = np.where(condition, fit(given.builder, operand(given.builder, value), given.dtype, given.shape), y)
    return y


def _conditions(x: Tracer, condlist: Any) -> list[Tracer]:
    """The conditions, of which a single one need be in no list."""
    is_one = np.isscalar(condlist) or x.ndim != 0 and not isinstance(condlist[0], (list, np.ndarray))
    given = [condlist] if is_one else list(condlist)
    return [fit(x.builder, traced(x.builder, c), BOOL, x.shape) for c in given]


# --- Functions along axes


@implements(np.apply_along_axis)
def apply_along_axis(func1d: Callable[..., Any], axis: Any, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """The function is called once for each line. For many lines `fnad.vmap` is faster.

    Dtypes: all. Derivative: the function's.

    >>> apply_along_axis(np.sum, 0, [[1.0, 2.0], [3.0, 4.0]])
    array([4., 6.])
    """
    x, = arrays_of(arr)
    at = one_axis(axis, x.ndim)
    lines = np.moveaxis(x, at, -1)
    outer = lines.shape[:-1]
    if 0 in outer:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [traced(x.builder, func1d(lines[i], *args, **kwargs)) for i in np.ndindex(outer)]
    first = results[0]
    rows = np.stack([cast(y, first.dtype) for y in results]).reshape(*outer, *first.shape)
    own = range(len(outer), rows.ndim)
    return np.moveaxis(rows, tuple(own), tuple([at + i for i in range(len(own))]))


@implements(np.apply_over_axes)
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """Dtypes: all. Derivative: the function's.

    >>> apply_over_axes(np.sum, np.array([[1.0, 2.0], [3.0, 4.0]]), [0, 1])
    array([[10.]])
    """
    x, = arrays_of(a)
    for axis in [axes] if np.ndim(axes) == 0 else axes:
        at = operator.index(axis) + (x.ndim if axis < 0 else 0)
        result = func(x, at)
        result = result if result.ndim == x.ndim else np.expand_dims(result, at)
        if result.ndim != x.ndim:
            raise ValueError("function is not returning an array of the correct shape")
        x = result
    return x


# --- Questions about numbers


@implements(np.isposinf)
def isposinf(x: Any, out: Any = None) -> Any:
    """Dtypes: real. Derivative: none.

    >>> isposinf([np.inf, -np.inf, 1.0])
    array([ True, False, False])
    """
    return _is_infinite("np.isposinf", x, out, np.inf)


@implements(np.isneginf)
def isneginf(x: Any, out: Any = None) -> Any:
    """Dtypes: real. Derivative: none.

    >>> isneginf([np.inf, -np.inf, 1.0])
    array([False,  True, False])
    """
    return _is_infinite("np.isneginf", x, out, -np.inf)


def _is_infinite(name: str, x: Any, out: Any, which: float) -> Tracer:
    refuse_out(name, out)
    given, = arrays_of(x)
    if given.dtype.kind == "c":
        raise TypeError(
            f"This operation is not supported for {given.dtype} values because it would be ambiguous."
        )
    if given.dtype.kind != "f":
        return constant(given.builder, False, given.shape, BOOL)
    return UFUNCS[np.equal](given, which)


@implements(np.iscomplex)
def iscomplex(x: Any) -> Any:
    """Dtypes: all. Derivative: none.

    >>> iscomplex([1.0 + 1.0j, 2.0])
    array([ True, False])
    """
    return UFUNCS[np.not_equal](imag(x), 0)


@implements(np.isreal)
def isreal(x: Any) -> Any:
    """Dtypes: all. Derivative: none.

    >>> isreal([1.0 + 1.0j, 2.0])
    array([False,  True])
    """
    return UFUNCS[np.equal](imag(x), 0)


@implements(np.real_if_close)
def real_if_close(a: Any, tol: Any = 100) -> Any:
    """Whether all imaginary parts are small must be known, for it decides the dtype.

    Dtypes: all. Derivative: 1 in the real part, and in the imaginary one where it stays.

    >>> real_if_close([1.0 + 1e-15j])
    array([1.])
    """
    x, = arrays_of(a)
    if x.dtype.kind != "c":
        return x
    bound = np.finfo(x.dtype).eps * tol if tol > 1 else tol
    return real(x) if bool(np.all(np.abs(imag(x)) < bound)) else x
