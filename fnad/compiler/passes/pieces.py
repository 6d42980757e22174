"""Small arrays that are put together from single elements, as selections.

A selection is computed in one loop with what makes the elements and what reads the array, where each piece that is
written to its place would be a loop of its own: most of a differential equation of few states is such.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.ir.program import Equation, filled
from fnad.ir.types import ArrayType
from fnad.ops.elementwise import select
from fnad.ops.shaping import broadcast, concatenate, pad, pad_window, reshape
from fnad.tracing.tracer import Tracer

MOST_ELEMENTS = 8


def as_selection(eqn: Equation) -> Callable[..., Any] | None:
    """What the equation means in selections, if it puts single elements into a small array."""
    if eqn.primitive not in (pad, concatenate):
        return None
    type = eqn.outputs[0].type
    if not 1 < type.size <= MOST_ELEMENTS or any([a.type.size != 1 for a in eqn.inputs]):
        return None
    return (lambda x: _padded(type, x, **eqn.params)) if eqn.primitive is pad else lambda *xs: _joined(type, xs)


def _padded(type: ArrayType, x: Tracer, low: Any, high: Any, interior: Any) -> Any:
    place = np.zeros(type.shape, bool)
    place[tuple([slice(*s) for s in zip(*pad_window(x, low, interior))])] = True
    return select(place, _everywhere(type, x), x.builder.tracer(filled(0, type.strong)))


def _joined(type: ArrayType, xs: tuple[Tracer, ...]) -> Any:
    places = np.arange(type.size).reshape(type.shape)
    *rest, total = [_everywhere(type, x) for x in xs]
    for i, x in reversed([*enumerate(rest)]):
        total = select(places == i, x, total)
    return total


def _everywhere(type: ArrayType, x: Tracer) -> Any:
    return broadcast(reshape(x, shape=()), shape=type.shape, dims=())
