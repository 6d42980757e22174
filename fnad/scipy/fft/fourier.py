"""Fourier transforms, as `scipy.fft` has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft

from fnad.numpy.dispatch import RULES, implements
from fnad.numpy.documents import documents
from fnad.numpy.fft import transform, transform_of_real, transform_to_real
from fnad.ops.elementwise import conj
from fnad.scipy.fft.arguments import Pairs, given, norm_of, of_real, one_axis, several_axes, some_axes
from fnad.tracing.tracer import Tracer

# --- One axis


@implements(scipy.fft.fft)
def fft(
    x: Any, n: Any = None, axis: Any = -1, norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: numbers; float32 and float16 give complex64. Derivative: the adjoint transform.

    >>> fft([1.0, 0.0])
    array([1.+0.j, 1.+0.j])
    """
    x = given(x, workers, plan)
    return transform(x, *one_axis(x, n, axis), norm_of(norm), inverse=False)


@implements(scipy.fft.ifft)
def ifft(
    x: Any, n: Any = None, axis: Any = -1, norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: numbers; float32 and float16 give complex64. Derivative: the adjoint transform.

    >>> ifft([2.0, 0.0])
    array([1.+0.j, 1.+0.j])
    """
    x = given(x, workers, plan)
    return transform(x, *one_axis(x, n, axis), norm_of(norm), inverse=True)


@implements(scipy.fft.rfft)
def rfft(
    x: Any, n: Any = None, axis: Any = -1, norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: real numbers; float32 and float16 give complex64. Derivative: the adjoint transform.

    >>> rfft([1.0, 0.0])
    array([1.+0.j, 1.+0.j])
    """
    x = given(x, workers, plan)
    return transform_of_real(of_real(x), *one_axis(x, n, axis), norm_of(norm))


@implements(scipy.fft.irfft)
def irfft(
    x: Any, n: Any = None, axis: Any = -1, norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: numbers; complex64 gives float32. Derivative: the adjoint transform.

    >>> irfft([2.0, 0.0])
    array([1., 1.])
    """
    x = given(x, workers, plan)
    return transform_to_real(x, *one_axis(x, n, axis, to_real=True), norm_of(norm))


@implements(scipy.fft.hfft)
def hfft(
    x: Any, n: Any = None, axis: Any = -1, norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: numbers; complex64 gives float32. Derivative: the adjoint transform.

    >>> hfft([1.0, 0.0])
    array([1., 1.])
    """
    x = given(x, workers, plan)
    return transform_to_real(conj(x), *one_axis(x, n, axis, to_real=True), norm_of(norm, inverse=True))


@implements(scipy.fft.ihfft)
def ihfft(
    x: Any, n: Any = None, axis: Any = -1, norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: real numbers; float32 and float16 give complex64. Derivative: the adjoint transform.

    >>> ihfft([2.0, 0.0])
    array([1.-0.j, 1.-0.j])
    """
    x = given(x, workers, plan)
    return conj(transform_of_real(of_real(x), *one_axis(x, n, axis), norm_of(norm, inverse=True)))


# --- Several axes


def _over_axes(x: Tracer, pairs: Pairs, norm: str, inverse: bool) -> Tracer:
    for n, axis in pairs:
        x = transform(x, n, axis, norm, inverse)
    return x


def _to_real(x: Tracer, s: Any, axes: Any, norm: str, inverse: bool) -> Tracer:
    """Over the last axis the transform to real numbers, over the others that of complex ones before."""
    *others, (n, axis) = some_axes(x, s, axes)
    x = _over_axes(x, others, norm, inverse)
    n = 2 * (n - 1) if s is None else n
    return transform_to_real(x if inverse else conj(x), n, axis, norm_of(norm, inverse=not inverse))


def _of_real(x: Tracer, s: Any, axes: Any, norm: str, inverse: bool) -> Tracer:
    *others, (n, axis) = some_axes(of_real(x), s, axes)
    frequencies = transform_of_real(x, n, axis, norm_of(norm, inverse))
    return _over_axes(conj(frequencies) if inverse else frequencies, others, norm, inverse)


@implements(scipy.fft.fftn)
def fftn(
    x: Any, s: Any = None, axes: Any = None, norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: as of `fft`. Derivative: the adjoint transform.

    >>> fftn([[1.0, 0.0]])
    array([[1.+0.j, 1.+0.j]])
    """
    x = given(x, workers, plan)
    return _over_axes(x, several_axes(x, s, axes), norm_of(norm), inverse=False)


@implements(scipy.fft.ifftn)
def ifftn(
    x: Any, s: Any = None, axes: Any = None, norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: as of `ifft`. Derivative: the adjoint transform.

    >>> ifftn([[2.0, 0.0]])
    array([[1.+0.j, 1.+0.j]])
    """
    x = given(x, workers, plan)
    return _over_axes(x, several_axes(x, s, axes), norm_of(norm), inverse=True)


@implements(scipy.fft.rfftn)
def rfftn(
    x: Any, s: Any = None, axes: Any = None, norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: as of `rfft`. Derivative: the adjoint transform.

    >>> rfftn([[1.0, 0.0]])
    array([[1.+0.j, 1.+0.j]])
    """
    return _of_real(given(x, workers, plan), s, axes, norm_of(norm), inverse=False)


@implements(scipy.fft.irfftn)
def irfftn(
    x: Any, s: Any = None, axes: Any = None, norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: as of `irfft`. Derivative: the adjoint transform.

    >>> irfftn([[2.0, 0.0]])
    array([[1., 1.]])
    """
    return _to_real(given(x, workers, plan), s, axes, norm_of(norm), inverse=True)


@implements(scipy.fft.hfftn)
def hfftn(
    x: Any, s: Any = None, axes: Any = None, norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: as of `hfft`. Derivative: the adjoint transform.

    >>> hfftn([[1.0, 0.0]])
    array([[1., 1.]])
    """
    return _to_real(given(x, workers, plan), s, axes, norm_of(norm), inverse=False)


@implements(scipy.fft.ihfftn)
def ihfftn(
    x: Any, s: Any = None, axes: Any = None, norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: as of `ihfft`. Derivative: the adjoint transform.

    >>> ihfftn([[2.0, 0.0]])
    array([[1.-0.j, 1.-0.j]])
    """
    return _of_real(given(x, workers, plan), s, axes, norm_of(norm), inverse=True)


@implements(scipy.fft.fft2)
def fft2(
    x: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: as of `fft`. Derivative: the adjoint transform.

    >>> fft2([[1.0, 0.0]])
    array([[1.+0.j, 1.+0.j]])
    """
    return fftn(x, s, axes, norm, overwrite_x, workers, plan=plan)


@implements(scipy.fft.ifft2)
def ifft2(
    x: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: as of `ifft`. Derivative: the adjoint transform.

    >>> ifft2([[2.0, 0.0]])
    array([[1.+0.j, 1.+0.j]])
    """
    return ifftn(x, s, axes, norm, overwrite_x, workers, plan=plan)


@implements(scipy.fft.rfft2)
def rfft2(
    x: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: as of `rfft`. Derivative: the adjoint transform.

    >>> rfft2([[1.0, 0.0]])
    array([[1.+0.j, 1.+0.j]])
    """
    return rfftn(x, s, axes, norm, overwrite_x, workers, plan=plan)


@implements(scipy.fft.irfft2)
def irfft2(
    x: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: as of `irfft`. Derivative: the adjoint transform.

    >>> irfft2([[2.0, 0.0]])
    array([[1., 1.]])
    """
    return irfftn(x, s, axes, norm, overwrite_x, workers, plan=plan)


@implements(scipy.fft.hfft2)
def hfft2(
    x: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: as of `hfft`. Derivative: the adjoint transform.

    >>> hfft2([[1.0, 0.0]])
    array([[1., 1.]])
    """
    return hfftn(x, s, axes, norm, overwrite_x, workers, plan=plan)


@implements(scipy.fft.ihfft2)
def ihfft2(
    x: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, overwrite_x: Any = False, workers: Any = None, *,
    plan: Any = None,
) -> Any:
    """Dtypes: as of `ihfft`. Derivative: the adjoint transform.

    >>> ihfft2([[2.0, 0.0]])
    array([[1.-0.j, 1.-0.j]])
    """
    return ihfftn(x, s, axes, norm, overwrite_x, workers, plan=plan)


# --- The frequencies, their order, and how many points are fast

fftfreq = implements(scipy.fft.fftfreq)(RULES[np.fft.fftfreq])
rfftfreq = implements(scipy.fft.rfftfreq)(RULES[np.fft.rfftfreq])
fftshift = implements(scipy.fft.fftshift)(RULES[np.fft.fftshift])
ifftshift = implements(scipy.fft.ifftshift)(RULES[np.fft.ifftshift])


@documents(scipy.fft.next_fast_len)
def next_fast_len(target: Any, real: Any = False) -> int:
    """A number of points, which must be known.

    >>> next_fast_len(13)
    14
    """
    return scipy.fft.next_fast_len(target, real)


@documents(scipy.fft.prev_fast_len)
def prev_fast_len(target: Any, real: Any = False) -> int:
    """A number of points, which must be known.

    >>> prev_fast_len(13)
    12
    """
    return scipy.fft.prev_fast_len(target, real)
