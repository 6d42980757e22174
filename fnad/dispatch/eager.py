"""The operators and NumPy's functions on device arrays: each is compiled for its arguments and runs where they are.

A function that cannot be compiled, as ``np.linalg.inv`` or ``np.save``, is NumPy's own, of values that are brought to
the host. This is the one place that gives them to `DeviceArray`. In a loop, compile the whole of it: every operation
here is a launch of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from fnad import tree
from fnad.arrays import is_array, is_array_like
from fnad.dispatch.jitted import Jitted
from fnad.errors import InPlaceError, boundary
from fnad.memo import Memo
from fnad.numpy.dispatch import RULES
from fnad.numpy.protocols import has_rule
from fnad.ops.strides import contiguous_strides
from fnad.runtime.cuda.arrays import DeviceArray
from fnad.sameness import exact, typed_if_hashable
from fnad.tracing.tracer import Tracer

_compiled = Memo()


class _Operation(Jitted):
    """An operation for arrays of any shapes: that there are many is no reason to warn."""

    def _reason(self, signature: Any) -> str:
        return "new signature"


def run(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], numbers: bool = False) -> Any:
    """Call a function, compiled; arrays, and perhaps ``numbers``, are its inputs, anything else is part of it."""
    leaves, treedef = tree.flatten((tuple(args), kwargs))
    is_input = is_array_like if numbers else is_array
    inputs = [i for i, leaf in enumerate(leaves) if is_input(leaf)]
    fixed = {i: leaf for i, leaf in enumerate(leaves) if i not in inputs}

    def flat(*arrays: Any) -> Any:
        whole = {**fixed, **dict(zip(inputs, arrays))}
        args, kwargs = tree.unflatten(treedef, [whole[i] for i in range(len(leaves))])
        return function(*args, **kwargs)

    key = function, treedef, exact(treedef), tuple(inputs), typed_if_hashable(tuple(fixed.values()))
    return _compiled.get(key, lambda: _Operation(flat))(*[leaves[i] for i in inputs])


@boundary
def _array_ufunc(self: DeviceArray, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    if any([type(x) is Tracer for x in inputs]):
        return NotImplemented  # which knows what to do
    function = ufunc if method == "__call__" else getattr(ufunc, method)
    # Where an array is written to, it is one of the host; None and texts are not equal to any number.
    if kwargs.get("out") is not None or not has_rule(ufunc, method) or any([_is_no_number(x) for x in inputs]):
        return _run_on_host(function, inputs, kwargs)
    return run(function, inputs, kwargs, numbers=method == "__call__")


def _is_no_number(x: Any) -> bool:
    return x is None or isinstance(x, (str, bytes))


def _run_on_host(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """NumPy's result for the values."""
    on_host = lambda x: np.asarray(x) if type(x) is DeviceArray else x  # noqa: E731
    args, kwargs = tree.map(on_host, (tuple(args), dict(kwargs)))
    return function(*args, **kwargs)


@boundary
def _array_function(self: DeviceArray, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    if Tracer in types:
        return NotImplemented
    return run(function, args, kwargs) if function in RULES else _run_on_host(function, args, kwargs)


@boundary
def _contains(self: DeviceArray, value: Any) -> bool:
    return bool(np.any(self == value))


def _method(name: str) -> Callable[..., Any]:
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(x, name)(*args, **kwargs)

    @boundary
    def method(self: DeviceArray, *args: Any, **kwargs: Any) -> Any:
        return run(call, (self, *args), kwargs)

    method.__name__, method.__doc__ = name, getattr(np.ndarray, name).__doc__
    return method


def _property(name: str) -> property:
    def read(x: Any) -> Any:
        return getattr(x, name)

    return property(lambda self: run(read, (self,), {}), doc=f"As ``numpy.ndarray.{name}``.")  # whose examples differ


@boundary
def _getitem(self: DeviceArray, index: Any) -> Any:
    """Part of an array: a copy on the device, of neighbours by itself, of others by a compiled function."""
    found = _window(self, index)
    if found is not None:
        return self.part(*found)
    if type(index) is DeviceArray or type(index) is tuple and any([is_array(i) for i in index]):
        return run(operator.getitem, (self, index), {})
    return run(_Item(index), (self,), {})


@boundary
def _setitem(self: DeviceArray, index: Any, value: Any) -> None:
    raise InPlaceError(
        f"x[i] = v: requires an array that can be written to, got one on {self.device}, which never changes. "
        "Write to it in a function that jit compiles, or to np.array(x) on the host."
    )


def _window(x: DeviceArray, index: Any) -> tuple[int, tuple[int, ...]] | None:
    """The offset of a basic index in bytes, and the shape; ``None`` where elements are no neighbours."""
    parts = index if type(index) is tuple else (index,)
    if not all([isinstance(p, (int, np.integer, slice, type(None), type(...))) and type(p) is not bool for p in parts]):
        return None
    # Of an array that is as large but has no memory: nothing is read of it.
    dummy = np.lib.stride_tricks.as_strided(np.zeros(1, x.dtype), x.shape, contiguous_strides(x.shape, x.itemsize))
    shown = dummy[parts if ... in parts else (*parts, ...)]  # a view also where it has no axes
    return (shown.ctypes.data - dummy.ctypes.data, shown.shape) if shown.flags.c_contiguous else None


class _Item:
    """The indexing of an array as a function, equal for equal indices."""

    def __init__(self, index: Any) -> None:
        self.index = index

    def __call__(self, x: Any) -> Any:
        return x[self.index]

    def __eq__(self, other: Any) -> bool:
        return type(other) is _Item and repr(self.index) == repr(other.index)

    def __hash__(self) -> int:
        return hash(repr(self.index))


METHODS = (
    "sum", "prod", "mean", "var", "std", "max", "min", "argmax", "argmin", "any", "all", "cumsum", "cumprod",
    "swapaxes", "ravel", "repeat", "take", "dot", "clip", "round", "trace", "diagonal", "argsort", "nonzero", "reshape",
    "transpose", "astype", "squeeze", "flatten", "conj", "conjugate", "argpartition", "choose", "compress",
    "searchsorted",
)
PROPERTIES = ("T", "mT", "real", "imag")


def _install() -> None:
    operators = {name: value for name, value in vars(NDArrayOperatorsMixin).items() if name.startswith("__")}
    for name in ("__module__", "__doc__", "__hash__", "__slots__", "__dict__", "__weakref__", "__firstlineno__"):
        operators.pop(name, None)
    in_place = [name for name in operators if name.startswith("__i") and name not in ("__invert__",)]
    for name in in_place:  # `x += y` then makes a new array, as everything does: a device array never changes
        del operators[name]
    special = {
        "__array_ufunc__": _array_ufunc, "__array_function__": _array_function, "__getitem__": _getitem,
        "__setitem__": _setitem, "__contains__": _contains,
    }
    for name, value in {**operators, **special}.items():
        setattr(DeviceArray, name, value)
    for name in METHODS:
        setattr(DeviceArray, name, _method(name))
    for name in PROPERTIES:
        setattr(DeviceArray, name, _property(name))


_install()
