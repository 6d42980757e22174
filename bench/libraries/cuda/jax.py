"""JAX, compiled where the workload says so, on the GPU, where its workloads put their arrays."""

from __future__ import annotations

import os
from collections.abc import Callable

# JAX takes three quarters of the memory when it starts, and other libraries are at work on the same GPU.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax

from bench.case import Case
from bench.libraries.jax import MODULES as MODULES
from bench.libraries.jax import VERSION as VERSION
from bench.libraries.jax import finish as finish
from bench.libraries.jax import threads as threads

if jax.default_backend() != "gpu":
    raise ImportError(f"this JAX runs on {jax.default_backend()} only; try: pip install 'jax[cuda13]'")
jax.config.update("jax_default_matmul_precision", "highest")


def placed(build: Callable[[], Case]) -> Case:
    """The GPU is the default device."""
    return build()
