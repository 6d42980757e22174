"""What users see of the library: `dir`, star imports and `help` of every package and module that they name."""

from __future__ import annotations

import inspect
import pydoc
from importlib import import_module
from types import ModuleType
from typing import Any

import fnad
import numpy as np
import pytest
from fnad.numpy.documents import LIKE_NUMPY
from fnad.numpy.names import MODULES
from fnad.numpy.names import NAMES as OF_NUMPY

PACKAGES = [
    "fnad",
    "fnad.config",
    "fnad.control",
    "fnad.data",
    "fnad.debug",
    "fnad.nn",
    "fnad.numpy",
    "fnad.numpy.fft",
    "fnad.numpy.linalg",
    "fnad.optim",
    "fnad.random",
    "fnad.scipy",
    "fnad.scipy.fft",
    "fnad.scipy.integrate",
    "fnad.scipy.interpolate",
    "fnad.scipy.linalg",
    "fnad.scipy.ndimage",
    "fnad.scipy.optimize",
    "fnad.scipy.signal",
    "fnad.scipy.special",
    "fnad.scipy.stats",
    "fnad.testing",
    "fnad.testing.strategies",
    "fnad.tree",
]
# Python's own name, which a star import leaves as it is.
LEFT = {"fnad": {"map"}}


def shown(thing: Any) -> str:
    return pydoc.render_doc(thing, renderer=pydoc.plaintext)


@pytest.mark.parametrize("package", PACKAGES)
def test_dir_shows_what_users_call(package: str) -> None:
    module = import_module(package)
    assert dir(module) == sorted({*module.__all__, *LEFT.get(package, ())})
    for name in dir(module):
        value = getattr(module, name)
        assert not name.startswith("_")
        assert not isinstance(value, ModuleType) or f"{package}.{name}" in PACKAGES
        is_numpys = package == "fnad.numpy" and name in {*OF_NUMPY, "r_", "c_", "mgrid", "ogrid"}
        assert callable(value) or isinstance(value, (ModuleType, tuple)) or package == "fnad.config" or is_numpys


@pytest.mark.parametrize("package", PACKAGES)
def test_a_star_import_brings_it(package: str) -> None:
    names: dict[str, Any] = {}
    exec(f"from {package} import *", names)
    del names["__builtins__"]
    module = import_module(package)
    assert names == {name: getattr(module, name) for name in {*dir(module)} - LEFT.get(package, set())}


def test_the_namespace_of_numpy_stands_for_numpy() -> None:
    """What is no function of arrays is NumPy's own, its modules too, which are loaded when they are asked for."""
    names = vars(np).keys() - set(dir(fnad.numpy))
    assert not [n for n in names if n in OF_NUMPY] and all([getattr(fnad.numpy, n) is getattr(np, n) for n in OF_NUMPY])
    assert all([getattr(fnad.numpy, name) is getattr(np, name) for name in MODULES])
    for name in ("pi", "newaxis", "float32", "ndarray", "errstate", "finfo", "integer", "bool_", "s_"):
        assert getattr(fnad.numpy, name) is getattr(np, name)
    with pytest.raises(AttributeError, match="'fnad.numpy' has no attribute 'nothing'"):
        fnad.numpy.nothing


def test_help_begins_with_the_story() -> None:
    _, _, story = shown(fnad).partition("NAME\n")
    beginning = "\n".join(story.splitlines()[:13])  # with the blank lines and headings of `help`
    assert all([word in beginning for word in ("`grad`", "`vmap`", "`jit`", ">>> ", "array([")])


def wave(x: Any, factor: float = 1.0) -> Any:
    """The sine of x.

    Args:
        factor: what it is multiplied by.
    """
    return factor * np.sin(x)


@pytest.mark.parametrize("transform", [
    fnad.jit, fnad.grad, fnad.value_and_grad, fnad.vmap, fnad.jacobian, fnad.jacfwd, fnad.checkpoint,
    fnad.check_nans, lambda f: fnad.jit(fnad.grad(f)),
])
def test_help_of_a_transformed_function_is_that_of_the_function_and_more(transform: Any) -> None:
    made = transform(wave)
    text = shown(made)
    beginning = f"\nwave{inspect.signature(wave)}\n    The sine of x.\n\n    Args:\n        factor:"
    assert beginning in text.replace("    \n", "\n")
    assert made.__doc__ == wave.__doc__ and inspect.signature(made) == inspect.signature(wave)
    assert made.__wrapped__ is wave or made.__wrapped__.__wrapped__ is wave
    more = type(made).__doc__ if type(made) is type(fnad.jit(wave)) else f"Made by `fnad.{transform.__name__}`"
    assert more.splitlines()[0] in text


def test_help_of_a_compiled_function_shows_what_it_offers() -> None:
    text, undocumented = shown(fnad.jit(wave)), shown(fnad.jit(lambda x: x))
    for word in ("cache_info()", "function", "explain", "show", "static_argnums", "donate_argnums"):
        assert word in text and word in undocumented
    assert "Jitted" in type(fnad.jit(wave)).__name__ and shown(type(fnad.jit(wave)))


def public_things() -> dict[str, Any]:
    """All that users call by name, but modules and aliases of types."""
    found = {f"{package}.{name}": getattr(import_module(package), name)
             for package in PACKAGES for name in dir(import_module(package))
             if package != "fnad.config" and not (package == "fnad.numpy" and name in OF_NUMPY)}
    is_alias = lambda value: isinstance(value, ModuleType) or not hasattr(value, "__module__")  # noqa: E731
    return {name: value for name, value in found.items()
            if not is_alias(value) and (value.__module__ or "").startswith("fnad") or inspect.isroutine(value)}


THINGS = public_things()
FUNCTIONS = {name: value for name, value in THINGS.items() if inspect.isroutine(value)}
# Errors that need a GPU, or what is wrong with one.
NEEDS_A_GPU = {"fnad.DeviceError", "fnad.DeviceMemoryError"}
# What can neither fail nor be given what is wrong.
NEVER_RAISES = {"fnad.stop_gradient"}


@pytest.mark.parametrize("name", THINGS)
def test_a_public_thing_is_described_with_an_example(name: str) -> None:
    text = inspect.getdoc(THINGS[name]) or ""
    assert ">>> " in text or name in NEEDS_A_GPU
    assert not text.startswith("What ")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_tells_its_arguments_results_and_errors(name: str) -> None:
    function = FUNCTIONS[name]
    text, signature = inspect.getdoc(function) or "", inspect.signature(function)
    if LIKE_NUMPY in text:
        return
    _, _, arguments = text.partition("\nArgs:\n")
    for parameter in signature.parameters.values():
        is_of_ufuncs = name.startswith("fnad.numpy.") and parameter.kind == parameter.KEYWORD_ONLY
        assert parameter.name in arguments or is_of_ufuncs
    assert "\nReturns:\n" in text or signature.return_annotation == "None"
    assert "\nRaises:\n" in text or not signature.parameters or name in NEVER_RAISES
