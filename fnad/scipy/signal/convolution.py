"""Convolution and correlation along any number of axes, as `scipy.signal` has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.signal
from numpy.lib.array_utils import normalize_axis_tuple

from fnad.numpy.convolution import Borders, alike, borders_of, convolved, windows_times
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import cast
from fnad.numpy.shaping import stand_in
from fnad.ops.elementwise import conj
from fnad.ops.shaping import flip
from fnad.scipy.fft import next_fast_len
from fnad.tracing.tracer import Tracer

MODES = ("full", "same", "valid")

# --- Arguments


def _given(in1: Any, in2: Any, names: str = "in1 and in2") -> tuple[Tracer, Tracer]:
    x, w = alike(in1, in2)
    if x.ndim != w.ndim:
        raise ValueError(f"{names} should have the same dimensionality")
    return x, w


def _require(mode: Any, message: str) -> None:
    if mode not in MODES:
        raise ValueError(message)


def _ordered(x: Tracer, w: Tracer, mode: str, axes: Sequence[int]) -> tuple[Tracer, Tracer]:
    """Where all of the one is to meet the other, the larger one first."""
    if mode != "valid":
        return x, w
    pairs = [(x.shape[a], w.shape[a]) for a in axes]
    if all([n >= k for n, k in pairs]):
        return x, w
    if not all([n <= k for n, k in pairs]):
        raise ValueError("For 'valid' mode, one must be at least as large as the other in every dimension")
    return w, x


# --- Of all axes


@implements(scipy.signal.convolve)
def convolve(in1: Any, in2: Any, mode: Any = "full", method: Any = "auto") -> Any:
    """Dtypes: numbers. Derivative: the correlation of the cotangent with the other operand.

    >>> convolve([1.0, 2.0], [1.0, 1.0, 1.0], mode="same")
    array([3., 3.])
    """
    x, w = _given(in1, in2, "volume and kernel")
    if not x.ndim:
        return x * w
    x, w = _ordered(x, w, mode, range(x.ndim))
    if method == "auto":
        method = _fast_method(x, w, mode)
    if method == "fft":
        y = fftconvolve(x, w, mode)
        return cast(np.rint(y) if x.dtype.kind in "iu" else y, x.dtype)
    if method != "direct":
        raise ValueError("Acceptable method flags are 'auto', 'direct', or 'fft'.")
    _require(mode, "acceptable mode flags are 'valid', 'same', or 'full'")
    return _direct(x, w, mode)


def _fast_method(x: Tracer, w: Tracer, mode: str) -> str:
    """SciPy's choice by sizes; of integers, which need not be exact as floats, the direct one."""
    if x.dtype.kind not in "fc":
        return "direct"
    return scipy.signal.choose_conv_method(*[stand_in(y.shape, y.dtype) for y in (x, w)], mode)


def _direct(x: Tracer, w: Tracer, mode: str) -> Tracer:
    if mode == "full" and w.size > x.size:
        x, w = w, x
    return convolved(x, w, borders_of(mode, w.shape))


@implements(scipy.signal.correlate)
def correlate(in1: Any, in2: Any, mode: Any = "full", method: Any = "auto") -> Any:
    """Dtypes: numbers. Derivative: the convolution of the cotangent with the other operand.

    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0], mode="valid")
    array([2., 3.])
    """
    x, w = _given(in1, in2)
    if not x.ndim:
        return x * conj(w)
    _require(mode, "Acceptable mode flags are 'valid', 'same', or 'full'.")
    return convolve(x, conj(flip(w, axes=tuple(range(w.ndim)))), mode, method)


# --- By Fourier transforms


@implements(scipy.signal.fftconvolve)
def fftconvolve(in1: Any, in2: Any, mode: Any = "full", axes: Any = None) -> Any:
    """Dtypes: numbers; of integers float64. Derivative: the correlation of the cotangent with the other operand.

    >>> fftconvolve([1.0, 2.0], [1.0, 1.0], mode="full").round(6)
    array([1., 3., 2.])
    """
    x, w = _given(in1, in2)
    if not x.ndim:
        return x * w
    if not (x.size and w.size):
        return np.zeros_like(np.ravel(x)[:0], dtype=np.float64)
    axes = _transformed(x, w, axes)
    x, w = _ordered(x, w, mode, axes)
    sizes = [x.shape[a] + w.shape[a] - 1 if a in axes else max(x.shape[a], w.shape[a]) for a in range(x.ndim)]
    y = _product_of_spectra(x, w, axes, sizes)
    _require(mode, "acceptable mode flags are 'valid', 'same', or 'full'")
    if mode == "full":
        return y
    inner = [x.shape[a] - w.shape[a] + 1 if a in axes else sizes[a] for a in range(x.ndim)]
    return _centered(y, x.shape if mode == "same" else inner)


