"""The gradient of sum(x * log1p(sigmoid(exp(tanh(x))))), 1,000,000 elements, float32."""

from __future__ import annotations

from functools import partial
from typing import Any

from bench import chain
from bench.case import Case

TOLERANCE = 1e-5
CHECK_STEPS = 1
X = chain.make_x(1_000_000)

fnad = partial(chain.fnad, X)
jax = partial(chain.jax, X)
torch = partial(chain.torch, X)
torch_compile = partial(chain.torch_compile, X)
autograd = partial(chain.autograd, X)
numpy = partial(chain.numpy, X)


def limit(limits: Any) -> Case:
    """x read, its gradient written."""
    return limits.moved(2 * X.nbytes)
