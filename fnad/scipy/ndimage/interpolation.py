"""Images at any coordinates, by splines, as `scipy.ndimage` has them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.ndimage
import scipy.special
from numpy.lib.array_utils import normalize_axis_index

from fnad.numpy.convolution import alike
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import builder_of, cast, is_traced, traced
from fnad.ops.complexes import complex_
from fnad.ops.elementwise import imag, real
from fnad.scipy.ndimage.filters import FLOAT, images, one_for_each, output_dtype, require_mode
from fnad.tracing.tracer import Tracer
from fnad.transforms.vmap import vmap

# --- Coordinates and places beyond the edges


def _folded(c: Tracer, n: int, mode: str) -> Tracer:
    """Coordinates of what is seen there, where an axis of ``n`` elements is continued by a mode."""
    if mode == "nearest":
        return np.clip(c, 0, n - 1)
    if mode == "grid-wrap":
        return np.mod(c, n)
    if mode in ("reflect", "grid-mirror"):
        c = np.mod(c, 2 * n)
        return np.where(c >= n, 2 * n - 1 - c, c)
    if n == 1:
        return c * 0
    if mode == "wrap":  # the last element lies on the first
        period = n - 1
        within = np.where(c < 0, c + period * np.floor(1 - c / period), c - period * np.floor(c / period))
        return np.where((c < 0) | (c > period), within, c)
    period = 2 * (n - 1)
    within = np.mod(c, period)
    turned = within >= np.where(c < 0, n - 1, n)  # as SciPy does, which tells for order 0 halfway between two places
    return np.where(turned, period - within, within)


def _support(c: Tracer, order: int) -> tuple[Tracer, Tracer]:
    """The first of the order + 1 places around each coordinate, and the weights of all of them."""
    shifted = c if order % 2 else c + 0.5
    first = np.floor(shifted)
    t = shifted - first
    weights: list[Any] = [np.ones_like(t)]
    for d in range(1, order + 1):  # de Boor's recursion, for knots that are 1 apart
        padded = [0.0, *weights, 0.0]
        weights = [((t + d - j) * padded[j] + (1 - t + j) * padded[j + 1]) / d for j in range(d + 1)]
    return cast(first, np.dtype(np.int64)) - order // 2, np.stack(weights)


def _places(c: Tracer, n: int, order: int, mode: str) -> tuple[Tracer, Tracer, Any]:
    """The places that a coordinate needs, their weights, and which of them are within the array."""
    first, weights = _support(c, order)
    places = first + np.arange(order + 1).reshape(-1, *(1,) * c.ndim)
    if mode == "grid-constant":
        return np.clip(places, 0, n - 1), weights, (places >= 0) & (places < n)
    return np.clip(_folded(places, n, "mirror" if mode in ("constant", "wrap") else mode), 0, n - 1), weights, True


# --- Splines


@implements(scipy.ndimage.spline_filter1d)
def spline_filter1d(
    input: Any, order: Any = 3, axis: Any = -1, output: Any = np.float64, mode: Any = "mirror"
) -> Any:
    """Dtypes: numbers. Derivative: linear.

    >>> spline_filter1d([1.0, 1.0, 1.0]).round(6)
    array([1., 1., 1.])
    """
    if not 0 <= order <= 5:
        raise RuntimeError("spline order not supported")
    (x,) = images(input)
    dtype = output_dtype("spline_filter1d", output, x.dtype, x.dtype.kind == "c")
    axis = normalize_axis_index(axis, x.ndim)
    if order > 1:
        # A product with the matrix of the filter, which SciPy knows at all edges.
        matrix = scipy.ndimage.spline_filter1d(np.eye(x.shape[axis]), order, 0, mode=require_mode(mode))
        x = np.moveaxis(np.moveaxis(cast(x, np.result_type(x.dtype, FLOAT)), axis, -1) @ matrix.T, -1, axis)
    return cast(x, dtype)


@implements(scipy.ndimage.spline_filter)
def spline_filter(input: Any, order: Any = 3, output: Any = np.float64, mode: Any = "mirror") -> Any:
    """Dtypes: numbers. Derivative: linear.

    >>> spline_filter([[1.0, 1.0], [1.0, 1.0]]).round(6)
    array([[1., 1.],
           [1., 1.]])
    """
    if not 2 <= order <= 5:
        raise RuntimeError("spline order not supported")
    (x,) = images(input)
    for axis in range(x.ndim):
        x = spline_filter1d(x, order, axis, output, mode)
    return x


def _interpolated(
    name: str, x: Tracer, coordinates: Sequence[Tracer], output: Any, order: int, mode: str, cval: Any, prefilter: Any
) -> Tracer:
    """The image at coordinates, one array of them for each of its axes."""
    if not 0 <= order <= 5:
        raise RuntimeError("spline order not supported")
    dtype = output_dtype(name, output, x.dtype, x.dtype.kind == "c")
    if x.dtype.kind == "c":
        parts = [
            _interpolated(name, part(x), coordinates, None, order, mode, own, prefilter)
            for part, own in ((real, np.real(cval)), (imag, np.imag(cval)))
        ]
        return cast(complex_(*parts), dtype)
    spline, border = cast(x, FLOAT), 0
    if prefilter and order > 1:
        if mode in ("nearest", "grid-constant"):  # at whose edges no spline is known
            border = 12
            options = {"constant_values": cval} if mode == "grid-constant" else {}
            spline = np.pad(spline, border, "constant" if options else "edge", **options)
        spline = spline_filter(spline, order, mode=require_mode(mode))
    return _rounded(_at(spline, [c + border for c in coordinates], order, require_mode(mode), cval), dtype)


def _at(spline: Tracer, coordinates: Sequence[Tracer], order: int, mode: str, cval: Any) -> Tracer:
    """The sum over the places around each coordinate."""
    inside: Any = True
    if mode not in ("grid-constant", "nearest"):  # else cval, as it is everywhere for nan
        for c, n in zip(coordinates, spline.shape):
            inside = inside & ((c >= 0) & (c <= n - 1) if mode == "constant" else c == c)
        coordinates = [np.where(inside, c, 0.0) for c in coordinates]
        if mode != "constant":
            coordinates = [_folded(c, n, mode) for c, n in zip(coordinates, spline.shape)]
    ndim, shape = spline.ndim, coordinates[0].shape
    flat, known, weights = 0, True, []
    for axis, (c, n) in enumerate(zip(coordinates, spline.shape)):
        places, own, within = _places(c, n, order, mode)
        across = [order + 1 if a == axis else 1 for a in range(ndim)]
        flat = flat * n + places.reshape(*across, *shape)
        weights.append(own.reshape(*across, *shape))
        known = known if within is True else known & within.reshape(*across, *shape)
    values = np.ravel(spline)[flat]
    if known is not True:
        values = np.where(known, values, cval)
    for own in weights:
        values = values * own
    values = values.sum(tuple(range(ndim)))
    return values if inside is True else np.where(inside, values, cval)


def _rounded(y: Tracer, dtype: np.dtype) -> Tracer:
    """Integers are the nearest ones, of the unsigned ones none below 0; flags are true from 1 on."""
    if dtype.kind == "u":
        y = np.maximum(y, 0.0)
    if dtype.kind == "b":
        return cast(np.trunc(y), dtype)
    return cast(y + np.copysign(0.5, y) if dtype.kind in "iu" else y, dtype)


# --- What is called


@implements(scipy.ndimage.map_coordinates)
def map_coordinates(
    input: Any, coordinates: Any, output: Any = None, order: Any = 3, mode: Any = "constant", cval: Any = 0.0,
    prefilter: Any = True,
) -> Any:
    """Dtypes: numbers; the result has that of ``input``. Derivative: of ``input`` and ``coordinates``, at a knot from
    above, and of ``cval``.

    >>> map_coordinates([1.0, 2.0, 4.0], [[0.5, 1.5]], order=1)
    array([1.5, 3. ])
    """
    x, c = images(input, coordinates)
    if c.dtype.kind == "c":
        raise TypeError("Complex type not supported")
    if x.ndim < 1 or c.ndim < 2:
        raise RuntimeError("input and output rank must be > 0")
    if c.shape[0] != x.ndim:
        raise RuntimeError("invalid shape for coordinate array")
    return _interpolated("map_coordinates", x, list(cast(c, FLOAT)), output, order, mode, cval, prefilter)


@implements(scipy.ndimage.affine_transform)
def affine_transform(
    input: Any, matrix: Any, offset: Any = 0.0, output_shape: Any = None, output: Any = None, order: Any = 3,
    mode: Any = "constant", cval: Any = 0.0, prefilter: Any = True,
) -> Any:
    """Dtypes: numbers; the result has that of ``input``. Derivative: of ``input``, ``matrix``, ``offset`` and ``cval``.

    >>> affine_transform([1.0, 2.0, 4.0], [0.5], order=1)
    array([1. , 1.5, 2. ])
    """
    x, matrix = images(input, matrix) if not is_traced(offset) else [
        traced(builder_of(input, matrix, offset), a) for a in (input, matrix)
    ]
    matrix, ndim = cast(matrix, FLOAT), x.ndim
    shape = x.shape if output_shape is None else tuple(output_shape)
    if matrix.ndim not in (1, 2) or matrix.shape[0] < 1:
        raise RuntimeError("no proper affine matrix provided")
    if matrix.ndim == 2 and matrix.shape[1] == ndim + 1 and matrix.shape[0] in (ndim, ndim + 1):
        matrix, offset = matrix[:ndim, :ndim], matrix[:ndim, ndim]
    if matrix.shape[0] != ndim:
        raise RuntimeError("affine matrix has wrong number of rows")
    if matrix.ndim == 2 and matrix.shape[1] != len(shape):
        raise RuntimeError("affine matrix has wrong number of columns")
    grid = np.indices(shape, sparse=True)
    rows = one_for_each(offset, ndim)
    if matrix.ndim == 1:
        coordinates = [matrix[k] * grid[k] + rows[k] for k in range(ndim)]
    else:
        coordinates = [sum([matrix[k, a] * g for a, g in enumerate(grid)]) + rows[k] for k in range(ndim)]
    coordinates = [np.broadcast_to(c, shape) for c in coordinates]
    return _interpolated("affine_transform", x, coordinates, output, order, mode, cval, prefilter)


@implements(scipy.ndimage.shift)
def shift(
    input: Any, shift: Any, output: Any = None, order: Any = 3, mode: Any = "constant", cval: Any = 0.0,
    prefilter: Any = True,
) -> Any:
    """Dtypes: numbers; the result has that of ``input``. Derivative: of ``input``, ``shift`` and ``cval``.

    >>> shift([1.0, 2.0, 4.0], 0.5, order=1)
    array([0. , 1.5, 3. ])
    """
    x = traced(builder_of(input, shift, cval), input)
    if x.ndim < 1:
        raise RuntimeError("input and output rank must be > 0")
    by = one_for_each(shift, x.ndim)
    coordinates = [_spread(x, g - own, x.shape) for g, own in zip(np.indices(x.shape, sparse=True), by)]
    return _interpolated("shift", x, coordinates, output, order, mode, cval, prefilter)


def _spread(x: Tracer, c: Any, shape: tuple[int, ...]) -> Tracer:
    return cast(np.broadcast_to(traced(x.builder, c), shape), FLOAT)


@implements(scipy.ndimage.zoom)
def zoom(
    input: Any, zoom: Any, output: Any = None, order: Any = 3, mode: Any = "constant", cval: Any = 0.0,
    prefilter: Any = True, *, grid_mode: Any = False,
) -> Any:
    """The factors say how large the result is, and must be known.

    Dtypes: numbers; the result has that of ``input``. Derivative: of ``input`` and ``cval``.

    >>> zoom([1.0, 2.0, 4.0], 5 / 3, order=1)
    array([1. , 1.5, 2. , 3. , 4. ])
    """
    (x,) = images(input)
    if x.ndim < 1:
        raise RuntimeError("input and output rank must be > 0")
    factors = [float(factor) for factor in one_for_each(zoom, x.ndim)]
    if all([factor == 1 for factor in factors]) and prefilter:
        return cast(x, output_dtype("zoom", output, x.dtype, x.dtype.kind == "c"))
    shape = tuple([int(round(n * factor)) for n, factor in zip(x.shape, factors)])
    better = {"constant": "grid-constant", "wrap": "grid-wrap"}.get(mode)
    if grid_mode and better:
        warnings.warn(
            f"It is recommended to use mode = {better} instead of {mode} when grid_mode is True.", stacklevel=3
        )
    coordinates = []
    for g, n, m in zip(np.indices(shape, sparse=True), x.shape, shape):
        step = n / m if grid_mode else (n - 1) / (m - 1) if m > 1 else 1.0
        coordinates.append(_spread(x, (g + 0.5) * step - 0.5 if grid_mode else g * step, shape))
    return _interpolated("zoom", x, coordinates, output, order, mode, cval, prefilter)


@implements(scipy.ndimage.rotate)
def rotate(
    input: Any, angle: Any, axes: Any = (1, 0), reshape: Any = True, output: Any = None, order: Any = 3,
    mode: Any = "constant", cval: Any = 0.0, prefilter: Any = True,
) -> Any:
    """A traced angle is asked for its value, unless ``reshape`` is False.

    Dtypes: numbers; the result has that of ``input``. Derivative: of ``input``, ``angle`` and ``cval``.

    >>> rotate([[1.0, 2.0], [3.0, 4.0]], 90, order=1)
    array([[2., 4.],
           [1., 3.]])
    """
    x = traced(builder_of(input, angle, cval), input)
    plane = _plane_of(x.ndim, axes)
    c, s = scipy.special.cosdg(angle), scipy.special.sindg(angle)
    sizes = np.array([x.shape[a] for a in plane])
    shape = tuple(_bounds(float(c), float(s), *sizes) if reshape else sizes.tolist())
    first, second = [g - (n - 1) / 2 for g, n in zip(np.indices(shape, sparse=True), shape)]
    rows, columns = [k + (n - 1) / 2 for k, n in zip((c * first + s * second, c * second - s * first), sizes.tolist())]
    coordinates = [_spread(x, k, shape) for k in (rows, columns)]

    def turned(image: Tracer) -> Tracer:
        return _interpolated("rotate", image, coordinates, output, order, mode, cval, prefilter)

    if x.ndim == 2:
        return turned(x)
    planes = np.moveaxis(x, plane, (-2, -1))
    lead = planes.shape[:-2]
    turned_planes = vmap(turned)(planes.reshape(-1, *planes.shape[-2:]))
    return np.moveaxis(turned_planes.reshape(*lead, *shape), (-2, -1), plane)


def _plane_of(ndim: int, axes: Any) -> list[int]:
    if ndim < 2:
        raise ValueError("input array should be at least 2D")
    if len(axes) != 2:
        raise ValueError("axes should contain exactly two values")
    if not all([float(a).is_integer() for a in axes]):
        raise ValueError("axes should contain only integer values")
    plane = sorted([int(a) + ndim if a < 0 else int(a) for a in axes])
    if plane[0] < 0 or plane[1] >= ndim:
        raise ValueError("invalid rotation plane specified")
    return plane


def _bounds(c: float, s: float, height: int, width: int) -> list[int]:
    """The extents of a plane that is turned."""
    corners = np.array([[c, s], [-s, c]]) @ [[0, 0, height, height], [0, width, 0, width]]
    return (np.ptp(corners, axis=1) + 0.5).astype(int).tolist()
