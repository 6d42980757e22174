"""The arguments of `scipy.fft`: SciPy's errors, which differ from NumPy's."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from fnad.numpy.promotion import array_of, cast
from fnad.ops.fft import ADJOINT
from fnad.tracing.tracer import Tracer

Pairs = list[tuple[int, int]]
"""How many points of which axis."""


def given(x: Any, workers: Any = None, plan: Any = None) -> Tracer:
    """Float or complex numbers. Threads are the compiler's business, and plans NumPy's."""
    if plan is not None:
        raise NotImplementedError("Passing a precomputed plan is not yet supported by scipy.fft functions")
    if workers == 0:
        raise ValueError("workers must not be zero")
    x = array_of(x)
    if x.dtype == np.float16:
        return cast(x, np.dtype(np.float32))
    return x if x.dtype.kind in "fc" else cast(x, np.dtype(np.float64))


def of_real(x: Tracer) -> Tracer:
    if x.dtype.kind == "c":
        raise TypeError("x must be a real sequence")
    return x


def norm_of(norm: Any, inverse: bool = False) -> str:
    """The name of a norm; for a transform that is NumPy's the other way, the one of the same scale."""
    norm = "backward" if norm is None else norm
    if norm not in ADJOINT:
        raise ValueError(f'Invalid norm value {norm!r}, should be "backward", "ortho" or "forward"')
    return ADJOINT[norm] if inverse else norm


def one_axis(x: Tracer, n: Any, axis: Any, to_real: bool = False) -> tuple[int, int]:
    """How many points of which axis."""
    size = x.shape[axis]
    if n is None and to_real:
        n = 2 * (size - 1)
        if n < 1:
            raise ValueError(f"Invalid number of data points ({n}) specified")
    n = size if n is None else n
    if n < 1:
        raise ValueError(f"invalid number of data points ({n}) specified")
    return operator.index(n), axis % x.ndim


def several_axes(x: Tracer, s: Any, axes: Any) -> Pairs:
    """How many points of which axes, each of which is named once."""
    if axes is not None:
        axes = [a + x.ndim if a < 0 else a for a in _integers(axes, "axes")]
        if any([not 0 <= a < x.ndim for a in axes]):
            raise ValueError("axes exceeds dimensionality of input")
        if len({*axes}) < len(axes):
            raise ValueError("all axes must be unique")
    if s is not None:
        s = _integers(s, "shape")
        if axes and len(axes) != len(s):
            raise ValueError("when given, axes and shape arguments have to be of the same length")
        if axes is None and len(s) > x.ndim:
            raise ValueError("shape requires more axes than are present")
    if axes is None:
        axes = range(x.ndim - (x.ndim if s is None else len(s)), x.ndim)
    sizes = [x.shape[a] if n == -1 else n for n, a in zip([-1] * len(axes) if s is None else s, axes)]
    if any([n < 1 for n in sizes]):
        raise ValueError(f"invalid number of data points ({sizes}) specified")
    return list(zip(sizes, axes))


def some_axes(x: Tracer, s: Any, axes: Any) -> Pairs:
    """One axis at least."""
    pairs = several_axes(x, s, axes)
    if not pairs:
        raise ValueError("at least 1 axis must be transformed")
    return pairs


def _integers(value: Any, name: str) -> list[int]:
    value = value if isinstance(value, Iterable) else (value,)
    try:
        return [operator.index(n) for n in value]
    except TypeError as error:
        raise ValueError(f"{name} must be a scalar or iterable of integers") from error
