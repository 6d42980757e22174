"""Compiled gradients of pure functions over pytrees of NumPy arrays.

Write a function with NumPy. `grad` differentiates it, `vmap` maps it over a batch, `jit` compiles it, in any order:

>>> import numpy as np
>>> def loss(w, x, y):
...     return (w @ x - y) ** 2
>>> gradients = jit(vmap(grad(loss), in_axes=(None, 0, 0)))
>>> gradients(np.array([1.0, 2.0]), np.eye(2), np.zeros(2))
array([[2., 0.],
       [0., 4.]])

Arguments and results are pytrees: arrays in dicts, lists, tuples, dataclasses (`tree`). Python's ``if`` and ``while``
work on values; `scan`, `while_loop`, `cond` and `switch` are loops and branches as operations (`control`).

- derivatives: `grad`, `value_and_grad`, `vjp`, `jvp`, `jacobian`, `hessian`, `hvp`, `linearize`, `checkpoint`; rules of
  your own: `custom_vjp`, `custom_jvp`, `primitive`
- models and training: `nn`, `optim`, `random`, `data`; NumPy's functions that also make arrays to write to: `numpy`
- looking inside: `show`, `explain`, ``jit(f).cache_info()``, `check_nans`, `debug`, `testing`; what there is: `support`
- where it runs: `devices`, `device_put`, `default_device`, `set_num_threads`, `config`
"""

from fnad import config as config
from fnad import control as control
from fnad import data as data
from fnad import debug as debug
from fnad import nn as nn
from fnad import numpy as numpy
from fnad import optim as optim
from fnad import random as random
from fnad import scipy as scipy
from fnad import testing as testing
from fnad import tree as tree
from fnad.arguments import make_program as make_program
from fnad.control import associative_scan as associative_scan
from fnad.control import cond as cond
from fnad.control import fori_loop as fori_loop
from fnad.control import map as map
from fnad.control import scan as scan
from fnad.control import switch as switch
from fnad.control import while_loop as while_loop
from fnad.debug.finite import check_nans as check_nans
from fnad.debug.scopes import named_call as named_call
from fnad.debug.scopes import named_scope as named_scope
from fnad.dispatch import eager as _eager  # noqa: F401
from fnad.dispatch.jit import jit as jit
from fnad.dispatch.show import explain as explain
from fnad.dispatch.show import show as show
from fnad.errors import ConcreteValueError as ConcreteValueError
from fnad.errors import CutGradientError as CutGradientError
from fnad.errors import DeviceError as DeviceError
from fnad.errors import DeviceMemoryError as DeviceMemoryError
from fnad.errors import EscapedTracerError as EscapedTracerError
from fnad.errors import InPlaceError as InPlaceError
from fnad.errors import NonFiniteError as NonFiniteError
from fnad.plain import surroundings as _surroundings  # noqa: F401
from fnad.public import public as _public
from fnad.runtime.cpu.threads import get_num_threads as get_num_threads
from fnad.runtime.cpu.threads import set_num_threads as set_num_threads
from fnad.runtime.cuda.arrays import DeviceArray as DeviceArray
from fnad.runtime.cuda.devices import default_device as default_device
from fnad.runtime.cuda.devices import devices as devices
from fnad.runtime.cuda.transfers import device_put as device_put
from fnad.runtime.cuda.transfers import from_dlpack as from_dlpack
from fnad.supported import support as support
from fnad.transforms.custom import custom_jvp as custom_jvp
from fnad.transforms.custom import custom_vjp as custom_vjp
from fnad.transforms.grad import grad as grad
from fnad.transforms.grad import value_and_grad as value_and_grad
from fnad.transforms.jacobians import hessian as hessian
from fnad.transforms.jacobians import jacfwd as jacfwd
from fnad.transforms.jacobians import jacobian as jacobian
from fnad.transforms.jacobians import jacrev as jacrev
from fnad.transforms.jvp import hvp as hvp
from fnad.transforms.jvp import jvp as jvp
from fnad.transforms.linear_transpose import linear_transpose as linear_transpose
from fnad.transforms.jvp import linearize as linearize
from fnad.transforms.primitives import primitive as primitive
from fnad.transforms.remat import checkpoint as checkpoint
from fnad.transforms.shapes import ShapeDtypeStruct as ShapeDtypeStruct
from fnad.transforms.shapes import eval_shape as eval_shape
from fnad.transforms.vjp import stop_gradient as stop_gradient
from fnad.transforms.vectorizing import vectorize as vectorize
from fnad.transforms.vjp import vjp as vjp
from fnad.transforms.vmap import vmap as vmap
from fnad.version import __version__ as __version__

__dir__ = _public(
    __name__, "config", "control", "data", "debug", "nn", "numpy", "optim", "random", "scipy", "testing", "tree",
).copy
# A star import leaves Python's own `map` as it is.
__all__ = [name for name in __dir__() if name != "map"]
