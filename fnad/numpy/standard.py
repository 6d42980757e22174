"""What the array API standard wants beside NumPy's functions: `fnad.numpy` is one of its namespaces.

See "Python array API standard", version 2024.12.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

__array_api_version__ = "2024.12"
__array_namespace_info__ = np.__array_namespace_info__

DEVICE = "cpu"
"""The one device of the standard's functions, as NumPy has it; where compiled code runs is for `fnad.jit` to say."""


def namespace_of(self: Any, *, api_version: str | None = None) -> ModuleType:
    """The namespace of a traced array, `fnad.numpy`."""
    if api_version not in (None, "2021.12", "2022.12", "2023.12", __array_api_version__):
        raise ValueError(f'Version "{api_version}" of the Array API Standard is not supported.')
    return sys.modules[__package__]


def to_device(self: Any, device: Any, /, *, stream: Any = None) -> Any:
    """The array, which has no other device to go to."""
    if stream is not None:
        raise ValueError("The stream argument to to_device() is not supported")
    if device != DEVICE:
        raise ValueError(f"Unsupported device: {device}.")
    return self
