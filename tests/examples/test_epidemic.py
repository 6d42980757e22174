"""An epidemic's rates, found from counts of the infected by gradients through the differential equation."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
from fnad.compiler.compile import compile_program
from fnad.runtime.plan import HostStep, walk
from fnad.scipy.integrate import solve_ivp
from fnad.scipy.optimize import minimize
from fnad.tracing.staging import stage
from fnad.tracing.tracer import value_type

DAYS = np.arange(0.0, 60.0, 5.0)
TRUE = {"contact": 0.4, "recovery": 0.1, "infected": 0.01}


def infected(rates: dict[str, Any]) -> Any:
    """The share of the infected on each day of the susceptible-infected-recovered model."""

    def slope(t: Any, y: Any) -> Any:
        s, i, _ = y
        caught, recovered = rates["contact"] * s * i, rates["recovery"] * i
        return [-caught, caught - recovered, recovered]

    start = fnad.numpy.array([1.0 - rates["infected"], rates["infected"], 0.0])
    return solve_ivp(slope, (0.0, DAYS[-1]), start, t_eval=DAYS, rtol=1e-6, atol=1e-8).y[1]


def loss(logs: dict[str, Any], counts: Any) -> Any:
    rates = {name: np.exp(x) for name, x in logs.items()}
    return np.sum((infected(rates) - counts) ** 2)


def test_the_rates_are_found() -> None:
    counts = fnad.jit(infected)(TRUE)
    start = {"contact": np.log(0.6), "recovery": np.log(0.2), "infected": np.log(0.02)}
    found = minimize(loss, start, args=(counts,), method="BFGS", options={"gtol": 1e-8})
    for name, log in found.x.items():
        np.testing.assert_allclose(np.exp(log), TRUE[name], rtol=1e-3)


def test_the_gradient_is_compiled_without_host_steps() -> None:
    names = sorted(TRUE)
    slope = fnad.value_and_grad(lambda *logs: loss(dict(zip(names, logs)), DAYS), argnums=(0, 1, 2))
    program = stage(slope, [value_type(np.float64(0.0))] * 3).program
    assert not [i for i, _ in walk(compile_program(program).plan) if isinstance(i, HostStep)]
