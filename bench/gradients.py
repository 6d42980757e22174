"""Workloads that are one gradient: a scalar function of a dict of parameters, written once for every library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from bench.case import Case

Params = dict[str, Any]


class Library(NamedTuple):
    """What a loss is written with: a NumPy, the loop ``scan``, and what the library calls SciPy."""

    np: Any
    scan: Callable[..., Any]
    scipy: Any


def of_fnad(fnad: Any, loss: Callable[..., Any], start: Params, data: Sequence[Any]) -> Case:
    """``value_and_grad`` under ``jit``."""
    library = Library(np, fnad.scan, fnad.scipy)
    return by_hand(fnad.jit(fnad.value_and_grad(lambda p, *rest: loss(library, p, *rest))), start, data)


def of_jax(jax: Any, jnp: Any, loss: Callable[..., Any], start: Params, data: Sequence[Any]) -> Case:
    """``value_and_grad`` under ``jit``, in float64."""
    jax.config.update("jax_enable_x64", True)
    library = Library(jnp, jax.lax.scan, jax.scipy)
    gradient = jax.jit(jax.value_and_grad(lambda p, *rest: loss(library, p, *rest)))
    return by_hand(gradient, jax.device_put(start), jax.device_put(tuple(data)))


def of_numpy(loss: Callable[..., Any], start: Params, data: Sequence[Any], scipy: Any = None) -> Case:
    """A complex step for each parameter: exact to rounding, for functions that are analytic.

    See Squire and Trapp, "Using complex variables to estimate derivatives of real functions" (1998).
    """
    library = Library(np, scan, scipy)

    def gradient(params: Params, *rest: Any) -> Any:
        value = np.float64(0.0)
        grads = {name: np.zeros(np.shape(array)) for name, array in params.items()}
        for name, array in params.items():
            for place in np.ndindex(np.shape(array)):
                moved = np.array(array, complex)
                moved[place] += 1j * STEP
                result = loss(library, {**params, name: moved}, *rest)
                value, grads[name][place] = result.real, result.imag / STEP
        return value, grads

    return by_hand(gradient, start, data)


STEP = 1e-30


def by_hand(gradient: Callable[..., Any], start: Params, data: Sequence[Any]) -> Case:
    """The value and the gradient by a function of the parameters and the data."""
    return Case(lambda params, *rest: (params, gradient(params, *rest)), lambda: start, [tuple(data)])


def scan(body: Callable[..., Any], init: Any, xs: Any) -> tuple[Any, Any]:
    """The loop in Python; the results of its steps are not kept."""
    for x in xs:
        init, _ = body(init, x)
    return init, None
