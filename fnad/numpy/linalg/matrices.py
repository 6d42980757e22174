"""Arguments of linear algebra: matrices of one dtype that it knows, or NumPy's error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from fnad.ir.types import Shape
from fnad.numpy.promotion import builder_of, cast, spread_to, traced
from fnad.ops.shaping import reshape
from fnad.tracing.tracer import Tracer


def common(*values: Any) -> list[Tracer]:
    """Arguments, of which one is traced, as traced arrays."""
    builder = builder_of(*values)
    return [traced(builder, value) for value in values]


def in_common_dtype(*xs: Tracer) -> list[Tracer]:
    """Arrays in the dtype of floats, or of complex numbers, that NumPy's linear algebra gives back for them."""
    known = [x.dtype for x in xs if x.dtype.kind in "fc"]
    for dtype in known:
        if dtype.char not in "fdFD":
            raise TypeError(f"array type {dtype.name} is unsupported in linalg")
    whole = [np.dtype(np.float64)] if len(known) < len(xs) else []
    dtype = np.result_type(*known, *whole)
    return [cast(x, dtype) for x in xs]


def stacked(*values: Any) -> list[Tracer]:
    """Matrices, or stacks of them, in their common dtype."""
    xs = common(*values)
    for x in xs:
        if x.ndim < 2:
            raise LinAlgError(f"{x.ndim}-dimensional array given. Array must be at least two-dimensional")
    return in_common_dtype(*xs)


def require_square(x: Tracer) -> None:
    """Raise unless the last two axes are of one size."""
    if x.ndim < 2:
        raise LinAlgError(f"{x.ndim}-dimensional array given. Array must be at least two-dimensional")
    if x.shape[-1] != x.shape[-2]:
        raise LinAlgError("Last 2 dimensions of the array must be square")


def square(value: Any) -> Tracer:
    """One argument as square matrices."""
    (x,) = common(value)
    require_square(x)
    return in_common_dtype(x)[0]


def is_empty(x: Tracer) -> bool:
    """Whether matrices have no elements, though there may be many of them."""
    return 0 in x.shape[-2:]


def in_batch(x: Tracer, batch: Shape, own: int = 2) -> Tracer:
    """Matrices, or what has so many axes of its own, for each place of a batch."""
    return spread_to(x, (*batch, *x.shape[x.ndim - own :]))


def raise_as(function: Callable[..., Any], *shapes: Shape) -> None:
    """Raise the error of NumPy's for arrays of shapes that do not fit."""
    function(*[np.ones(shape) for shape in shapes])


def filled_with(x: Tracer, value: np.ndarray) -> Tracer:
    """An array for each matrix of a stack, where ``x`` is traced."""
    staged = x.builder.tracer(np.ascontiguousarray(value))
    return spread_to(staged, (*x.shape[:-2], *value.shape))


def result_class(function: Callable[..., Any]) -> Callable[..., Any]:
    """The class of NumPy's results of a function of a matrix."""
    return type(function(np.eye(1)))


def flattened(x: Tracer) -> Tracer:
    """All elements in a row."""
    return reshape(x, shape=(x.size,))
