"""Functions that models need and NumPy lacks, with derivatives that stay exact where the formula would overflow."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.numpy import ufuncs
from fnad.numpy.dispatch import evaluated
from fnad.numpy.promotion import (
    all_axes, broadcast_shapes, builder_of, cast, fit, operand, result_dtype, shape_of, traced,
)
from fnad.numpy.reductions import kept, mask_of
from fnad.ops import reductions
from fnad.ops import softmax as family
from fnad.ops import special
from fnad.tracing.tracer import Tracer


def _real(x: Any) -> Tracer:
    """An argument as a traced array of floats."""
    given = traced(builder_of(x), x)
    return cast(given, np.dtype(float)) if given.dtype.kind in "biu" else given


@evaluated
def logsumexp(a: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """``log(sum(exp(a)))`` without overflow; -inf, with the derivative 0, where all of ``a`` is -inf.

    Args:
        a: an array or a traced value of any shape.
        axis: an integer, a tuple of them, or ``None`` for all axes.
        keepdims: whether those axes stay, with size 1.

    Returns:
        An array without these axes.

    Raises:
        ValueError: there is no such axis.

    Dtypes: float; integers become float64. Derivative: softmax(a).

    >>> round(float(logsumexp(np.array([1000.0, 1000.0]))), 3)
    1000.693
    """
    x = _real(a)
    axes = all_axes(axis, x.ndim)
    return kept(reductions.reduce_logsumexp(x, axes=axes), x, axes, keepdims)


@evaluated
def softmax(x: Any, /, *, axis: Any = -1, where: Any = True) -> Any:
    """``exp(x) / sum(exp(x))``; with ``where`` over some elements only: the others are 0, also if there are no others.

    Args:
        x: an array, a number or a traced value of any shape.
        axis: the axis or axes along which the results add up to 1.
        where: a bool array that broadcasts to the shape of ``x``.

    Returns:
        An array of the shape of ``x``.

    Raises:
        ValueError: there is no such axis.

    Dtypes: float; integers become float64. Derivative: y (g - sum(y g)) for the result y and the cotangent g.

    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    a = _real(x)
    return family.softmax(a, all_axes(axis, a.ndim), None if where is True else mask_of(a, where))


@evaluated
def log_softmax(x: Any, /, *, axis: Any = -1) -> Any:
    """The logarithm of `softmax`.

    Args:
        x: an array, a number or a traced value of any shape.
        axis: the axis or axes over which `softmax` adds up to 1.

    Returns:
        An array of the shape of ``x``.

    Raises:
        ValueError: there is no such axis.

    Dtypes: float; integers become float64. Derivative: g - softmax(x) sum(g) for the cotangent g.

    >>> log_softmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
    a = _real(x)
    return family.log_softmax(a, all_axes(axis, a.ndim))


@evaluated
def sigmoid(x: Any, /) -> Any:
    """``1 / (1 + exp(-x))``.

    Args:
        x: an array, a number or a traced value of any shape.

    Returns:
        An array of the same shape, with values from 0 to 1.

    Raises:
        TypeError: an argument is no array or number.

    Dtypes: float; integers become float64. Derivative: sigmoid(x) (1 - sigmoid(x)).

    >>> sigmoid(np.array([-1000.0, 0.0]))
    array([0. , 0.5])
    """
    return special.sigmoid(_real(x))


@evaluated
def erf(x: Any, /) -> Any:
    """The error function.

    Args:
        x: an array, a number or a traced value of any shape.

    Returns:
        An array of the same shape, with values from -1 to 1.

    Raises:
        TypeError: an argument is no array or number.

    Dtypes: float; integers become float64. Derivative: 2 / sqrt(pi) exp(-x ** 2).

    >>> erf(np.array([0.0, 10.0]))
    array([0., 1.])
    """
    return special.erf(_real(x))


@evaluated
def erfc(x: Any, /) -> Any:
    """``1 - erf(x)``, with all its digits where ``erf`` is nearly 1.

    Args:
        x: an array, a number or a traced value of any shape.

    Returns:
        An array of the same shape, with values from 0 to 2.

    Raises:
        TypeError: an argument is no array or number.

    Dtypes: float; integers become float64. Derivative: -2 / sqrt(pi) exp(-x ** 2).

    >>> erfc(np.array([0.0, 10.0]))
    array([1.00000000e+00, 2.08848758e-45])
    """
    return special.erfc(_real(x))


@evaluated
def softplus(x: Any, /) -> Any:
    """``log(1 + exp(x))``.

    Args:
        x: an array, a number or a traced value of any shape.

    Returns:
        An array of the same shape.

    Raises:
        TypeError: an argument is no array or number.

    Dtypes: float; integers become float64. Derivative: sigmoid(x).

    >>> softplus(np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """
    return ufuncs.UFUNCS[np.logaddexp](_real(x), 0.0)


@evaluated
def xlogy(x: Any, y: Any, /) -> Any:
    """``x log(y)``, 0 where ``x`` is 0.

    Args:
        x, y: arrays, numbers or traced values of shapes that broadcast.

    Returns:
        An array of their common shape.

    Raises:
        TypeError: an argument is no array or number.

    Dtypes: float; integers become float64. Derivative: log(y) in x, x / y in y.

    >>> xlogy(np.array([0.0, 2.0]), np.array([0.0, 1.0]))
    array([0., 0.])
    """
    builder = builder_of(x, y)
    operands = operand(builder, x), operand(builder, y)
    dtype, shape = result_dtype(*operands), broadcast_shapes(*map(shape_of, operands))
    dtype = np.dtype(float) if dtype.kind in "biu" else dtype
    return special.xlogy(*[fit(builder, z, dtype, shape) for z in operands])
