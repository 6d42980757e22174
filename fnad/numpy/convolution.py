"""Convolution and correlation along one axis, by sums of products of windows that others can share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fnad.ir.types import BOOL, INDEX
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import builder_of, cast, operand, result_dtype, traced
from fnad.numpy.shaping import stand_in
from fnad.ops import shaping as ops
from fnad.ops.convolution import correlate as correlated
from fnad.ops.elementwise import conj
from fnad.tracing.tracer import Tracer

Borders = tuple[Sequence[int], Sequence[int]]
"""How many zeros are in front of, and behind, the elements along each axis."""


def convolved(x: Tracer, w: Tracer, borders: Borders) -> Tracer:
    """The sums of products with weights that run backwards, along all axes."""
    return windows_times(x, ops.flip(w, axes=tuple(range(w.ndim))), borders)


def windows_times(x: Tracer, w: Tracer, borders: Borders) -> Tracer:
    """The sums of products with weights wherever these meet the array and its borders."""
    if x.dtype == BOOL:
        return cast(windows_times(cast(x, INDEX), cast(w, INDEX), borders), BOOL)
    low, high = map(tuple, borders)
    padded = ops.pad(x, low=low, high=high, interior=(0,) * x.ndim) if any((*low, *high)) else x
    return correlated(padded, w, axes=x.ndim)


def alike(*arrays: Any) -> list[Tracer]:
    """Arrays, of which one is traced, as traced ones of one dtype."""
    builder = builder_of(*arrays)
    operands = [operand(builder, a) for a in arrays]
    dtype = result_dtype(*[traced(builder, x) for x in operands])
    return [cast(traced(builder, x), dtype) for x in operands]


def borders_of(mode: str, taps: Sequence[int]) -> Borders:
    """The borders that a mode wants for so many weights along each axis, where these run forwards."""
    if mode == "valid":
        return [0] * len(taps), [0] * len(taps)
    if mode == "full":
        return [k - 1 for k in taps], [k - 1 for k in taps]
    return [k // 2 for k in taps], [k - 1 - k // 2 for k in taps]


def _lines(a: Any, v: Any) -> list[Tracer]:
    lines = alike(a, v)
    for y in lines:
        if y.ndim != 1:
            raise ValueError(f"object {'too deep' if y.ndim else 'of too small depth'} for desired array")
    return lines


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    """Dtypes: all. Derivative: the correlation of the cotangent with the other operand.

    >>> convolve([1.0, 2.0], [1.0, 1.0, 1.0])
    array([1., 3., 3., 2.])
    """
    x, w = _lines(*[np.atleast_1d(y) for y in alike(a, v)])
    for name, y in (("a", x), ("v", w)):
        if not y.size:
            raise ValueError(f"{name} cannot be empty")
    x, w = (w, x) if w.size > x.size else (x, w)
    return convolved(x, w, borders_of(_mode(mode), w.shape))


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """Dtypes: all. Derivative: the convolution of the cotangent with the other operand.

    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0])
    array([2., 3.])
    """
    x, w = _lines(a, v)
    if not x.size or not w.size:
        np.correlate(*[stand_in(y.shape, float) for y in (x, w)])  # NumPy's error
    mode = _mode(mode)
    if w.size > x.size:
        return ops.flip(conj(windows_times(w, conj(x), borders_of(mode, x.shape))), axes=(0,))
    return windows_times(x, conj(w), borders_of(mode, w.shape))


_MODES = ("valid", "same", "full")


def _mode(mode: Any) -> str:
    if isinstance(mode, (int, np.integer)) and 0 <= mode < 3:
        return _MODES[mode]
    if mode not in _MODES:
        np.convolve([1.0], [1.0], mode)  # NumPy's error
    return mode
