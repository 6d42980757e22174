"""Smoothing by polynomials, and other rates of samples, as `scipy.signal` has them."""

from __future__ import annotations

from math import gcd
from operator import index
from typing import Any

import numpy as np
import scipy.signal

from fnad.numpy.convolution import alike
from fnad.numpy.dispatch import implements
from fnad.numpy.fft import resized
from fnad.numpy.promotion import cast, is_traced, one_axis
from fnad.ops.shaping import pad
from fnad.scipy.ndimage import convolve1d
from fnad.scipy.signal.filtering import full_convolution, sosfilt, sosfiltfilt
from fnad.tracing.tracer import Tracer

FLOATS = (np.float32, np.float64)

# --- Polynomials


@implements(scipy.signal.savgol_filter)
def savgol_filter(
    x: Any, window_length: Any, polyorder: Any, deriv: Any = 0, delta: Any = 1.0, axis: Any = -1, mode: Any = "interp",
    cval: Any = 0.0,
) -> Any:
    """All but ``x`` and ``cval`` must be known.

    Dtypes: real numbers. Derivative: linear.

    >>> savgol_filter([1.0, 4.0, 9.0, 16.0], 3, 2).round(6)
    array([ 1.,  4.,  9., 16.])
    """
    if mode not in ("mirror", "constant", "nearest", "interp", "wrap"):
        raise ValueError("mode must be 'mirror', 'constant', 'nearest' 'wrap' or 'interp'.")
    (x,) = alike(x)
    x = x if x.dtype in FLOATS else cast(x, np.dtype(float))
    weights = scipy.signal.savgol_coeffs(window_length, polyorder, deriv=deriv, delta=delta)
    if mode != "interp":
        return convolve1d(x, weights, axis, mode=mode, cval=cval)
    axis = one_axis(axis, x.ndim)
    n, half = x.shape[axis], window_length // 2
    if window_length > n:
        raise ValueError("If mode is 'interp', window_length must be less than or equal to the size of x.")
    # The polynomials at the ends are SciPy's, of each element by itself.
    ends = scipy.signal.savgol_filter(np.eye(window_length), window_length, polyorder, deriv, delta, axis=0)
    lines = np.moveaxis(x, axis, -1)
    inner = np.moveaxis(convolve1d(x, weights, axis, mode="constant"), axis, -1)
    first, last = ends[:half].astype(x.dtype), ends[window_length - half :].astype(x.dtype)
    front, back = lines[..., :window_length] @ first.T, lines[..., n - window_length :] @ last.T
    parts = [front, inner[..., half : n - half], back]
    return np.moveaxis(np.concatenate(parts, -1), -1, axis)


# --- By Fourier transforms


@implements(scipy.signal.resample)
def resample(
    x: Any, num: Any, t: Any = None, axis: Any = 0, window: Any = None, domain: Any = "time"
) -> Any:
    """Dtypes: numbers. Derivative: of ``x``, ``t`` and a window that is an array.

    >>> resample([1.0, -1.0], 4).round(6)
    array([ 1.,  0., -1.,  0.])
    """
    if domain not in ("time", "freq"):
        raise ValueError(f"Parameter domain={domain!r} not in ('time', 'freq')!")
    (x,) = alike(x)
    lines = np.moveaxis(x, one_axis(axis, x.ndim), -1)
    weights, n = _spectral_window(window, lines.shape[-1]), lines.shape[-1]
    resampled = _resampled_real if domain == "time" and x.dtype.kind != "c" else _resampled_complex
    spectrum = lines if domain == "freq" else (np.fft.rfft if resampled is _resampled_real else np.fft.fft)(lines)
    y = np.moveaxis(resampled(spectrum, weights, n, num) * (num / n), -1, axis if x.ndim > 1 else -1)
    return y if t is None else (y, t[0] + (t[1] - t[0]) * (n / num) * np.arange(num))


