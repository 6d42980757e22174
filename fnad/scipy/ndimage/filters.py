"""Linear filters of images, as `scipy.ndimage` has them: sums of products of windows, in double precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from fnad.numpy.convolution import alike
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.promotion import builder_of, cast, is_traced, traced
from fnad.ops import convolution as ops
from fnad.tracing.tracer import Tracer

FLOAT = np.dtype(np.float64)

# --- Arguments

PADDINGS = {
    "reflect": "symmetric", "grid-mirror": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap",
    "grid-wrap": "wrap", "constant": "constant", "grid-constant": "constant",
}
"""NumPy's names for what is beyond the edges."""


def require_mode(mode: Any) -> str:
    if mode not in PADDINGS:
        raise RuntimeError("boundary mode not supported")
    return mode


def output_dtype(name: str, output: Any, dtype: np.dtype, is_complex: bool) -> np.dtype:
    """The dtype that a result is asked for in."""
    if isinstance(output, (np.ndarray, Tracer)):
        refuse_out(f"scipy.ndimage.{name}", output)
    dtype = dtype if output is None else np.dtype(output)
    return np.promote_types(dtype, np.complex64) if is_complex else dtype


def one_for_each(value: Any, count: int) -> list[Any]:
    """A sequence of one value for each axis, as SciPy takes it."""
    if isinstance(value, (str, Tracer)) and np.ndim(value) == 0 or not np.iterable(value):
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise RuntimeError("sequence argument must have length equal to input rank")
    return values


def some_axes(axes: Any, ndim: int) -> tuple[int, ...]:
    return tuple(range(ndim)) if axes is None else normalize_axis_tuple(axes, ndim)


# --- Windows


