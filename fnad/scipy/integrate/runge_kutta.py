"""Explicit Runge-Kutta methods, with SciPy's coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from fnad.lazy import LazyModule
from fnad.scipy.integrate.methods import Method, Step, norm, weighted
from fnad.transforms.vjp import stop_gradient

_integrate = LazyModule("scipy.integrate")
Stages = Sequence[tuple[float, Sequence[float]]]
"""Of each stage the time, as a share of the step, and the weights of the stages before it."""


@lru_cache
def explicit(name: str) -> Method:
    """One of ``RK23``, ``RK45`` and ``DOP853``."""
    own = getattr(_integrate, name)
    stages = [(c, row[:s].tolist()) for s, (c, row) in enumerate(zip(own.C.tolist(), own.A)) if s]
    weights, exponent = own.B.tolist(), -1 / (own.error_estimator_order + 1)
    if name != "DOP853":
        step = _step(stages, weights, [], _error(own.E.tolist()), _rows(own.P.T.tolist()))
        return Method(step, _polynomial, own.P.shape[1], exponent, len(stages) + 1)
    n = own.n_stages
    extra = [(c, a[: n + 1 + k].tolist()) for k, (c, a) in enumerate(zip(own.C_EXTRA.tolist(), own.A_EXTRA))]
    step = _step(stages, weights, extra, _error_of_two(own.E5.tolist(), own.E3.tolist()), _hermite_rows(own.D.tolist()))
    return Method(step, _hermite, 3 + len(own.D), exponent, len(stages) + 1 + len(extra))


def _step(
    stages: Stages, weights: Sequence[float], extra: Stages, error: Callable[..., Any], rows: Callable[..., Any]
) -> Callable[..., Step]:
    """A step by its stages; ``extra`` ones are for what is between alone."""

    def step(fun: Callable[[Any, Any], Any], t: Any, y: Any, slope: Any, h: Any) -> Step:
        def next_stage(c: float, factors: Sequence[float]) -> Any:
            return fun(t + c * h, y + weighted(factors, ks) * h)

        ks = [slope]
        for stage in stages:
            ks.append(next_stage(*stage))
        new = y + h * weighted(weights, ks)
        last = fun(t + h, new)
        ks.append(last)
        known = [*map(stop_gradient, ks)]
        for stage in extra:
            ks.append(next_stage(*stage))
        error_norm = lambda scale: error(known, stop_gradient(h), scale)  # noqa: E731
        return Step(new, last, error_norm, tuple(rows(ks, h, new - y, last)))

    return step


# --- With one estimate of the error


def _error(weights: Sequence[float]) -> Callable[..., Any]:
    return lambda ks, h, scale: norm(weighted(weights, ks) * h / scale)


def _rows(columns: Sequence[Sequence[float]]) -> Callable[..., list[Any]]:
    return lambda ks, h, *_: [h * weighted(column, ks) for column in columns]


def _polynomial(x: Any, rows: Sequence[Any]) -> Any:
    total = rows[-1] * x
    for row in rows[-2::-1]:
        total = (total + row) * x
    return total


# --- With two, of order 5 and 3


def _error_of_two(fifth: Sequence[float], third: Sequence[float]) -> Callable[..., Any]:
    def error(ks: Sequence[Any], h: Any, scale: Any) -> Any:
        five, three = [np.sum(np.abs(weighted(w, ks) / scale) ** 2) for w in (fifth, third)]
        denominator = five + 0.01 * three
        is_exact = denominator == 0
        return np.where(is_exact, 0.0, abs(h) * five / np.sqrt(np.where(is_exact, 1.0, denominator) * ks[0].size))

    return error


def _hermite_rows(inner: Sequence[Sequence[float]]) -> Callable[..., list[Any]]:
    def rows(ks: Sequence[Any], h: Any, change: Any, last: Any) -> list[Any]:
        ends = [change, h * ks[0] - change, 2 * change - h * (last + ks[0])]
        return [*ends, *[h * weighted(w, ks) for w in inner]]

    return rows


def _hermite(x: Any, rows: Sequence[Any]) -> Any:
    total: Any = 0.0
    for i, row in enumerate(reversed(rows)):
        total = (total + row) * (x if i % 2 == 0 else 1 - x)
    return total
