"""Cosine and sine transforms of the types 1 to 4, by Fourier transforms of real numbers."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
import scipy.fft

from fnad.numpy.dispatch import implements
from fnad.numpy.fft import resized
from fnad.ops.complexes import complex_
from fnad.ops.elementwise import imag, real
from fnad.scipy.fft.arguments import Pairs, given, norm_of, one_axis, several_axes
from fnad.tracing.tracer import Tracer

# --- Transforms of real numbers along the last axis, without a scale


def _turned(x: Tracer, angles: np.ndarray, factor: float = 1.0) -> Tracer:
    """Numbers times factor * exp(i angles)."""
    return x * (factor * np.exp(1j * angles)).astype(np.result_type(x.dtype, np.complex64))


def _cosines_1(x: Tracer) -> Tracer:
    """x[0] + (-1)**k x[-1] + 2 sum(x[j] cos(pi j k / (n - 1))), as of the numbers and their reflection."""
    if x.shape[-1] < 2:
        raise RuntimeError("zero-length FFT requested")
    return np.fft.rfft(np.concatenate([x, x[..., -2:0:-1]], -1)).real


def _cosines_2(x: Tracer) -> Tracer:
    """2 sum(x[j] cos(pi k (2j + 1) / 2n)), by the even places and then the odd ones backwards, as by Makhoul (1980)."""
    n = x.shape[-1]
    folded = np.concatenate([x[..., ::2], x[..., 1::2][..., ::-1]], -1)
    y = _turned(np.fft.rfft(folded), -np.pi / (2 * n) * np.arange(n // 2 + 1), 2.0)
    return np.concatenate([y.real, -y.imag[..., 1 : (n + 1) // 2][..., ::-1]], -1)


def _cosines_3(x: Tracer) -> Tracer:
    """x[0] + 2 sum(x[k] cos(pi k (2j + 1) / 2n)): the type 2 backwards, step by step."""
    n = x.shape[-1]
    half = n // 2 + 1
    mirrored = np.concatenate([np.zeros_like(x[..., :1]), x[..., ::-1]], -1)[..., :half]
    y = _turned(x[..., :half] - 1j * mirrored, np.pi / (2 * n) * np.arange(half))
    folded = np.fft.irfft(y, n, norm="forward")
    places = np.empty(n, int)
    places[::2], places[1::2] = np.arange((n + 1) // 2), np.arange(n - 1, (n - 1) // 2, -1)
    return folded[..., places]


def _cosines_4(x: Tracer) -> Tracer:
    """2 sum(x[j] cos(pi (2j + 1) (2k + 1) / 4n)), as of twice as many complex numbers."""
    n = x.shape[-1]
    places = np.arange(n)
    y = np.fft.fft(_turned(x, -np.pi / (2 * n) * places), 2 * n)[..., :n]
    return _turned(y, -np.pi / (4 * n) * (2 * places + 1), 2.0).real


def _sines_1(x: Tracer) -> Tracer:
    """2 sum(x[j] sin(pi (j + 1) (k + 1) / (n + 1))), as of the numbers and their odd reflection."""
    n, zero = x.shape[-1], np.zeros_like(x[..., :1])
    return -np.fft.rfft(np.concatenate([zero, x, zero, -x[..., ::-1]], -1)).imag[..., 1 : n + 1]


def _alternating(x: Tracer) -> Tracer:
    return x * np.where(np.arange(x.shape[-1]) % 2, -1, 1).astype(x.dtype)


Transform = Callable[[Tracer], Tracer]

_COSINES: list[Transform] = [_cosines_1, _cosines_2, _cosines_3, _cosines_4]
_SINES: list[Transform] = [
    _sines_1, lambda x: _cosines_2(_alternating(x))[..., ::-1], lambda x: _alternating(_cosines_3(x[..., ::-1])),
    lambda x: _alternating(_cosines_4(x[..., ::-1])),
]
_DOUBLED = {"dct": ([0, -1], [0], [0], []), "dst": ([], [-1], [-1], [])}
"""By type, where orthogonal transforms have another weight: in type 2 of the results, in type 3 of what is given."""

# --- With scale, along any axis


def _transform(x: Tracer, kind: str, type: int, pairs: Pairs, norm: str, orthogonal: bool) -> Tracer:
    if x.dtype.kind == "c":
        parts = [_transform(part(x), kind, type, pairs, norm, orthogonal) for part in (real, imag)]
        return complex_(*parts)
    for n, axis in pairs:
        x = np.moveaxis(_along_last(np.moveaxis(resized(x, axis, n), axis, -1), kind, type, norm, orthogonal), -1, axis)
    return x


def _along_last(x: Tracer, kind: str, type: int, norm: str, orthogonal: bool) -> Tracer:
    n = x.shape[-1]
    size = {"dct": 2 * (n - 1), "dst": 2 * (n + 1)}[kind] if type == 1 else 2 * n
    doubled = _DOUBLED[kind][type - 1] if orthogonal else []
    if type in (1, 3):
        x = _weighted(x, doubled, sqrt(2))
    y = {"dct": _COSINES, "dst": _SINES}[kind][type - 1](x)
    if type in (1, 2):
        y = _weighted(y, doubled, sqrt(0.5))
    return y * {"backward": 1.0, "ortho": 1 / sqrt(size or 1), "forward": 1 / (size or 1)}[norm]


def _weighted(x: Tracer, places: list[int], weight: float) -> Tracer:
    if not places:
        return x
    weights = np.ones(x.shape[-1], x.dtype)
    weights[places] = weight
    return x * weights


def _kind(kind: str, type: Any, inverse: bool) -> int:
    if type not in (1, 2, 3, 4):
        raise ValueError(f"invalid {kind.upper()} type")
    return {2: 3, 3: 2}.get(type, type) if inverse else type


def _orthogonal(x: Tracer, norm: Any, orthogonalize: Any) -> bool:
    """SciPy asks for it of real numbers only."""
    return norm == "ortho" if orthogonalize is None or x.dtype.kind == "c" else bool(orthogonalize)


def _one(
    kind: str, inverse: bool, x: Any, type: Any, n: Any, axis: Any, norm: Any, workers: Any, orthogonalize: Any
) -> Tracer:
    x = given(x, workers)
    pairs, scale = [one_axis(x, n, axis)], norm_of(norm, inverse)
    return _transform(x, kind, _kind(kind, type, inverse), pairs, scale, _orthogonal(x, norm, orthogonalize))


def _many(
    kind: str, inverse: bool, x: Any, type: Any, s: Any, axes: Any, norm: Any, workers: Any, orthogonalize: Any
) -> Tracer:
    x = given(x, workers)
    pairs, scale = several_axes(x, s, axes), norm_of(norm, inverse)
    return _transform(x, kind, _kind(kind, type, inverse), pairs, scale, _orthogonal(x, norm, orthogonalize))


# --- One axis


@implements(scipy.fft.dct)
def dct(
    x: Any, type: Any = 2, n: Any = None, axis: Any = -1, norm: Any = None, overwrite_x: Any = False,
    workers: Any = None, orthogonalize: Any = None,
) -> Any:
    """Dtypes: numbers; of complex ones both parts. Derivative: the transposed transform.

    >>> dct([1.0, 2.0]).round(4)
    array([ 6.    , -1.4142])
    """
    return _one("dct", False, x, type, n, axis, norm, workers, orthogonalize)


@implements(scipy.fft.idct)
def idct(
    x: Any, type: Any = 2, n: Any = None, axis: Any = -1, norm: Any = None, overwrite_x: Any = False,
    workers: Any = None, orthogonalize: Any = None,
) -> Any:
    """Dtypes: numbers; of complex ones both parts. Derivative: the transposed transform.

    >>> idct([1.0, 2.0]).round(4)
    array([ 0.9571, -0.4571])
    """
    return _one("dct", True, x, type, n, axis, norm, workers, orthogonalize)


@implements(scipy.fft.dst)
def dst(
    x: Any, type: Any = 2, n: Any = None, axis: Any = -1, norm: Any = None, overwrite_x: Any = False,
    workers: Any = None, orthogonalize: Any = None,
) -> Any:
    """Dtypes: numbers; of complex ones both parts. Derivative: the transposed transform.

    >>> dst([1.0, 2.0]).round(4)
    array([ 4.2426, -2.    ])
    """
    return _one("dst", False, x, type, n, axis, norm, workers, orthogonalize)


@implements(scipy.fft.idst)
def idst(
    x: Any, type: Any = 2, n: Any = None, axis: Any = -1, norm: Any = None, overwrite_x: Any = False,
    workers: Any = None, orthogonalize: Any = None,
) -> Any:
    """Dtypes: numbers; of complex ones both parts. Derivative: the transposed transform.

    >>> idst([1.0, 2.0]).round(4)
    array([ 0.8536, -0.1464])
    """
    return _one("dst", True, x, type, n, axis, norm, workers, orthogonalize)


# --- Several axes


@implements(scipy.fft.dctn)
def dctn(
    x: Any, type: Any = 2, s: Any = None, axes: Any = None, norm: Any = None, overwrite_x: Any = False,
    workers: Any = None, *, orthogonalize: Any = None,
) -> Any:
    """Dtypes: numbers; of complex ones both parts. Derivative: the transposed transform.

    >>> dctn([[1.0, 2.0]]).round(4)
    array([[12.    , -2.8284]])
    """
    return _many("dct", False, x, type, s, axes, norm, workers, orthogonalize)


@implements(scipy.fft.idctn)
def idctn(
    x: Any, type: Any = 2, s: Any = None, axes: Any = None, norm: Any = None, overwrite_x: Any = False,
    workers: Any = None, orthogonalize: Any = None,
) -> Any:
    """Dtypes: numbers; of complex ones both parts. Derivative: the transposed transform.

    >>> idctn([[1.0, 2.0]]).round(4)
    array([[ 0.4786, -0.2286]])
    """
    return _many("dct", True, x, type, s, axes, norm, workers, orthogonalize)


@implements(scipy.fft.dstn)
def dstn(
    x: Any, type: Any = 2, s: Any = None, axes: Any = None, norm: Any = None, overwrite_x: Any = False,
    workers: Any = None, orthogonalize: Any = None,
) -> Any:
    """Dtypes: numbers; of complex ones both parts. Derivative: the transposed transform.

    >>> dstn([[1.0, 2.0]]).round(4)
    array([[ 8.4853, -4.    ]])
    """
    return _many("dst", False, x, type, s, axes, norm, workers, orthogonalize)


@implements(scipy.fft.idstn)
def idstn(
    x: Any, type: Any = 2, s: Any = None, axes: Any = None, norm: Any = None, overwrite_x: Any = False,
    workers: Any = None, orthogonalize: Any = None,
) -> Any:
    """Dtypes: numbers; of complex ones both parts. Derivative: the transposed transform.

    >>> idstn([[1.0, 2.0]]).round(4)
    array([[ 0.4268, -0.0732]])
    """
    return _many("dst", True, x, type, s, axes, norm, workers, orthogonalize)