def _weighted(
    x: Tracer, weights: Tracer, axes: Sequence[int], origins: Sequence[int], mode: Any, cval: Any, dtype: np.dtype
) -> Tracer:
    """The sums of products with weights along some axes, of which the middle one is at each place."""
    for size, origin in zip(weights.shape, origins):
        if not -(size // 2) <= origin <= (size - 1) // 2:
            named = ("len(weights)", "origin") if len(axes) == 1 else ("weights.shape[k]", "origin[k]")
            raise ValueError(
                f"Invalid origin; origin must satisfy -({named[0]} // 2) <= {named[1]} <= ({named[0]}-1) // 2"
            )
    last = tuple(range(x.ndim - len(axes), x.ndim))
    lines = np.moveaxis(cast(x, np.result_type(x.dtype, FLOAT)), axes, last)
    widths = [(0, 0)] * (x.ndim - len(axes))
    widths += [(n // 2 + o, n - n // 2 - 1 - o) for n, o in zip(weights.shape, origins)]
    kind = PADDINGS[require_mode(mode)]
    options = {"constant_values": cval} if kind == "constant" else {}
    padded, weights = alike(np.pad(lines, widths, kind, **options), weights)
    return cast(np.moveaxis(ops.correlate(padded, weights, axes=len(axes)), last, axes), dtype)


def _along(
    name: str, input: Any, weights: Any, axis: Any, output: Any, mode: Any, cval: Any, origin: Any, flipped: bool
) -> Tracer:
    """The filter of one axis, whose weights may run backwards."""
    x, weights = images(input, weights)
    if weights.ndim != 1 or not weights.shape[0]:
        raise RuntimeError("no filter weights given")
    weights, (origin,) = _flipped(weights, [origin]) if flipped else (np.conj(weights), [origin])
    dtype = output_dtype(name, output, x.dtype, "c" in (x.dtype.kind, weights.dtype.kind))
    return _weighted(x, weights, (normalize_axis_index(axis, x.ndim),), (origin,), mode, cval, dtype)


def images(*arrays: Any) -> list[Tracer]:
    """Arrays, of which one is traced, as they are, each in its own dtype."""
    builder = builder_of(*arrays)
    return [traced(builder, array) for array in arrays]


def _flipped(weights: Tracer, origins: Sequence[int]) -> tuple[Tracer, list[int]]:
    """The weights of a convolution as those of a correlation."""
    origins = [-origin - (size % 2 == 0) for origin, size in zip(origins, weights.shape)]
    return np.flip(weights), origins


# --- Any weights


@implements(scipy.ndimage.correlate1d)
def correlate1d(
    input: Any, weights: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
    origin: Any = 0,
) -> Any:
    """Dtypes: numbers; the result has that of ``input``. Derivative: of ``input``, ``weights`` and ``cval``.

    >>> correlate1d([1.0, 2.0, 4.0], [1.0, 0.0, -1.0])
    array([-1., -3., -2.])
    """
    return _along("correlate1d", input, weights, axis, output, mode, cval, origin, flipped=False)


@implements(scipy.ndimage.convolve1d)
def convolve1d(
    input: Any, weights: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
    origin: Any = 0,
) -> Any:
    """Dtypes: numbers; the result has that of ``input``. Derivative: of ``input``, ``weights`` and ``cval``.

    >>> convolve1d([1.0, 2.0, 4.0], [1.0, 0.0, -1.0])
    array([1., 3., 2.])
    """
    return _along("convolve1d", input, weights, axis, output, mode, cval, origin, flipped=True)


def _over(
    name: str, input: Any, weights: Any, output: Any, mode: Any, cval: Any, origin: Any, axes: Any, flipped: bool
) -> Tracer:
    """The filter of several axes."""
    x, weights = images(input, weights)
    axes = some_axes(axes, x.ndim)
    if weights.ndim != len(axes):
        raise RuntimeError(f"weights.ndim ({weights.ndim}) must match len(axes) ({len(axes)})")
    if not isinstance(mode, str) and np.iterable(mode):
        raise RuntimeError("A sequence of modes is not supported")
    origins = one_for_each(origin, len(axes))
    weights, origins = _flipped(weights, origins) if flipped else (np.conj(weights), origins)
    dtype = output_dtype(name, output, x.dtype, "c" in (x.dtype.kind, weights.dtype.kind))
    return _weighted(x, weights, axes, origins, mode, cval, dtype)


@implements(scipy.ndimage.correlate)
def correlate(
    input: Any, weights: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0, *,
    axes: Any = None,
) -> Any:
    """Dtypes: numbers; the result has that of ``input``. Derivative: of ``input``, ``weights`` and ``cval``.

    >>> correlate([[1.0, 2.0, 4.0]], [[1.0, 0.0, -1.0]])
    array([[-1., -3., -2.]])
    """
    return _over("correlate", input, weights, output, mode, cval, origin, axes, flipped=False)


@implements(scipy.ndimage.convolve)
def convolve(
    input: Any, weights: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0, *,
    axes: Any = None,
) -> Any:
    """Dtypes: numbers; the result has that of ``input``. Derivative: of ``input``, ``weights`` and ``cval``.

    >>> convolve([[1.0, 2.0, 4.0]], [[1.0, 0.0, -1.0]])
    array([[1., 3., 2.]])
    """
    return _over("convolve", input, weights, output, mode, cval, origin, axes, flipped=True)


# --- Weights by a formula


def _each(x: Tracer, axes: Sequence[int], output: np.dtype, along: Callable[..., Tracer], *options: Any) -> Tracer:
    """A filter of one axis after the other, each with its own options."""
    for axis, *own in zip(axes, *[one_for_each(option, len(axes)) for option in options]):
        x = along(x, axis, *own)
    return cast(x, output)


@implements(scipy.ndimage.gaussian_filter1d)
def gaussian_filter1d(
    input: Any, sigma: Any, axis: Any = -1, order: Any = 0, output: Any = None, mode: Any = "reflect",
    cval: Any = 0.0, truncate: Any = 4.0, *, radius: Any = None,
) -> Any:
    """A traced ``sigma`` is asked for its value, unless ``radius`` says how far the window reaches.

    Dtypes: numbers; the result has that of ``input``. Derivative: of ``input`` and ``sigma``.

    >>> gaussian_filter1d([0.0, 0.0, 1.0, 0.0, 0.0], 1.0, radius=1).round(4)
    array([0.    , 0.2741, 0.4519, 0.2741, 0.    ])
    """
    radius = int(truncate * float(sigma) + 0.5) if radius is None else radius
    if not isinstance(radius, (int, np.integer)) or radius < 0:
        raise ValueError("Radius must be a nonnegative integer.")
    return correlate1d(input, _gaussian(sigma, order, radius)[::-1], axis, output, mode, cval, 0)


def _gaussian(sigma: Any, order: int, radius: int) -> Any:
    """The weights of the Gaussian, or of its derivative of an order: a polynomial times it."""
    if order < 0:
        raise ValueError("order must be non-negative")
    places = np.arange(-radius, radius + 1)
    bell = np.exp(-0.5 / sigma**2 * places**2)
    bell = bell / bell.sum()
    factors: list[Any] = [1.0]
    for _ in range(order):
        before, after = [0.0, *factors], [*[k * f for k, f in enumerate(factors)][1:], 0.0, 0.0]
        factors = [b - a / sigma**2 for b, a in zip(after, before)]
    return bell * sum([f * places**k for k, f in enumerate(factors)])


@implements(scipy.ndimage.gaussian_filter)
def gaussian_filter(
    input: Any, sigma: Any, order: Any = 0, output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
    truncate: Any = 4.0, *, radius: Any = None, axes: Any = None,
) -> Any:
    """A traced ``sigma`` is asked for its value, unless ``radius`` says how far the windows reach.

    Dtypes: numbers; the result has that of ``input``. Derivative: of ``input`` and ``sigma``.

    >>> gaussian_filter([[0.0, 1.0, 0.0]], (0.0, 1.0), radius=1).round(4)
    array([[0.2741, 0.4519, 0.2741]])
    """
    x = traced(builder_of(input, sigma), input)
    dtype = output_dtype("gaussian_filter", output, x.dtype, x.dtype.kind == "c")

    def along(x: Tracer, axis: int, sigma: Any, order: int, mode: Any, radius: Any) -> Tracer:
        if not is_traced(sigma) and sigma <= 1e-15:
            return x
        return gaussian_filter1d(x, sigma, axis, order, dtype, mode, cval, truncate, radius=radius)

    return _each(x, some_axes(axes, x.ndim), dtype, along, sigma, order, mode, radius)


@implements(scipy.ndimage.uniform_filter1d)
def uniform_filter1d(
    input: Any, size: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0
) -> Any:
    """Dtypes: numbers; the result has that of ``input``. Derivative: of ``input``.

    >>> uniform_filter1d([1.0, 2.0, 6.0], 3).round(4)
    array([1.3333, 3.    , 4.6667])
    """
    (x,) = images(input)
    if size < 1:
        raise RuntimeError("incorrect filter size")
    if not 0 <= size // 2 + origin < size:
        raise ValueError("invalid origin")
    dtype = output_dtype("uniform_filter1d", output, x.dtype, x.dtype.kind == "c")
    return cast(correlate1d(x, np.ones(size), axis, np.result_type(x.dtype, FLOAT), mode, cval, origin) / size, dtype)


@implements(scipy.ndimage.uniform_filter)
def uniform_filter(
    input: Any, size: Any = 3, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0, *,
    axes: Any = None,
) -> Any:
    """Dtypes: numbers; the result has that of ``input``. Derivative: of ``input``.

    >>> uniform_filter([[1.0, 2.0, 6.0]], (1, 3)).round(4)
    array([[1.3333, 3.    , 4.6667]])
    """
    (x,) = images(input)
    dtype = output_dtype("uniform_filter", output, x.dtype, x.dtype.kind == "c")

    def along(x: Tracer, axis: int, size: int, origin: int, mode: Any) -> Tracer:
        return uniform_filter1d(x, int(size), axis, dtype, mode, cval, origin) if size > 1 else x

    return _each(x, some_axes(axes, x.ndim), dtype, along, size, origin, mode)


# --- Differences


def _edges(name: str, smooth: list[float], input: Any, axis: Any, output: Any, mode: Any, cval: Any) -> Tracer:
    (x,) = images(input)
    axis = normalize_axis_index(axis, x.ndim)
    dtype = output_dtype(name, output, x.dtype, x.dtype.kind == "c")
    modes = one_for_each(mode, x.ndim)
    y = correlate1d(x, [-1, 0, 1], axis, dtype, modes[axis], cval, 0)
    for other in [a for a in range(x.ndim) if a != axis]:
        y = correlate1d(y, smooth, other, dtype, modes[other], cval, 0)
    return y


@implements(scipy.ndimage.sobel)
def sobel(input: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0) -> Any:
    """Dtypes: numbers; the result has that of ``input``. Derivative: of ``input``.

    >>> sobel([[1.0, 2.0, 4.0]])
    array([[ 4., 12.,  8.]])
    """
    return _edges("sobel", [1, 2, 1], input, axis, output, mode, cval)


@implements(scipy.ndimage.prewitt)
def prewitt(input: Any, axis: Any = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0) -> Any:
    """Dtypes: numbers; the result has that of ``input``. Derivative: of ``input``.

    >>> prewitt([[1.0, 2.0, 4.0]])
    array([[3., 9., 6.]])
    """
    return _edges("prewitt", [1, 1, 1], input, axis, output, mode, cval)


@implements(scipy.ndimage.laplace)
def laplace(
    input: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None
) -> Any:
    """Dtypes: numbers; the result has that of ``input``. Derivative: of ``input``.

    >>> laplace([1.0, 2.0, 4.0])
    array([ 1.,  1., -2.])
    """
    (x,) = images(input)
    dtype, axes = output_dtype("laplace", output, x.dtype, x.dtype.kind == "c"), some_axes(axes, x.ndim)
    second = [
        correlate1d(x, [1, -2, 1], axis, dtype, own, cval, 0) for axis, own in zip(axes, one_for_each(mode, len(axes)))
    ]
    return sum(second[1:], second[0]) if second else cast(x, dtype)


def _derivatives(
    x: Tracer, order: int, sigmas: Any, dtype: np.dtype, mode: Any, cval: Any, axes: Sequence[int],
    options: dict[str, Any],
) -> list[Tracer]:
    """Gaussian filters that differentiate to an order, each along another axis, with that one's mode for all."""
    orders = [[order if a == axis else 0 for a in range(x.ndim)] for axis in axes]
    return [
        gaussian_filter(x, sigmas, own, dtype, each, cval, **options)
        for own, each in zip(orders, one_for_each(mode, len(axes)))
    ]


@implements(scipy.ndimage.gaussian_laplace)
def gaussian_laplace(
    input: Any, sigma: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None,
    **kwargs: Any,
) -> Any:
    """Dtypes: numbers; the result has that of ``input``. Derivative: of ``input`` and ``sigma``.

    >>> gaussian_laplace([0.0, 0.0, 1.0, 0.0, 0.0], 1.0, radius=1).round(4)
    array([ 0.    ,  0.    , -0.4519,  0.    ,  0.    ])
    """
    x = traced(builder_of(input, sigma), input)
    dtype, axes = output_dtype("gaussian_laplace", output, x.dtype, x.dtype.kind == "c"), some_axes(axes, x.ndim)
    own = dict(zip(axes, one_for_each(sigma, len(axes))))
    found = _derivatives(x, 2, [own.get(a, 0) for a in range(x.ndim)], dtype, mode, cval, axes, kwargs)
    return sum(found[1:], found[0])


@implements(scipy.ndimage.gaussian_gradient_magnitude)
def gaussian_gradient_magnitude(
    input: Any, sigma: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None,
    **kwargs: Any,
) -> Any:
    """As SciPy's, it differentiates along ``axes`` and smoothes along all.

    Dtypes: real numbers; the result has that of ``input``. Derivative: of ``input`` and ``sigma``; 0 where it is 0.

    >>> gaussian_gradient_magnitude([0.0, 0.0, 1.0, 0.0, 0.0], 1.0, radius=1).round(4)
    array([0.    , 0.2741, 0.    , 0.2741, 0.    ])
    """
    x = traced(builder_of(input, sigma), input)
    dtype = output_dtype("gaussian_gradient_magnitude", output, x.dtype, x.dtype.kind == "c")
    found = _derivatives(x, 1, sigma, dtype, mode, cval, some_axes(axes, x.ndim), kwargs)
    return cast(np.linalg.norm(np.stack(found), axis=0), dtype)
