"""fnad, compiled where the workload says so."""

from __future__ import annotations

from typing import Any

import fnad
import numba

MODULES = (fnad,)
VERSION = fnad.__version__


def threads() -> str:
    """fnad runs on numba's pool."""
    return str(numba.get_num_threads())


def finish(result: Any) -> None:
    """A call on the CPU has finished when it returns."""
