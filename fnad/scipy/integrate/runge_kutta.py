"""Explicit Runge-Kutta methods with SciPy's coefficients, control of steps and dense output, as bodies of loops.

The size of a step is a constant where the solution is differentiated: the derivative is that of the method with the
steps that it has taken, of which the last ends where the interval does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from fnad.control import scan, while_loop
from fnad.lazy import LazyModule
from fnad.scipy.originals import as_array
from fnad.transforms.vjp import stop_gradient

_integrate = LazyModule("scipy.integrate")
SAFETY, MIN_FACTOR, MAX_FACTOR = 0.9, 0.2, 10.0

# --- The methods


class Method(NamedTuple):
    """A method: how its stages are made, and from these the solution, the error and what is between two steps."""

    stages: Sequence[tuple[float, Sequence[float]]]
    """Of each stage after the first the time, as a share of the step, and the weights of the stages before it."""
    weights: Sequence[float]
    error_norm: Callable[[Sequence[Any], Any, Any], Any]
    exponent: float
    extra: Sequence[tuple[float, Sequence[float]]]
    """Stages after the step, for the dense output alone."""
    rows: Callable[[Sequence[Any], Any, Any, Any, Any], list[Any]]
    """What the dense output keeps, from the stages, the step, the old and the new state, and the last slope."""
    between: Callable[[Any, Sequence[Any]], Any]
    """The change since the last step, at a share of it: a multiple of the first row where the others are 0."""
    order: int
    """The number of rows."""

    @property
    def evaluations(self) -> int:
        """How often a step evaluates the function."""
        return len(self.stages) + 1 + len(self.extra)


@lru_cache
def method_named(name: str) -> Method:
    """One of ``RK23``, ``RK45`` and ``DOP853``."""
    own = getattr(_integrate, name)
    stages = [(c, row[:s].tolist()) for s, (c, row) in enumerate(zip(own.C.tolist(), own.A)) if s]
    exponent = -1 / (own.error_estimator_order + 1)
    if name == "DOP853":
        n = own.n_stages
        extra = [(c, a[: n + 1 + k].tolist()) for k, (c, a) in enumerate(zip(own.C_EXTRA.tolist(), own.A_EXTRA))]
        rows, order = _hermite_rows(own), 3 + len(own.D)
        return Method(stages, own.B.tolist(), _error_of_two(own), exponent, extra, rows, _hermite, order)
    errors, columns = own.E.tolist(), own.P.T.tolist()

    def error_norm(ks: Sequence[Any], h: Any, scale: Any) -> Any:
        return norm(weighted(errors, ks) * h / scale)

    def rows(ks: Sequence[Any], h: Any, *_: Any) -> list[Any]:
        return [h * weighted(column, ks) for column in columns]

    return Method(stages, own.B.tolist(), error_norm, exponent, [], rows, _polynomial, len(columns))


def _polynomial(x: Any, rows: Sequence[Any]) -> Any:
    total = rows[-1] * x
    for row in rows[-2::-1]:
        total = (total + row) * x
    return total


def _error_of_two(own: Any) -> Callable[..., Any]:
    """The norm of the error of DOP853, from estimates of order 5 and 3."""
    fifth, third = own.E5.tolist(), own.E3.tolist()

    def error_norm(ks: Sequence[Any], h: Any, scale: Any) -> Any:
        five, three = [np.sum(np.abs(weighted(w, ks) / scale) ** 2) for w in (fifth, third)]
        denominator = five + 0.01 * three
        is_exact = denominator == 0
        return np.where(is_exact, 0.0, abs(h) * five / np.sqrt(np.where(is_exact, 1.0, denominator) * ks[0].size))

    return error_norm


def _hermite_rows(own: Any) -> Callable[..., list[Any]]:
    inner = own.D.tolist()

    def rows(ks: Sequence[Any], h: Any, old: Any, new: Any, slope: Any) -> list[Any]:
        change = new - old
        return [
            change, h * ks[0] - change, 2 * change - h * (slope + ks[0]), *[h * weighted(w, ks) for w in inner],
        ]

    return rows


def _hermite(x: Any, rows: Sequence[Any]) -> Any:
    total: Any = 0.0
    for i, row in enumerate(reversed(rows)):
        total = (total + row) * (x if i % 2 == 0 else 1 - x)
    return total


def weighted(weights: Sequence[float], ks: Sequence[Any]) -> Any:
    """The sum of stages by their weights; one loop, where a product of matrices would be a call."""
    terms = [w * k for w, k in zip(weights, ks) if w]
    total = terms[0] if terms else 0.0 * ks[0]
    for term in terms[1:]:
        total = total + term
    return total


def norm(x: Any) -> Any:
    """The root of the mean square."""
    return np.sqrt(np.mean(np.abs(x) ** 2))


# --- The problem and its state


class Problem(NamedTuple):
    """What is solved, by what and how exactly."""

    fun: Callable[[Any, Any], Any]
    method: Method
    end: Any
    direction: Any
    rtol: Any
    atol: Any
    max_step: Any


class State(NamedTuple):
    """The state of the loop: where it is, the step to try, and the dense output of the last step."""

    t: Any
    y: Any
    slope: Any
    size: Any
    is_again: Any
    """Whether the last step was rejected."""
    is_stuck: Any
    nfev: Any
    t_old: Any
    y_old: Any
    step: Any
    rows: tuple[Any, ...]


def solve(problem: Problem, t0: Any, y0: Any, times: Any, first_step: Any) -> tuple[Any, State]:
    """The states at the times, each in a row, and the last state of the loop, which is at the end."""

    def advance(state: State, time: Any) -> tuple[State, Any]:
        state = _reach(problem, state, time)
        x = (time - state.t_old) / state.step
        y = state.y_old + problem.method.between(x, state.rows)
        # What was not reached is unknown.
        return state, np.where(problem.direction * (time - state.t) > 0, np.nan, y)

    state, ys = scan(advance, _start(problem, t0, y0, first_step), times)
    return ys, _reach(problem, State(*[_stopped(x) for x in state]), problem.end)


def _stopped(x: Any) -> Any:
    return tuple(map(stop_gradient, x)) if isinstance(x, tuple) else stop_gradient(x)


def _start(problem: Problem, t0: Any, y0: Any, first_step: Any) -> State:
    slope = problem.fun(t0, y0)
    size, evaluated = (first_step, 1) if first_step is not None else _first_step(problem, *_stopped((t0, y0, slope)))
    one, no = np.float64(1.0), np.bool_(False)
    # Before the first step the solution is the tangent.
    rows = (slope, *[np.zeros_like(slope)] * (problem.method.order - 1))
    return State(t0, y0, slope, size, no, no, np.astype(as_array(evaluated), np.int64), t0, y0, one, rows)


def _first_step(problem: Problem, t0: Any, y0: Any, slope: Any) -> tuple[Any, Any]:
    """A good size of the first step, and how many evaluations there were (Hairer, Norsett, Wanner, II.4)."""
    length = abs(stop_gradient(problem.end) - t0)
    scale = problem.atol + np.abs(y0) * problem.rtol
    d0, d1 = norm(y0 / scale), norm(slope / scale)
    is_small = (d0 < 1e-5) | (d1 < 1e-5)
    h0 = _least(np.where(is_small, 1e-6, 0.01 * d0 / np.where(is_small, 1.0, d1)), length)
    forward = problem.direction * h0
    other = stop_gradient(problem.fun(t0 + forward, y0 + forward * slope))
    d2 = norm((other - slope) / scale) / np.where(h0 > 0, h0, 1.0)
    most = np.where(d2 > d1, d2, d1)
    is_flat = (d1 <= 1e-15) & (d2 <= 1e-15)
    h1 = np.where(
        is_flat, np.maximum(1e-6, h0 * 1e-3), (0.01 / np.where(is_flat, 1.0, most)) ** -problem.method.exponent
    )
    size = _least(_least(_least(100 * h0, h1), length), problem.max_step)
    return np.where(length > 0, size, 0.0), np.where(length > 0, 2, 1)


def _least(a: Any, b: Any) -> Any:
    """The least, as Python's ``min`` has it: NaN where the first one is."""
    return np.where(b < a, b, a)


