"""Special functions, element by element: the sigmoid, error functions, log-sums of exponentials, sinc."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Any

import numpy as np

from fnad.lazy import LazyModule
from fnad.ops.elementwise import (
    FLOAT, LN2, choose, cos, guarded_div, guarded_mul, isinf, log, maximum, rint, sech_square,
)
from fnad.ops.families import elementwise

special = LazyModule("scipy.special")

# --- Meanings. SciPy computes with float32 and float64, at times with longdouble, and gives float64 for float16


def _in_dtype(function: Callable[..., Any], *operands: Any) -> Any:
    """A function of SciPy's, in the dtype of the operands."""
    dtype = np.result_type(*operands)
    result = function(*operands)
    return result if result.dtype == dtype else result.astype(dtype)


def _evaluate_erf(x: Any) -> Any:
    return _long_erf(x) if x.dtype == np.longdouble != np.float64 else _in_dtype(special.erf, x)


def _long_erf(x: Any) -> Any:
    """2/sqrt(pi) exp(-x^2) times the sum of 2^n x^(2n+1) / (1 3 5 ... (2n+1)), whose terms are of one sign."""
    near = np.clip(x, -7, 7)  # beyond, a longdouble has no digits for what is left to 1
    term = total = near
    for n in range(1, 200):
        term = term * near * near / (n + np.longdouble(0.5))
        total = total + term
    half_root = np.sqrt(np.arctan(np.longdouble(1)))  # sqrt(pi) / 2
    return np.where(np.abs(x) < 7, total * np.exp(-near * near) / half_root, np.sign(x))


def _evaluate_erfc(x: Any) -> Any:
    return _long_erfc(x) if x.dtype == np.longdouble != np.float64 else _in_dtype(special.erfc, x)


def _long_erfc(x: Any) -> Any:
    """exp(-x^2) / sqrt(pi) over the continued fraction x + (1/2) / (x + (2/2) / (x + (3/2) / ...))."""
    far = np.clip(x, 1, 120)  # beyond, it is less than any longdouble; before, 1 - erf has its digits
    fraction = far
    for n in range(300, 0, -1):
        fraction = far + np.longdouble(n) / 2 / fraction
    root = 2 * np.sqrt(np.arctan(np.longdouble(1)))  # sqrt(pi)
    return np.where(x > 1, np.exp(-far * far) / (root * fraction), 1 - _long_erf(x))


def _evaluate_gaussian(x: Any) -> Any:
    with np.errstate(over="ignore"):
        return np.exp(-np.square(x))


def _evaluate_xlogy(x: Any, y: Any) -> Any:
    if np.result_type(x, y) == np.longdouble != np.float64:
        return np.where((x == 0) & (y == y), np.longdouble(0), x * np.log(y))
    return _in_dtype(special.xlogy, x, y)


# --- The sigmoid and the error function

sigmoid = elementwise(
    "sigmoid", lambda x: _in_dtype(special.expit, x), "sigmoid({0})",
    [lambda g, y, x: g * (sech_square(x * 0.5) * 0.25)], FLOAT,
)
erf = elementwise(
    "erf", _evaluate_erf, "erf({0})", [lambda g, y, x: g * (gaussian(x) * (2 / float(np.sqrt(np.pi))))], FLOAT
)
erfc = elementwise(
    "erfc", _evaluate_erfc, "erfc({0})", [lambda g, y, x: g * (gaussian(x) * (-2 / float(np.sqrt(np.pi))))], FLOAT
)
# exp(-x²), which is 0 with all its derivatives where x² overflows.
gaussian = elementwise(
    "gaussian", _evaluate_gaussian, "exp(-({0} * {0}))", [lambda g, y, x: g * (guarded_mul(x, y) * -2)], FLOAT
)

# --- Logarithms

# x log(y), 0 where x is 0.
xlogy = elementwise(
    "xlogy", _evaluate_xlogy, "select(({0} == 0) & ({1} == {1}), 0, {0} * log({1}))",
    [lambda g, z, x, y: guarded_mul(g, log(y)), lambda g, z, x, y: guarded_mul(g, guarded_div(x, y))], FLOAT,
)


def _logaddexp_weight(x: Any, y: Any) -> Any:
    # The share of x in e^x + e^y. Both -inf: the sum is 0 whatever they do, so the share is 0.
    return choose(maximum(x, y) == -np.inf, 0, sigmoid(_difference(x, y)))


def _difference(x: Any, y: Any) -> Any:
    return choose((x == y) & isinf(x), 0, x - y)


def _logaddexp2_weight(x: Any, y: Any) -> Any:
    return choose(maximum(x, y) == -np.inf, 0, sigmoid(_difference(x, y) * LN2))


logaddexp = elementwise(
    "logaddexp", np.logaddexp, "logaddexp({0}, {1})",
    [lambda g, z, x, y: g * _logaddexp_weight(x, y), lambda g, z, x, y: g * _logaddexp_weight(y, x)],
    FLOAT, commutative=True,
)
logaddexp2 = elementwise(
    "logaddexp2", np.logaddexp2, "logaddexp2({0}, {1})",
    [lambda g, z, x, y: g * _logaddexp2_weight(x, y), lambda g, z, x, y: g * _logaddexp2_weight(y, x)],
    FLOAT, commutative=True,
)

# --- sinc

# The coefficients of (sin(t) / t)' / t in t², which cancels near 0: (-1)ᵏ 2k / (2k + 1)!.
_SINC_SLOPE = [(-1) ** k * 2 * k / factorial(2 * k + 1) for k in range(1, 11)]


def _sinc_slope(x: Any, y: Any) -> Any:
    t, turns = x * float(np.pi), rint(x * 0.5) * 2
    t_square = t * t
    series: Any = _SINC_SLOPE[-1]
    for c in _SINC_SLOPE[-2::-1]:
        series = t_square * series + c
    away = (cos((x - turns) * float(np.pi)) - y) / x
    return choose(t_square < 1, t * series * float(np.pi), away)


# sin(πx)/(πx), whose derivative is (cos(πx) - sinc(x))/x.
sinc = elementwise("sinc", np.sinc, "sinc({0})", [lambda g, y, x: g * _sinc_slope(x, y)], FLOAT)
