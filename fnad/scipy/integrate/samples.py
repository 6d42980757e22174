"""Integrals of functions that are given by samples along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from fnad.scipy.originals import answers_for, as_array


@answers_for("scipy.integrate")
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral of samples by the trapezoidal rule.

    Args:
        y: the samples, an array of numbers.
        x: where they were taken: as many along ``axis``, or an array that broadcasts to ``y``. None: ``dx`` apart.
        dx: the distance of samples, where ``x`` is None.
        axis: the axis to integrate along.

    Returns:
        An array without this axis, of float or complex dtype. Linear in ``y``; differentiable in ``x`` and ``dx``.

    Raises:
        ValueError: ``x`` does not fit.

    >>> trapezoid(np.array([1.0, 2.0, 3.0]), dx=2.0)
    np.float64(8.0)
    """
    y = as_array(y)
    first, last = halves(y, axis)
    areas = _widths(y, x, dx, axis) * (first + last) / 2.0
    return np.sum(areas, axis=axis)


def halves(y: Any, axis: int) -> tuple[Any, Any]:
    """The samples without the last and without the first one."""
    return along(y, axis, None, -1), along(y, axis, 1, None)


def along(y: Any, axis: int, start: Any, stop: Any, step: Any = None) -> Any:
    """A slice along one axis."""
    index = [slice(None)] * y.ndim
    index[axis] = slice(start, stop, step)
    return y[tuple(index)]


def _widths(y: Any, x: Any, dx: Any, axis: int) -> Any:
    """The distances of samples, so that they broadcast with their pairs."""
    if x is None:
        return dx
    x = as_array(x)
    if x.ndim == 1:
        return _on_axis(np.diff(x), y.ndim, axis)
    return np.diff(np.broadcast_to(x, y.shape), axis=axis)


def _on_axis(x: Any, ndim: int, axis: int) -> Any:
    """A vector as an array with its elements along one of so many axes."""
    shape = [1] * ndim
    shape[axis] = -1
    return np.reshape(x, tuple(shape))


@answers_for("scipy.integrate")
def cumulative_trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None) -> Any:
    """The integrals from the first sample to each later one, by the trapezoidal rule.

    Args:
        y: the samples, an array of numbers.
        x: where they were taken: as many along ``axis``, or an array of the shape of ``y``. None: ``dx`` apart.
        dx: the distance of samples, where ``x`` is None.
        axis: the axis to integrate along.
        initial: 0 to begin with the integral to the first sample itself, or None.

    Returns:
        An array with one element less along the axis, or as many with ``initial``. Derivatives as of `trapezoid`.

    Raises:
        ValueError: there is no sample, ``x`` does not fit, or ``initial`` is neither 0 nor None.

    >>> cumulative_trapezoid(np.array([1.0, 2.0, 3.0]), initial=0)
    array([0. , 1.5, 4. ])
    """
    y = as_array(y)
    if y.shape[axis] == 0:
        raise ValueError("At least one point is required along `axis`.")
    _require_positions(y, x, axis)
    first, last = halves(y, axis)
    result = np.cumsum(_widths(y, x, dx, axis) * (first + last) / 2.0, axis=axis)
    if initial is None:
        return result
    if initial != 0:
        raise ValueError("`initial` must be `None` or `0`.")
    return np.concatenate([np.zeros_like(along(result, axis, 0, 1)) if y.shape[axis] > 1 else
                           np.zeros(_with_length(y.shape, axis, 1), result.dtype), result], axis=axis)


def _with_length(shape: tuple[int, ...], axis: int, n: int) -> tuple[int, ...]:
    axis = normalize_axis_index(axis, len(shape))
    return (*shape[:axis], n, *shape[axis + 1 :])


def _require_positions(y: Any, x: Any, axis: int) -> None:
    """SciPy's errors of positions that do not fit the samples."""
    if x is None:
        return
    shape = np.shape(x)
    if len(shape) not in (1, y.ndim):
        raise ValueError("If given, shape of x must be 1-D or the same as y.")
    if shape[0 if len(shape) == 1 else axis] != y.shape[axis]:
        raise ValueError("If given, length of x along axis must be the same as y.")


# --- Parabolas


