"""Reshaping, transposing, joining and splitting."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.numpy.promotion import builder_of, traced
from fnad.ops import shaping as ops
from fnad.tracing import Tracer


def reshape(a: Any, shape: Any) -> Any:
    """`numpy.reshape`."""
    x = traced(builder_of(a), a)
    return ops.reshape(x, shape=np.broadcast_to(np.empty(()), x.shape).reshape(shape).shape)


def transpose(a: Any, axes: Any = None) -> Any:
    """`numpy.transpose`."""
    x = traced(builder_of(a), a)
    perm = tuple(range(x.ndim))[::-1] if axes is None else tuple([int(i) % x.ndim for i in axes])
    return ops.transpose(x, perm=perm)
