"""SciPy's functions on traced values, arrays and numbers, in its modules, each of which is loaded when first used."""

from importlib import import_module as _import_module
from typing import Any as _Any

from fnad.shield import undisturbed as _undisturbed

# One a line, in the order of the alphabet.
_MODULES = (
    "fft",
    "integrate",
    "interpolate",
    "linalg",
    "ndimage",
    "optimize",
    "signal",
    "special",
    "stats",
)

__all__ = [*_MODULES]
__dir__ = __all__.copy


def __getattr__(name: str) -> _Any:
    """A module, which is loaded when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _undisturbed(_import_module, f"{__name__}.{name}")
