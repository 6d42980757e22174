"""Solvers as loops, for what is compiled or mapped: BFGS for minima, Newton's method for systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fnad.control import while_loop
from fnad.transforms.grad import value_and_grad
from fnad.transforms.jacobians import jacfwd

Function = Callable[[Any], Any]

# --- A step that is short and long enough

DECREASE, CURVATURE, MOST_TRIES = 1e-4, 0.9, 60


class Try(NamedTuple):
    """A point along a direction, with what is known of how far it may be."""

    size: Any
    low: Any
    high: Any
    x: Any
    value: Any
    slope: Any
    count: Any
    is_good: Any


def _along(both: Function, x: Any, value: Any, slope: Any, direction: Any, first: Any) -> Try:
    """A point with the conditions of Wolfe, by doubling and halving the step (Lewis and Overton, 2013)."""
    descent = slope @ direction

    def tried(size: Any, low: Any, high: Any, count: Any) -> Try:
        point = x + size * direction
        found, its_slope = both(point)
        is_low = found <= value + DECREASE * size * descent  # false where it is NaN
        is_flat = its_slope @ direction >= CURVATURE * descent
        return Try(
            size, np.where(is_low, size, low), np.where(is_low, high, size), point, found, its_slope, count + 1,
            is_low & is_flat,
        )

    def again(t: Try) -> Try:
        return tried(np.where(np.isinf(t.high), 2.0 * t.low, 0.5 * (t.low + t.high)), t.low, t.high, t.count)

    start = tried(first, np.float64(0.0), np.float64(np.inf), np.int64(0))
    return while_loop(lambda t: ~t.is_good & (t.count < MOST_TRIES), again, start)


# --- Minima


class Quasi(NamedTuple):
    """The state of BFGS: ``inverse`` is the approximate inverse of the Hessian."""

    x: Any
    value: Any
    slope: Any
    inverse: Any
    before: Any
    steps: Any
    evaluations: Any
    is_stuck: Any


def bfgs(f: Function, x0: Any, gtol: Any, maxiter: Any) -> tuple[Any, tuple[Any, ...]]:
    """The minimum of a function of a vector, and SciPy's success, status, and numbers of steps and evaluations."""
    both, n = value_and_grad(f), x0.shape[0]
    value, slope = both(x0)
    # The first step is about 1 long, as that of SciPy's.
    start = Quasi(
        x0, value, slope, np.eye(n), value + np.sqrt(slope @ slope) / 2, np.int64(0), np.int64(1), np.bool_(False)
    )

    def goes_on(s: Quasi) -> Any:
        return (np.max(np.abs(s.slope)) > gtol) & (s.steps < maxiter) & ~s.is_stuck

    def step(s: Quasi) -> Quasi:
        direction = -(s.inverse @ s.slope)
        descent = s.slope @ direction
        guess = 1.01 * 2 * (s.value - s.before) / descent
        first = np.where((guess > 0) & (guess < 1), guess, 1.0)
        t = _along(both, s.x, s.value, s.slope, direction, first)
        # Where no point has both conditions the function is as low as its digits tell.
        keep = lambda new, old: np.where(t.is_good, new, old)  # noqa: E731
        return Quasi(
            keep(t.x, s.x), keep(t.value, s.value), keep(t.slope, s.slope),
            keep(_updated(s.inverse, t.x - s.x, t.slope - s.slope), s.inverse), keep(s.value, s.before), s.steps + 1,
            s.evaluations + t.count, ~t.is_good,
        )

    end = while_loop(goes_on, step, start)
    is_flat = np.max(np.abs(end.slope), initial=0.0) <= gtol
    is_unknown = np.isnan(end.value) | np.any(np.isnan(end.x))
    status = np.where(is_flat, 0, np.where(is_unknown, 3, np.where(end.steps >= maxiter, 1, 2)))
    return end.x, (is_flat, status, end.steps, end.evaluations)


def _updated(inverse: Any, s: Any, y: Any) -> Any:
    """The inverse of the Hessian that maps a change of slope to the change of x (Nocedal and Wright, 6.17)."""
    along = s @ y
    moved = inverse @ y
    outer = s[:, None] * moved
    scale = 1 / np.where(along > 0, along, 1.0)
    new = inverse - scale * (outer + outer.T) + scale * (1 + scale * (y @ moved)) * (s[:, None] * s)
    return np.where(along > 0, new, inverse)


# --- Roots


class Newton(NamedTuple):
    """The state of Newton's method."""

    x: Any
    residuals: Any
    steps: Any
    evaluations: Any
    is_close: Any
    is_stuck: Any


def newton(f: Function, x0: Any, xtol: Any, maxiter: int = 100) -> tuple[Any, tuple[Any, ...]]:
    """A root of a system, by Newton's steps, halved until the residuals get less; and what `bfgs` gives."""
    jacobian = jacfwd(f)

    def step(s: Newton) -> Newton:
        direction = -np.linalg.solve(jacobian(s.x), s.residuals)
        size, x, residuals, count = _halved(f, s, direction)
        is_close = np.max(np.abs(size * direction)) <= xtol * np.max(np.abs(x))
        is_done = is_close | ~np.any(residuals != 0)
        return Newton(x, residuals, s.steps + 1, s.evaluations + count, is_done, ~is_done & (count >= MOST_TRIES))

    start = Newton(x0, f(x0), np.int64(0), np.int64(1), np.bool_(False), np.bool_(False))
    end = while_loop(lambda s: ~s.is_close & ~s.is_stuck & (s.steps < maxiter), step, start)
    return end.x, (end.is_close, np.where(end.is_close, 1, np.where(end.is_stuck, 4, 2)), end.steps, end.evaluations)


def _halved(f: Function, s: Newton, direction: Any) -> Any:
    """The size of a step after which the residuals are less, the point, its residuals, and the number of tries."""
    bound = np.sum(s.residuals**2)

    def tried(size: Any, count: Any) -> Any:
        x = s.x + size * direction
        return size, x, f(x), count + 1

    def is_worse(t: Any) -> Any:
        size, _, residuals, count = t
        return ~(np.sum(residuals**2) <= (1 - DECREASE * size) * bound) & (count < MOST_TRIES)

    return while_loop(is_worse, lambda t: tried(0.5 * t[0], t[3]), tried(np.float64(1.0), np.int64(0)))
