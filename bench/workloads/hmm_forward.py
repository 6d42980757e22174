"""The gradient of a hidden Markov model's likelihood: 8 states, 10 symbols, 300 steps of a scan, float64."""

from __future__ import annotations

from typing import Any

import numpy as np_
from bench import gradients
from bench.case import Case, size

TOLERANCE = 1e-8
CHECK_STEPS = 1
STEPS, STATES, SYMBOLS = size(300, 8), size(8, 3), size(10, 4)
_random = np_.random.default_rng(0)
START = {
    "emissions": _random.normal(size=(STATES, SYMBOLS)), "first": _random.normal(size=STATES),
    "moves": _random.normal(size=(STATES, STATES)),
}
DATA = _random.integers(0, SYMBOLS, STEPS)


def logsumexp(xp: Any, x: Any, axis: int) -> Any:
    """log(sum(exp(x))), also of complex numbers."""
    top = xp.max(x.real, axis=axis, keepdims=True)
    return xp.log(xp.sum(xp.exp(x - top), axis=axis)) + xp.squeeze(top, axis)


def loss(library: gradients.Library, p: Any, symbols: Any) -> Any:
    """The negative log-likelihood by the forward pass, in logarithms."""
    xp = library.np

    def normalised(x: Any) -> Any:
        return x - logsumexp(xp, x, -1)[..., None]

    moves, emissions = normalised(p["moves"]), normalised(p["emissions"]).T

    def step(logs: Any, symbol: Any) -> Any:
        return logsumexp(xp, logs[:, None] + moves, 0) + emissions[symbol], None

    logs, _ = library.scan(step, normalised(p["first"]) + emissions[symbols[0]], symbols[1:])
    return -logsumexp(xp, logs, 0)


def fnad(fnad: Any) -> Case:
    """``value_and_grad`` of a ``scan``, under ``jit``."""
    return gradients.of_fnad(fnad, loss, START, (DATA,))


def jax(jax: Any, jnp: Any) -> Case:
    """``value_and_grad`` of a ``lax.scan``, under ``jit``."""
    return gradients.of_jax(jax, jnp, loss, START, (DATA,))


def numpy(np: Any) -> Case:
    """A complex step for each parameter."""
    return gradients.of_numpy(loss, START, (DATA,))
