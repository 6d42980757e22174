"""Integrals, element by element, as sums of operations: these have derivatives of all orders themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fnad.ops.arrays import array_p, constant
from fnad.ops.elementwise import stop_gradient
from fnad.ops.shaping import broadcast, reduce_sum


class Nodes(NamedTuple):
    """Where an integrand is taken, and with which weights."""

    places: np.ndarray
    weights: np.ndarray


def _decaying(step: float) -> Nodes:
    k = np.arange(-3.5, 5.0, step)
    places = np.exp(k - np.exp(-k))
    return Nodes(places, step * places * (1 + np.exp(-k)))


DECAYING = _decaying(0.1)
"""From 0 to infinity for what decays on the scale of 1, as exponentials do: the trapezoidal sum in k for
r = exp(k - exp(-k)), whose terms vanish faster than exponentially at both ends. Right to 1e-11."""

EVEN = Nodes(np.arange(128) / 128, np.where(np.arange(128) == 0, 0.5, 1) / 128)
"""From 0 to 1 for what is even around 0 and has vanished at 1."""


def integrals(nodes: Nodes, integrand: Callable[..., tuple[Any, ...]], scale: Any, *parameters: Any) -> tuple[Any, ...]:
    """The integrals of the results of ``integrand(r, *parameters)`` over r, of which the nodes are times the scale."""
    scale = stop_gradient(scale)
    shape = (*scale.shape, len(nodes.places))

    def along(x: Any) -> Any:
        return broadcast(x, shape=shape, dims=tuple(range(len(shape) - 1)))

    def over_nodes(values: np.ndarray) -> Any:
        made = scale.builder.apply(array_p, (), {"constant": constant(values.astype(scale.dtype))})
        return broadcast(made, shape=shape, dims=(len(shape) - 1,))

    made = integrand(along(scale) * over_nodes(nodes.places), *map(along, parameters))
    weights = over_nodes(nodes.weights)
    return tuple([reduce_sum(values * weights, axes=(len(shape) - 1,)) * scale for values in made])
