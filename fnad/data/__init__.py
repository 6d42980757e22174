"""Data for training: a data set that ships with the library, and minibatches of any pytree."""

from .batching import Batches as Batches
from .batching import batches as batches
from .batching import split as split
from .digits import digits as digits

__all__ = [
    "batches", "Batches", "digits", "split",
]
