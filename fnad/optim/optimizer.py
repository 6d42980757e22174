"""The contract of an optimizer, and what all optimizers share.

Parameters keep their dtype and a state keeps its structure, so that a jitted step compiles
once. Optimizers are plain NumPy and stage like any model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Schedule = Callable[[Any], Any]


class Optimizer(NamedTuple):
    """Two pure functions: how an optimizer starts, and how it takes a step.

    ``init(params)`` returns the state before the first step.
    ``update(grads, state, params)`` returns ``(params, state)`` after a step; ``grads`` is a
    pytree like ``params``.

    An optimizer of your own is a pair of functions:

    >>> from fnad import tree
    >>> def sign_descent(lr):
    ...     def init(params):
    ...         return ()
    ...     def update(grads, state, params):
    ...         return tree.map(lambda p, g: p - lr * np.sign(g), params, grads), state
    ...     return Optimizer(init, update)
    >>> optimizer = sign_descent(0.5)
    >>> optimizer.update([np.array([2.0, -3.0])], (), [np.array([1.0, 1.0])])
    ([array([0.5, 1.5])], ())
    """

    init: Callable[[Any], Any]
    update: Callable[[Any, Any, Any], tuple[Any, Any]]


def first_step() -> np.ndarray:
    """The number of steps taken before the first: an array, so that counting compiles nothing new."""
    return np.zeros((), np.int64)


def rate_at(lr: float | Schedule, step: Any) -> Any:
    """The learning rate of a step, counted from 0."""
    return lr(step) if callable(lr) else lr


def scalar_like(value: Any, array: Any) -> Any:
    """``value`` as a scalar that does not widen ``array``: a float64 rate keeps a float32 model float32."""
    return value if type(value) in (int, float) else np.positive(value).astype(array.dtype)


def require_rate(name: str, lr: float | Schedule) -> None:
    """Check a learning rate that is a number."""
    if not callable(lr) and not lr >= 0:
        raise ValueError(f"{name}: requires a learning rate of at least 0, got {lr}. Try lr=0.01.")


def require_decay(name: str, parameter: str, value: float) -> None:
    """Check a factor that multiplies a running average at each step."""
    if not 0 <= value < 1:
        raise ValueError(f"{name}: requires {parameter} in [0, 1), got {value}. Typical values are 0.9 and 0.999.")
