"""What makes the package a backend of SciPy's own functions: ``with scipy.fft.set_backend(fnad.scipy.fft): ...``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fnad.numpy.dispatch import RULES, any_traced

__ua_domain__ = "numpy.scipy.fft"


def __ua_function__(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result for traced values; SciPy's own functions answer for the others."""
    return RULES[function](*args, **kwargs) if function in RULES and any_traced(args, kwargs) else NotImplemented
