"""JAX, compiled where the workload says so, on the CPU."""

from __future__ import annotations

import os
from typing import Any

import jax
import jax.numpy

MODULES = (jax, jax.numpy)
VERSION = jax.__version__


def threads() -> str:
    """XLA makes a thread for each processor that the process may run on."""
    return str(len(os.sched_getaffinity(0)))


def finish(result: Any) -> None:
    """Wait: JAX returns before its work is done."""
    jax.block_until_ready(result)
