"""Recursive filters, as `scipy.signal` has them: a convolution with the numerator, a recurrence by the denominator."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal

from fnad.numpy.convolution import alike
from fnad.numpy.dispatch import implements
from fnad.numpy.fft import resized
from fnad.numpy.promotion import one_axis, shapes_text
from fnad.ops.convolution import correlate
from fnad.ops.filters import all_pole
from fnad.ops.shaping import flip, pad
from fnad.tracing.tracer import Tracer

# --- Along the last axis


def full_convolution(x: Tracer, b: Tracer) -> Tracer:
    """The convolution of each line with b, whole."""
    nothing, taps = (0,) * x.ndim, b.shape[0]
    around = (*nothing[1:], taps - 1)
    return correlate(pad(x, low=around, high=around, interior=nothing), flip(b, axes=(0,)), axes=1)


def _filtered(b: Tracer, a: Tracer, x: Tracer, zi: Tracer | None) -> tuple[Tracer, Tracer]:
    """The filter's result, and the state that it ends with; a[0] is 1."""
    n, last = x.shape[-1], x.ndim - 1
    order = max(a.shape[0], b.shape[0]) - 1
    y = resized(full_convolution(x, b), last, n + order)
    if zi is not None:
        y = y + resized(zi, last, n + order)
    y, state = y[..., :n], y[..., n:]
    if a.shape[0] == 1 or not n:
        return y, state
    y = all_pole(a[1:], y)
    known = y[..., max(n - a.shape[0] + 1, 0) :]
    echo = full_convolution(known, np.concatenate([np.zeros_like(a[:1]), a[1:]]))[..., known.shape[-1] :]
    return y, state - resized(echo, last, order)


def _normalized(b: Tracer, a: Tracer) -> tuple[Tracer, Tracer]:
    return b / a[0], a / a[0]


def _require_inexact(dtype: np.dtype, what: str = "input type") -> None:
    if dtype.kind not in "fc" or dtype == np.float16:
        raise NotImplementedError(f"{what} '{dtype}' not supported")


# --- By coefficients


@implements(scipy.signal.lfilter)
def lfilter(b: Any, a: Any, x: Any, axis: Any = -1, zi: Any = None) -> Any:
    """Dtypes: float, complex. Derivative: of all arguments; of ``x`` the filter, run backwards.

    >>> lfilter([1.0], [1.0, -0.5], [1.0, 0.0, 0.0])
    array([1.  , 0.5 , 0.25])
    """
    b, a, x, *states = alike(b, a, x, *([] if zi is None else [zi]))
    b, a = [np.atleast_1d(y) for y in (b, a)]
    for name, y in (("b", b), ("a", a)):
        if y.ndim != 1 or not y.size:
            raise ValueError(f"Parameter {name} is not a non-empty 1d array, since {name}.shape={y.shape}!")
    _require_inexact(x.dtype)
    axis = one_axis(axis, x.ndim)
    order = max(a.size, b.size) - 1
    y, state = _filtered(*_normalized(b, a), np.moveaxis(x, axis, -1), *_states(states, x, axis, order) or [None])
    y = np.moveaxis(y, -1, axis)
    return y if zi is None else (y, np.moveaxis(state, -1, axis))


def _states(states: list[Tracer], x: Tracer, axis: int, order: int) -> list[Tracer]:
    """The state to begin with for each line."""
    shape = (*x.shape[:axis], order, *x.shape[axis + 1 :])
    for zi in states:
        fits = [n == m or n == 1 and a != axis for a, (n, m) in enumerate(zip(zi.shape, shape))]
        if zi.ndim != x.ndim or not all(fits):
            expected, found = [shapes_text([s]) for s in (shape, zi.shape)]
            raise ValueError(f"Unexpected shape for zi:  expected {expected}, found {found}.")
    return [np.moveaxis(np.broadcast_to(zi, shape), axis, -1) for zi in states]


@implements(scipy.signal.lfilter_zi)
def lfilter_zi(b: Any, a: Any) -> Any:
    """Dtypes: float, complex. Derivative: of both arguments.

    >>> lfilter_zi([1.0], [1.0, -0.5])
    array([1.])
    """
    b, a = [np.atleast_1d(y) for y in alike(b, a)]
    for name, y in (("Numerator b", b), ("Denominator a", a)):
        if y.ndim != 1:
            raise ValueError(f"{name} must be 1-D.")
    b, a = _normalized(b, a)
    n = max(a.size, b.size)
    if n < 2:
        raise ValueError("The length of `a` along the last axis must be at least 2.")
    b, a = [resized(y, 0, n) for y in (b, a)]
    change = b[1:] - a[1:] * b[0]
    first = change.sum() / a.sum()
    return np.cumsum(a)[:-1] * first - np.concatenate([np.zeros_like(a[:1]), np.cumsum(change)[:-1]])


@implements(scipy.signal.filtfilt)
def filtfilt(
    b: Any, a: Any, x: Any, axis: Any = -1, padtype: Any = "odd", padlen: Any = None, method: Any = "pad",
    irlen: Any = None,
) -> Any:
    """Of traced values by the method "pad".

    Dtypes: float, complex. Derivative: of ``b``, ``a`` and ``x``.

    >>> filtfilt([0.5], [1.0, -0.5], [1.0, 1.0, 1.0, 1.0], padlen=1)
    array([1., 1., 1., 1.])
    """
    if method not in ("pad", "gust"):
        raise ValueError("method must be 'pad' or 'gust'.")
    if method == "gust":
        raise NotImplementedError("filtfilt: requires the method 'pad' for traced values, got 'gust'.")
    b, a, x = alike(b, a, x)
    b, a = [np.atleast_1d(y) for y in (b, a)]
    axis = one_axis(axis, x.ndim)
    edge, extended = _extended(np.moveaxis(x, axis, -1), padtype, padlen, max(a.size, b.size))
    zi = lfilter_zi(b, a)
    pass_ = lambda y: _filtered(*_normalized(b, a), y, zi * y[..., :1])[0]
    return _there_and_back(pass_, extended, edge, axis)


