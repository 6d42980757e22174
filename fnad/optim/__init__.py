"""Optimizers as pairs of pure functions over pytrees: ``init(params)`` and ``update(grads, state, params)``."""

from fnad.optim.adam import AdamState as AdamState
from fnad.optim.adam import adam as adam
from fnad.optim.optimizer import Optimizer as Optimizer
from fnad.optim.optimizer import Schedule as Schedule
from fnad.optim.sgd import SgdState as SgdState
from fnad.optim.sgd import sgd as sgd
from fnad.public import public as _public

__all__ = _public(__name__)
__dir__ = __all__.copy
