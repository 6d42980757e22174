"""NumPy's names for what traced values do not change: constants, dtypes and other classes, settings, files."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

_CONSTANTS = """
    e euler_gamma inf nan newaxis pi True_ False_ ScalarType little_endian sctypeDict typecodes s_ index_exp
"""
_CLASSES_LEFT = {"matrix", "poly1d", "recarray", "record", "vectorize", "busdaycalendar"}
_FUNCTIONS = """
    array2string array_repr array_str base_repr binary_repr format_float_positional format_float_scientific
    from_dlpack get_include get_printoptions getbufsize geterr geterrcall info isnat mintypecode nested_iters
    printoptions set_printoptions setbufsize seterr seterrcall show_config show_runtime typename
    fromregex fromfile frombuffer fromstring genfromtxt load loadtxt save savetxt savez savez_compressed
"""
MODULES = ("random", "testing", "exceptions", "dtypes", "polynomial", "typing", "lib", "ma", "rec", "char", "strings")
"""NumPy's modules, which are imported when they are asked for."""


def _classes() -> list[str]:
    return [name for name, value in vars(np).items() if isinstance(value, type) and name not in _CLASSES_LEFT]


NAMES: dict[str, Any] = {
    name: getattr(np, name) for name in (*_CONSTANTS.split(), *_classes(), *_FUNCTIONS.split())
    if hasattr(np, name) and not name.startswith("_")
}


def of_numpy(name: str) -> Any:
    """What a name stands for in NumPy, where it is the same here.

    Raises:
        AttributeError: it is none of these.
    """
    if name in NAMES:
        return NAMES[name]
    if name not in MODULES:
        raise AttributeError(f"module 'fnad.numpy' has no attribute {name!r}")
    found = getattr(np, name)
    assert isinstance(found, ModuleType)
    return found
