"""Data for training: a data set that ships with the library, and minibatches of any pytree."""

from fnad.data.batching import Batches as Batches
from fnad.data.batching import batches as batches
from fnad.data.batching import split as split
from fnad.data.digits import digits as digits
from fnad.public import public as _public

__all__ = _public(__name__)
__dir__ = __all__.copy