def _extended(x: Tracer, padtype: Any, padlen: Any, taps: int) -> tuple[int, Tracer]:
    """How many elements are put in front and behind, and the lines with them."""
    if padtype not in ("even", "odd", "constant", None):
        raise ValueError(
            f"Unknown value '{padtype}' given to padtype. padtype must be 'even', 'odd', 'constant', or None."
        )
    edge = 0 if padtype is None else 3 * taps if padlen is None else padlen
    if x.shape[-1] <= edge:
        raise ValueError(f"The length of the input vector x must be greater than padlen, which is {edge}.")
    widths = [(0, 0)] * (x.ndim - 1) + [(edge, edge)]
    if padtype == "constant":
        return edge, np.pad(x, widths, "edge")
    return edge, np.pad(x, widths, "reflect", reflect_type=padtype or "even")


def _there_and_back(pass_: Any, x: Tracer, edge: int, axis: int) -> Tracer:
    y = pass_(pass_(x)[..., ::-1])[..., ::-1]
    return np.moveaxis(y[..., edge : y.shape[-1] - edge], -1, axis)


# --- By sections of second order


@implements(scipy.signal.sosfilt)
def sosfilt(sos: Any, x: Any, axis: Any = -1, zi: Any = None) -> Any:
    """The coefficients ``sos[:, 3]`` are taken for 1, as SciPy wants them to be.

    Dtypes: float, complex. Derivative: of ``sos``, ``x`` and ``zi``.

    >>> sosfilt([[1.0, 0.0, 0.0, 1.0, -0.5, 0.0]], [1.0, 0.0, 0.0])
    array([1.  , 0.5 , 0.25])
    """
    sos, x, *states = alike(sos, x, *([] if zi is None else [zi]))
    if not x.ndim:
        raise ValueError("x must be at least 1-D")
    _require_inexact(x.dtype)
    named, sos, axis = axis, sections(sos), one_axis(axis, x.ndim)
    shape = (sos.shape[0], *x.shape[:axis], 2, *x.shape[axis + 1 :])
    for state in states:
        if state.shape != shape:
            raise ValueError(
                f"Invalid zi shape. With axis={named!r}, an input with shape {x.shape!r}, and an sos array with "
                f"{sos.shape[0]} sections, zi must have shape {shape!r}, got {state.shape!r}."
            )
    begin = [np.moveaxis(state, axis + 1, -1) for state in states] or [[None] * sos.shape[0]]
    y, ends = _cascaded(sos, np.moveaxis(x, axis, -1), begin[0])
    y = np.moveaxis(y, -1, axis)
    return y if zi is None else (y, np.moveaxis(np.stack(ends), -1, axis + 1))


def sections(sos: Tracer) -> Tracer:
    sos = np.atleast_2d(sos)
    if sos.ndim != 2:
        raise ValueError("sos array must be 2D")
    if sos.shape[1] != 6:
        raise ValueError("sos array must be shape (n_sections, 6)")
    return sos


def _cascaded(sos: Tracer, x: Tracer, states: Any) -> tuple[Tracer, list[Tracer]]:
    """Each section filters what the one before gives."""
    ends = []
    for section, state in zip(sos, states):
        a = np.concatenate([np.ones_like(section[3:4]), section[4:]])
        x, end = _filtered(section[:3], a, x, state)
        ends.append(end)
    return x, ends


@implements(scipy.signal.sosfilt_zi)
def sosfilt_zi(sos: Any) -> Any:
    """Dtypes: float, complex. Derivative: of ``sos``.

    >>> sosfilt_zi([[1.0, 0.0, 0.0, 1.0, -0.5, 0.0]])
    array([[1., 0.]])
    """
    (sos,) = alike(sos)
    if sos.ndim != 2 or sos.shape[1] != 6:
        raise ValueError("sos must be shape (n_sections, 6)")
    scale, states = 1.0, []
    for section in sos:
        b, a = section[:3], section[3:]
        states.append(scale * lfilter_zi(b, a))
        scale = scale * (b.sum() / a.sum())
    return np.stack(states)


@implements(scipy.signal.sosfiltfilt)
def sosfiltfilt(sos: Any, x: Any, axis: Any = -1, padtype: Any = "odd", padlen: Any = None) -> Any:
    """How much is put at the ends depends, where ``padlen`` is None, on which coefficients are 0.

    Dtypes: float, complex. Derivative: of ``sos`` and ``x``.

    >>> sosfiltfilt([[0.5, 0.0, 0.0, 1.0, -0.5, 0.0]], [1.0, 1.0, 1.0, 1.0], padlen=1)
    array([1., 1., 1., 1.])
    """
    given = sos
    sos, x = alike(sos, x)
    sos, axis = sections(sos), one_axis(axis, x.ndim)
    taps = 2 * sos.shape[0] + 1
    if padlen is None and padtype is not None:
        coefficients = np.atleast_2d(given)
        taps -= min([int((coefficients[:, column] == 0).sum()) for column in (2, 5)])
    edge, extended = _extended(np.moveaxis(x, axis, -1), padtype, padlen, taps)
    states = sosfilt_zi(sos).reshape(-1, *(1,) * (x.ndim - 1), 2)
    return _there_and_back(lambda y: _cascaded(sos, y, states * y[..., :1])[0], extended, edge, axis)
