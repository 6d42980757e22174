"""NumPy, gradients written by hand."""

from __future__ import annotations

from typing import Any

import numpy

MODULES = (numpy,)
VERSION = numpy.__version__


def threads() -> str:
    """NumPy does not tell how many threads its BLAS uses."""
    return "BLAS's own"


def finish(result: Any) -> None:
    """NumPy has finished when it returns."""
