"""The contract of an optimizer, and what all optimizers share.

Parameters keep their dtype and a state keeps its structure, so that a jitted step compiles
once. Optimizers are plain NumPy and stage like any model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.ownership import is_own, own_copy
from fnad.tracing.tracer import is_value, value_type

Schedule = Callable[[Any], Any]
"""A learning rate by step: a function of the number of steps taken, from 0, that may be traced."""


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


def rate_at(name: str, lr: float | Schedule, step: Any) -> Any:
    """The learning rate of a step, counted from 0."""
    if not callable(lr):
        return lr
    rate = lr(step)
    if not is_value(rate) or value_type(rate).shape or value_type(rate).dtype.kind not in "iuf":
        got = value_type(rate) if is_value(rate) else type(rate).__name__
        raise TypeError(f"{name}: requires a schedule that returns one real number, got {got}. Return one such as 0.1.")
    return rate


def scalar_like(value: Any, array: Any) -> Any:
    """``value`` as a scalar that does not widen ``array``: a float64 rate keeps a float32 model float32."""
    return value if type(value) in (int, float) else np.positive(value).astype(array.dtype)


def laid_out(made: Any) -> Any:
    """The results of an optimizer in C order and native bytes, as compiled code gives them."""
    return tree.map(lambda leaf: own_copy(leaf) if type(leaf) is np.ndarray and not is_own(leaf) else leaf, made)


def require_state(name: str, kind: type, state: Any) -> None:
    """Check that a state is one of the optimizer's own."""
    if not isinstance(state, kind):
        raise TypeError(
            f"{name}: requires the state that init(params) or the last update returned, got {type(state).__name__}. "
            "Call update(grads, state, params)."
        )


def require_arrays(name: str, params: Any) -> None:
    """Check that the leaves of parameters are numbers or arrays of them, traced or not."""
    leaves, treedef = tree.flatten(params)
    for i, leaf in enumerate(leaves):
        if not is_value(leaf) or value_type(leaf).dtype.kind not in "iufc":
            raise TypeError(
                f"{name}: requires parameters that are arrays of numbers, got {type(leaf).__name__} at "
                f"{tree.paths(treedef, 'params')[i]}. Leave out what is not to be optimized."
            )


def require_like(name: str, what: str, given: Any, params: Any) -> None:
    """Check that gradients, or a part of a state, are nested and shaped as the parameters."""
    (ours, treedef), (theirs, other) = tree.flatten(params), tree.flatten(given)
    if treedef != other:
        raise ValueError(tree.mismatch(f"{name}, {what}", treedef, other, "params"))
    for i, (leaf, own) in enumerate(zip(theirs, ours)):
        if not is_value(leaf) or value_type(leaf).shape != value_type(own).shape:
            got = value_type(leaf) if is_value(leaf) else type(leaf).__name__
            raise (ValueError if is_value(leaf) else TypeError)(
                f"{name}: requires {what} of the shapes of the parameters, got {got} for {value_type(own)} at "
                f"{tree.paths(treedef, 'params')[i]}. Pass what belongs to these parameters."
            )


def require_rate(name: str, lr: float | Schedule) -> None:
    """Check a learning rate that is a number."""
    if callable(lr):
        return
    if not is_value(lr) or value_type(lr).shape or value_type(lr).dtype.kind not in "iuf":
        raise TypeError(f"{name}: requires a learning rate, a number or a schedule, got {lr!r:.60}. Try lr=0.01.")
    if not lr >= 0:
        raise ValueError(f"{name}: requires a learning rate of at least 0, got {lr}. Try lr=0.01.")


def require_decay(name: str, parameter: str, value: float) -> None:
    """Check a factor that multiplies a running average at each step."""
    if not is_value(value) or value_type(value).shape or value_type(value).dtype.kind not in "iuf":
        raise TypeError(f"{name}: requires {parameter} to be a number in [0, 1), got {value!r:.60}. Try 0.9.")
    if not 0 <= value < 1:
        raise ValueError(f"{name}: requires {parameter} in [0, 1), got {value}. Typical values are 0.9 and 0.999.")
