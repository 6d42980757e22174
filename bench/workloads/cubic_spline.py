"""The gradient of a least-squares fit by a natural cubic spline in its 32 values at knots, 1000 points, float64."""

from __future__ import annotations

from typing import Any

import numpy as np_
from bench import gradients
from bench.case import Case, size

TOLERANCE = 1e-9
CHECK_STEPS = 1
KNOTS, POINTS = size(32, 6), size(1000, 20)
_random = np_.random.default_rng(0)
GRID = np_.sort(_random.uniform(0, 10, KNOTS))
T = _random.uniform(GRID[0], GRID[-1], POINTS)
START = {"values": np_.cos(GRID)}
DATA = (GRID, T, np_.sin(T) + 0.1 * _random.normal(size=POINTS))


def spline(xp: Any, grid: Any, values: Any, t: Any) -> Any:
    """The spline at some points: its bends at the knots solve a tridiagonal system."""
    steps = grid[1:] - grid[:-1]
    slopes = (values[1:] - values[:-1]) / steps
    middle = xp.diag(2 * (steps[1:] + steps[:-1]))
    system = middle + xp.diag(steps[1:-1], 1) + xp.diag(steps[1:-1], -1)
    inner = xp.linalg.solve(system, 6 * (slopes[1:] - slopes[:-1]))
    bends = xp.concatenate([xp.zeros(1), inner, xp.zeros(1)])
    k = xp.clip(xp.searchsorted(grid, t, side="right") - 1, 0, KNOTS - 2)
    h, left, right = steps[k], grid[k + 1] - t, t - grid[k]
    cubes = (bends[k] * left**3 + bends[k + 1] * right**3) / (6 * h)
    return cubes + (values[k] / h - bends[k] * h / 6) * left + (values[k + 1] / h - bends[k + 1] * h / 6) * right


def loss(library: gradients.Library, p: Any, grid: Any, t: Any, y: Any) -> Any:
    """The mean square error."""
    return library.np.mean((spline(library.np, grid, p["values"], t) - y) ** 2)


def fnad(fnad: Any) -> Case:
    """``value_and_grad`` under ``jit``."""
    return gradients.of_fnad(fnad, loss, START, DATA)


def jax(jax: Any, jnp: Any) -> Case:
    """``value_and_grad`` under ``jit``."""
    return gradients.of_jax(jax, jnp, loss, START, DATA)


def numpy(np: Any) -> Case:
    """A complex step for each of the values."""
    return gradients.of_numpy(loss, START, DATA)
