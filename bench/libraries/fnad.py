"""fnad, compiled where the workload says so."""

from __future__ import annotations

from typing import Any

import fnad
from fnad.runtime.cache import statistics

MODULES = (fnad,)
VERSION = fnad.__version__


def threads() -> str:
    """The threads of its pool."""
    return str(fnad.get_num_threads())


def compiled() -> int:
    """Kernels that this process has compiled so far."""
    return statistics().compiled


def finish(result: Any) -> None:
    """A call on the CPU has finished when it returns."""
