"""Random numbers from explicit keys: the same key gives the same numbers, interpreted, compiled, on any machine.

A key is a uint32 array of shape (2,). ``split`` one for each use; a key that is used twice gives the same
numbers twice. Keys and samplers are pure functions, so they may be traced.

>>> import numpy as np
>>> weights_key, noise_key = split(key(0))
>>> weights = normal(weights_key, (3, 2), np.float32)
>>> noise = uniform(noise_key, (3,))
"""

from fnad.public import public as _public
from fnad.random.continuous import normal as normal
from fnad.random.continuous import uniform as uniform
from fnad.random.discrete import bernoulli as bernoulli
from fnad.random.discrete import categorical as categorical
from fnad.random.discrete import permutation as permutation
from fnad.random.discrete import randint as randint
from fnad.random.keys import fold_in as fold_in
from fnad.random.keys import key as key
from fnad.random.keys import split as split

__all__ = _public(__name__)
__dir__ = __all__.copy
