"""The operators, methods and NumPy protocols of traced values: the one place that gives them to `Tracer`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fnad.errors import InPlaceError
from fnad.numpy import contractions, reductions, shaping
from fnad.numpy.ufuncs import OPERATORS, UFUNCS
from fnad.tracing import Tracer

FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.sum: reductions.sum, np.mean: reductions.mean, np.reshape: shaping.reshape, np.transpose: shaping.transpose,
}
CALLS: dict[np.ufunc, Callable[..., Any]] = {**UFUNCS, np.matmul: contractions.matmul}


def _array_ufunc(self: Tracer, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    if method == "__call__" and not kwargs:
        rule = CALLS.get(ufunc)
        if rule is not None:
            return rule(*inputs)
    if "out" in kwargs:
        raise InPlaceError(f"np.{ufunc.__name__}: requires no out= with a traced value, got one. Use the value it returns.")
    raise TypeError(f"np.{ufunc.__name__}: requires an operation that fnad knows, got {method} of a traced value.")


def _array_function(self: Tracer, function: Any, types: Sequence[type], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    rule = FUNCTIONS.get(function)
    if rule is None:
        raise TypeError(f"np.{function.__name__}: requires an operation that fnad knows, got a traced value.")
    return rule(*args, **kwargs)


def _install() -> None:
    for name, operator in OPERATORS.items():
        setattr(Tracer, name, operator)
    Tracer.__array_ufunc__ = _array_ufunc
    Tracer.__array_function__ = _array_function
    Tracer.__matmul__ = contractions.matmul
    Tracer.__rmatmul__ = lambda self, other: contractions.matmul(other, self)
    Tracer.T = property(shaping.transpose)
    Tracer.sum, Tracer.mean, Tracer.reshape = reductions.sum, reductions.mean, lambda self, *shape: shaping.reshape(self, shape)


_install()
