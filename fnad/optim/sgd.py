"""Stochastic gradient descent."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..checks import require_flag
from ..errors import boundary
from .optimizer import (
    Optimizer, Schedule, first_step, laid_out, rate_at, require_arrays, require_decay, require_like, require_rate,
    require_state, scalar_like,
)


class SgdState(NamedTuple):
    """Steps taken, and the velocity like ``params`` (``None`` without momentum).

    >>> sgd(0.1).init([np.zeros(2)])
    SgdState(step=array(0), velocity=None)
    """

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
    if nesterov is True and not momentum:
        raise ValueError("sgd: requires momentum above 0 with nesterov=True, got 0. Try momentum=0.9.")

    require_flag("sgd", "nesterov", nesterov)
    return Optimizer(partial(_init, momentum), partial(_update, lr, momentum, nesterov))


# At the top of the module and not in `sgd`, so that optimizers can be pickled.
@boundary
def _init(momentum: float, params: Any) -> SgdState:
    require_arrays("sgd", params)
    return SgdState(first_step(), laid_out(tree.map(np.zeros_like, params)) if momentum else None)


@boundary
def _update(
    lr: float | Schedule, momentum: float, nesterov: bool, grads: Any, state: SgdState, params: Any
) -> tuple[Any, SgdState]:
    require_state("sgd", SgdState, state)
    require_arrays("sgd", params)
    require_like("sgd", "gradients", grads, params)
    direction, velocity = grads, None
    if momentum:
        require_like("sgd", "a velocity", state.velocity, params)
        velocity = direction = tree.map(lambda v, g: momentum * v + g, state.velocity, grads)
    if nesterov:
        direction = tree.map(lambda v, g: g + momentum * v, velocity, grads)
    rate = rate_at("sgd", lr, state.step)
    params = tree.map(lambda p, d: p - scalar_like(rate, p) * d, params, direction)
    return laid_out((params, SgdState(state.step + 1, velocity)))
