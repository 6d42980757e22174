"""Losses: scalars, the mean over all examples."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.errors import boundary
from fnad.nn.values import as_matrix, quiet, real_operands
from fnad.ops import losses as ops
from fnad.ops.shaping import reshape
from fnad.tracing.tracer import Tracer


@boundary
@quiet
def mse(prediction: Any, target: Any) -> Any:
    """mean((prediction - target) ** 2) over all elements.

    Args:
        prediction: an array of any shape.
        target: an array of the same shape. They are not broadcast: (n, 1) against (n,) is most often a mistake.

    Returns:
        A scalar of the dtype to which they promote; differentiable in both.

    Raises:
        TypeError: an argument is not real.
        ValueError: the shapes differ.

    >>> float(mse(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    prediction, target = real_operands("mse", prediction, target)
    if prediction.shape != target.shape:
        raise ValueError(
            f"mse: requires prediction and target of one shape, got {prediction.shape} and {target.shape}. "
            "Reshape or broadcast one of them."
        )
    return ops.mse(prediction, target)


@boundary
@quiet
def softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """mean(-sum(p log(softmax(logits)))) for the labels' probabilities p, without overflow.

    Args:
        logits: an array of shape (..., n), n classes.
        labels: integers of shape (...), the numbers of the classes; or weights of the shape of the logits, such as
            probabilities. A weight of 0 counts for nothing, also against a logit of -inf.

    Returns:
        A scalar of the dtype of the logits, or to which logits and weights promote; differentiable in both.

    Raises:
        TypeError: an argument is not real.
        ValueError: the shapes do not fit, or there is no class.
        IndexError: an integer label is negative, or n or more.

    >>> float(softmax_cross_entropy(np.log([[0.5, 0.25, 0.25]]), np.array([0])).round(6))
    0.693147
    """
    labels = labels if isinstance(labels, Tracer) else np.asarray(labels)
    (logits,) = real_operands("softmax_cross_entropy", logits)
    if logits.ndim and labels.dtype.kind in "iu" and labels.shape == logits.shape[:-1]:
        labels = reshape(labels, shape=(labels.size,))
    elif logits.ndim and labels.shape == logits.shape:
        logits, labels = real_operands("softmax_cross_entropy", logits, labels)
        labels = as_matrix(labels)
    else:
        raise ValueError(
            "softmax_cross_entropy: requires integer labels of shape (...) or weights of shape (..., n) for logits of "
            f"shape (..., n), got labels of {labels.dtype} of shape {labels.shape} for logits of shape {logits.shape}. "
            "Give each row of logits one class, or a weight for each class."
        )
    if logits.shape[-1] == 0:
        raise ValueError(f"softmax_cross_entropy: requires at least one class, got logits of shape {logits.shape}. "
                         "Let the last axis be the classes.")
    return ops.softmax_cross_entropy(as_matrix(logits), labels)
