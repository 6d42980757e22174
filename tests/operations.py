"""The library's own operations: those that are there before a test declares one."""

from __future__ import annotations

import importlib
import pkgutil

import fnad.ops
from fnad.ir.primitive import REGISTRY

for _module in pkgutil.iter_modules(fnad.ops.__path__, "fnad.ops."):
    importlib.import_module(_module.name)  # some are imported with what uses them only

OPERATIONS = dict(REGISTRY)
