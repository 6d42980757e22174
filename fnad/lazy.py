"""Modules that are imported when they are first used: what takes long to import and many never need."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class LazyModule:
    """A module by its name; asking for one of its attributes imports it.

    >>> LazyModule("math").sqrt(4.0)
    2.0
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):  # what Python and its tools ask of any object
            raise AttributeError(attribute)
        return getattr(import_module(self._name), attribute)
