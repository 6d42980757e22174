"""autograd, which records a tape at each call and runs NumPy."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import autograd
import autograd.numpy

MODULES = (autograd, autograd.numpy)
VERSION = version("autograd")


def threads() -> str:
    """autograd runs NumPy, which does not tell how many threads its BLAS uses."""
    return "BLAS's own"


def finish(result: Any) -> None:
    """autograd has finished when it returns."""
