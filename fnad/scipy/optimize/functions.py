"""Users' functions as compiled functions of vectors, with their derivatives; and as Programs where they are traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fnad.control.bodies import stage_body
from fnad.dispatch.jit import jit
from fnad.ir.program import Program
from fnad.ir.types import ArrayType
from fnad.memo import Memo
from fnad.scipy.originals import as_array
from fnad.scipy.states import Shaped, flattened
from fnad.tracing.staging import call_program
from fnad.transforms.grad import grad, value_and_grad
from fnad.transforms.jacobians import hessian, jacobian
from fnad.transforms.jvp import hvp

Function = Callable[..., Any]
_compiled = Memo()


def _number(value: Any) -> Any:
    """The value of an objective: a scalar, which may come as an array of one element."""
    value = as_array(value)
    return np.reshape(value, ()) if value.size == 1 else value


_DERIVED: dict[str, Callable[[Function], Function]] = {
    "value": lambda f: f,
    "value_and_grad": value_and_grad,
    "grad": grad,
    "jac": jacobian,
    "hess": hessian,
    "hessp": lambda f: lambda x, p: hvp(f, (x,), (p,))[0],
    "weighted_hess": lambda f: lambda x, v: hessian(lambda x: np.sum(v * f(x)))(x),
}


class Derivatives:
    """A function of a state, as compiled functions of its vector: the value and derivatives, by their names."""

    def __init__(self, function: Function, shaped: Shaped, args: tuple[Any, ...], is_scalar: bool) -> None:
        self.function, self.shaped, self.args, self.is_scalar = function, shaped, args, is_scalar

    def __getattr__(self, what: str) -> Function:
        if what not in _DERIVED:
            raise AttributeError(what)
        key = what, self.function, self.shaped.key, self.is_scalar
        compiled = _compiled.get(key, lambda: jit(self._derived(what)))
        return lambda x, *more: compiled(x, more, self.args)

    def _derived(self, what: str) -> Function:
        function, shaped, finish = self.function, self.shaped, _number if self.is_scalar else flattened

        def derived(x: Any, more: Any, args: Any) -> Any:
            return _DERIVED[what](lambda x: finish(function(shaped.restored(x), *args)))(x, *more)

        return derived


def as_tuple(args: Any) -> tuple[Any, ...]:
    """More arguments of a function, of which one may come alone."""
    return args if isinstance(args, tuple) else (args,)


class Closed:
    """A traced function of a vector, as a Program; what it closes over are ``constants``."""

    def __init__(self, name: str, function: Function, n: int) -> None:
        body = stage_body(name, function, [ArrayType((n,), np.dtype(float))], "loop")
        self.call = _Call(body.program)
        self.constants = body.constants

    def __call__(self, x: Any) -> Any:
        return self.call(x, *self.constants)


class _Call(NamedTuple):
    """A Program with one result as a function of its last input and of the others; equal for equal Programs."""

    program: Program

    def __call__(self, x: Any, *constants: Any) -> Any:
        return call_program(self.program, [*constants, x])[0]
