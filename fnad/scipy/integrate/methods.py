"""Methods for differential equations, each with one step of its own, for the same loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Step(NamedTuple):
    """What a step finds: the new state, its slope, the norm of the error by scales, and rows for what is between."""

    y: Any
    slope: Any
    error_norm: Callable[[Any], Any]
    rows: tuple[Any, ...]


class Method(NamedTuple):
    """A method: ``step(fun, t, y, slope, h)``, and what is between two steps."""

    step: Callable[..., Step]
    between: Callable[[Any, Sequence[Any]], Any]
    """The change since the last step, at a share of it: a multiple of the first row where the others are 0."""
    order: int
    """The number of rows."""
    exponent: float
    """The power of the error that the size of a step goes by."""
    evaluations: int
    """How often a step evaluates the function."""


def weighted(weights: Sequence[float], ks: Sequence[Any]) -> Any:
    """The sum of stages by their weights; one loop, where a product of matrices would be a call."""
    terms = [w * k for w, k in zip(weights, ks) if w]
    total = terms[0] if terms else 0.0 * ks[0]
    for term in terms[1:]:
        total = total + term
    return total


def norm(x: Any) -> Any:
    """The root of the mean square."""
    return np.sqrt(np.mean(np.abs(x) ** 2))