# --- The loop


def _reach(problem: Problem, state: State, time: Any) -> State:
    """Steps until one is at the time or beyond it, or there can be none."""

    def goes_on(s: State) -> Any:
        return (problem.direction * (time - s.t) > 0) & ~s.is_stuck

    return while_loop(goes_on, lambda s: _attempt(problem, s), state)


def _attempt(problem: Problem, s: State) -> State:
    """One step, which is rejected where its error is too large."""
    t, y = s.t, s.y
    least = 10 * abs(np.nextafter(stop_gradient(t), problem.direction * np.inf) - stop_gradient(t))
    # A step that is tried again is neither lengthened nor shortened to these.
    size = np.where(s.is_again, s.size, np.where(s.size < least, least, _least(s.size, problem.max_step)))
    is_stuck = ~(size >= least)  # also where it is NaN
    t_new = t + size * problem.direction
    t_new = np.where(problem.direction * (t_new - problem.end) > 0, problem.end, t_new)
    h = t_new - t
    ks, y_new, slope = _stages(problem, t, y, s.slope, h)
    scale = problem.atol + np.maximum(*map(np.abs, _stopped((y, y_new)))) * problem.rtol
    error = problem.method.error_norm([*map(stop_gradient, ks)], stop_gradient(h), scale)
    is_taken = (error < 1) & ~is_stuck
    factor = _factor(problem.method.exponent, error, s.is_again)
    rows = problem.method.rows(_extended(problem, t, y, ks, h), h, y, y_new, slope)
    taken = State(
        t_new, y_new, slope, abs(stop_gradient(h)) * factor, np.bool_(False), np.bool_(False),
        s.nfev + problem.method.evaluations, t, y, h, tuple(rows),
    )
    rejected = s._replace(
        size=taken.size, is_again=np.bool_(True), is_stuck=is_stuck, nfev=np.where(is_stuck, s.nfev, taken.nfev)
    )
    return State(*[_chosen(is_taken, a, b) for a, b in zip(taken, rejected)])


