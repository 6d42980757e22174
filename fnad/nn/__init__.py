"""Layers as pairs of pure functions ``(init, apply)``, activations, and losses.

>>> import numpy as np
>>> import fnad
>>> init, apply = mlp([4, 8, 3], relu)
>>> params = init(fnad.random.key(0))
>>> def loss(params, x, labels):
...     return softmax_cross_entropy(apply(params, x), labels)
>>> gradients = fnad.grad(loss)(params, np.ones((2, 4), np.float32), np.array([0, 2]))
>>> gradients[0]["w"].shape
(4, 8)
"""

from fnad.nn.activations import elu as elu
from fnad.nn.activations import gelu as gelu
from fnad.nn.activations import leaky_relu as leaky_relu
from fnad.nn.activations import log_softmax as log_softmax
from fnad.nn.activations import relu as relu
from fnad.nn.activations import relu6 as relu6
from fnad.nn.activations import sigmoid as sigmoid
from fnad.nn.activations import softmax as softmax
from fnad.nn.activations import softplus as softplus
from fnad.nn.activations import tanh as tanh
from fnad.nn.initializers import Initializer as Initializer
from fnad.nn.initializers import fan_in_uniform as fan_in_uniform
from fnad.nn.initializers import glorot_uniform as glorot_uniform
from fnad.nn.initializers import he_normal as he_normal
from fnad.nn.layers import Layer as Layer
from fnad.nn.layers import dense as dense
from fnad.nn.layers import mlp as mlp
from fnad.nn.losses import mse as mse
from fnad.nn.losses import softmax_cross_entropy as softmax_cross_entropy
from fnad.public import public as _public

__all__ = _public(__name__)
__dir__ = __all__.copy
