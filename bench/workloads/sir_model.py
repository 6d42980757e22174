"""The gradient of a fit of an epidemic: an ODE of 3 states, solved adaptively for 40 times, float64."""

from __future__ import annotations

from typing import Any

import numpy as np_
from bench import gradients
from bench.case import Case, size

TOLERANCE = 1e-4  # of the adjoint that one library integrates, and of step sizes of their own
CHECK_STEPS = 1
TIMES = np_.linspace(0.0, 40.0, size(40, 5))
RTOL, ATOL = 1e-8, 1e-10
START = {"infected": np_.log(np_.array(0.02)), "rates": np_.log(np_.array([0.45, 0.12]))}
DATA = 0.2 * np_.exp(-(((TIMES - 18.0) / 9.0) ** 2))


def slope(xp: Any, y: Any, rates: Any) -> Any:
    """Kermack and McKendrick's susceptible, infected and removed."""
    new, removed = rates[0] * y[0] * y[1], rates[1] * y[1]
    return xp.stack([-new, new - removed, removed])


def loss(xp: Any, solved: Any, p: Any, data: Any) -> Any:
    """The mean square error of the infected, of ``solved(start, rates)`` for the times."""
    first = xp.exp(p["infected"])
    infected = solved(xp.stack([1.0 - first, first, 0.0 * first]), xp.exp(p["rates"]))
    return xp.mean((infected - data) ** 2)


def fnad(fnad: Any) -> Case:
    """``solve_ivp`` and ``value_and_grad``, through its steps, under ``jit``."""

    def solved(start: Any, rates: Any) -> Any:
        span = (TIMES[0], TIMES[-1])
        return fnad.scipy.integrate.solve_ivp(
            lambda t, y: slope(np_, y, rates), span, start, t_eval=TIMES, rtol=RTOL, atol=ATOL
        ).y[1]

    return gradients.of_fnad(fnad, lambda library, p, data: loss(np_, solved, p, data), START, (DATA,))


def jax(jax: Any, jnp: Any) -> Case:
    """``experimental.ode.odeint`` and ``value_and_grad``, by the adjoint equation, under ``jit``."""
    from jax.experimental.ode import odeint

    def solved(start: Any, rates: Any) -> Any:
        return odeint(lambda y, t, r: slope(jnp, y, r), start, jnp.asarray(TIMES), rates, rtol=RTOL, atol=ATOL)[:, 1]

    return gradients.of_jax(jax, jnp, lambda library, p, data: loss(jnp, solved, p, data), START, (DATA,))


def numpy(np: Any) -> Case:
    """SciPy's ``solve_ivp``, with a complex step for each of the 3 parameters."""
    from scipy.integrate import solve_ivp

    def solved(start: Any, rates: Any) -> Any:
        return solve_ivp(
            lambda t, y: slope(np, y, rates), (TIMES[0], TIMES[-1]), start.astype(complex), t_eval=TIMES, rtol=RTOL,
            atol=ATOL,
        ).y[1]

    return gradients.of_numpy(lambda library, p, data: loss(np, solved, p, data), START, (DATA,))
