"""fnad: compiled gradients of pure functions over pytrees of NumPy arrays."""

from fnad import data as data
from fnad import nn as nn
from fnad import numpy as numpy
from fnad import optim as optim
from fnad import random as random
from fnad import testing as testing
from fnad import tree as tree
from fnad.errors import ConcreteValueError as ConcreteValueError
from fnad.errors import CutGradientError as CutGradientError
from fnad.errors import EscapedTracerError as EscapedTracerError
from fnad.errors import InPlaceError as InPlaceError
from fnad.tracing import make_program as make_program
from fnad.transforms.grad import grad as grad
from fnad.transforms.grad import value_and_grad as value_and_grad
from fnad.transforms.jit import explain as explain
from fnad.transforms.jit import jit as jit
from fnad.transforms.vjp import stop_gradient as stop_gradient
from fnad.transforms.vjp import vjp as vjp
from fnad.transforms.vmap import vmap as vmap
from fnad.version import __version__ as __version__

__all__ = [
    "ConcreteValueError", "CutGradientError", "data", "EscapedTracerError", "explain", "grad", "InPlaceError", "jit",
    "make_program", "nn", "numpy", "optim", "random", "stop_gradient", "testing", "tree", "value_and_grad", "vjp", "vmap",
]
