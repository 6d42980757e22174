"""A smooth curve through noisy samples: a cubic spline's values at its knots, and the knots themselves."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import scipy.interpolate
from fnad.compiler.compile import compile_program
from fnad.runtime.plan import HostStep, walk
from fnad.scipy.interpolate import CubicSpline
from fnad.scipy.optimize import minimize
from fnad.tracing.staging import stage
from fnad.tracing.tracer import value_type

TIMES = np.linspace(0.0, 3.0, 40)
SAMPLES = np.tanh(6 * (TIMES - 2)) + 0.05 * np.random.default_rng(0).normal(size=40)
KNOTS = np.linspace(0.0, 3.0, 7)


def misfit(heights: Any, knots: Any) -> Any:
    """The squares of the distances, and a little of the bending."""
    spline = CubicSpline(knots, heights)
    bending = spline(np.linspace(0.0, 3.0, 13), 2)
    return np.sum((spline(TIMES) - SAMPLES) ** 2) + 1e-4 * np.sum(bending**2)


def test_the_heights_are_those_of_least_squares() -> None:
    found = minimize(misfit, np.zeros(7), args=(KNOTS,), options={"gtol": 1e-8})
    basis = [scipy.interpolate.CubicSpline(KNOTS, e) for e in np.eye(7)]
    values, bends = [np.stack([b(t, nu) for b in basis], 1) for t, nu in ((TIMES, 0), (np.linspace(0.0, 3.0, 13), 2))]
    rows, right = np.concatenate([values, 1e-2 * bends]), np.concatenate([SAMPLES, np.zeros(13)])
    expected = np.linalg.lstsq(rows, right)[0]
    np.testing.assert_allclose(found.x, expected, atol=1e-6)


def test_the_knots_move_where_the_fit_is_better() -> None:
    def both(x: Any) -> Any:
        gaps = np.exp(x["gaps"])
        inner = np.cumsum(gaps) / np.sum(gaps) * 3.0
        return misfit(x["heights"], np.concatenate([np.zeros(1), inner]))

    fixed = minimize(misfit, np.zeros(7), args=(KNOTS,))
    moved = minimize(both, {"heights": fixed.x, "gaps": np.zeros(6)}, method="L-BFGS-B")
    assert moved.fun < 0.8 * fixed.fun


def test_the_gradient_is_compiled_without_host_steps() -> None:
    slope = fnad.value_and_grad(misfit, argnums=(0, 1))
    program = stage(slope, [value_type(KNOTS)] * 2).program
    assert not [i for i, _ in walk(compile_program(program).plan) if isinstance(i, HostStep)]
