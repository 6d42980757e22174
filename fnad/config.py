"""Choices for the whole process: the device that functions run on, and what happens where it is not there.

The names below can be assigned: ``fnad.config.strict_device = True``. What is assigned is checked, so the module is of
a class of its own.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

from fnad.errors import boundary

__all__ = ["default_device", "strict_device"]  # noqa: F822 - properties of its class
__dir__ = __all__.copy

DEVICES = ("cpu", "cuda", "auto")
_TRUTH = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


class _Config(ModuleType):
    """The module, with what can be chosen as its properties; the environment is read when one is first asked for."""

    @property
    def default_device(self) -> str:
        """The device where none is named: ``"cpu"``, ``"cuda"``, or ``"auto"``, a GPU where one works."""
        chosen = _chosen.get("default_device")
        if chosen is None:
            chosen = _chosen["default_device"] = _device("FNAD_DEVICE", os.environ.get("FNAD_DEVICE") or "cpu")
        return chosen

    @default_device.setter
    @boundary
    def default_device(self, value: str) -> None:
        _chosen["default_device"] = _device("config.default_device", value)
        note_change()

    @property
    def strict_device(self) -> bool:
        """Whether it is an error to ask for a GPU where none works; otherwise the CPU is taken, with a warning."""
        chosen = _chosen.get("strict_device")
        if chosen is None:
            given = os.environ.get("FNAD_STRICT_DEVICE", "")
            chosen = _TRUTH.get(given.strip().lower())
            if chosen is None:
                raise ValueError(f"FNAD_STRICT_DEVICE: requires 0 or 1, got {given!r}. Set one of them.")
            _chosen["strict_device"] = chosen
        return chosen

    @strict_device.setter
    @boundary
    def strict_device(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"config.strict_device: requires True or False, got {value!r:.60}. Assign one of them.")
        _chosen["strict_device"] = value
        note_change()

    @boundary
    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and name not in vars(_Config):
            raise AttributeError(f"config: requires default_device or strict_device, got {name!r}. Check the spelling.")
        super().__setattr__(name, value)


_chosen: dict[str, Any] = {}


class Choice:
    """The present choice, as an object of its own."""


present = Choice()
"""The present choice: another object after each change."""


def note_change() -> None:
    """Let compiled functions look again where they are to run."""
    global present
    present = Choice()


def _device(name: str, value: Any) -> str:
    if not isinstance(value, str) or value not in DEVICES:
        raise ValueError(f"{name}: requires one of {', '.join(map(repr, DEVICES))}, got {value!r:.60}. "
                         "Check the spelling.")
    return value


sys.modules[__name__].__class__ = _Config