@answers_for("scipy.integrate")
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral of samples by Simpson's rule; of an even number of them the last interval has Cartwright's.

    Args:
        y: the samples, an array of numbers.
        x: where they were taken: as many along ``axis``, or an array of the shape of ``y``. None: ``dx`` apart.
        dx: the distance of samples, where ``x`` is None.
        axis: the axis to integrate along.

    Returns:
        An array without this axis. Linear in ``y``; differentiable in ``x`` and ``dx``, and 0 where two are the same.

    Raises:
        ValueError: ``x`` does not fit.

    >>> simpson(np.array([0.0, 1.0, 4.0]))
    np.float64(2.6666666666666665)
    """
    y = as_array(y)
    _require_positions(y, x, axis)
    n = y.shape[axis]
    if n == 2:
        return trapezoid(y, x, dx, axis)
    widths = np.broadcast_to(as_array(_widths(y, x, dx, axis)), _with_length(y.shape, axis, n - 1))
    y, widths = np.moveaxis(y, axis, -1), np.moveaxis(widths, axis, -1)
    odd = n - 1 + n % 2
    if x is not None:
        widths = np.astype(widths, np.float64)  # in which SciPy weighs samples of fewer digits, too
    # Of one sample there are no parabolas, and SciPy's sum of none is 0.
    inner, steps = y[..., :odd], widths[..., : odd - 1]
    total = np.sum(_equal_parabolas(inner, dx) if x is None else _parabolas(inner, steps), axis=-1)
    if n % 2:
        return total
    last = _last_interval(y[..., -3:], widths[..., -2], widths[..., -1])
    return total + (np.astype(last, total.dtype) if x is None else last)


def _equal_parabolas(y: Any, dx: Any) -> Any:
    total = y[..., :-2:2] + 4.0 * y[..., 1::2] + y[..., 2::2]
    return total * np.astype(as_array(dx / 3.0), total.dtype)


def _parabolas(y: Any, h: Any) -> Any:
    """The integrals over pairs of intervals."""
    h0, h1 = h[..., ::2], h[..., 1::2]
    total = h0 + h1
    return total / 6.0 * (
        y[..., :-2:2] * (2.0 - _ratio(h1, h0)) + y[..., 1::2] * total * _ratio(total, h0 * h1)
        + y[..., 2::2] * (2.0 - _ratio(h0, h1))
    )


def _last_interval(y: Any, h0: Any, h1: Any) -> Any:
    """The integral over the second of two intervals (Cartwright, 2017)."""
    alpha = _ratio(2 * h1**2 + 3 * h0 * h1, 6 * (h1 + h0))
    beta = _ratio(h1**2 + 3.0 * h0 * h1, 6 * h0)
    eta = _ratio(h1**3, 6 * h0 * (h0 + h1))
    return alpha * y[..., -1] + beta * y[..., -2] - eta * y[..., -3]


def _ratio(a: Any, b: Any) -> Any:
    """a / b, and 0 where b is."""
    return np.where(b != 0, a / np.where(b != 0, b, 1.0), 0.0)


@answers_for("scipy.integrate")
def cumulative_simpson(y: Any, *, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None) -> Any:
    """The integrals from the first sample to each later one, by Simpson's rule.

    Args:
        y: the samples, an array of numbers.
        x: where they were taken, increasing (which is not checked where ``x`` is traced): as many along ``axis``, or
            an array of the shape of ``y``. None: ``dx`` apart.
        dx: the distance of samples, where ``x`` is None: a number, or one element along ``axis``.
        axis: the axis to integrate along.
        initial: what to begin with and to add to all, or None.

    Returns:
        An array with one element less along the axis, or as many with ``initial``. Derivatives as of `simpson`.

    Raises:
        ValueError: ``x``, ``dx`` or ``initial`` do not fit, or ``x`` does not increase.

    >>> cumulative_simpson(np.array([0.0, 1.0, 4.0, 9.0]), initial=0)
    array([0.        , 0.33333333, 2.66666667, 9.        ])
    """
    y = as_array(y)
    y = y if y.dtype.kind in "fc" else y.astype(float)
    single = _with_length(y.shape, axis, 1)
    if y.shape[axis] < 3:
        result = np.moveaxis(cumulative_trapezoid(y, x, dx, axis), axis, -1)
    elif x is not None:
        result = _cumulative(y, _positive(_checked_widths(y, x, axis)), axis, _unequal)
    else:
        dx = _fitting(dx, single, "dx", "y")
        result = _cumulative(y, np.broadcast_to(dx, _with_length(y.shape, axis, y.shape[axis] - 1)), axis, _equal)
    if initial is not None:
        start = np.moveaxis(np.broadcast_to(_fitting(initial, single, "initial", "y"), single), axis, -1)
        result = np.concatenate([start, result + start], axis=-1)
    return np.moveaxis(result, -1, axis)


def _checked_widths(y: Any, x: Any, axis: int) -> Any:
    if np.shape(x) not in (y.shape, (y.shape[axis],)):
        raise ValueError(
            "If given, shape of `x` must be the same as `y` or 1-D with the same length as `y` along `axis`."
        )
    return np.broadcast_to(_widths(y, x, None, axis), _with_length(y.shape, axis, y.shape[axis] - 1))


def _positive(widths: Any) -> Any:
    if type(widths) is np.ndarray and np.any(widths <= 0):
        raise ValueError("Input x must be strictly increasing.")
    return widths


def _fitting(value: Any, single: tuple[int, ...], what: str, like: str) -> Any:
    value = as_array(value)
    if value.shape not in ((), single):
        raise ValueError(
            f"If provided, `{what}` must either be a scalar or have the same shape as `{like}` but with only 1 point "
            "along `axis`."
        )
    return value


def _cumulative(y: Any, widths: Any, axis: int, rule: Callable[..., Any]) -> Any:
    """Sums over intervals, of which the first of each pair has the rule and the second its mirror image."""
    y, widths = np.moveaxis(y, axis, -1), np.moveaxis(widths, axis, -1)
    forward = rule(y, widths)
    backward = np.flip(rule(np.flip(y, -1), np.flip(widths, -1)), -1)
    n = widths.shape[-1]
    firsts, seconds = forward[..., ::2], backward[..., ::2]
    pairs = np.stack([firsts[..., : n // 2], seconds[..., : n // 2]], axis=-1)
    parts = np.reshape(pairs, (*y.shape[:-1], 2 * (n // 2)))
    return np.cumsum(np.concatenate([parts, backward[..., -1:]], axis=-1) if n % 2 else parts, axis=-1)


def _equal(y: Any, h: Any) -> Any:
    return h[..., :-1] / 3 * (5 * y[..., :-2] / 4 + 2 * y[..., 1:-1] - y[..., 2:] / 4)


def _unequal(y: Any, h: Any) -> Any:
    h0, h1 = h[..., :-1], h[..., 1:]
    part = h0 / (h0 + h1)
    both = part * (h0 / h1)
    return h0 / 6 * ((3 - part) * y[..., :-2] + (3 + both + part) * y[..., 1:-1] - both * y[..., 2:])


# --- Extrapolation


@answers_for("scipy.integrate")
def romb(y: Any, dx: Any = 1.0, axis: int = -1, show: bool = False) -> Any:
    """The integral of 2**k + 1 samples by Romberg's extrapolation.

    Args:
        y: the samples, an array of numbers.
        dx: their distance.
        axis: the axis to integrate along.
        show: whether to print the table, of values that are not traced.

    Returns:
        An array without this axis. Linear in ``y`` and ``dx``.

    Raises:
        ValueError: there is another number of samples.

    >>> romb(np.array([0.0, 1.0, 4.0]))
    np.float64(2.6666666666666665)
    """
    y = np.moveaxis(as_array(y), axis, -1)
    intervals = y.shape[-1] - 1
    if intervals < 1 or intervals & (intervals - 1):
        raise ValueError("Number of samples must be one plus a non-negative power of 2.")
    row = [(y[..., 0] + y[..., -1]) / 2.0 * (intervals * dx)]
    while intervals > 1:
        inner = y[..., intervals // 2 :: intervals]
        halved = [0.5 * (row[0] + intervals * dx * np.sum(inner, axis=-1))]
        for j, coarse in enumerate(row, 1):
            halved.append(halved[-1] + (halved[-1] - coarse) / (4**j - 1))
        row, intervals = halved, intervals // 2
    return row[-1]
