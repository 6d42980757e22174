"""Reversing, turning and rolling along axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from fnad.numpy.aliases import own, view
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import array_of, one_axis
from fnad.numpy.shaping import ravel, reshaped, stand_in, swapaxes, window
from fnad.ops import shaping as ops
from fnad.tracing.tracer import Tracer


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """Dtypes: all. Derivative: the cotangent, flipped back.

    >>> flip([1.0, 2.0, 3.0])
    array([3., 2., 1.])
    """
    x = array_of(m)
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, (int, np.integer)) else axis
    return view(x, ops.flip(x, axes=tuple(sorted([one_axis(i, x.ndim) for i in axes]))))


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    """Dtypes: all. Derivative: the cotangent, flipped back.

    >>> fliplr([[1.0, 2.0], [3.0, 4.0]])
    array([[2., 1.],
           [4., 3.]])
    """
    x = array_of(m)
    if x.ndim < 2:
        raise ValueError("Input must be >= 2-d.")
    return flip(x, 1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    """Dtypes: all. Derivative: the cotangent, flipped back.

    >>> flipud([[1.0, 2.0], [3.0, 4.0]])
    array([[3., 4.],
           [1., 2.]])
    """
    x = array_of(m)
    if x.ndim < 1:
        raise ValueError("Input must be >= 1-d.")
    return flip(x, 0)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Dtypes: all. Derivative: the cotangent, turned back.

    >>> rot90([[1.0, 2.0], [3.0, 4.0]])
    array([[2., 4.],
           [1., 3.]])
    """
    x = array_of(m)
    np.rot90(stand_in(x.shape), k, axes)
    first, second = [one_axis(i, x.ndim) for i in axes]
    k = k % 4
    if k == 2:
        return flip(x, (first, second))
    if k == 0:
        return x
    return swapaxes(flip(x, second), first, second) if k == 1 else flip(swapaxes(x, first, second), second)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Dtypes: all. Derivative: the cotangent, rolled back.

    >>> roll([1.0, 2.0, 3.0], 1)
    array([3., 1., 2.])
    """
    x = array_of(a)
    if axis is None:
        return reshaped(roll(ravel(x), shift, 0), x.shape)
    axes = normalize_axis_tuple(axis, x.ndim, allow_duplicate=True)
    for by, at in np.broadcast(shift, axes):
        x = _rolled(x, int(by), int(at))
    return x if axes else own(x)


def _rolled(x: Tracer, by: int, axis: int) -> Tracer:
    n = x.shape[axis]
    by = by % n if n else 0
    if by == 0:
        return own(x)
    return ops.concatenate(window(x, axis, n - by, n), window(x, axis, 0, n - by), axis=axis)