def _transformed(x: Tracer, w: Tracer, axes: Any) -> tuple[int, ...]:
    """The axes to be transformed; those of length 1 of one operand are broadcast."""
    named = range(x.ndim) if axes is None else normalize_axis_tuple(axes, x.ndim)
    if not named:
        raise ValueError("when provided, axes cannot be empty")
    kept = tuple([a for a in named if x.shape[a] != 1 and w.shape[a] != 1])
    if not all([1 in (n, k) or n == k for a, (n, k) in enumerate(zip(x.shape, w.shape)) if a not in kept]):
        raise ValueError(f"incompatible shapes for in1 and in2: {x.shape} and {w.shape}")
    return kept


def _product_of_spectra(x: Tracer, w: Tracer, axes: tuple[int, ...], sizes: Sequence[int]) -> Tracer:
    if not axes:
        return x * w
    is_complex = x.dtype.kind == "c"
    there, back = (np.fft.fftn, np.fft.ifftn) if is_complex else (np.fft.rfftn, np.fft.irfftn)
    fast = [next_fast_len(sizes[a], not is_complex) for a in axes]
    y = back(there(x, fast, axes) * there(w, fast, axes), fast, axes)
    return y[tuple([slice(n) for n in sizes])]


def _centered(y: Tracer, sizes: Sequence[int]) -> Tracer:
    starts = [(n - size) // 2 for n, size in zip(y.shape, sizes)]
    return y[tuple([slice(start, start + size) for start, size in zip(starts, sizes)])]


@implements(scipy.signal.oaconvolve)
def oaconvolve(in1: Any, in2: Any, mode: Any = "full", axes: Any = None) -> Any:
    """Of traced values as `fftconvolve`: in one transform of all.

    Dtypes: numbers; of integers float64. Derivative: the correlation of the cotangent with the other operand.

    >>> oaconvolve([1.0, 2.0], [1.0, 1.0]).round(6)
    array([1., 3., 2.])
    """
    return fftconvolve(in1, in2, mode, axes)


# --- Of two axes, with borders that are not 0

_BOUNDARIES = {"fill": "constant", "pad": "constant", "wrap": "wrap", "circular": "wrap", "symm": "symmetric",
               "symmetric": "symmetric"}


@implements(scipy.signal.convolve2d)
def convolve2d(in1: Any, in2: Any, mode: Any = "full", boundary: Any = "fill", fillvalue: Any = 0) -> Any:
    """Dtypes: numbers. Derivative: the correlation of the cotangent with the other operand.

    >>> convolve2d([[1.0, 2.0]], [[1.0, 1.0]], mode="same", boundary="wrap")
    array([[3., 3.]])
    """
    x, w = _ordered(*_planes("convolve2d", in1, in2), mode, (0, 1))
    bordered = _bordered(x, borders_of(mode, w.shape), mode, boundary, fillvalue)
    return convolved(bordered, w, borders_of("valid", w.shape))


@implements(scipy.signal.correlate2d)
def correlate2d(in1: Any, in2: Any, mode: Any = "full", boundary: Any = "fill", fillvalue: Any = 0) -> Any:
    """Dtypes: numbers. Derivative: the convolution of the cotangent with the other operand.

    >>> correlate2d([[1.0, 2.0, 3.0]], [[0.0, 1.0]], mode="valid")
    array([[2., 3.]])
    """
    x, w = given = _planes("correlate2d", in1, in2)
    x, w = _ordered(x, w, mode, (0, 1))
    # Unlike `correlate`, it has an even number of weights reach further behind a place than before it.
    widths = borders_of(mode, w.shape)[::-1]
    y = windows_times(_bordered(x, widths, mode, boundary, fillvalue), conj(w), borders_of("valid", w.shape))
    return y if x is given[0] else flip(y, axes=(0, 1))


def _planes(name: str, in1: Any, in2: Any) -> tuple[Tracer, Tracer]:
    x, w = alike(in1, in2)
    if not x.ndim == w.ndim == 2:
        raise ValueError(f"{name} inputs must both be 2-D arrays")
    return x, w


def _bordered(x: Tracer, widths: Borders, mode: str, boundary: str, fillvalue: Any) -> Tracer:
    _require(mode, "Acceptable mode flags are 'valid', 'same', or 'full'.")
    if boundary not in _BOUNDARIES:
        raise ValueError("Acceptable boundary flags are 'fill', 'circular' (or 'wrap'), and 'symmetric' (or 'symm').")
    kind = _BOUNDARIES[boundary]
    return np.pad(x, list(zip(*widths)), kind, **({"constant_values": fillvalue} if kind == "constant" else {}))