def _spectral_window(window: Any, n: int) -> Any:
    """The weight of each frequency."""
    if window is None:
        return np.ones(n)
    if callable(window):
        return window(np.fft.fftfreq(n))
    if hasattr(window, "shape"):
        if window.shape != (n,):
            raise ValueError(f"window.shape={window.shape} != ({n},), i.e., window length is not equal to number of "
                             "frequency bins!")
        return window
    return np.fft.fftshift(scipy.signal.get_window(window, n))


def _resampled_real(spectrum: Tracer, weights: Any, n: int, num: int) -> Tracer:
    half, m = spectrum.shape[-1], min(num, n)
    folded = np.concatenate([weights[:1], (weights[1:half] + weights[n - half + 1 :][::-1]) / 2])
    kept = (spectrum * folded)[..., : m // 2 + 1]
    unpaired = np.ones(m // 2 + 1)
    if m % 2 == 0 and num != n:
        unpaired[m // 2] = 2 if num < n else 0.5
    return cast(np.fft.irfft(kept * unpaired, num), spectrum.real.dtype)


def _resampled_complex(spectrum: Tracer, weights: Any, n: int, num: int) -> Tracer:
    m, last = min(num, n), spectrum.ndim - 1
    weighted = spectrum * weights
    positive, negative = weighted[..., : m // 2 + 1], weighted[..., n - (m - m // 2 - 1) :]
    is_unpaired = np.arange(m // 2 + 1) == m // 2
    if m % 2 == 0 and num < n:
        positive = positive + weighted[..., n - m // 2 : n - m // 2 + 1] * is_unpaired
    if m % 2 == 0 and num > n:
        positive = positive * np.where(is_unpaired, 0.5, 1)
        negative = np.concatenate([positive[..., m // 2 :], negative], -1)
    padded = np.concatenate([resized(positive, last, num - negative.shape[-1]), negative], -1)
    return cast(np.fft.ifft(padded), np.result_type(spectrum.dtype, np.complex64))


# --- By filters

BORDERS = {"wrap": "wrap", "edge": "edge", "symmetric": "symmetric", "reflect": "reflect", "constant": "constant"}
"""NumPy's names for what is beyond the ends."""


@implements(scipy.signal.upfirdn)
def upfirdn(
    h: Any, x: Any, up: Any = 1, down: Any = 1, axis: Any = -1, mode: Any = "constant", cval: Any = 0
) -> Any:
    """Of traced values with one of the modes "constant", "wrap", "edge", "symmetric" and "reflect".

    Dtypes: numbers. Derivative: of ``h`` and ``x``.

    >>> upfirdn([1.0, 1.0], [1.0, 2.0], up=2)
    array([1., 1., 2., 2.])
    """
    h, x = alike(h, x)
    if h.ndim != 1 or not h.size:
        raise ValueError("h must be 1-D with non-zero length")
    up, down = int(up), int(down)
    if up < 1 or down < 1:
        raise ValueError("Both up and down must be >= 1")
    if mode not in BORDERS:
        scipy.signal.upfirdn([1.0, 1.0], [1.0, 1.0], mode=mode)  # SciPy's error for what is none
        modes = ", ".join(BORDERS)
        raise NotImplementedError(f"upfirdn: requires a mode among {modes} for traced values, got {mode!r}.")
    dtype = np.result_type(h.dtype, np.float32)
    h, axis = cast(h, dtype), one_axis(axis, x.ndim)
    lines = np.moveaxis(cast(x, dtype), axis, -1)
    length = (lines.shape[-1] - 1) * up + h.size
    # As many elements in front and behind as the filter reaches.
    border = 0 if mode == "constant" and not is_traced(cval) and cval == 0 else -(-(h.size - 1) // up)
    if border:
        options = {"constant_values": cval} if mode == "constant" else {}
        lines = np.pad(lines, [(0, 0)] * (x.ndim - 1) + [(border, border)], BORDERS[mode], **options)
    nothing = (0,) * lines.ndim
    spread = pad(lines, low=nothing, high=nothing, interior=(*nothing[1:], up - 1))
    y = full_convolution(spread, h)[..., border * up : border * up + length : down]
    return np.moveaxis(y, -1, axis)


_BACKGROUNDS = {"mean": np.mean, "median": np.median, "minimum": np.min, "maximum": np.max}


@implements(scipy.signal.resample_poly)
def resample_poly(
    x: Any, up: Any, down: Any, axis: Any = 0, window: Any = ("kaiser", 5.0), padtype: Any = "constant",
    cval: Any = None,
) -> Any:
    """Of traced values with the pad types of `upfirdn`, and those that are statistics.

    Dtypes: numbers. Derivative: of ``x`` and a window that is an array.

    >>> resample_poly([1.0, 1.0, 1.0, 1.0], 1, 2, padtype="mean").round(4)
    array([1., 1.])
    """
    if up != int(up) or down != int(down):
        raise ValueError(f"{'up' if up != int(up) else 'down'} must be an integer")
    if up < 1 or down < 1:
        raise ValueError("up and down must be >= 1")
    if cval is not None and padtype != "constant":
        raise ValueError("cval has no effect when padtype is ", padtype)
    up, down = int(up) // gcd(int(up), int(down)), int(down) // gcd(int(up), int(down))
    (x,) = alike(x)
    if up == down == 1:
        return np.copy(x)
    if padtype not in (*_BACKGROUNDS, *BORDERS):
        scipy.signal.resample_poly([1.0, 1.0], 2, 1, padtype=padtype)  # SciPy's error for what is none
    axis = one_axis(axis, x.ndim)
    h, start = _centered_filter(window, x.dtype, up, down)
    background = _BACKGROUNDS[padtype](x, axis=axis, keepdims=True) if padtype in _BACKGROUNDS else 0
    mode = "constant" if padtype in _BACKGROUNDS else padtype
    count = -(-x.shape[axis] * up // down)
    y = np.moveaxis(upfirdn(h, x - background, up, down, axis, mode, 0 if cval is None else cval), axis, -1)
    return np.moveaxis(resized(y[..., start:], x.ndim - 1, count), -1, axis) + background


def _centered_filter(window: Any, dtype: np.dtype, up: int, down: int) -> tuple[Any, int]:
    """The filter, with zeros in front so that a result lies on the first element, and the number of that."""
    if isinstance(window, (list, np.ndarray)) or is_traced(window):
        h = window if is_traced(window) else np.asarray(window)
        if np.ndim(h) > 1:
            raise ValueError("window must be 1-D")
        half = (np.size(h) - 1) // 2
    else:
        half = 10 * max(up, down)
        h = scipy.signal.firwin(2 * half + 1, 1.0 / max(up, down), window=window)
        h = h.astype(dtype) if dtype.kind in "fc" else h
    front = down - half % down
    return np.concatenate([np.zeros(front, h.dtype), h * up]), (half + front) // down


@implements(scipy.signal.decimate)
def decimate(
    x: Any, q: Any, n: Any = None, ftype: Any = "iir", axis: Any = -1, zero_phase: Any = True
) -> Any:
    """Of traced values with the filters "iir" and "fir".

    Dtypes: numbers. Derivative: linear.

    >>> decimate(np.ones(60), 2, zero_phase=True).round(4)[:3]
    array([1., 1., 1.])
    """
    q = index(q)
    (x,) = alike(x)
    axis = one_axis(axis, x.ndim)
    dtype = x.dtype if x.dtype.kind in "fc" and x.dtype != np.float16 else np.dtype(float)
    if ftype == "fir":
        b = scipy.signal.firwin((20 * q if n is None else index(n)) + 1, 1.0 / q, window="hamming").astype(dtype)
        if zero_phase:
            return resample_poly(x, 1, q, axis, b)
        count = -(-x.shape[axis] // q)
        return resized(upfirdn(b, x, 1, q, axis), axis, count)
    if ftype != "iir":
        raise ValueError("invalid ftype")
    sections = scipy.signal.cheby1(8 if n is None else index(n), 0.05, 0.8 / q, output="sos").astype(dtype)
    y = (sosfiltfilt if zero_phase else sosfilt)(sections, x, axis)
    return np.moveaxis(np.moveaxis(y, axis, -1)[..., ::q], -1, axis)