def _chosen(flag: Any, a: Any, b: Any) -> Any:
    if isinstance(a, tuple):
        return tuple([_chosen(flag, x, y) for x, y in zip(a, b)])
    return np.where(flag, a, b)


def _factor(exponent: float, error: Any, is_again: Any) -> Any:
    """What the size of a step is multiplied by."""
    is_exact = error == 0
    wanted = SAFETY * np.where(is_exact, 1.0, error) ** exponent
    grown = np.where(is_exact | (wanted > MAX_FACTOR), MAX_FACTOR, wanted)
    grown = np.where(is_again & (grown > 1), 1.0, grown)
    shrunk = np.where(wanted > MIN_FACTOR, wanted, MIN_FACTOR)  # also where the error is NaN
    return np.where(error < 1, grown, shrunk)


def _stages(problem: Problem, t: Any, y: Any, slope: Any, h: Any) -> tuple[list[Any], Any, Any]:
    """The slopes of the stages, the last of them at the new state; this state, and that slope."""
    ks = [slope]
    for c, weights in problem.method.stages:
        ks.append(problem.fun(t + c * h, y + weighted(weights, ks) * h))
    y_new = y + h * weighted(problem.method.weights, ks)
    last = problem.fun(t + h, y_new)
    return [*ks, last], y_new, last


def _extended(problem: Problem, t: Any, y: Any, ks: list[Any], h: Any) -> list[Any]:
    """The stages, and those for the dense output."""
    for c, weights in problem.method.extra:
        ks = [*ks, problem.fun(t + c * h, y + weighted(weights, ks) * h)]
    return ks
