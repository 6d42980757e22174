"""fnad: compiled gradients of pure functions over pytrees of NumPy arrays."""

from fnad import config as config
from fnad import control as control
from fnad import data as data
from fnad import debug as debug
from fnad import nn as nn
from fnad import numpy as numpy
from fnad import optim as optim
from fnad import random as random
from fnad import testing as testing
from fnad import tree as tree
from fnad.arguments import make_program as make_program
from fnad.control import cond as cond
from fnad.control import fori_loop as fori_loop
from fnad.control import map as map
from fnad.control import scan as scan
from fnad.control import switch as switch
from fnad.control import while_loop as while_loop
from fnad.debug.finite import check_nans as check_nans
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
from fnad.runtime.cpu.threads import get_num_threads as get_num_threads
from fnad.runtime.cpu.threads import set_num_threads as set_num_threads
from fnad.runtime.cuda.arrays import DeviceArray as DeviceArray
from fnad.runtime.cuda.devices import default_device as default_device
from fnad.runtime.cuda.devices import devices as devices
from fnad.runtime.cuda.transfers import device_put as device_put
from fnad.runtime.cuda.transfers import from_dlpack as from_dlpack
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
from fnad.transforms.jvp import linear_transpose as linear_transpose
from fnad.transforms.jvp import linearize as linearize
from fnad.transforms.primitives import primitive as primitive
from fnad.transforms.remat import checkpoint as checkpoint
from fnad.transforms.vjp import stop_gradient as stop_gradient
from fnad.transforms.vjp import vjp as vjp
from fnad.transforms.vmap import vmap as vmap
from fnad.version import __version__ as __version__

# `map` is not among them: it would hide Python's own.
__all__ = [
    "check_nans", "checkpoint", "ConcreteValueError", "cond", "config", "control", "custom_jvp", "custom_vjp",
    "CutGradientError", "data", "debug", "default_device", "device_put", "DeviceArray", "DeviceError",
    "DeviceMemoryError", "devices", "EscapedTracerError", "explain", "fori_loop", "from_dlpack", "get_num_threads",
    "grad", "hessian", "hvp", "InPlaceError", "jacfwd", "jacobian", "jacrev", "jit", "jvp", "linear_transpose",
    "linearize", "make_program", "nn", "NonFiniteError", "numpy", "optim", "primitive", "random", "scan",
    "set_num_threads", "show", "stop_gradient", "switch", "testing", "tree", "value_and_grad", "vjp", "vmap",
    "while_loop",
]
