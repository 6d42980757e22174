"""Adam: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..checks import is_real
from ..errors import boundary
from .optimizer import (
    Optimizer, Schedule, first_step, laid_out, rate_at, require_arrays, require_decay, require_like, require_rate,
    require_state, scalar_like,
)


class AdamState(NamedTuple):
    """Steps taken, and the running averages of gradient and squared gradient, both like ``params``.

    >>> adam().init([np.zeros(2)])
    AdamState(step=array(0), mean=[array([0., 0.])], square=[array([0., 0.])])
    """

    step: Any
    mean: Any
    square: Any


@boundary
def adam(lr: float | Schedule = 1e-3, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Optimizer:
    """Adam with bias correction (D. Kingma and J. Ba 2015, arXiv 1412.6980), as in PyTorch.

    The real and the imaginary part of a complex parameter are two parameters.

    Args:
        lr: the learning rate, or a schedule ``step -> lr`` with steps counted from 0.
        b1: the decay of the average of the gradient, in [0, 1).
        b2: the decay of the average of the squared gradient, in [0, 1).
        eps: added to the root of the latter, so that a zero gradient divides by no zero.

    Returns:
        An ``Optimizer``; its state is an ``AdamState``.

    Raises:
        ValueError: a number is out of its range.

    >>> optimizer = adam(lr=0.1)
    >>> params = [np.array([1.0, 1.0])]
    >>> params, state = optimizer.update([np.array([5.0, -0.01])], optimizer.init(params), params)
    >>> params[0].round(6)
    array([0.9, 1.1])
    """
    require_rate("adam", lr)
    require_decay("adam", "b1", b1)
    require_decay("adam", "b2", b2)
    if not is_real(eps):
        raise TypeError(f"adam: requires eps to be a number of at least 0, got {eps!r:.60}. Try eps=1e-8.")
    if not eps >= 0:
        raise ValueError(f"adam: requires eps of at least 0, got {eps}. Try eps=1e-8.")

    return Optimizer(_init, partial(_update, lr, b1, b2, eps))


# At the top of the module and not in `adam`, so that optimizers can be pickled.
@boundary
def _init(params: Any) -> AdamState:
    require_arrays("adam", params)
    return laid_out(AdamState(first_step(), tree.map(np.zeros_like, params), tree.map(np.zeros_like, params)))


@boundary
def _update(
    lr: float | Schedule, b1: float, b2: float, eps: float, grads: Any, state: AdamState, params: Any
) -> tuple[Any, AdamState]:
    require_state("adam", AdamState, state)
    require_arrays("adam", params)
    for what, given in (("gradients", grads), ("a mean", state.mean), ("a square", state.square)):
        require_like("adam", what, given, params)
    step = state.step + 1
    mean = tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.mean, grads)
    square = tree.map(lambda s, g: b2 * s + (1 - b2) * _by_parts(lambda x: x * x, g), state.square, grads)
    rate = rate_at("adam", lr, state.step) / (1 - b1**step)
    correction = np.sqrt(1 - b2**step)

    def step_along(m: Any, s: Any) -> Any:
        return scalar_like(rate, m) * m / (np.sqrt(s) / scalar_like(correction, m) + eps)

    def moved(p: Any, m: Any, s: Any) -> Any:
        return p - _by_parts(step_along, m, s)

    return laid_out((tree.map(moved, params, mean, square), AdamState(step, mean, square)))


def _by_parts(function: Callable[..., Any], *arrays: Any) -> Any:
    """A function of arrays, or of their real and of their imaginary parts."""
    if arrays[0].dtype.kind != "c":
        return function(*arrays)
    return function(*map(np.real, arrays)) + 1j * function(*map(np.imag, arrays))
