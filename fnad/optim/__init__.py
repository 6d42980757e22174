"""Optimizers as pairs of pure functions over pytrees: ``init(params)`` and ``update(grads, state, params)``."""

from .adam import AdamState as AdamState
from .adam import adam as adam
from .optimizer import Optimizer as Optimizer
from .optimizer import Schedule as Schedule
from .sgd import SgdState as SgdState
from .sgd import sgd as sgd

__all__ = [
    "adam", "AdamState", "Optimizer", "Schedule", "sgd", "SgdState",
]
