"""The kinds of values found outside of a function: inputs, what is looked into and how, what belongs to whom."""

from __future__ import annotations

import ctypes
import enum
import logging
import os
import queue
import random
import sys
import threading
import weakref
from argparse import Namespace
from array import array
from collections import ChainMap, UserDict, UserList, UserString, defaultdict, deque, namedtuple
from contextvars import ContextVar
from functools import cached_property, partial, partialmethod, singledispatchmethod
from operator import attrgetter, methodcaller
from types import (
    BuiltinFunctionType, CodeType, FunctionType, GetSetDescriptorType, MappingProxyType, MemberDescriptorType,
    MethodType, MethodWrapperType, ModuleType, SimpleNamespace,
)
from typing import Any

import numpy as np

from fnad.arrays import has_plain_meaning, is_array, is_numeric
from fnad.errors import is_library_file
from fnad.tracing.tracer import Tracer

MOST_ITEMS = 64
"""Items of a container that are looked at one by one; numbers and texts in longer ones are compared all at once."""


def is_number(value: Any) -> bool:
    """Whether a value is a number of Python's that may become an input."""
    return type(value) in (int, float, complex)


def is_foreign(value: Any) -> bool:
    """Whether a value is an array of another library, which NumPy can read."""
    return is_meant_as_array(value) and taken(value) is not None


def is_meant_as_array(value: Any) -> bool:
    """Whether a value is, or says that it may be read as, an array of another library."""
    kind = type(value)
    if is_array(value) or kind is Tracer or isinstance(value, type):
        return False
    return any([hasattr(kind, name) for name in ("__array__", "__dlpack__", "__array_interface__")])


def taken(value: Any) -> np.ndarray | None:
    """An array of another library as one of NumPy's, of the same memory where that can be."""
    try:
        value = value.detach() if hasattr(value, "detach") else value  # of what is recorded about a tensor
        return np.asarray(value) if hasattr(type(value), "__array__") else np.from_dlpack(value)
    except Exception:  # it is elsewhere, or of several arrays
        return None


def is_input(value: Any) -> bool:
    """Whether a value is an array, which may be taken anew at each call."""
    return (is_array(value) and not isinstance(value, np.generic)) or type(value) is Tracer or is_foreign(value)


def is_traceable(value: Any) -> bool:
    """Whether a traced value may stand for an array while a function is staged."""
    if type(value) is Tracer or not is_input(value):
        return False
    if is_foreign(value):
        return not hasattr(type(value), "__array_ufunc__")
    return is_numeric(value.dtype) and has_plain_meaning(value)


_STANDARD = os.path.dirname(os.__file__) + os.sep
_LIBRARIES = {
    *sys.stdlib_module_names, "fnad", "numpy", "scipy", "numba", "llvmlite", "optree", "torch", "jax", "jaxlib",
    "pandas", "xarray", "h5py", "matplotlib", "sklearn", "tensorflow", "pytest", "_pytest", "hypothesis",
} - {"__main__"}
_SEQUENCES = (list, tuple, deque)


def is_library(function: FunctionType) -> bool:
    """Whether nothing in a function's globals is the user's; what it closes over may be."""
    file = function.__code__.co_filename
    return is_library_file(file) or _is_installed(file) and _is_known(str(function.__globals__.get("__name__")))


def _is_known(module: str) -> bool:
    """Whether a module is of a known library, and not only called so."""
    top = module.partition(".")[0]
    if top not in _LIBRARIES:
        return False
    file = getattr(sys.modules.get(top), "__file__", None)
    return file is None or is_library_file(file) or _is_installed(file)


def _is_installed(file: str) -> bool:
    return file.startswith(_STANDARD) or "site-packages" in file or file.startswith("<frozen")


def is_users(owner: Any) -> bool:
    """Whether a class or module is the user's."""
    return not _is_known(str(owner.__name__ if isinstance(owner, ModuleType) else getattr(owner, "__module__", "")))


def is_opaque(value: Any) -> bool:
    """Whether a value may change and cannot be looked into."""
    kind = type(value)
    if kind in _LEAVES or is_input(value) or isinstance(value, (np.generic, enum.Enum, type)):
        return False
    owner = kind.__module__.partition(".")[0]
    if owner in sys.stdlib_module_names and owner != "__main__":
        return owner not in _FIXED and not hasattr(value, "__wrapped__")
    return owner not in ("numpy", "fnad") and hasattr(kind, "__getitem__")


def is_special(name: str) -> bool:
    """Whether a name is one that Python gives a meaning."""
    return name.startswith("__") and name.endswith("__")


def kind_of(value: Any) -> str | None:
    """A value's kind of node; ``None`` for a leaf."""
    kind = type(value)
    if value is sys.modules:
        return None
    if kind in _LEAVES:
        return "flat" if kind is frozenset and any(map(is_looked_into, value)) else None
    if is_array(value) and isinstance(value, np.ndarray) and value.dtype.kind == "O":
        return "objects"
    if is_input(value) or isinstance(value, np.generic) or generator_of(value) is not None:
        return None
    if isinstance(value, enum.Enum):
        return "object" if is_users(kind) and (_has_methods(kind) or vars(value).keys() - _OF_MEMBERS) else None
    return _kind_of_code(value) or _kind_of_container(value) or _kind_of_object(value, kind)


