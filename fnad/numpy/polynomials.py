"""Polynomials by their coefficients, the highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.numpy.dispatch import RULES, implements
from fnad.numpy.promotion import array_of, builder_of, cast, constant, spread_to, traced
from fnad.numpy.shaping import atleast_1d, reshaped
from fnad.tracing.tracer import Tracer


def _coefficients(*polynomials: Any) -> list[Tracer]:
    builder = builder_of(*polynomials)
    return [atleast_1d(traced(builder, p)) for p in polynomials]


def _lengthened(*polynomials: Any) -> list[Tracer]:
    """Polynomials with as many coefficients, by zeros in front."""
    ps = _coefficients(*polynomials)
    missing = [max([len(p) for p in ps]) - len(p) for p in ps]
    return [np.concatenate([np.zeros(n, p.dtype), p]) if n else p for p, n in zip(ps, missing)]


# --- Arithmetic


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    """Dtypes: numbers. Derivative: 1 in each coefficient.

    >>> polyadd([1, 2], [9, 5, 4])
    array([9, 6, 6])
    """
    x, y = _lengthened(a1, a2)
    return np.add(x, y)


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    """Dtypes: numbers. Derivative: 1 in a1, -1 in a2.

    >>> polysub([2, 10, -2], [3, 10, -4])
    array([-1,  0,  2])
    """
    x, y = _lengthened(a1, a2)
    return np.subtract(x, y)


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """Zeros in front stay where the coefficients are traced: their number would depend on values.

    Dtypes: numbers. Derivative: of each factor the other one.

    >>> polymul([1, 2, 3], [9, 5, 1])
    array([ 9, 23, 38, 17,  3])
    """
    x, y = _coefficients(a1, a2)
    if x.ndim > 1 or y.ndim > 1:
        raise ValueError("Polynomial must be 1d only.")
    return RULES[np.convolve](x, y)


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> Any:
    """Of traced values the remainder has one coefficient less than v, zeros in front among them, but one at least.

    Dtypes: numbers. Derivative: that of u = q v + r.

    >>> polydiv([3.0, 5.0, 2.0], [2.0, 1.0])
    (array([1.5 , 1.75]), array([0.25]))
    """
    x, y = _coefficients(u, v)
    dtype = np.result_type(x.dtype, y.dtype, 0.0)
    rest, divisor = cast(x, dtype), cast(y, dtype)
    steps, scale = max(len(x) - len(y) + 1, 0), 1.0 / divisor[0]
    quotient = []
    for _ in range(steps):
        quotient.append(scale * rest[0])
        low, high = rest[1 : len(y)] - quotient[-1] * divisor[1:], rest[len(y) :]
        rest = np.concatenate([low, high])
    zero = constant(x.builder, 0, (1,), dtype)
    return np.stack(quotient) if steps else zero, rest if len(rest) else zero


# --- Values and powers


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """Dtypes: numbers. Derivative: that of the polynomial in x, and x to its power in each coefficient.

    >>> polyval([3.0, 0.0, 1.0], 5.0)
    np.float64(76.0)
    """
    builder = builder_of(p, x)
    coefficients, point = traced(builder, p), traced(builder, x)
    value = constant(builder, 0, point.shape, point.dtype)
    for coefficient in coefficients:
        value = value * point + coefficient
    return value


@implements(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """Dtypes: numbers. Derivative: n x ** (n - 1) for the power n.

    >>> vander([2.0, 3.0], 3)
    array([[4., 2., 1.],
           [9., 3., 1.]])
    """
    given = array_of(x)
    if given.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    count = len(given) if N is None else N
    np.empty((len(given), count))  # raises for what is no number of columns
    base = cast(given, np.promote_types(given.dtype, int))
    ones = constant(base.builder, 1, (len(given), min(count, 1)), base.dtype)
    factors = spread_to(reshaped(base, (len(given), 1)), (len(given), max(count - 1, 0)))
    powers = np.concatenate([ones, np.cumprod(factors, 1, base.dtype)], 1)
    return powers if increasing else powers[:, ::-1]


# --- Calculus


@implements(np.polyder)
def polyder(p: Any, m: Any = 1) -> Any:
    """Dtypes: numbers. Derivative: the power, in each coefficient that is left.

    >>> polyder([1, 1, 1, 1])
    array([3, 2, 1])
    """
    times = int(m)
    if times < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    result = array_of(p)
    for _ in range(times):
        result = result[:-1] * np.arange(len(result) - 1, 0, -1)
    return result


@implements(np.polyint)
def polyint(p: Any, m: Any = 1, k: Any = None) -> Any:
    """The constants of integration may be traced, too.

    Dtypes: numbers. Derivative: 1 over the new power in each coefficient, 1 in each constant.

    >>> polyint([6.0, 2.0], k=3.0)
    array([3., 2., 3.])
    """
    times = int(m)
    if times < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    builder = builder_of(p, k)
    constants = atleast_1d(traced(builder, np.zeros(times) if k is None else k))
    if len(constants) == 1 and times > 1:
        constants = constants[0] * np.ones(times)
    if len(constants) < times:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    result = traced(builder, p)
    for i in range(times):
        result = np.concatenate([result / np.arange(len(result), 0, -1), constants[i : i + 1]])
    return result
