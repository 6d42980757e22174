"""Initial parameters of a dense layer: functions ``(key, inputs, outputs, dtype) -> (w, b)``.

``w`` has the shape (inputs, outputs) and ``b`` the shape (outputs,). One of your own is just a function.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np

from fnad import random
from fnad.checks import require_integer
from fnad.errors import boundary
from fnad.random.keys import require_key
from fnad.random.values import as_float

Initializer = Callable[[Any, int, int, Any], tuple[Any, Any]]
"""A function ``(key, inputs, outputs, dtype) -> (w, b)``."""


@boundary
def fan_in_uniform(key: Any, inputs: int, outputs: int, dtype: Any) -> tuple[Any, Any]:
    """w, b ~ U(-a, a), a = 1 / sqrt(inputs): as in PyTorch's ``Linear``.

    Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, "Efficient BackProp" (1998), but for the factor sqrt(3) that keeps
    the variance.

    Args:
        key: a key of `fnad.random`.
        inputs: the size of the last axis of what the layer takes.
        outputs: that of what it gives.
        dtype: of the parameters, a float dtype.

    Returns:
        ``w`` of shape (inputs, outputs) and ``b`` of shape (outputs,).

    Raises:
        TypeError: ``key`` is no key, a size no integer, or ``dtype`` no float dtype.
        ValueError: a size is not positive.

    >>> w, b = fan_in_uniform(random.key(0), 4, 3, np.float32)
    >>> w.shape, b.shape, bool(abs(w).max() <= 0.5)
    ((4, 3), (3,), True)
    """
    dtype = _checked("fan_in_uniform", inputs, outputs, dtype)
    weights_key, bias_key = _two("fan_in_uniform", key)
    bound = 1 / sqrt(inputs)
    return (
        random.uniform(weights_key, (inputs, outputs), dtype, -bound, bound),
        random.uniform(bias_key, (outputs,), dtype, -bound, bound),
    )


@boundary
def he_normal(key: Any, inputs: int, outputs: int, dtype: Any) -> tuple[Any, Any]:
    """w ~ N(0, 2 / inputs), b = 0: for ReLU.

    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers" (2015), arXiv 1502.01852.

    Args:
        key: a key of `fnad.random`.
        inputs: the size of the last axis of what the layer takes.
        outputs: that of what it gives.
        dtype: of the parameters, a float dtype.

    Returns:
        ``w`` of shape (inputs, outputs) and ``b`` of shape (outputs,).

    Raises:
        TypeError: ``key`` is no key, a size no integer, or ``dtype`` no float dtype.
        ValueError: a size is not positive.

    >>> he_normal(random.key(0), 4, 3, np.float64)[1]
    array([0., 0., 0.])
    """
    dtype = _checked("he_normal", inputs, outputs, dtype)
    require_key("he_normal", key)
    return random.normal(key, (inputs, outputs), dtype, scale=sqrt(2 / inputs)), np.zeros(outputs, dtype)


@boundary
def glorot_uniform(key: Any, inputs: int, outputs: int, dtype: Any) -> tuple[Any, Any]:
    """w ~ U(-a, a), a = sqrt(6 / (inputs + outputs)), b = 0: for tanh and its like.

    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010).

    Args:
        key: a key of `fnad.random`.
        inputs: the size of the last axis of what the layer takes.
        outputs: that of what it gives.
        dtype: of the parameters, a float dtype.

    Returns:
        ``w`` of shape (inputs, outputs) and ``b`` of shape (outputs,).

    Raises:
        TypeError: ``key`` is no key, a size no integer, or ``dtype`` no float dtype.
        ValueError: a size is not positive.

    >>> w, b = glorot_uniform(random.key(0), 4, 2, np.float32)
    >>> bool(abs(w).max() <= 1)
    True
    """
    dtype = _checked("glorot_uniform", inputs, outputs, dtype)
    require_key("glorot_uniform", key)
    bound = sqrt(6 / (inputs + outputs))
    return random.uniform(key, (inputs, outputs), dtype, -bound, bound), np.zeros(outputs, dtype)


def _checked(name: str, inputs: int, outputs: int, dtype: Any) -> np.dtype:
    """The dtype of parameters, where the sizes of a layer are right too."""
    require_integer(name, "inputs", inputs)
    require_integer(name, "outputs", outputs)
    return as_float(name, dtype)


def _two(name: str, key: Any) -> tuple[Any, Any]:
    require_key(name, key)
    return random.fold_in(key, 0), random.fold_in(key, 1)
