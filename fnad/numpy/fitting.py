"""Polynomials and their roots, and those that fit points best."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.errors import ConcreteValueError
from fnad.numpy.dispatch import RULES, implements
from fnad.numpy.promotion import array_of, builder_of, cast, constant, traced
from fnad.numpy.shaping import atleast_1d
from fnad.tracing.tracer import Tracer

# --- Roots


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """Of traced complex roots the coefficients are complex, also where the roots come in pairs.

    Dtypes: numbers. Derivative: of the product of (x - root), or of the characteristic polynomial of a matrix.

    >>> poly([2.0, 3.0])
    array([ 1., -5.,  6.])
    """
    roots = atleast_1d(array_of(seq_of_zeros))
    if roots.ndim == 2 and roots.shape[0] == roots.shape[1] != 0:
        return _characteristic(_inexact(roots))
    if roots.ndim != 1:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    if not len(roots):
        return 1.0
    roots = cast(roots, np.dtype(np.mintypecode(roots.dtype.char)))
    found: Any = constant(roots.builder, 1, (1,), roots.dtype)
    zero = np.zeros(1, roots.dtype)
    for root in roots:
        found = np.concatenate([found, zero]) - root * np.concatenate([zero, found])
    return found


def _characteristic(a: Tracer) -> Tracer:
    """det(x - a) by traces of powers, with derivatives also where eigenvalues are equal."""
    one = np.eye(len(a), dtype=a.dtype)
    power: Any = one
    coefficients = [constant(a.builder, 1, (), a.dtype)]
    for k in range(1, len(a) + 1):
        product = a @ power
        coefficients.append(-np.trace(product) / k)
        power = product + coefficients[-1] * one
    return np.stack(coefficients)


@implements(np.roots)
def roots(p: Any) -> Any:
    """Of a traced value they are complex. Zeros in front are left out where the values are known.

    Dtypes: numbers. Derivative: -x ** k / p'(x) in the coefficient of x ** k; infinite where roots are equal.

    >>> roots([1.0, -5.0, 6.0])
    array([3., 2.])
    """
    given = atleast_1d(array_of(p))
    if given.ndim != 1:
        raise ValueError("Input must be a rank-1 array.")
    first, last = _range_without_zeros(given)
    at_zero, given = len(given) - last, _inexact(given)[first:last]
    degree = max(len(given) - 1, 0)
    dtype = np.result_type(given.dtype, np.complex64)
    found: Any = constant(given.builder, 0, (0,), dtype)
    if degree:
        below = np.eye(degree - 1, degree, dtype=given.dtype)
        companion = np.concatenate([(-given[1:] / given[0])[None], below])
        found = RULES[np.linalg.eigvals](companion)
    return np.concatenate([found, np.zeros(at_zero, dtype)])


def _range_without_zeros(p: Tracer) -> tuple[int, int]:
    """From the first to after the last coefficient that is not 0, where this is known; else all of them."""
    try:
        places = np.flatnonzero((p != 0).concrete("the zeros in front of and after the coefficients of np.roots"))
    except ConcreteValueError:
        return 0, len(p)
    return (int(places[0]), int(places[-1]) + 1) if len(places) else (len(p), len(p))


def _inexact(x: Tracer) -> Tracer:
    """An array as linear algebra takes it."""
    return cast(x, np.result_type(x.dtype, np.float32 if x.dtype.kind in "fc" else np.float64))


# --- Fitting


@implements(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """Of traced values a low rank is no warning.

    Dtypes: numbers. Derivative: that of the least squares' solution, in the points, the values and the weights.

    >>> np.round(polyfit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], 1), 6)
    array([2., 1.])
    >>> polyfit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], 1, cov="unscaled")[1].shape
    (2, 2)
    """
    builder = builder_of(x, y, w)
    points, values, order = traced(builder, x) + 0.0, traced(builder, y) + 0.0, int(deg) + 1
    _require_points(points, values, deg)
    rcond = len(points) * np.finfo(points.dtype).eps if rcond is None else rcond
    matrix = RULES[np.vander](points, order)
    if w is not None:
        weights = traced(builder, w) + 0.0
        if weights.ndim != 1:
            raise TypeError("expected a 1-d array for weights")
        if len(weights) != len(values):
            raise TypeError("expected w and y to have the same length")
        matrix, values = matrix * weights[:, None], (values.T * weights).T
    scale = np.sqrt((matrix * matrix).sum(axis=0))
    matrix = matrix / scale
    found, residuals, rank, singular = RULES[np.linalg.lstsq](matrix, values, rcond)
    found = (found.T / scale).T
    if full:
        return found, residuals, rank, singular, rcond
    return (found, _covariance(matrix, scale, residuals, cov, values.ndim)) if cov else found


def _require_points(x: Tracer, y: Tracer, deg: Any) -> None:
    if deg < 0:
        raise ValueError("expected deg >= 0")
    if x.ndim != 1:
        raise TypeError("expected 1D vector for x")
    if x.size == 0:
        raise TypeError("expected non-empty vector for x")
    if y.ndim not in (1, 2):
        raise TypeError("expected 1D or 2D array for y")
    if len(x) != len(y):
        raise TypeError("expected x and y to have same length")


def _covariance(matrix: Tracer, scale: Tracer, residuals: Tracer, cov: Any, ndim: int) -> Tracer:
    """That of the coefficients, for each of several columns of values."""
    count, order = matrix.shape
    base = np.linalg.inv(matrix.T @ matrix) / np.outer(scale, scale)
    factor: Any = 1
    if cov != "unscaled":
        if count <= order:
            raise ValueError("the number of data points must exceed order to scale the covariance matrix")
        factor = residuals / (count - order)
    return base * factor if ndim == 1 else base[:, :, None] * factor
