"""The library's own operations: those that are there before a test declares one."""

from __future__ import annotations

import fnad  # noqa: F401 - its import declares them
from fnad.ir.primitive import REGISTRY

OPERATIONS = dict(REGISTRY)
