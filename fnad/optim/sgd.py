"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..errors import boundary
from .optimizer import Optimizer, Schedule, first_step, rate_at, require_decay, require_rate, scalar_like


class SgdState(NamedTuple):
    """Steps taken, and the velocity like ``params`` (``None`` without momentum)."""

    step: Any
    velocity: Any


@boundary
def sgd(lr: float | Schedule, momentum: float = 0.0, nesterov: bool = False) -> Optimizer:
    """Gradient descent, plain, with momentum, or with Nesterov's momentum.

    With momentum the velocity is ``v = momentum * v + g`` and the step is ``lr * v``, or
    ``lr * (g + momentum * v)`` with ``nesterov``, as in PyTorch (I. Sutskever et al. 2013, "On
    the importance of initialization and momentum in deep learning").

    Args:
        lr: the learning rate, or a schedule ``step -> lr`` with steps counted from 0.
        momentum: the share of the velocity that a step keeps, in [0, 1).
        nesterov: look ahead along the velocity; requires momentum.

    Returns:
        An ``Optimizer``; its state is an ``SgdState``.

    Raises:
        ValueError: a number is out of its range, or ``nesterov`` has no momentum.

    >>> optimizer = sgd(lr=0.1)
    >>> params = {"w": np.array([1.0, 2.0])}
    >>> state = optimizer.init(params)
    >>> params, state = optimizer.update({"w": np.array([10.0, 0.0])}, state, params)
    >>> params["w"]
    array([0., 2.])
    """
    require_rate("sgd", lr)
    require_decay("sgd", "momentum", momentum)
    if nesterov and not momentum:
        raise ValueError("sgd: requires momentum above 0 with nesterov=True, got 0. Try momentum=0.9.")

    def init(params: Any) -> SgdState:
        return SgdState(first_step(), tree.map(np.zeros_like, params) if momentum else None)

    def update(grads: Any, state: SgdState, params: Any) -> tuple[Any, SgdState]:
        direction, velocity = grads, None
        if momentum:
            velocity = direction = tree.map(lambda v, g: momentum * v + g, state.velocity, grads)
        if nesterov:
            direction = tree.map(lambda v, g: g + momentum * v, velocity, grads)
        rate = rate_at(lr, state.step)
        params = tree.map(lambda p, d: p - scalar_like(rate, p) * d, params, direction)
        return params, SgdState(state.step + 1, velocity)

    return Optimizer(init, update)
