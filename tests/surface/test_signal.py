"""The functions of `scipy.signal` on traced values, by the names that fnad has for them."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import fnad.scipy.signal as signal
import numpy as np
import pytest

from tests.numpy.comparing import run_numpy, run_traced
from tests.surface.laws import LAWS, Row, assert_alike
from tests.surface.test_fft import row

RNG = np.random.default_rng(0)
X, W = RNG.standard_normal(7), RNG.standard_normal(3)
PLANE, MASK = RNG.standard_normal((4, 5)), RNG.standard_normal((2, 3))


ROWS = [
    row("convolve", lambda x, w: signal.convolve(x, w, "same"), PLANE, MASK),
    row("correlate", lambda x, w: signal.correlate(x, w, method="direct"), X + 1j, W * 1j),
    row("fftconvolve", lambda x, w: signal.fftconvolve(x, w, axes=1), PLANE, MASK[:1]),
    row("convolve2d", lambda x, w: signal.convolve2d(x, w, "same", "symm"), PLANE, MASK),
    row("correlate2d", lambda x, w: signal.correlate2d(x, w, boundary="wrap"), PLANE, MASK),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_it_keeps_the_laws(row: Row, law: Any) -> None:
    law(row)


def assert_scipys(call: Any, *inputs: Any, rtol: float = 1e-12) -> None:
    """The same results, or the same error with the same words."""
    try:
        expected = run_numpy(call, *inputs)
    except Exception as theirs:
        with pytest.raises(type(theirs)) as ours:
            run_traced(call, *inputs)
        assert str(ours.value).splitlines()[0] == str(theirs).splitlines()[0]
    else:
        assert_alike(run_traced(call, *inputs), expected, rtol)


# --- Convolution

SIZES = list(product([1, 2, 3, 6], repeat=2))
SHAPES = list(product([(1, 3), (4, 2), (3, 4), (4, 4)], repeat=2))


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_modes_along_one_axis_are_scipys(name: str, mode: str) -> None:
    for n, k in SIZES:
        for method in ("direct", "fft", "auto"):
            call = lambda x, w: getattr(signal, name)(x, w, mode, method)  # noqa: E731, B023
            assert_scipys(call, X[:n], W[:k] if k < 4 else RNG.standard_normal(k))
            assert_scipys(call, X[:n] + 1j * X[1 : n + 1], np.resize(W, k) * 1j)


@pytest.mark.parametrize("mode", ["full", "same", "valid", "other"])
@pytest.mark.parametrize("name", ["convolve", "correlate", "fftconvolve", "oaconvolve"])
def test_modes_along_two_axes_are_scipys(name: str, mode: str) -> None:
    for n, k in SHAPES:
        assert_scipys(lambda x, w: getattr(signal, name)(x, w, mode), np.resize(X, n), np.resize(W, k))


@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm", "other"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve2d", "correlate2d"])
def test_borders_are_scipys(name: str, mode: str, boundary: str) -> None:
    for n, k in SHAPES:
        call = lambda x, w: getattr(signal, name)(x, w, mode, boundary, 3)  # noqa: E731
        assert_scipys(call, np.resize(X, n) + 1j, np.resize(W, k) * 1j)


def test_integers_and_what_has_no_axes_are_convolved() -> None:
    for method in ("direct", "fft", "auto", "other"):
        assert_scipys(lambda x, w: signal.convolve(x, w, method=method), np.array([1, 2, 3]), np.array([4, 5]))
    for name in ("convolve", "correlate", "fftconvolve", "correlate2d"):
        assert_scipys(getattr(signal, name), 2.0, 3.0)
        assert_scipys(getattr(signal, name), X, PLANE)
    for axes in ((), (0,), (1,), 1, (0, 1)):
        assert_scipys(lambda x, w: signal.fftconvolve(x, w, axes=axes), PLANE, MASK[:1])
    assert_scipys(signal.fftconvolve, X, W[:0])


# --- Filters

B, A = np.array([0.2, 0.3, 0.1]), np.array([1.5, -0.6, 0.4, 0.1])
SOS = np.array([[0.2, 0.3, 0.1, 1.0, -0.4, 0.2], [1.0, -0.5, 0.3, 1.0, 0.3, -0.1]])
PARTS = np.ascontiguousarray(SOS[:, [0, 1, 2, 4, 5]])  # which SciPy wants to lie so
LINES = RNG.standard_normal((2, 12))


def sections(parts: Any) -> Any:
    """Coefficients of which the fourth are 1."""
    return np.concatenate([parts[:, :3], np.ones_like(parts[:, :1]), parts[:, 3:]], 1)


FILTERS = [
    row("lfilter", lambda b, a, x, zi: signal.lfilter(b, a, x, zi=zi), B, A, LINES[:, :5], LINES[:, 9:]),
    row("lfilter/complex", lambda b, a, x: signal.lfilter(b, a, x, axis=0), B + 0.1j, A[:2], LINES[:, :3].T * 1j),
    row("sosfilt", lambda p, x, zi: signal.sosfilt(sections(p), x, zi=zi), PARTS, X, LINES[:, :2]),
    row("freqz", lambda b, a, w: signal.freqz(b, a, w, fs=2.0)[1], B, A, np.array([0.2, 0.7])),
    row("filtfilt", lambda b, a, x: signal.filtfilt(b, a, x, padlen=2), B, A, X),
    row("sosfiltfilt", lambda p, x: signal.sosfiltfilt(sections(p), x, padlen=3), PARTS[:1], X),
]


@pytest.mark.parametrize("row", FILTERS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_filters_keep_the_laws(row: Row, law: Any) -> None:
    law(row)


@pytest.mark.parametrize("orders", [(1, 1), (1, 3), (3, 1), (2, 4), (4, 2)])
def test_filters_of_any_order_are_scipys(orders: tuple[int, int]) -> None:
    b, a = np.resize(B, orders[0]), A[: orders[1]]
    state = LINES[:, : max(orders) - 1]
    for n in (1, 2, 12):
        assert_scipys(signal.lfilter, b, a, LINES[:, :n])
        assert_scipys(lambda b, a, x, zi: signal.lfilter(b, a, x, zi=zi), b, a, LINES[:, :n], state)  # noqa: B023
        assert_scipys(lambda b, a, x, zi: signal.lfilter(b, a, x, 0, zi), b, a, LINES.T[:n], state[:1].T)
    assert_scipys(signal.lfilter_zi, b, a)


def test_responses_are_scipys() -> None:
    for call in (
        lambda b: signal.freqz(b), lambda b: signal.freqz(b, A, 7, True), lambda b: signal.freqz(b, 2, None, True),
        lambda b: signal.freqz(b, A, 6, include_nyquist=True, fs=3.0), lambda b: signal.freqz(b, [1], [0.1, 1.0]),
        lambda b: signal.freqz(b, A[:2] * 1j, 4), lambda b: signal.freqz(b, 1, -1), lambda b: signal.freqz(b, 1, 0.5),
    ):
        assert_scipys(call, B)
    assert_scipys(lambda sos: signal.freqz_sos(sos, 5, fs=2.0), SOS)
    assert_scipys(lambda sos: signal.sosfreqz(sos, [0.1, 0.2]), SOS[:1])
    assert_scipys(lambda sos: signal.freqz_sos(sos[:, :4]), SOS)


def test_options_of_filters_are_scipys() -> None:
    x = RNG.standard_normal((2, 20))
    for padtype in ("odd", "even", "constant", None, "other"):
        for padlen in (None, 0, 4, 30):
            assert_scipys(lambda b, a, x: signal.filtfilt(b, a, x, 1, padtype, padlen), B, A, x)  # noqa: B023
            assert_scipys(lambda x: signal.sosfiltfilt(SOS, x, 1, padtype, padlen), x)  # noqa: B023
    assert_scipys(lambda x: signal.sosfiltfilt(SOS, x, axis=0, padlen=3), x.T)
    assert_scipys(lambda x: signal.sosfilt(SOS, x, axis=0), x.T)
    assert_scipys(signal.sosfilt_zi, SOS)
    assert_scipys(lambda x: signal.filtfilt(B, A, x, method="other"), x)


def test_mistakes_with_filters_are_scipys_errors() -> None:
    for call in (
        lambda x: signal.lfilter(B, A, x, zi=np.zeros((2, 2))), lambda x: signal.lfilter(B[None], A, x),
        lambda x: signal.lfilter(B, [], x), lambda x: signal.sosfilt(SOS[:, :5], x),
        lambda x: signal.sosfilt(SOS, x, zi=np.zeros((2, 3))), lambda x: signal.sosfilt(SOS[None], x),
        lambda x: signal.lfilter([1], [1, 2], x.astype(int)), lambda x: signal.sosfilt_zi(x),
        lambda x: signal.sosfilt(SOS.astype(int), x.astype(int)), lambda x: signal.lfilter_zi(B, x),
    ):
        assert_scipys(call, LINES)


# --- Trends and spectra

LONG = RNG.standard_normal((2, 40))
SPECTRA = [
    row("detrend", lambda x: signal.detrend(x, bp=3), LINES), row("hilbert", lambda x: signal.hilbert(x, 9), LINES),
    row("csd", lambda x, y: signal.csd(x, y, nperseg=6), X, X[::-1] * 2),
    row("welch", lambda x, w, fs: signal.welch(x, fs, w, average="median"), LINES, B + 1, 2.0),
    row("stft", lambda x: signal.stft(x, nperseg=4)[2], X),
    row("spectrogram", lambda x: signal.spectrogram(x, nperseg=4, window=B.sum() + np.arange(4))[2], X),
    row("periodogram", lambda x: signal.periodogram(x, scaling="spectrum"), X),
]


@pytest.mark.parametrize("row", SPECTRA, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_spectra_keep_the_laws(row: Row, law: Any) -> None:
    law(row)


def test_trends_and_analytic_signals_are_scipys() -> None:
    for call in (
        lambda x: signal.detrend(x, 0, "constant"), lambda x: signal.detrend(x.T, 0),
        lambda x: signal.detrend(x, 1, "x"),
        lambda x: signal.detrend(x, bp=[10, 20, 25]), lambda x: signal.detrend(x, bp=50), lambda x: signal.hilbert(x),
        lambda x: signal.hilbert(x, axis=0), lambda x: signal.hilbert(x, 7), lambda x: signal.hilbert(x * 1j),
        lambda x: signal.hilbert(x, 0),
    ):
        assert_scipys(call, LONG)


SPECTRAL_OPTIONS = [
    {}, {"nperseg": 9}, {"nperseg": 8, "nfft": 11, "noverlap": 3}, {"average": "median", "nperseg": 8},
    {"detrend": "linear", "nperseg": 8}, {"detrend": False, "nperseg": 10}, {"return_onesided": False, "nperseg": 10},
    {"window": ("tukey", 0.5), "nperseg": 12, "fs": 3.0}, {"window": np.arange(1.0, 9), "scaling": "spectrum"},
    {"detrend": lambda x: x - 1.0, "nperseg": 20}, {"axis": 0, "nperseg": 2}, {"nperseg": 8, "nfft": 4},
    {"nperseg": 8, "noverlap": 8}, {"scaling": "x"}, {"average": "x", "nperseg": 8}, {"nperseg": 0},
    {"window": np.ones(4), "nperseg": 5},
]


@pytest.mark.parametrize("k", range(len(SPECTRAL_OPTIONS)))
def test_options_of_spectra_are_scipys(k: int) -> None:
    options = SPECTRAL_OPTIONS[k]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_scipys(lambda x: signal.welch(x, **options), LONG)
        assert_scipys(lambda x, y: signal.csd(x, y, **options), LONG, LONG[::-1, :30])
        assert_scipys(lambda z: signal.welch(z, **options), LONG + 1j * LONG[::-1])


OVER_TIME = [
    {}, {"nperseg": 9}, {"nperseg": 8, "nfft": 12, "noverlap": 3}, {"window": np.arange(1.0, 9), "nperseg": 8},
    {"nperseg": 2, "axis": 0}, {"nperseg": 8, "return_onesided": False, "fs": 2.0}, {"nperseg": 5, "noverlap": 4},
]


def turned(results: Any, mode: str) -> Any:
    """Angles as what they stand for: half a turn may be counted either way."""
    return (*results[:2], np.exp(1j * results[2])) if mode in ("angle", "phase") else results


@pytest.mark.parametrize("k", range(len(OVER_TIME)))
def test_spectra_over_time_are_scipys(k: int) -> None:
    options, more = OVER_TIME[k], [{"boundary": b, "padded": p} for b in ("even", "odd", "constant", "zeros", None)
                                   for p in (True, False)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for own in (*more, {"scaling": "psd"}, {"scaling": "x"}, {"boundary": "x"}):
            assert_scipys(lambda x: signal.stft(x, **options, **own), LONG)  # noqa: B023
        for mode in ("psd", "complex", "magnitude", "angle", "phase", "x"):
            assert_scipys(lambda x: turned(signal.spectrogram(x, mode=mode, **options), mode), LONG + 0.1)  # noqa: B023
        assert_scipys(lambda x: signal.stft(x, **options), LONG + 1j)
        assert_scipys(lambda x: signal.spectrogram(x, **options), LONG + 1j * LONG[::-1])


def test_periodograms_and_coherence_are_scipys() -> None:
    for options in ({}, {"nfft": 50}, {"nfft": 30}, {"window": "hann", "axis": 0}, {"window": np.ones(3)}):
        assert_scipys(lambda x: signal.periodogram(x, **options), LONG)  # noqa: B023
    assert_scipys(lambda x, y: signal.coherence(x, y, nperseg=8), LONG, LONG[::-1])
    with pytest.warns(UserWarning, match="using nperseg = 40"):
        run_traced(signal.welch, LONG)


# --- Other rates

SAMPLINGS = [
    row("savgol_filter", lambda x: signal.savgol_filter(x, 5, 2, deriv=1), X),
    row("resample", lambda x, t: signal.resample(x, 4, t), X, np.array([0.0, 0.5])),
    row("upfirdn", lambda h, x: signal.upfirdn(h, x, 3, 2, mode="symmetric"), B, LINES[:, :4]),
    row("decimate", lambda x: signal.decimate(x, 3, 2, axis=0, ftype="fir"), LINES[:, :7].T),
]


@pytest.mark.parametrize("row", SAMPLINGS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_samplings_keep_the_laws(row: Row, law: Any) -> None:
    law(row)


def test_savgol_filters_are_scipys() -> None:
    for length, order, options in (
        (5, 3, {}), (4, 2, {}), (7, 2, {"deriv": 2, "delta": 0.5}), (12, 3, {}), (3, 1, {"mode": "mirror"}),
        (5, 2, {"mode": "constant", "cval": 2.0}), (13, 2, {}), (3, 2, {"axis": 0}), (5, 2, {"mode": "x"}),
    ):
        assert_scipys(lambda x: signal.savgol_filter(x, length, order, **options), LINES, rtol=1e-10)  # noqa: B023


@pytest.mark.parametrize("num", [3, 4, 6, 7, 8, 11])
def test_resampling_is_scipys(num: int) -> None:
    for n in (6, 7):
        for window in (None, "hann", np.arange(1.0, n + 1), lambda f: 1 - f**2):
            call = lambda x: signal.resample(x, num, axis=1, window=window)  # noqa: E731, B023
            assert_scipys(call, LINES[:, :n])
            assert_scipys(call, LINES[:, :n] + 1j * LINES[:, -n:])
            backward = lambda x: signal.resample(x, num, window=window, domain="freq")  # noqa: E731, B023
            assert_scipys(backward, LINES[0, :n] + 0j)
    assert_scipys(lambda x: signal.resample(x, num, window=np.ones(3)), LINES[0])
    assert_scipys(lambda x: signal.resample(x, num, domain="x"), LINES[0])


def test_filters_between_rates_are_scipys() -> None:
    for up, down in ((1, 1), (2, 1), (1, 3), (3, 2), (4, 6)):
        for mode in ("constant", "wrap", "edge", "symmetric", "reflect"):
            for n in (2, 4, 12):  # of one element reflected, SciPy 1.17.1 ends the process
                call = lambda h, x: signal.upfirdn(h, x, up, down, 1, mode, 1.5)  # noqa: E731, B023
                assert_scipys(call, np.resize(B, 7), LINES[:, :n])
        for padtype in ("constant", "mean", "median", "maximum", "edge", "x"):
            assert_scipys(lambda x: signal.resample_poly(x, up, down, 1, padtype=padtype), LINES)  # noqa: B023
        assert_scipys(lambda x: signal.resample_poly(x, up, down, window=B), LINES.T)  # noqa: B023
    for call in (
        lambda x: signal.upfirdn([], x), lambda x: signal.upfirdn(B, x, 0), lambda x: signal.resample_poly(x, 1.5, 1),
        lambda x: signal.resample_poly(x, 0, 1), lambda x: signal.resample_poly(x, 2, 1, padtype="mean", cval=1.0),
        lambda x: signal.decimate(x, 2, 3), lambda x: signal.decimate(x, 3, 2, "fir", 0, False),
        lambda x: signal.decimate(x, 2, 2, zero_phase=False), lambda x: signal.decimate(x, 2, ftype="x"),
        lambda x: signal.decimate(np.round(x).astype(int), 2, 4, "fir"),
    ):
        assert_scipys(call, LINES)
