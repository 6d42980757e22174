"""Functions of `numpy.fft`, on the transforms of one axis."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.promotion import array_of, cast, one_axis
from fnad.numpy.reversing import roll
from fnad.numpy.shaping import window
from fnad.ops import fft as ops
from fnad.ops.elementwise import conj
from fnad.ops.shaping import pad
from fnad.tracing.tracer import Tracer

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "irfft",
    "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]
__dir__ = __all__.copy

# --- One axis of a traced value


def norm_of(norm: Any) -> str:
    """The name of a norm, or NumPy's error."""
    if norm is None:
        return "backward"
    if norm not in ops.ADJOINT:
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    return norm


def resized(x: Tracer, axis: int, n: int) -> Tracer:
    """The first ``n`` elements along an axis, zeros after the last."""
    size = x.shape[axis]
    if n == size:
        return x
    if n < size:
        return window(x, axis, 0, n)
    nothing = (0,) * x.ndim
    high = (*nothing[:axis], n - size, *nothing[axis + 1 :])
    return pad(x, low=nothing, high=high, interior=nothing)


def complex_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype of the frequencies of numbers."""
    return np.result_type(dtype, 1j)


def transform(x: Tracer, n: Any, axis: Any, norm: Any, inverse: bool) -> Tracer:
    """The transform of complex numbers."""
    n, axis, norm = _settled(x, x.shape[axis] if n is None else n, axis, norm)
    return ops.fft(resized(cast(x, complex_dtype(x.dtype)), axis, n), axis=axis, inverse=inverse, norm=norm)


def transform_of_real(x: Tracer, n: Any, axis: Any, norm: Any) -> Tracer:
    """The frequencies of real numbers."""
    n, axis, norm = _settled(x, x.shape[axis] if n is None else n, axis, norm)
    if x.dtype.kind == "c":
        np.fft.rfft(np.zeros(n % 2 + 2, x.dtype))  # NumPy's error
    real = np.empty(0, complex_dtype(x.dtype)).real.dtype
    return ops.rfft(resized(cast(x, real), axis, n), axis=axis, norm=norm)


def transform_to_real(x: Tracer, n: Any, axis: Any, norm: Any) -> Tracer:
    """The real numbers of frequencies."""
    n, axis, norm = _settled(x, 2 * (x.shape[axis] - 1) if n is None else n, axis, norm)
    frequencies = resized(cast(x, complex_dtype(x.dtype)), axis, n // 2 + 1)
    y = ops.irfft(frequencies, axis=axis, n=n, norm=norm)
    return cast(y, np.dtype(np.float16)) if x.dtype == np.float16 else y


def _settled(x: Tracer, n: Any, axis: Any, norm: Any) -> tuple[int, int, str]:
    if n < 1:
        raise ValueError(f"Invalid number of FFT data points ({n}) specified.")
    norm = norm_of(norm)
    return operator.index(n), one_axis(axis, x.ndim), norm


# --- One axis


@implements(np.fft.fft)
def fft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    """Dtypes: numbers; float32 and float16 give complex64. Derivative: the adjoint transform.

    >>> fft([1.0, 0.0])
    array([1.+0.j, 1.+0.j])
    """
    return transform(_given("fft", a, out), n, axis, norm, inverse=False)


@implements(np.fft.ifft)
def ifft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    """Dtypes: numbers; float32 and float16 give complex64. Derivative: the adjoint transform.

    >>> ifft([2.0, 0.0])
    array([1.+0.j, 1.+0.j])
    """
    return transform(_given("ifft", a, out), n, axis, norm, inverse=True)


@implements(np.fft.rfft)
def rfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    """Dtypes: real numbers; float32 and float16 give complex64. Derivative: the adjoint transform.

    >>> rfft([1.0, 0.0])
    array([1.+0.j, 1.+0.j])
    """
    return transform_of_real(_given("rfft", a, out), n, axis, norm)


@implements(np.fft.irfft)
def irfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    """The imaginary parts of the first frequency, and of Nyquist's, are left out, so their derivative is 0.

    Dtypes: numbers; complex64 gives float32. Derivative: the adjoint transform.

    >>> irfft([2.0, 0.0])
    array([1., 1.])
    """
    return transform_to_real(_given("irfft", a, out), n, axis, norm)


@implements(np.fft.hfft)
def hfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    """The imaginary parts of the first element, and of the last one of an even ``n``, are left out.

    Dtypes: numbers; complex64 gives float32. Derivative: the adjoint transform.

    >>> hfft([1.0, 0.0])
    array([1., 1.])
    """
    return transform_to_real(conj(_given("hfft", a, out)), n, axis, ops.ADJOINT[norm_of(norm)])


@implements(np.fft.ihfft)
def ihfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    """Dtypes: real numbers; float32 and float16 give complex64. Derivative: the adjoint transform.

    >>> ihfft([2.0, 0.0])
    array([1.-0.j, 1.-0.j])
    """
    return conj(transform_of_real(_given("ihfft", a, out), n, axis, ops.ADJOINT[norm_of(norm)]))


def _given(name: str, a: Any, out: Any) -> Tracer:
    refuse_out(f"np.fft.{name}", out)
    return array_of(a)


# --- Several axes


def _sizes_and_axes(x: Tracer, s: Any, axes: Any, to_real: bool = False) -> list[tuple[int, int]]:
    """How many points of which axes, the last one of them for the transform of real numbers."""
    if s is not None and axes is None:
        _deprecated("`axes` should not be `None` if `s` is not `None`")
    if axes is None:
        axes = range(-len(x.shape if s is None else s), 0)
    sizes = [x.shape[a] for a in axes] if s is None else list(s)
    if len(sizes) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    if to_real and s is None:
        sizes[-1] = 2 * (sizes[-1] - 1)
    if None in sizes:
        _deprecated("Passing an array containing `None` values to `s` is")
    return [(x.shape[a] if n == -1 else n, a) for n, a in zip(sizes, axes)]


def _deprecated(what: str) -> None:
    warnings.warn(f"{what} (Deprecated in NumPy 2.0).", DeprecationWarning, stacklevel=4)


def _over_axes(x: Tracer, pairs: Sequence[tuple[int, int]], norm: Any, inverse: bool) -> Tracer:
    for n, axis in pairs:
        x = transform(x, n, axis, norm, inverse)
    return x


@implements(np.fft.fftn)
def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """Dtypes: as of `fft`. Derivative: the adjoint transform.

    >>> fftn([[1.0, 0.0]])
    array([[1.+0.j, 1.+0.j]])
    """
    x = _given("fftn", a, out)
    return _over_axes(x, _sizes_and_axes(x, s, axes)[::-1], norm, inverse=False)


@implements(np.fft.ifftn)
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """Dtypes: as of `ifft`. Derivative: the adjoint transform.

    >>> ifftn([[2.0, 0.0]])
    array([[1.+0.j, 1.+0.j]])
    """
    x = _given("ifftn", a, out)
    return _over_axes(x, _sizes_and_axes(x, s, axes)[::-1], norm, inverse=True)


@implements(np.fft.rfftn)
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """Dtypes: as of `rfft`. Derivative: the adjoint transform.

    >>> rfftn([[1.0, 0.0]])
    array([[1.+0.j, 1.+0.j]])
    """
    x = _given("rfftn", a, out)
    pairs = _sizes_and_axes(x, s, axes)
    return _over_axes(transform_of_real(x, *pairs[-1], norm), pairs[-2::-1], norm, inverse=False)


@implements(np.fft.irfftn)
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """Dtypes: as of `irfft`. Derivative: the adjoint transform.

    >>> irfftn([[2.0, 0.0]])
    array([[1., 1.]])
    """
    x = _given("irfftn", a, out)
    pairs = _sizes_and_axes(x, s, axes, to_real=True)
    return transform_to_real(_over_axes(x, pairs[:-1], norm, inverse=True), *pairs[-1], norm)


@implements(np.fft.fft2)
def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    """Dtypes: as of `fft`. Derivative: the adjoint transform.

    >>> fft2([[1.0, 0.0]])
    array([[1.+0.j, 1.+0.j]])
    """
    return fftn(a, s, axes, norm, out)


@implements(np.fft.ifft2)
def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    """Dtypes: as of `ifft`. Derivative: the adjoint transform.

    >>> ifft2([[2.0, 0.0]])
    array([[1.+0.j, 1.+0.j]])
    """
    return ifftn(a, s, axes, norm, out)


@implements(np.fft.rfft2)
def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    """Dtypes: as of `rfft`. Derivative: the adjoint transform.

    >>> rfft2([[1.0, 0.0]])
    array([[1.+0.j, 1.+0.j]])
    """
    return rfftn(a, s, axes, norm, out)


@implements(np.fft.irfft2)
def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    """Dtypes: as of `irfft`. Derivative: the adjoint transform.

    >>> irfft2([[2.0, 0.0]])
    array([[1., 1.]])
    """
    return irfftn(a, s, axes, norm, out)


# --- The frequencies, and their order


@implements(np.fft.fftfreq)
def fftfreq(n: Any, d: Any = 1.0, device: Any = None, *, dtype: Any = None) -> Any:
    """Dtypes: float, the one that is asked for. Derivative: of ``d``, that of 1 / d.

    >>> fftfreq(4, d=0.5)
    array([ 0. ,  0.5, -1. , -0.5])
    """
    return _of_dtype(np.fft.fftfreq(_known(n), d, device), dtype)  # which computes with d as it is


@implements(np.fft.rfftfreq)
def rfftfreq(n: Any, d: Any = 1.0, device: Any = None, *, dtype: Any = None) -> Any:
    """Dtypes: float, the one that is asked for. Derivative: of ``d``, that of 1 / d.

    >>> rfftfreq(4, d=0.5)
    array([0. , 0.5, 1. ])
    """
    return _of_dtype(np.fft.rfftfreq(_known(n), d, device), dtype)


def _known(n: Any) -> Any:
    """A number of samples, whose value decides the shape of the result."""
    return n.concrete("a number of samples", np.ndarray.item) if type(n) is Tracer else n


def _of_dtype(x: Any, dtype: Any) -> Any:
    return x if dtype is None else x.astype(dtype)


def _half_way(x: Any, axes: Any, sign: int) -> Any:
    given = array_of(x)
    axes = range(given.ndim) if axes is None else (axes,) if isinstance(axes, int) else axes
    return roll(given, [sign * (given.shape[a] // 2) for a in axes], tuple(axes))


@implements(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    """Dtypes: all. Derivative: the cotangent, moved back.

    >>> fftshift([0.0, 1.0, -2.0, -1.0])
    array([-2., -1.,  0.,  1.])
    """
    return _half_way(x, axes, 1)


@implements(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    """Dtypes: all. Derivative: the cotangent, moved back.

    >>> ifftshift([-2.0, -1.0, 0.0, 1.0])
    array([ 0.,  1., -2., -1.])
    """
    return _half_way(x, axes, -1)
