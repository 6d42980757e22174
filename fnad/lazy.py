"""Modules that are imported when they are first used: what takes long to import and many never need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from fnad.shield import undisturbed


class LazyModule:
    """A module by its name; asking for one of its attributes imports it.

    >>> LazyModule("math").sqrt(4.0)
    2.0
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: Any = None

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):  # what Python and its tools ask of any object
            raise AttributeError(attribute)
        if self._module is None:
            self._module = undisturbed(import_module, self._name)
        return getattr(self._module, attribute)
