"""The checker after every pass: for the tests of the library and of primitives of your own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import fnad.compiler.compile  # noqa: F401 - the functions of CHECKED must be there
from fnad.ir.check import check
from fnad.ir.program import Program

# The functions that make, transform or run Programs.
CHECKED = {
    "fnad.tracing.staging": ("stage", "call_program"),
    "fnad.interpreter.evaluate": ("evaluate",),
    "fnad.transforms.vjp": ("vjp_program", "split_joint"),
    "fnad.transforms.vmap": ("vmap_program",),
    "fnad.transforms.jvp": ("bind_zeros", "transpose_program", "linear_program", "jvp_program"),
    "fnad.compiler.passes.simplify": ("simplify",),
    "fnad.compiler.compile": ("compile_program",),
}


@contextmanager
def checked_programs() -> Iterator[None]:
    """Check every Program that a function of the library takes or gives, as long as the context lasts.

    Returns:
        A context manager. In its block a Program that is not well formed raises an error.

    >>> import numpy as np
    >>> from fnad import make_program
    >>> with checked_programs():
    ...     print(make_program(lambda x: x)(1.0))
    program(a: f64[]*):
      return a
    """
    originals = [getattr(sys.modules[module], name) for module, names in CHECKED.items() for name in names]
    checked = {original: _checked(original) for original in originals}
    _replace(checked)
    try:
        yield
    finally:
        _replace({new: old for old, new in checked.items()})


def _replace(replacements: dict[Callable[..., Any], Callable[..., Any]]) -> None:
    """Put functions in the place of others, under whatever names the library's modules have imported them."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "fnad":
            for key, value in list(vars(module).items()):
                if isinstance(value, type(_replace)) and value in replacements:
                    setattr(module, key, replacements[value])


def _checked(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        _check_all(args)
        result = function(*args, **kwargs)
        _check_all(result if isinstance(result, tuple) else (result,))
        return result

    return wrapper


def _check_all(values: tuple[Any, ...]) -> None:
    for value in values:
        if isinstance(value, Program):
            check(value)
