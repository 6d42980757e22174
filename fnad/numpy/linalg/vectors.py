"""Products of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.numpy import calculus
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import arrays_of, one_axis


@implements(np.linalg.cross)
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Dtypes: numbers. Derivatives: cross(x2, g) in x1, cross(g, x1) in x2, for the cotangent g.

    >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    array([0., 0., 1.])
    """
    a, b = arrays_of(x1, x2)
    sizes = [x.shape[one_axis(axis, x.ndim)] for x in (a, b)]
    if sizes != [3, 3]:
        raise ValueError(
            f"Both input arrays must be (arrays of) 3-dimensional vectors, but they are {sizes[0]} and {sizes[1]} "
            "dimensional instead."
        )
    return calculus.cross(a, b, axis=axis)