def _kind_of_code(value: Any) -> str | None:
    """That of functions, and of what has them."""
    kind = type(value)
    if kind is FunctionType:
        return None if _is_of_dataclass(value) else "function"
    if kind is MethodType:
        return "method"
    if isinstance(value, ModuleType):
        return "module" if is_users(value) else "library"
    if isinstance(value, type):
        return "class" if is_users(value) else None
    if isinstance(value, (partial, partialmethod)):
        return "partial"
    return None


def _is_of_dataclass(function: FunctionType) -> bool:
    """Whether a function is written by ``dataclass``, and reads nothing but the fields."""
    function = getattr(function, "__wrapped__", function)
    return type(function) is FunctionType and function.__code__.co_qualname.startswith("__create_fn__.<locals>.")


def _kind_of_container(value: Any) -> str | None:
    if isinstance(value, (dict, MappingProxyType)):
        return "flat" if len(value) > MOST_ITEMS and all(map(_is_flat, [*value, *value.values()])) else "dict"
    if isinstance(value, _SEQUENCES):
        return "flat" if len(value) > MOST_ITEMS and all(map(_is_flat, value)) else "sequence"
    if isinstance(value, (set, frozenset)):
        return "flat"
    if isinstance(value, _MEMORY):
        return "memory"
    if isinstance(value, type(os.environ)):
        return "environ"
    if isinstance(value, ContextVar):
        return "context"
    if isinstance(value, weakref.ref):
        return "reference"
    if isinstance(value, logging.Logger):
        return "logger"
    return "holder" if isinstance(value, _HOLDERS) and not _is_bare(value) else None


def _kind_of_object(value: Any, kind: type) -> str | None:
    if isinstance(value, (type, BuiltinFunctionType, FunctionType, np.ufunc)):
        return None
    if is_plain(value):
        return "object"
    if not is_users(kind):
        return "wrapper" if hasattr(value, "__dict__") and (hasattr(value, "__wrapped__") or _is_ours(kind)) else None
    return "object"


def _is_bare(value: Any) -> bool:
    """Whether a function in C has nothing in it but code."""
    if isinstance(value, np.ufunc):
        return "vectorized" not in value.__name__  # as that of np.frompyfunc
    owner = getattr(value, "__self__", None)
    return isinstance(value, BuiltinFunctionType) and (owner is None or isinstance(owner, (ModuleType, type)))


def _has_methods(kind: type) -> bool:
    parts = (FunctionType, property, staticmethod, classmethod)
    return any([isinstance(v, parts) and not n.startswith("_") for n, v in vars(kind).items()])


def is_generated(kind: type) -> bool:
    """Whether a class is one of ``namedtuple``, with nothing of the user's in it."""
    if kind.__bases__ != (tuple,) or not hasattr(kind, "_fields"):
        return False
    known = {*vars(_Bare), *kind._fields}
    return all([n in known or is_special(n) and not isinstance(v, FunctionType) for n, v in vars(kind).items()])


def parts_of(attribute: Any) -> list[Any]:
    """The objects read through a class's attribute."""
    if isinstance(attribute, property):
        return [f for f in (attribute.fget,) if f is not None]
    if isinstance(attribute, (staticmethod, classmethod)):
        return [attribute.__func__]
    if isinstance(attribute, cached_property):
        return [attribute.func]
    return [] if type(attribute).__module__ in ("_collections", "_ctypes") or isinstance(
        attribute, (MemberDescriptorType, GetSetDescriptorType)) else [attribute]  # fields of C


def generator_of(value: Any) -> Any:
    """The generator of random numbers that a value is, or that a function such as ``np.random.normal`` is bound to."""
    found = value.__self__ if type(value) in (MethodType, BuiltinFunctionType) else value
    return found if isinstance(found, (np.random.Generator, np.random.RandomState, random.Random)) else None


def is_looked_into(value: Any) -> bool:
    """Whether there is more to a value than what it is."""
    return kind_of(value) is not None


def _is_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "fnad"


def _is_flat(value: Any) -> bool:
    return type(value) in _LEAVES


def is_plain(value: Any) -> bool:
    """Whether an object of Python's or NumPy's own holds what is the user's in its attributes."""
    return isinstance(value, _PLAIN) or str(type(value).__module__).startswith("numpy.polynomial")


_PLAIN = (
    SimpleNamespace, Namespace, UserDict, UserList, UserString, ChainMap, weakref.WeakKeyDictionary,
    weakref.WeakValueDictionary, weakref.WeakSet, queue.Queue, threading.local, singledispatchmethod,
    np.vectorize, logging.LoggerAdapter,
)
_MEMORY = (memoryview, bytearray, array, ctypes.c_int.__mro__[-2])
_HOLDERS = (
    BuiltinFunctionType, MethodWrapperType, attrgetter, methodcaller, np.ufunc,
    type({}.keys()), type({}.values()), type({}.items()),
)
"""Classes in C whose objects lead to others, always the same ones."""
_OF_MEMBERS = {"_value_", "_name_", "__objclass__", "_sort_order_"}
FILLED = {list, deque, set, dict, defaultdict, bytearray, array}
"""Classes of which a call that only fills them reads nothing."""
_Bare = namedtuple("_Bare", "")
_LEAVES = {
    int, float, complex, bool, str, bytes, type(None), type(...), range, slice, CodeType, np.dtype, property, frozenset,
}
_FIXED = {
    "abc", "builtins", "collections", "concurrent", "dataclasses", "datetime", "decimal", "fractions", "functools",
    "inspect", "itertools", "logging", "operator", "pathlib", "re", "threading", "_thread", "types", "typing", "uuid",
    "zoneinfo",
}
"""Python's own modules whose objects do not change, or are not read for what they are."""
