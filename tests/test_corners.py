"""The corners of numerical derivatives: kinks, ties, infinite slopes, empty arrays. Each row is exact.

Every row runs in float32 and float64, interpreted and compiled, as the gradient of a scalar in all its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import fnad.numpy as fnp
import numpy as np
import pytest
from fnad import grad, jacfwd, jacrev, jit, nn, value_and_grad

from tests.profiles import is_deep

INF, NAN = np.inf, np.nan


class Corner(NamedTuple):
    """A function, where it is looked at, and its derivative in each argument there (None: not differentiated)."""

    function: Callable[..., Any]
    args: Sequence[Any]
    gradients: Sequence[Any]
    value: Any = None


def first(x: Any) -> Any:
    return x[0]


def last(x: Any) -> Any:
    return x[-1]


def bce(x: Any, t: Any) -> Any:
    return np.maximum(x, 0) - x * t + np.log1p(np.exp(-abs(x)))


def weighted(x: Any) -> Any:
    return np.sum(x * np.arange(1, x.size + 1).reshape(x.shape))


CORNERS: dict[str, Corner] = {
    # Ties
    "max of ties": Corner(np.max, [[1, 1, 0]], [[0.5, 0.5, 0]], 1),
    "min of ties": Corner(np.min, [[1, 0, 0]], [[0, 0.5, 0.5]], 0),
    "max of a three-way tie": Corner(np.max, [[[2, 2], [1, 2]]], [[[1 / 3, 1 / 3], [0, 1 / 3]]], 2),
    "max of ties along an axis": Corner(
        lambda x: np.sum(np.max(x, axis=1)), [[[1, 1], [0, 3]]], [[[0.5, 0.5], [0, 1]]], 4,
    ),
    "maximum of a tie": Corner(np.maximum, [2, 2], [0.5, 0.5], 2),
    "minimum of a tie": Corner(np.minimum, [2, 2], [0.5, 0.5], 2),
    "fmax of a tie": Corner(np.fmax, [2, 2], [0.5, 0.5], 2),
    "maximum(x, 0) at 0": Corner(lambda x: np.maximum(x, 0), [0], [0.5], 0),
    "clip at its lower bound": Corner(lambda x: np.clip(x, 0, 1), [0], [0.5], 0),
    "clip at its upper bound": Corner(lambda x: np.clip(x, 0, 1), [1], [0.5], 1),
    "clip where the bounds meet": Corner(np.clip, [1, 1, 1], [0.25, 0.25, 0.5], 1),
    "median of ties": Corner(np.median, [[1, 1, 2, 2]], [[0.25, 0.25, 0.25, 0.25]], 1.5),
    "median of 4": Corner(np.median, [[3, 1, 2, 5]], [[0.5, 0, 0.5, 0]], 2.5),
    "median of 3": Corner(np.median, [[3, 1, 2]], [[0, 0, 1]], 2),
    "sort with ties": Corner(lambda x: weighted(np.sort(x)), [[1, 1, 0]], [[2, 3, 1]], 5),
    # Kinks
    "abs at 0": Corner(np.abs, [0], [0], 0),
    "abs of Python at 0": Corner(abs, [0], [0], 0),
    "binary cross-entropy at 0, target 0": Corner(bce, [0, 0], [0.5, 0], np.log(2)),
    "binary cross-entropy at 0, target 1": Corner(bce, [0, 1], [-0.5, 0], np.log(2)),
    "relu at 0": Corner(nn.relu, [0], [0], 0),
    "leaky_relu at 0": Corner(nn.leaky_relu, [0], [1], 0),
    "relu6 at 0": Corner(nn.relu6, [0], [0], 0),
    "relu6 at 6": Corner(nn.relu6, [6], [0], 6),
    "elu at 0": Corner(nn.elu, [0], [1], 0),
    "floor": Corner(np.floor, [1.5], [0], 1),
    "ceil": Corner(np.ceil, [1.5], [0], 2),
    "sign": Corner(np.sign, [0], [0], 0),
    "round": Corner(np.round, [1.5], [0], 2),
    "mod 5, 3": Corner(np.mod, [5, 3], [1, -1], 2),
    "mod 6, 3": Corner(np.mod, [6, 3], [1, -2], 0),
    # Infinite slopes
    "sqrt at 0": Corner(np.sqrt, [0], [INF], 0),
    "sqrt(x * x) at 0": Corner(lambda x: np.sqrt(x * x), [0], [NAN], 0),
    "log at 0": Corner(np.log, [0], [INF], -INF),
    "arcsin at 1": Corner(np.arcsin, [1], [INF], np.pi / 2),
    "arccos at 1": Corner(np.arccos, [1], [-INF], 0),
    "norm at 0": Corner(np.linalg.norm, [[0, 0, 0]], [[0, 0, 0]], 0),
    "norm of rows, one of them 0": Corner(
        lambda x: np.sum(np.linalg.norm(x, axis=1)), [[[0, 0], [3, 4]]], [[[0, 0], [0.6, 0.8]]], 5,
    ),
    "std of a constant": Corner(np.std, [[2, 2, 2]], [[0, 0, 0]], 0),
    "var of a constant": Corner(np.var, [[2, 2, 2]], [[0, 0, 0]], 0),
    "hypot at 0": Corner(np.hypot, [0, 0], [0, 0], 0),
    "arctan2 at 0": Corner(np.arctan2, [0, 0], [0, 0], 0),
    "sinc at 0": Corner(np.sinc, [0], [0], 1),
    "x * log(x) at 0": Corner(lambda x: x * np.log(x), [0], [-INF], NAN),
    "arctan2 at 0, -0": Corner(np.arctan2, [0, -0.0], [0, 0], np.pi),
    "arctan2 at 0, 1": Corner(np.arctan2, [0, 1], [1, 0], 0),
    "arctan2 at infinity": Corner(np.arctan2, [1, INF], [0, 0], 0),
    "hypot at infinity": Corner(np.hypot, [INF, 1], [1, 0], INF),
    "arccosh at 1": Corner(np.arccosh, [1], [INF], 0),
    "arctanh at 1": Corner(np.arctanh, [1], [INF], INF),
    "log1p at -1": Corner(np.log1p, [-1], [INF], -INF),
    "xlogy(x, x) at 0": Corner(lambda x: fnp.xlogy(x, x), [0], [-INF], 0),
    "xlogy at 0, 0": Corner(fnp.xlogy, [0, 0], [-INF, 0], 0),
    "xlogy at 0, 2": Corner(fnp.xlogy, [0, 2], [np.log(2), 0], 0),
    "xlogy at 1, 0": Corner(fnp.xlogy, [1, 0], [-INF, INF], -INF),
    "a coin that always shows heads": Corner(lambda p: fnp.xlogy(1.0, p) + fnp.xlogy(0.0, 1 - p), [1], [1], 0),
    "no event where none is expected": Corner(lambda r: fnp.xlogy(0.0, r) - r, [0], [-1], 0),
    "norm of order 3 at 0": Corner(lambda x: np.linalg.norm(x, 3), [[0, 0]], [[0, 0]], 0),
    "norm of order 1/2 with a 0": Corner(lambda x: np.linalg.norm(x, 0.5), [[0, 4]], [[0, 1]], 4),
    "norm of order -2 with a 0": Corner(lambda x: np.linalg.norm(x, -2), [[0, 4]], [[0, 0]], 0),
    "largest element as a norm": Corner(lambda x: np.linalg.norm(x, INF), [[2, -2]], [[0.5, -0.5]], 2),
    "norm of order 1 with a 0": Corner(lambda x: np.linalg.norm(x, 1), [[0, -2]], [[0, -1]], 2),
    "x / x at 0": Corner(lambda x: x / x, [0], [NAN], NAN),
    # Powers
    "x**0": Corner(lambda x: x**0, [0], [0], 1),
    "x**0.": Corner(lambda x: x**0.0, [0], [0], 1),
    "x**1. at 0": Corner(lambda x: x**1.0, [0], [1], 0),
    "x**2 at 0": Corner(lambda x: x**2, [0], [0], 0),
    "x**y at 0, 0": Corner(np.power, [0, 0], [0, 0], 1),
    "x**y at 0, 2": Corner(np.power, [0, 2], [0, 0], 0),
    "x**y at -2, 2": Corner(np.power, [-2, 2], [-4, NAN], 4),
    "y**x at 0": Corner(lambda x: 2.0**x, [0], [np.log(2)], 1),
    "x**1. twice at 0": Corner(lambda x: grad(lambda y: y**1.0)(x), [0], [0], 1),
    "x**2 twice at 0": Corner(lambda x: grad(lambda y: y**2)(x), [0], [2], 0),
    "x**3 twice at 0": Corner(lambda x: grad(lambda y: y**3)(x), [0], [0], 0),
    "(sqrt(x) - 1)**2 twice at 1": Corner(lambda x: grad(lambda y: (np.sqrt(y) - 1) ** 2)(x), [1], [0.5], 0),
    # What a choice hides
    "where hides sqrt": Corner(lambda x: np.where(x > 0, np.sqrt(x), 0), [0], [0], 0),
    "where hides sqrt of a negative": Corner(lambda x: np.where(x > 0, np.sqrt(x), 0), [-1], [0], 0),
    "where hides 1/sqrt of a negative": Corner(lambda x: np.where(x > 0, 1 / np.sqrt(x), 0), [-1], [0], 0),
    "where hides 1 / x": Corner(lambda x: np.where(x > 0, 1 / x, 0), [0], [0], 0),
    "where hides log": Corner(lambda x: np.where(x > 0, np.log(x), 0), [-1], [0], 0),
    "where hides arcsin": Corner(lambda x: np.where(x < 1, np.arcsin(x), 0), [1], [0], 0),
    "where hides a power": Corner(lambda x: np.where(x > 0, x**0.5, 0), [0], [0], 0),
    "where hides an exponent": Corner(lambda x, y: np.where(x > 0, x**y, 0), [0, -1], [0, 0], 0),
    "where hides a norm": Corner(lambda x: np.where(x[0] > 0, np.sqrt(np.sum(x * x)), 0), [[0, 0]], [[0, 0]], 0),
    # Large numbers
    "log1p(exp(1000))": Corner(lambda x: np.log1p(np.exp(x)), [1000], [NAN], INF),
    "logaddexp(1000, 0)": Corner(lambda x: np.logaddexp(x, 0), [1000], [1], 1000),
    "logaddexp(-inf, -inf)": Corner(np.logaddexp, [-INF, -INF], [0, 0], -INF),
    "logaddexp(-inf, 0)": Corner(np.logaddexp, [-INF, 0], [0, 1], 0),
    "sigmoid(-1000)": Corner(fnp.sigmoid, [-1000], [0], 0),
    "tanh(1000)": Corner(np.tanh, [1000], [0], 1),
    "logaddexp(inf, inf)": Corner(np.logaddexp, [INF, INF], [0.5, 0.5], INF),
    "logaddexp(inf, 0)": Corner(np.logaddexp, [INF, 0], [1, 0], INF),
    "tanh at infinity": Corner(np.tanh, [-INF], [0], -1),
    "sigmoid at infinity": Corner(fnp.sigmoid, [INF], [0], 1),
    "erf at infinity": Corner(fnp.erf, [INF], [0], 1),
    "sigmoid(-800)": Corner(fnp.sigmoid, [-800], [0], 0),
    "expm1(-40)": Corner(np.expm1, [-40], [np.exp(-40.0)], -1),
    "tanh(20)": Corner(np.tanh, [20], [np.cosh(20.0) ** -2], 1),
    "sigmoid(40)": Corner(fnp.sigmoid, [40], [np.exp(-40.0)], 1),
    "arcsinh(1e20)": Corner(np.arcsinh, [1e20], [1e-20], np.arcsinh(1e20)),
    "x**-2. at 3e38": Corner(lambda x: x**-2.0, [3e38], [-2 / 3e38 / 3e38 / 3e38], 1 / 3e38 / 3e38),
    "log_softmax with -inf": Corner(lambda x: last(fnp.log_softmax(x)), [[-INF, 0]], [[0, 0]], 0),
    "softplus(1000)": Corner(fnp.softplus, [1000], [1], 1000),
    "softmax": Corner(lambda x: first(fnp.softmax(x)), [[1000, 0]], [[0, 0]], 1),
    "log_softmax": Corner(lambda x: last(fnp.log_softmax(x)), [[1000, 0]], [[-1, 1]], -1000),
    "logsumexp with -inf": Corner(fnp.logsumexp, [[-INF, 0]], [[0, 1]], 0),
    "logsumexp of -inf alone": Corner(fnp.logsumexp, [[-INF, -INF]], [[0, 0]], -INF),
    "logsumexp with inf": Corner(fnp.logsumexp, [[INF, 0]], [[NAN, 0]], INF),
    "softmax of a fully masked row": Corner(lambda x: first(fnp.softmax(x)), [[-INF, -INF]], [[NAN, NAN]], NAN),
    "softmax where nothing is": Corner(
        lambda x: first(fnp.softmax(x, where=np.array([False, False]))), [[1, 2]], [[0, 0]], 0,
    ),
    # nan
    "maximum(nan, 1)": Corner(np.maximum, [NAN, 1], [1, 0], NAN),
    "fmax(nan, 2) of squares": Corner(lambda x, y: np.fmax(x * x, y * y), [NAN, 2], [0, 4], 4),
    "maximum(1, nan)": Corner(np.maximum, [1, NAN], [0, 1], NAN),
    "max with nan": Corner(np.max, [[1, NAN, 2]], [[0, 1, 0]], NAN),
    # Products
    "prod with a zero": Corner(np.prod, [[0, 2, 3]], [[6, 0, 0]], 0),
    "prod with two zeros": Corner(np.prod, [[0, 0, 3]], [[0, 0, 0]], 0),
    "prod twice with two zeros": Corner(
        lambda x: first(grad(np.prod)(x)), [[0, 0, 3]], [[0, 3, 0]], 0,
    ),
    "cumprod with a zero": Corner(lambda x: np.sum(np.cumprod(x)), [[0, 2, 3]], [[9, 0, 0]], 0),
    # Empty and broadcast
    "sum of nothing": Corner(np.sum, [[]], [[]], 0),
    "mean of nothing": Corner(np.mean, [[]], [[]], NAN),
    "prod of nothing": Corner(np.prod, [[]], [[]], 1),
    "product with an empty matrix": Corner(
        lambda a, b: np.sum(a @ b), [np.ones((2, 3)), np.ones((3, 0))], [np.zeros((2, 3)), np.ones((3, 0))], 0,
    ),
    "empty inner product": Corner(
        lambda a, b: np.sum(a @ b), [np.ones((2, 0)), np.ones((0, 3))], [np.ones((2, 0)), np.ones((0, 3))], 0,
    ),
    "(3, 1) + (1, 4)": Corner(
        lambda a, b: np.sum(a + b), [np.ones((3, 1)), np.ones((1, 4))], [np.full((3, 1), 4), np.full((1, 4), 3)], 24,
    ),
    "(1,) + (5,)": Corner(lambda a, b: np.sum(a * b), [[2], np.ones(5)], [[5], np.full(5, 2)], 10),
    "() + (2, 3)": Corner(lambda a, b: np.sum(a * b), [2, np.ones((2, 3))], [6, np.full((2, 3), 2)], 12),
    "(1, 3) + (0, 3)": Corner(
        lambda a, b: np.sum(a + b), [np.ones((1, 3)), np.ones((0, 3))], [np.zeros((1, 3)), np.ones((0, 3))], 0,
    ),
    "does not depend on x": Corner(lambda x: 3.0, [[1, 2]], [[0, 0]], 3),
    # Indices
    "x[::-1]": Corner(lambda x: weighted(x[::-1]), [[1, 2, 3]], [[3, 2, 1]], 10),
    "x[[0, 0]]": Corner(lambda x: np.sum(x[[0, 0]]), [[1, 2]], [[2, 0]], 2),
    "x[[-1, 1]]": Corner(lambda x: weighted(x[[-1, 1]]), [[1, 2]], [[0, 3]], 6),
    "x[x > 1]": Corner(lambda x: np.sum(x[np.array([False, True, True])] ** 2), [[1, 2, 3]], [[0, 4, 6]], 13),
}

# The second derivatives of a function of one argument, a scalar or a vector.
A = 8**-0.5
CURVATURES: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "hypot at 1, 1": (lambda x: np.hypot(x[0], x[1]), [1, 1], [[A, -A], [-A, A]]),
    "hypot at 0": (lambda x: np.hypot(x[0], x[1]), [0, 0], np.zeros((2, 2))),
    "hypot of small numbers": (
        lambda x: np.hypot(x[0], x[1]), [3e-25, 4e-25], [[1.28e24, -9.6e23], [-9.6e23, 7.2e23]],
    ),
    **{f"hypot({x:g}, 1)": (lambda x: np.hypot(x, 1), x, (1 / np.hypot(x, 1)) ** 3) for x in (1e4, 1e6, 1e12, 1e30)},
    "hypot of large numbers": (lambda x: np.hypot(x[0], x[1]), [1e30, 1e20], [[1e-50, -1e-40], [-1e-40, 1e-30]]),
    "cbrt at infinity": (np.cbrt, INF, 0), "cbrt at 8": (np.cbrt, 8, -1 / 144),
    "arctan2 at 0": (lambda x: np.arctan2(x[0], x[1]), [0, 0], np.zeros((2, 2))),
    "arctan2 at 0, 1": (lambda x: np.arctan2(x[0], x[1]), [0, 1], [[0, -1], [-1, 0]]),
    "arctan2 at infinity": (lambda x: np.arctan2(x[0], x[1]), [1, INF], np.zeros((2, 2))),
    "norm at 0": (np.linalg.norm, [0, 0], np.zeros((2, 2))),
    "norm at 3, 4": (np.linalg.norm, [3, 4], [[0.128, -0.096], [-0.096, 0.072]]),
    "norm where squares vanish": (np.linalg.norm, [3e-25, 4e-25], [[1.28e24, -9.6e23], [-9.6e23, 7.2e23]]),
    "norm where squares overflow": (np.linalg.norm, [3e25, 4e25], [[1.28e-26, -9.6e-27], [-9.6e-27, 7.2e-27]]),
    "norm of order 4 where powers vanish": (
        lambda x: np.linalg.norm(x, 4), [1e-25, 1e-25], np.array([[1, -1], [-1, 1]]) * 1.5e25 * 2**-0.75,
    ),
    "norm of order 4 where powers overflow": (
        lambda x: np.linalg.norm(x, 4), [1e25, 1e25], np.array([[1, -1], [-1, 1]]) * 1.5e-25 * 2**-0.75,
    ),
    "std of a constant": (np.std, [2, 2, 2], np.zeros((3, 3))),
    "var of a constant": (np.var, [2, 2], [[0.5, -0.5], [-0.5, 0.5]]),
    "x**y at 0, 2": (lambda x: x[0] ** x[1], [0, 2], [[2, 0], [0, 0]]),
    "x**y at 0, 3": (lambda x: x[0] ** x[1], [0, 3], np.zeros((2, 2))),
    "x**y at 0, 0": (lambda x: x[0] ** x[1], [0, 0], np.zeros((2, 2))),
    "x**y at 2, 0": (lambda x: x[0] ** x[1], [2, 0], [[0, 0.5], [0.5, np.log(2) ** 2]]),
    "x**y at 0, -1": (lambda x: x[0] ** x[1], [0, -1], [[INF, INF], [INF, INF]]),
    "x**0 at 0": (lambda x: x**0.0, 0, 0), "x**.5 at 0": (lambda x: x**0.5, 0, -INF),
    "x**1. at 0": (lambda x: x**1.0, 0, 0), "x**2. at 0": (lambda x: x**2.0, 0, 2),
    "x**3. at 0": (lambda x: x**3.0, 0, 0), "x**2.5 at 0": (lambda x: x**2.5, 0, 0),
    "x**3 at -2": (lambda x: x**3, -2, -12), "x**-1. at 0": (lambda x: x**-1.0, 0, INF),
    "sinc at 0": (np.sinc, 0, -np.pi**2 / 3), "sinc at 1": (np.sinc, 1, 2),
    "sinc near 0": (np.sinc, 1e-3, -np.pi**2 / 3 + np.pi**4 * 1e-6 / 10 - np.pi**6 * 1e-12 / 168),
    "tanh(20)": (np.tanh, 20, -2 * np.cosh(20.0) ** -2), "tanh(800)": (np.tanh, 800, 0), "tanh at 0": (np.tanh, 0, 0),
    "sigmoid(40)": (fnp.sigmoid, 40, -np.exp(-40.0)), "sigmoid(-800)": (fnp.sigmoid, -800, 0),
    "erf at infinity": (fnp.erf, INF, 0), "softplus at infinity": (fnp.softplus, INF, 0),
    "expm1(-40)": (np.expm1, -40, np.exp(-40.0)), "arcsinh(1e10)": (np.arcsinh, 1e10, -1e-20),
    "x**-2. at 3e38": (lambda x: x**-2.0, 3e38, 6 / 3e38 / 3e38 / 3e38 / 3e38),
    "arcsin at 1": (np.arcsin, 1, INF), "arccos at 1": (np.arccos, 1, -INF), "arccosh at 1": (np.arccosh, 1, -INF),
    "arctanh at 1": (np.arctanh, 1, INF), "arcsin near 0": (np.arcsin, 1e-20, 1e-20), "sqrt at 0": (np.sqrt, 0, -INF),
    "log at 0": (np.log, 0, -INF), "log1p at -1": (np.log1p, -1, -INF), "abs at 0": (np.abs, 0, 0),
    "xlogy at 0, 0": (lambda x: fnp.xlogy(x[0], x[1]), [0, 0], [[0, INF], [INF, 0]]),
    "xlogy at 0, 2": (lambda x: fnp.xlogy(x[0], x[1]), [0, 2], [[0, 0.5], [0.5, 0]]),
    "xlogy at 1, 0": (lambda x: fnp.xlogy(x[0], x[1]), [1, 0], [[0, INF], [INF, -INF]]),
    "maximum of equal squares": (lambda x: np.maximum(x[0] ** 2, x[1] ** 2), [2, 2], np.eye(2)),
    "minimum of equal squares": (lambda x: np.minimum(x[0] ** 2, x[1] ** 2), [2, 2], np.eye(2)),
    "clip of a square at its bound": (lambda x: np.clip(x * x, 0, 1), 0, 1),
    "max of equal squares": (lambda x: np.max(x * x), [1, 1, 0], np.diag([1, 1, 0])),
    "median of equal squares": (lambda x: np.median(x * x), [1, 1, 2, 2], np.diag([0.5, 0.5, 0.5, 0.5])),
    "sort of equal squares": (lambda x: weighted(np.sort(x * x)), [1, 1, 0], np.diag([4, 6, 2])),
    "prod with a zero": (np.prod, [0, 2, 3], [[0, 3, 2], [3, 0, 0], [2, 0, 0]]),
    "prod with two zeros": (np.prod, [0, 0, 3], [[0, 3, 0], [3, 0, 0], [0, 0, 0]]),
    "cumprod with a zero": (lambda x: np.sum(np.cumprod(x)), [0, 2, 3], [[0, 4, 2], [4, 0, 0], [2, 0, 0]]),
    "mod at a multiple": (lambda x: np.mod(x[0], x[1]), [6, 3], np.zeros((2, 2))),
    "floor and sign": (lambda x: np.floor(x) * x + np.sign(x) * x, 2, 0),
    "logaddexp(0, 0)": (lambda x: np.logaddexp(x[0], x[1]), [0, 0], [[0.25, -0.25], [-0.25, 0.25]]),
    "logaddexp(-inf, -inf)": (lambda x: np.logaddexp(x[0], x[1]), [-INF, -INF], np.zeros((2, 2))),
    "logaddexp(inf, 0)": (lambda x: np.logaddexp(x[0], x[1]), [INF, 0], np.zeros((2, 2))),
    "log_softmax with -inf": (lambda x: first(fnp.log_softmax(x)), [0, 0, -INF], [
        [-0.25, 0.25, 0], [0.25, -0.25, 0], [0, 0, 0],
    ]),
    "where hides 1 / x": (lambda x: np.where(x > 0, 1 / x, 0), 0, 0),
    "where hides sqrt": (lambda x: np.where(x > 0, np.sqrt(x), 0), 0, 0),
    "where hides log": (lambda x: np.where(x > 0, np.log(x), 0), -1, 0),
    "where hides arcsin": (lambda x: np.where(x < 1, np.arcsin(x), 0), 1, 0),
    "where hides log1p(exp(1000))": (lambda x: np.where(x < 20, np.log1p(np.exp(x)), x), 1000, 0),
}

COMPLEX: dict[str, tuple[Callable[[Any], Any], complex, complex]] = {
    "abs at 0": (np.abs, 0j, 0j),
    "abs squared: the steepest ascent": (lambda z: np.abs(z) ** 2, 1 + 2j, 2 + 4j),
    "z times its conjugate": (lambda z: np.real(z * np.conj(z)), 1 + 2j, 2 + 4j),
    "real part of a square": (lambda z: np.real(z**2), 1 + 2j, 2 - 4j),
}

# Rows of the table of corners about operations that this version does not have.
ABSENT = {
    "max-pool ties": "there is no pooling",
    "det of a singular matrix, eigh and svd of I, cholesky": "there is no linear algebra beyond products and norms",
    "log1p(exp(x)) as softplus": "the simplifier keeps every bit, so it does not rewrite; np.logaddexp(x, 0) is stable",
}

RUNNERS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {"interpreted": lambda f: f, "compiled": jit}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("name", CORNERS)
def test_corner(name: str, runner: str, dtype: str) -> None:
    corner = CORNERS[name]
    args = [np.asarray(x, dtype) for x in corner.args]
    wrt = tuple(i for i, g in enumerate(corner.gradients) if g is not None)
    value, gradients = RUNNERS[runner](value_and_grad(corner.function, wrt))(*args)
    # To the last digits where the expected number is no float or is computed by the own vector math.
    close = {"rtol": 4 * np.finfo(dtype).eps, "atol": 0.0}
    np.testing.assert_allclose(value, np.asarray(corner.value, dtype), **close)
    for i, g in zip(wrt, gradients):
        assert (g.dtype, g.shape) == (args[i].dtype, args[i].shape)
        np.testing.assert_allclose(g, np.asarray(corner.gradients[i], dtype), **close)


# Forward mode multiplies a tangent by all slopes on its way, also by one that is 0 before one that is infinite.
FINITE = [name for name, corner in CORNERS.items() if all(np.isfinite(g).all() for g in corner.gradients)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FINITE)
def test_a_corner_looks_the_same_from_all_sides(name: str, dtype: str) -> None:
    corner = CORNERS[name]
    args = [np.asarray(x, dtype) for x in corner.args]
    wrt = tuple(range(len(args)))
    for g, expected in zip(jacfwd(corner.function, wrt)(*args), corner.gradients):
        np.testing.assert_allclose(g, np.asarray(expected, dtype), rtol=4 * np.finfo(dtype).eps, atol=0.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CURVATURES)
def test_curvature(name: str, dtype: str) -> None:
    function, x, expected = CURVATURES[name]
    close = {"rtol": 32 * np.finfo(dtype).eps, "atol": 8 * np.finfo(dtype).tiny}
    for outer in (jacrev, jacfwd):
        for inner in (grad, jacfwd):
            got = outer(inner(function))(np.asarray(x, dtype))
            np.testing.assert_allclose(got, np.asarray(expected, dtype), **close, err_msg=f"{outer} {inner}")


@pytest.mark.parametrize("name", CURVATURES if is_deep() else ["hypot at 0"])
def test_compiled_curvature(name: str) -> None:
    function, x, expected = CURVATURES[name]
    for outer in (jacrev, jacfwd):
        got = jit(outer(grad(function)))(np.asarray(x, float))
        np.testing.assert_allclose(got, np.asarray(expected, float), rtol=1e-14, atol=1e-307)


@pytest.mark.parametrize("scale", [1e150, 1e-150, 1e300, 1e-300])
def test_hypot_where_squares_are_no_floats(scale: float) -> None:
    function, x = (lambda x: np.hypot(x[0], x[1])), np.array([3.0, 4.0]) * scale
    for transform in (grad, jacfwd, lambda f: jit(grad(f))):
        np.testing.assert_allclose(transform(function)(x), [0.6, 0.8], rtol=1e-15)
    for outer in (jacrev, jacfwd):
        for inner in (grad, jacfwd):
            got = outer(inner(function))(x) * scale
            np.testing.assert_allclose(got, [[0.128, -0.096], [-0.096, 0.072]], rtol=1e-14)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("name", COMPLEX)
def test_complex_corner(name: str, runner: str, dtype: str) -> None:
    function, z, expected = COMPLEX[name]
    got = RUNNERS[runner](grad(function))(np.asarray(z, dtype))
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize(
    ("function", "args", "error", "message"),
    [
        (np.max, [np.ones(0)], ValueError, "zero-size array to reduction operation maximum which has no identity"),
        (np.min, [np.ones((3, 0))], ValueError, "zero-size array to reduction operation minimum which has no identity"),
        (lambda x: x[np.argmax(x)], [np.ones(0)], ValueError, "attempt to get argmax of an empty sequence"),
        (lambda x: np.sum(x[[5]]), [np.ones(2)], IndexError, "index 5 is out of bounds for axis 0 with size 2"),
        (lambda x: np.sum(x[[-3]]), [np.ones(2)], IndexError, "index -3 is out of bounds for axis 0 with size 2"),
        (lambda x: x * 2.0, [3], TypeError, r"requires float or complex leaves, got i64\[\]\* at x"),
        (np.sum, [np.arange(3)], TypeError, r"requires float or complex leaves, got i64\[3\]"),
        (lambda x: x, [np.ones(3)], TypeError, r"a function that returns a scalar, got f64\[3\] of shape \(3,\)"),
        (lambda x: np.argmax(x), [np.ones(3)], TypeError, r"a function that returns a real float, got i64\[\]"),
        (lambda x: np.sum(x * 1j), [np.ones(3)], TypeError, r"a function that returns a real float, got c128\[\]"),
    ],
)
def test_corner_that_is_an_error(
    runner: str, function: Callable[..., Any], args: list[Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        RUNNERS[runner](grad(function))(*args)


@pytest.mark.parametrize("function", [np.max, np.min])
def test_an_empty_extreme_has_numpys_own_message(function: Callable[..., Any]) -> None:
    with pytest.raises(ValueError) as numpys:
        function(np.ones(0))
    with pytest.raises(ValueError) as ours:
        grad(function)(np.ones(0))
    assert str(ours.value).startswith(str(numpys.value))
