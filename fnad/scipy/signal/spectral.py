"""Trends, analytic signals and spectra, as `scipy.signal` has them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.signal

from fnad.numpy.convolution import alike
from fnad.numpy.dispatch import implements
from fnad.numpy.fft import resized
from fnad.numpy.promotion import cast, is_traced, one_axis
from fnad.numpy.reductions import floating
from fnad.tracing.tracer import Tracer

# --- Trends and analytic signals


@implements(scipy.signal.detrend)
def detrend(data: Any, axis: Any = -1, type: Any = "linear", bp: Any = 0, overwrite_data: Any = False) -> Any:
    """Dtypes: numbers. Derivative: linear, so the cotangent without its trend.

    >>> detrend([1.0, 2.0, 3.0], type="constant")
    array([-1.,  0.,  1.])
    """
    if type not in ("linear", "l", "constant", "c"):
        raise ValueError("Trend type must be 'linear' or 'constant'.")
    x = floating(*alike(data))
    if type in ("constant", "c"):
        return x - np.mean(x, axis, keepdims=True)
    axis = one_axis(axis, x.ndim)
    ends = np.unique(np.concatenate(np.atleast_1d(0, bp, x.shape[axis])))
    if np.any(ends > x.shape[axis]):
        raise ValueError("Breakpoints must be less than length of data along given axis.")
    lines = np.moveaxis(x, axis, -1)
    parts = [_without_line(lines[..., start:stop]) for start, stop in zip(ends, ends[1:])]
    return np.moveaxis(np.concatenate(parts, -1), -1, axis)


def _without_line(x: Tracer) -> Tracer:
    """What is orthogonal to all straight lines."""
    n = x.shape[-1]
    basis = np.linalg.qr(np.stack([np.ones(n), np.arange(1, n + 1) / n], -1))[0].astype(x.dtype)
    return x - (x @ basis) @ basis.T


@implements(scipy.signal.hilbert)
def hilbert(x: Any, N: Any = None, axis: Any = -1) -> Any:
    """Dtypes: real numbers. Derivative: linear, of both parts of the result.

    >>> hilbert([1.0, 0.0, -1.0, 0.0])
    array([ 1.+0.j,  0.+1.j, -1.+0.j,  0.-1.j])
    """
    (x,) = alike(x)
    if x.dtype.kind == "c":
        raise ValueError("x must be real.")
    axis = one_axis(axis, x.ndim)
    n = x.shape[axis] if N is None else N
    if n <= 0:
        raise ValueError("N must be positive.")
    weights = np.zeros(n)
    weights[: n // 2 + 1] = 1
    weights[1 : (n + 1) // 2] = 2
    spectrum = np.fft.fft(x, n, axis)
    shape = [n if a == axis else 1 for a in range(x.ndim)]
    return np.fft.ifft(spectrum * weights.reshape(shape).astype(spectrum.real.dtype), axis=axis)


# --- Spectra


@implements(scipy.signal.csd)
def csd(
    x: Any, y: Any, fs: Any = 1.0, window: Any = "hann", nperseg: Any = None, noverlap: Any = None, nfft: Any = None,
    detrend: Any = "constant", return_onesided: Any = True, scaling: Any = "density", axis: Any = -1,
    average: Any = "mean",
) -> Any:
    """Dtypes: numbers. Derivative: of ``x``, ``y``, ``fs`` and a window that is an array.

    >>> csd([1.0, -1.0, 1.0, -1.0], [2.0, 0.0, -2.0, 0.0], window="boxcar", nperseg=4)[1].round(6)
    array([0.+0.j, 0.+0.j, 0.+0.j])
    """
    pairs = list(alike(x, y))
    lengths = [a.shape[one_axis(axis, a.ndim)] for a in pairs]
    lines = [resized(np.moveaxis(a, axis, -1), a.ndim - 1, max(lengths)) for a in pairs]
    try:
        np.broadcast_shapes(*[a.shape[:-1] for a in lines])
    except ValueError:
        raise ValueError("x and y cannot be broadcast together.") from None
    window = _window(window, nperseg, max(lengths))
    step, nfft = _steps(window.shape[0], noverlap, nfft)
    onesided = return_onesided and lines[0].dtype.kind != "c"
    first, second = [_spectra(a, window, step, nfft, detrend, onesided) for a in lines]
    power = np.conj(first) * second * _scale(scaling, fs, window)
    averaged = _averaged(_doubled(power, nfft) if onesided else power, average)
    averaged = cast(averaged, np.result_type(pairs[0].dtype, np.complex64))
    return _frequencies(nfft, fs, onesided), np.moveaxis(averaged, -1, axis)


def _doubled(power: Tracer, nfft: int) -> Tracer:
    """The powers of frequencies that stand for their negative ones as well."""
    weights = np.full(power.shape[-1], 2)
    weights[:: nfft // 2 if nfft % 2 == 0 else nfft] = 1
    return power * weights


def _frequencies(nfft: int, fs: Any, onesided: bool) -> Any:
    return (np.fft.rfftfreq if onesided else np.fft.fftfreq)(nfft, 1 / fs)


def _window(window: Any, nperseg: Any, n: int) -> Any:
    if not isinstance(window, (str, tuple)):
        window = window if is_traced(window) else np.asarray(window)
        if nperseg is not None and nperseg != window.shape[0]:
            raise ValueError(f"nperseg={nperseg} does not equal len(win)={window.shape[0]}")
        return window
    nperseg = 256 if nperseg is None else int(nperseg)
    if nperseg < 1:
        raise ValueError(f"Parameter nperseg={nperseg} is not a positive integer!")
    if n < nperseg:
        warnings.warn(
            f"nperseg={nperseg} is greater than signal length max(len(x), len(y)) = {n}, using nperseg = {n}",
            stacklevel=4,
        )
    return scipy.signal.get_window(window, min(n, nperseg))


def _steps(nperseg: int, noverlap: Any, nfft: Any) -> tuple[int, int]:
    """How far a segment is from the next, and how many points are transformed."""
    nfft = nperseg if nfft is None else int(nfft)
    if nfft < nperseg:
        raise ValueError(f"nfft={nfft} must be greater than or equal to nperseg={nperseg}!")
    noverlap = nperseg // 2 if noverlap is None else int(noverlap)
    if noverlap >= nperseg:
        raise ValueError(f"noverlap={noverlap} must be less than nperseg={nperseg}!")
    return nperseg - noverlap, nfft


def _spectra(x: Tracer, window: Any, step: int, nfft: int, trend: Any, onesided: bool) -> Tracer:
    """The transform of each segment, in the last two axes."""
    nperseg = window.shape[0]
    starts = np.arange(0, x.shape[-1] - nperseg + 1, step)
    segments = x[..., starts[:, None] + np.arange(nperseg)]
    if callable(trend):
        segments = trend(segments)
    elif trend:
        segments = detrend(segments, type=trend)
    return (np.fft.rfft if onesided else np.fft.fft)(segments * window, nfft)


def _scale(scaling: Any, fs: Any, window: Any) -> Any:
    if scaling == "density":
        return 1 / (fs * (window**2).sum())
    if scaling != "spectrum":
        scales = {"spectrum": "magnitude", "density": "psd"}
        raise ValueError(f"Parameter scaling={scaling!r} not in {scales}!")
    return 1 / window.sum() ** 2


def _averaged(power: Tracer, average: Any) -> Tracer:
    """Over all segments."""
    count = power.shape[-2]
    if count == 1:
        return power[..., 0, :]
    if average == "mean":
        return power.mean(-2)
    if average != "median":
        raise ValueError(f"Parameter average={average!r} must be 'median' or 'mean'!")
    bias = 1 + np.sum([1 / (k + 1) - 1 / k for k in range(2, count, 2)])  # of an exponential distribution's median
    return (np.median(power.real, -2) + 1j * np.median(power.imag, -2)) / bias


@implements(scipy.signal.welch)
def welch(
    x: Any, fs: Any = 1.0, window: Any = "hann", nperseg: Any = None, noverlap: Any = None, nfft: Any = None,
    detrend: Any = "constant", return_onesided: Any = True, scaling: Any = "density", axis: Any = -1,
    average: Any = "mean",
) -> Any:
    """Dtypes: numbers. Derivative: of ``x``, ``fs`` and a window that is an array.

    >>> welch(np.array([1.0, -1.0, 1.0, -1.0]), window="boxcar", nperseg=4)[1].round(6)
    array([0., 0., 4.])
    """
    frequencies, power = csd(
        x, x, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, average
    )
    return frequencies, np.real(power)


@implements(scipy.signal.periodogram)
def periodogram(
    x: Any, fs: Any = 1.0, window: Any = "boxcar", nfft: Any = None, detrend: Any = "constant",
    return_onesided: Any = True, scaling: Any = "density", axis: Any = -1,
) -> Any:
    """Dtypes: numbers. Derivative: of ``x``, ``fs`` and a window that is an array.

    >>> periodogram([1.0, -1.0, 1.0, -1.0])[1].round(6)
    array([0., 0., 4.])
    """
    (x,) = alike(x)
    axis = one_axis(axis, x.ndim)
    n = x.shape[axis] if nfft is None else min(nfft, x.shape[axis])
    window = "boxcar" if window is None else window
    if hasattr(window, "size") and window.size != n:
        raise ValueError("the size of the window must be the same size of the input on the specified axis")
    return welch(resized(x, axis, n), fs, window, n, 0, nfft, detrend, return_onesided, scaling, axis)


@implements(scipy.signal.coherence)
def coherence(
    x: Any, y: Any, fs: Any = 1.0, window: Any = "hann", nperseg: Any = None, noverlap: Any = None, nfft: Any = None,
    detrend: Any = "constant", axis: Any = -1,
) -> Any:
    """Dtypes: numbers. Derivative: of ``x``, ``y`` and a window that is an array.

    >>> coherence(np.array([1.0, 2.0, 0.0, 3.0]), np.array([2.0, 4.0, 0.0, 6.0]), nperseg=2, detrend=False)[1].round(6)
    array([1., 1.])
    """
    options = (fs, window, nperseg, noverlap, nfft, detrend)
    powers = [welch(a, *options, axis=axis)[1] for a in (x, y)]
    frequencies, both = csd(x, y, *options, axis=axis)
    return frequencies, np.abs(both) ** 2 / powers[0] / powers[1]


# --- Spectra over time

_BOUNDARIES: dict[Any, dict[str, Any]] = {
    "even": {"mode": "reflect"}, "odd": {"mode": "reflect", "reflect_type": "odd"}, "constant": {"mode": "edge"},
    "zeros": {"mode": "constant"}, None: {},
}


def _over_time(
    x: Tracer, fs: Any, window: Any, noverlap: Any, nfft: Any, trend: Any, onesided: Any, boundary: Any = None,
    padded: bool = False,
) -> tuple[Any, Any, Tracer]:
    """Frequencies, times, and the transforms of all segments."""
    nperseg = window.shape[0]
    if boundary not in _BOUNDARIES:
        raise ValueError(f"Unknown boundary option '{boundary}', must be one of: {list(_BOUNDARIES)}")
    step, nfft = _steps(nperseg, noverlap, nfft)
    widths, half = [(0, 0)] * (x.ndim - 1), nperseg // 2
    x = np.pad(x, [*widths, (half, half)], **_BOUNDARIES[boundary]) if boundary else x
    x = np.pad(x, [*widths, (0, -(x.shape[-1] - nperseg) % step % nperseg)]) if padded else x
    if onesided and x.dtype.kind == "c":
        warnings.warn("Input data is complex, switching to return_onesided=False", stacklevel=4)
        onesided = False
    times = np.arange(nperseg / 2, x.shape[-1] - nperseg / 2 + 1, step) / fs - (nperseg / 2 / fs if boundary else 0)
    return _frequencies(nfft, fs, onesided), times, _spectra(x, window, step, nfft, trend, onesided)


@implements(scipy.signal.stft)
def stft(
    x: Any, fs: Any = 1.0, window: Any = "hann", nperseg: Any = 256, noverlap: Any = None, nfft: Any = None,
    detrend: Any = False, return_onesided: Any = True, boundary: Any = "zeros", padded: Any = True, axis: Any = -1,
    scaling: Any = "spectrum",
) -> Any:
    """Dtypes: numbers. Derivative: of ``x``, ``fs`` and a window that is an array.

    >>> stft(np.array([1.0, -1.0, 1.0, -1.0]), window="boxcar", nperseg=2, noverlap=0)[2].round(6)
    array([[ 0.5+0.j,  0. +0.j, -0.5+0.j],
           [-0.5+0.j, -1. +0.j, -0.5+0.j]])
    """
    if scaling not in ("spectrum", "psd"):
        raise ValueError(f"Parameter scaling={scaling!r} not in ['spectrum', 'psd']!")
    (x,) = alike(x)
    lines = np.moveaxis(x, one_axis(axis, x.ndim), -1)
    window = _window(window, nperseg, lines.shape[-1])
    frequencies, times, found = _over_time(
        lines, fs, window, noverlap, nfft, detrend, return_onesided, boundary, padded
    )
    scaled = found * np.sqrt(_scale("density" if scaling == "psd" else scaling, fs, window))
    return frequencies, times, _with_times_last(scaled, axis, x)


def _with_times_last(found: Tracer, axis: int, x: Tracer) -> Tracer:
    found = cast(found, np.result_type(x.dtype, np.complex64))
    return np.moveaxis(found, -1, axis - 1 if axis < 0 else axis)


@implements(scipy.signal.spectrogram)
def spectrogram(
    x: Any, fs: Any = 1.0, window: Any = ("tukey", 0.25), nperseg: Any = None, noverlap: Any = None, nfft: Any = None,
    detrend: Any = "constant", return_onesided: Any = True, scaling: Any = "density", axis: Any = -1,
    mode: Any = "psd",
) -> Any:
    """Dtypes: numbers. Derivative: of ``x``, ``fs`` and a window that is an array.

    >>> spectrogram(np.array([1.0, -1.0, 1.0, -1.0]), window="boxcar", nperseg=2, noverlap=0)[2].round(6)
    array([[0., 0.],
           [2., 2.]])
    """
    modes = ["psd", "complex", "magnitude", "angle", "phase"]
    if mode not in modes:
        raise ValueError(f"unknown value for mode {mode}, must be one of {modes}")
    (x,) = alike(x)
    lines = np.moveaxis(x, one_axis(axis, x.ndim), -1)
    window = _window(window, nperseg, lines.shape[-1])
    noverlap = window.shape[0] // 8 if noverlap is None else noverlap
    frequencies, times, found = _over_time(lines, fs, window, noverlap, nfft, detrend, return_onesided)
    scale = _scale(scaling, fs, window)
    if mode == "psd":
        count = window.shape[0] if nfft is None else nfft
        onesided = return_onesided and x.dtype.kind != "c"
        power = _doubled(np.conj(found) * found, count) if onesided else np.conj(found) * found
        return frequencies, times, np.real(_with_times_last(power * scale, axis, x))
    found = _with_times_last(found * np.sqrt(scale), axis, x)
    views = {"complex": lambda z: z, "magnitude": np.abs, "angle": np.angle}
    if mode in views:
        return frequencies, times, views[mode](found)
    return frequencies, times, np.unwrap(np.angle(found), axis=axis - 1 if axis < 0 else axis)
