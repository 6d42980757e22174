"""The call of a compiled function that adds 1 to the 6 leaves of a pytree: three layers of small float32 arrays."""

from __future__ import annotations

from typing import Any

from bench import mlp
from bench.case import Case

TOLERANCE = 1e-6
CHECK_STEPS = 3
START = mlp.start((4, 4, 4, 4))


def fnad(fnad: Any) -> Case:
    """``tree.map`` under ``jit``."""
    add_one = fnad.jit(lambda params: fnad.tree.map(lambda p: p + 1, params))
    return Case(lambda params: (add_one(params), params), lambda: START, [()])


def jax(jax: Any, jnp: Any) -> Case:
    """``tree.map`` under ``jit``, the arrays on the device."""
    add_one = jax.jit(lambda params: jax.tree.map(lambda p: p + 1, params))
    return Case(lambda params: (add_one(params), params), lambda: jax.device_put(START), [()])


def torch(torch: Any) -> Case:
    """One operation for a list of all leaves: there is no call to compile."""
    start = list(map(torch.tensor, mlp.leaves(START)))
    return Case(lambda params: (torch._foreach_add(params, 1), params), lambda: start, [()])


def torch_compile(torch: Any) -> Case:
    """A list of additions, compiled."""
    start = list(map(torch.tensor, mlp.leaves(START)))
    add_one = torch.compile(lambda params: [p + 1 for p in params])
    return Case(lambda params: (add_one(params), params), lambda: start, [()])


def numpy(np: Any) -> Case:
    """An addition for each leaf."""

    def step(params: Any) -> Any:
        return [{key: array + 1 for key, array in layer.items()} for layer in params], params

    return Case(step, lambda: START, [()])
