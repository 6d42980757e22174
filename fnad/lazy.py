"""Modules that are imported when they are first used: what takes long to import and many never need."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import ModuleType
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
        self._failure: ImportError | None = None

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):  # what Python and its tools ask of any object
            raise AttributeError(attribute)
        if self._module is None:
            self._module = self._imported()
        return getattr(self._module, attribute)

    def _imported(self) -> ModuleType:
        if self._failure is None:
            try:
                return undisturbed(import_module, self._name)
            except (AttributeError, ImportError) as error:
                self._failure = _shadowed(error)
                if self._failure is None:
                    raise
        raise self._failure from None  # anew: what is half imported would fail otherwise the second time


def _shadowed(error: AttributeError | ImportError) -> ImportError | None:
    """The error of an import that found something else beside the script, where a package was meant."""
    module = error.obj if isinstance(error, AttributeError) else sys.modules.get(error.name or "")
    if not isinstance(module, ModuleType):
        return None
    place = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "")
    package = module.__name__.partition(".")[0]
    for folder in {os.path.abspath(sys.path[0] or os.curdir), os.getcwd()}:
        mistaken = os.path.join(folder, package)
        if place == mistaken or place.startswith((mistaken + os.sep, mistaken + ".py")):
            return ImportError(
                f"import: requires the package {package!r} where another package imports it, got {mistaken}, which "
                f"stands in its place ({error}). Rename it, or run Python where it does not lie beside the script."
            )
    return None
