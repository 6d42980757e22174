"""Activations: functions of arrays or traced values of any shape, element by element but for the softmaxes.

Integers become float64; other dtypes are kept.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from fnad.checks import require_axis, require_flag
from fnad.errors import boundary
from fnad.nn.values import quiet, real_operands, require_real
from fnad.ops import dense
from fnad.ops import elementwise as ops
from fnad.ops import softmax as family
from fnad.ops import special
from fnad.random.values import broadcast_to
from fnad.tracing.tracer import Tracer


@boundary
@quiet
def relu(x: Any) -> Any:
    """max(x, 0); the derivative at 0 is 0, and nan passes.

    Args:
        x: an array, a number or a traced value of any shape.

    Returns:
        An array of the same shape and float dtype; of integers float64.

    Raises:
        TypeError: ``x`` is not real.

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return dense.relu(*real_operands("relu", x))


@boundary
@quiet
def relu6(x: Any) -> Any:
    """min(max(x, 0), 6); the derivative at 0 and at 6 is 0, and nan passes.

    A. Krizhevsky (2010), "Convolutional deep belief networks on CIFAR-10".

    Args:
        x: an array, a number or a traced value of any shape.

    Returns:
        An array of the same shape and float dtype; of integers float64.

    Raises:
        TypeError: ``x`` is not real.

    >>> relu6(np.array([-1.0, 3.0, 8.0]))
    array([0., 3., 6.])
    """
    (x,) = real_operands("relu6", x)
    return ops.choose(x <= 0, 0.0, ops.choose(x >= 6, 6.0, x))


@boundary
@quiet
def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """x where it is positive, else slope * x; the derivative at 0 is 1.

    Args:
        x: an array, a number or a traced value of any shape.
        slope: a real number.

    Returns:
        An array of the same shape and float dtype; of integers float64.

    Raises:
        TypeError: ``x`` is not real, or ``slope`` is not.

    >>> leaky_relu(np.array([-1.0, 2.0]))
    array([-0.01,  2.  ])
    """
    (x,) = real_operands("leaky_relu", x)
    require_real("leaky_relu", "slope", slope)
    return ops.choose(x >= 0, x, x * slope)


@boundary
@quiet
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where it is positive, else alpha * (exp(x) - 1); the derivative at 0 is 1.

    D.-A. Clevert, T. Unterthiner, S. Hochreiter (2015), arXiv 1511.07289.

    Args:
        x: an array, a number or a traced value of any shape.
        alpha: a real number.

    Returns:
        An array of the same shape and float dtype; of integers float64.

    Raises:
        TypeError: ``x`` is not real, or ``alpha`` is not.

    >>> elu(np.array([-1e3, 2.0]))
    array([-1.,  2.])
    """
    (x,) = real_operands("elu", x)
    require_real("elu", "alpha", alpha)
    return ops.choose(x >= 0, x, np.expm1(np.minimum(x, 0)) * alpha)


@boundary
@quiet
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), without overflow.

    Args:
        x: an array, a number or a traced value of any shape.

    Returns:
        An array of the same shape and float dtype; of integers float64.

    Raises:
        TypeError: ``x`` is not real.

    >>> sigmoid(np.array([-1000.0, 0.0]))
    array([0. , 0.5])
    """
    return special.sigmoid(*real_operands("sigmoid", x))


@boundary
@quiet
def tanh(x: Any) -> Any:
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)), without overflow.

    Args:
        x: an array, a number or a traced value of any shape.

    Returns:
        An array of the same shape and float dtype; of integers float64.

    Raises:
        TypeError: ``x`` is not real.

    >>> tanh(np.array([0.0, 1000.0]))
    array([0., 1.])
    """
    return np.tanh(*real_operands("tanh", x))


@boundary
@quiet
def softplus(x: Any) -> Any:
    """log(1 + exp(x)), without overflow.

    Args:
        x: an array, a number or a traced value of any shape.

    Returns:
        An array of the same shape and float dtype; of integers float64.

    Raises:
        TypeError: ``x`` is not real.

    >>> softplus(np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """
    (x,) = real_operands("softplus", x)
    return np.logaddexp(x, 0)


@boundary
@quiet
def gelu(x: Any, approximate: bool = False) -> Any:
    """x (1 + erf(x / sqrt(2))) / 2: x times the probability that a standard normal variable is less than x.

    D. Hendrycks, K. Gimpel (2016), arXiv 1606.08415.

    Args:
        x: an array, a number or a traced value of any shape.
        approximate: whether to use x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x ** 3))) / 2 instead.

    Returns:
        An array of the same shape and float dtype; of integers float64.

    Raises:
        TypeError: ``x`` is not real, or ``approximate`` is no bool.

    >>> gelu(np.array([-10.0, 0.0, 10.0])).round(6)
    array([-0.,  0., 10.])
    """
    (x,) = real_operands("gelu", x)
    require_flag("gelu", "approximate", approximate)
    if approximate:
        share = np.tanh((x + x * x * x * 0.044715) * sqrt(2 / pi)) + 1
    else:
        share = special.erfc(x * -sqrt(1 / 2))
    return x * 0.5 * share


@boundary
@quiet
def softmax(x: Any, axis: int = -1, where: Any = None) -> Any:
    """exp(x) / sum(exp(x)) along an axis, without overflow.

    Args:
        x: an array, a number or a traced value of any shape.
        axis: the axis along which the results add up to 1.
        where: a bool array that broadcasts to the shape of ``x``: elements where it is false count for nothing
            and get 0, as all do where no element counts.

    Returns:
        An array of the same shape and float dtype; of integers float64.

    Raises:
        TypeError: ``x`` is not real, or ``where`` is not bool.
        ValueError: there is no such axis, or ``where`` does not fit.

    >>> softmax(np.array([1000.0, 0.0]))
    array([1., 0.])
    """
    (x,) = real_operands("softmax", x)
    axes = _axes("softmax", x, axis)
    if x.size == 0:
        return x
    return family.softmax(x, axes, None if where is None else _mask("softmax", x, where))


@boundary
@quiet
def log_softmax(x: Any, axis: int = -1) -> Any:
    """x - log(sum(exp(x))) along an axis, without overflow.

    Args:
        x: an array, a number or a traced value of any shape.
        axis: the axis along which `softmax` adds up to 1.

    Returns:
        An array of the same shape and float dtype; of integers float64.

    Raises:
        TypeError: ``x`` is not real.
        ValueError: there is no such axis.

    >>> log_softmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
    (x,) = real_operands("log_softmax", x)
    axes = _axes("log_softmax", x, axis)
    return family.log_softmax(x, axes) if x.size else x


def _axes(name: str, x: Any, axis: int) -> tuple[int]:
    return (require_axis(name, axis, x.shape),)


def _mask(name: str, x: Any, where: Any) -> Any:
    """The mask in the shape of x."""
    mask = where if isinstance(where, Tracer) else np.asarray(where)
    if mask.dtype != bool:
        raise TypeError(f"{name}: requires where of dtype bool, got {mask.dtype}. Compare with 0.")
    return broadcast_to(name, "where", mask, x.shape)
