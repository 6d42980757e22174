"""The loop that goes along a differential equation by the steps of a method, with SciPy's control of their size.

The size of a step is a constant where the solution is differentiated: the derivative is that of the method with the
steps that it has taken, of which the last ends where the interval does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fnad.control import scan, while_loop
from fnad.scipy.integrate.methods import Method, norm
from fnad.scipy.originals import as_array
from fnad.transforms.vjp import stop_gradient

SAFETY, MIN_FACTOR, MAX_FACTOR = 0.9, 0.2, 10.0

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
    found = problem.method.step(problem.fun, t, y, s.slope, h)
    scale = problem.atol + np.maximum(*map(np.abs, _stopped((y, found.y)))) * problem.rtol
    error = found.error_norm(scale)
    is_taken = (error < 1) & ~is_stuck
    factor = _factor(problem.method.exponent, error, s.is_again)
    taken = State(
        t_new, found.y, found.slope, abs(stop_gradient(h)) * factor, np.bool_(False), np.bool_(False),
        s.nfev + problem.method.evaluations, t, y, h, found.rows,
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
