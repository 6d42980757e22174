"""Arguments of `scipy.linalg`: what is the same in NumPy's, and SciPy's errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.ir.types import Shape
from fnad.numpy.linalg.matrices import common, in_common_dtype
from fnad.numpy.promotion import cast
from fnad.ops.contractions import adjoint
from fnad.ops.elementwise import add, stop_gradient, sub
from fnad.ops.linalg import hermitian_part, swapped_axes, triangle
from fnad.tracing.tracer import Tracer


def matrices(original: Callable[..., Any], *values: Any, square: bool = False) -> list[Tracer]:
    """Arguments as matrices of one dtype, the first of them square; else SciPy's error."""
    xs = common(*values)
    if xs[0].ndim < 2 or square and xs[0].shape[-1] != xs[0].shape[-2]:
        refuse(original, *[x.shape for x in xs])
    return in_common_dtype(*xs)


def in_double(*values: Any) -> list[Tracer]:
    """Arguments in double precision, in which some functions of SciPy's give back whatever they are given."""
    xs = in_common_dtype(*common(*values))
    return [cast(x, np.result_type(x.dtype, np.float64)) for x in xs]


def refuse(original: Callable[..., Any], *shapes: Shape) -> None:
    """Raise SciPy's error for arrays of shapes."""
    original(*[np.ones(shape) for shape in shapes])
    raise ValueError(f"{original.__name__}: requires arrays that fit, got the shapes {', '.join(map(str, shapes))}.")


def from_triangle(x: Tracer, lower: bool, conjugated: bool = True) -> Tracer:
    """Hermitian (or symmetric) matrices by one triangle; the derivative is that of their Hermitian part."""
    turn = adjoint if conjugated else swapped_axes
    fixed = stop_gradient(x)
    beside = triangle(fixed, -1 if lower else 1, lower)
    whole = add(triangle(fixed, lower=lower), turn(beside))
    half = hermitian_part(x) if conjugated else _symmetric_part(x)
    return add(whole, sub(half, stop_gradient(half)))


def _symmetric_part(x: Tracer) -> Tracer:
    return (x + swapped_axes(x)) / 2
