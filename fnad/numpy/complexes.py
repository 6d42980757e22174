"""Ufuncs of complex numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ops import elementwise as ops
from fnad.ops.complexes import complex_, holomorphic
from fnad.tracing.tracer import Tracer

Function = Callable[..., Tracer]


def function(ufunc: np.ufunc) -> Function:
    """A ufunc that has a derivative in the complex sense."""
    return partial(holomorphic, function=ufunc.__name__)


def by_parts(of_part: Function) -> Function:
    """A function of the real and of the imaginary part by itself."""
    return lambda x: complex_(of_part(ops.real(x)), of_part(ops.imag(x)))


def extreme(compare: Primitive, ignore_nan: bool = False) -> Function:
    """The one that comes first in NumPy's order; nan comes before all others, or, if it is ignored, after them."""

    def function(x: Tracer, y: Tracer) -> Tracer:
        if ignore_nan:
            wins = ops.or_(ops.isnan(y), ops.and_(compare(x, y), ops.not_(ops.isnan(x))))
        else:
            wins = ops.or_(ops.isnan(x), ops.and_(compare(x, y), ops.not_(ops.isnan(y))))
        return ops.select(wins, x, y)

    return function
