"""The gradient of 1000 Runge-Kutta steps of a 2-variable ODE in its 4 parameters and 2 start values, float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.case import Case

TOLERANCE = 1e-8
CHECK_STEPS = 1
STEPS, INTERVAL = 1000, 0.01
BATCH = (np.array([1.1, 0.4, 0.1, 0.4]), np.array([10.0, 5.0]))


def slope(parameters: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Lotka and Volterra's prey and predators."""
    a, b, c, d = parameters
    return a * x - b * x * y, c * x * y - d * y


def advance(parameters: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """One step of the classical method of Runge and Kutta."""
    h = INTERVAL
    x1, y1 = slope(parameters, x, y)
    x2, y2 = slope(parameters, x + 0.5 * h * x1, y + 0.5 * h * y1)
    x3, y3 = slope(parameters, x + 0.5 * h * x2, y + 0.5 * h * y2)
    x4, y4 = slope(parameters, x + h * x3, y + h * y3)
    return x + h / 6 * (x1 + 2 * x2 + 2 * x3 + x4), y + h / 6 * (y1 + 2 * y2 + 2 * y3 + y4)


def final(scan: Callable[..., Any], parameters: Any, start: Any) -> Any:
    """A scalar of the state after all steps."""
    unpacked = tuple([parameters[i] for i in range(4)])
    (x, y), _ = scan(lambda state, _: (advance(unpacked, *state), ()), (start[0], start[1]), None, length=STEPS)
    return x * x + y


def fnad(fnad: Any) -> Case:
    """``scan`` and ``grad`` under ``jit``."""
    gradient = fnad.jit(fnad.grad(lambda p, s: final(fnad.scan, p, s), (0, 1)))
    return Case(lambda state, p, s: (state, gradient(p, s)), lambda: (), [BATCH])


def jax(jax: Any, jnp: Any) -> Case:
    """``lax.scan`` and ``grad`` under ``jit``."""
    jax.config.update("jax_enable_x64", True)
    gradient = jax.jit(jax.grad(lambda p, s: final(jax.lax.scan, p, s), (0, 1)))
    return Case(lambda state, p, s: (state, gradient(p, s)), lambda: (), [jax.device_put(BATCH)])


def torch(torch: Any) -> Case:
    """A loop of eager operations on numbers."""

    def gradient(state: Any, parameters: Any, start: Any) -> Any:
        p, z0 = parameters.clone().requires_grad_(), start.clone().requires_grad_()
        (a, b, c, d), (x, y) = p.unbind(), z0.unbind()
        for _ in range(STEPS):
            x, y = advance((a, b, c, d), x, y)
        return state, torch.autograd.grad(x * x + y, (p, z0))

    return Case(gradient, lambda: (), [tuple(map(torch.tensor, BATCH))])


def numpy(np: Any) -> Case:
    """Sensitivities carried forward by hand: the same steps of the states and of their derivatives in all inputs."""

    def slopes(parameters: Any, z: Any, by_inputs: Any) -> tuple[Any, Any]:
        a, b, c, d = parameters
        x, y = z
        by_state = np.array([[a - b * y, -b * x], [c * y, c * x - d]])
        direct = np.array([[x, -x * y, 0, 0, 0, 0], [0, 0, x * y, -y, 0, 0]])
        return np.array(slope(parameters, x, y)), by_state @ by_inputs + direct

    def gradient(state: Any, parameters: Any, start: Any) -> Any:
        h, z, by_inputs = INTERVAL, start, np.eye(2, 6, k=4)
        for _ in range(STEPS):
            z1, d1 = slopes(parameters, z, by_inputs)
            z2, d2 = slopes(parameters, z + 0.5 * h * z1, by_inputs + 0.5 * h * d1)
            z3, d3 = slopes(parameters, z + 0.5 * h * z2, by_inputs + 0.5 * h * d2)
            z4, d4 = slopes(parameters, z + h * z3, by_inputs + h * d3)
            z = z + h / 6 * (z1 + 2 * z2 + 2 * z3 + z4)
            by_inputs = by_inputs + h / 6 * (d1 + 2 * d2 + 2 * d3 + d4)
        total = 2 * z[0] * by_inputs[0] + by_inputs[1]
        return state, (total[:4], total[4:])

    return Case(gradient, lambda: (), [BATCH])


def autograd(autograd: Any, anp: Any) -> Case:
    """A loop in Python on a tape."""

    def loss(p: Any, s: Any) -> Any:
        unpacked, x, y = (p[0], p[1], p[2], p[3]), s[0], s[1]
        for _ in range(STEPS):
            x, y = advance(unpacked, x, y)
        return x * x + y

    gradient = autograd.grad(loss, (0, 1))
    return Case(lambda state, p, s: (state, gradient(p, s)), lambda: (), [BATCH])
