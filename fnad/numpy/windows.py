"""Window functions: weights of points that fall off to both ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.numpy.creation import known
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import array_of, builder_of, cast, constant, traced
from fnad.ops import bessel
from fnad.tracing.tracer import Tracer


def _points(M: Any, what: str) -> Any:
    """The number of points, which is known."""
    return M.concrete(what)[()] if type(M) is Tracer else M


def _window(function: Callable[..., Any]) -> Callable[[Any], Any]:
    """A window of as many points as are asked for."""
    def made(M: Any) -> Any:
        return function(_points(M, f"the number of points of np.{function.__name__}"))

    made.__name__ = function.__name__
    made.__doc__ = f"""The number of points is a known value.

    Dtypes: float64. Derivative: none.

    >>> {function.__name__}(1)
    array([1.])
    """
    return known(implements(function)(made))


bartlett, blackman = _window(np.bartlett), _window(np.blackman)
hamming, hanning = _window(np.hamming), _window(np.hanning)


@implements(np.i0)
def i0(x: Any) -> Any:
    """Dtypes: real. Derivative: the modified Bessel function of order 1.

    >>> i0([0.0, 1.0])
    array([1.        , 1.26606588])
    """
    given = array_of(x)
    if given.dtype.kind == "c":
        raise TypeError("i0 not supported for complex values")
    dtype = given.dtype if given.dtype.kind == "f" else np.dtype(float)
    wide = np.promote_types(dtype, np.float32)
    return cast(bessel.i0(cast(given, wide)), dtype)


@implements(np.kaiser)
def kaiser(M: Any, beta: Any) -> Any:
    """The number of points is a known value.

    Dtypes: float64. Derivative: that of i0(beta r) / i0(beta) in beta, r the half circle over the points.

    >>> kaiser(3, 2.0)
    array([0.43867628, 1.        , 0.43867628])
    """
    count = _points(M, "the number of points of np.kaiser")
    builder = builder_of(M, beta)
    shape = traced(builder, beta)
    shape = cast(shape, np.promote_types(shape.dtype, np.float64))
    if count == 1:
        return constant(builder, 1, (1,), shape.dtype)
    middle = (count - 1) / 2.0
    with np.errstate(all="ignore"):
        half_circle = np.sqrt(1 - ((np.arange(0, count) - middle) / middle) ** 2.0)
    return i0(shape * half_circle) / i0(shape)
