"""fnad, compiled where the workload says so."""

from __future__ import annotations

from typing import Any

import fnad
from fnad.compiler.cache import statistics

MODULES = (fnad,)
VERSION = fnad.__version__


def threads() -> str:
    """fnad runs on one thread where it has no pool to ask about."""
    return str(getattr(fnad, "get_num_threads", lambda: 1)())


def compiled() -> int:
    """Kernels that this process has compiled so far."""
    return statistics().compiled


def finish(result: Any) -> None:
    """A call on the CPU has finished when it returns."""
