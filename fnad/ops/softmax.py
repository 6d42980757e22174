"""The softmax family, written with operations: what networks, NumPy's surface and losses share."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ops.elementwise import div, eq, exp, select, stop_gradient, sub
from fnad.ops.reductions import Axes, reduce_logsumexp, reduce_max
from fnad.ops.shaping import reduce_sum, spread


def softmax(x: Any, axes: Axes, mask: Any = None) -> Any:
    """exp(x) / sum(exp(x)) over some axes, without overflow; x is not empty.

    Elements where the mask is false count for nothing and get 0, as all do where no element counts.
    """
    if mask is None:
        e = exp(sub(x, spread(_top(x, axes), x, axes)))
        return div(e, spread(reduce_sum(e, axes=axes), e, axes))
    masked = select(mask, x, -np.inf)
    top = _top(masked, axes)
    e = exp(sub(masked, spread(select(eq(top, -np.inf), 0.0, top), x, axes)))
    total = reduce_sum(e, axes=axes)
    return div(e, spread(select(eq(total, 0.0), 1.0, total), e, axes))


def log_softmax(x: Any, axes: Axes) -> Any:
    """x - log(sum(exp(x))) over some axes, without overflow; x is not empty."""
    return sub(x, spread(reduce_logsumexp(x, axes=axes), x, axes))


def _top(x: Any, axes: Axes) -> Any:
    """The largest element, as a constant: the result does not depend on it."""
    return stop_gradient(reduce_max(x, axes=axes))
