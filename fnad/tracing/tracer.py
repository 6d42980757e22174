"""The traced value: a handle to an atom of the builder that stages.

There is one kind of tracer. A transform applied inside a staged function stages its own function with a new builder,
one level further in; outer tracers that it meets become captured inputs of the inner Program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad import tree
from fnad.arrays import is_array_like
from fnad.ir.primitive import Traced
from fnad.ir.program import Atom, Var
from fnad.ir.types import ArrayType, is_inexact, type_of
from fnad.tracing.errors import cut_gradient, divert, stored, unhashable
from fnad.tracing.state import Builder, is_recording, recording
from fnad.tracing.values import concrete, inputs_of, is_differentiated, let_look_into


class Tracer(Traced):
    """A traced array: shape and dtype are known, the value is not (unless Python asks for it).

    It stands for one array object of NumPy's: a write gives it another atom, which all of its names then see.
    """

    __slots__ = ("atom", "__weakref__")

    def __init__(self, builder: Builder, atom: Atom) -> None:
        _set_builder(self, builder)
        _set_atom(self, atom)

    def __setattr__(self, name: str, value: Any) -> None:
        place = getattr(Tracer, name, None)
        if not hasattr(place, "__set__"):
            raise AttributeError(
                f"x.{name} = v: requires an attribute that can be set, as x.shape, x.flat and x.real can, got {name!r} "
                f"of a traced {self.type}. Keep the value in a variable, or in an object that holds the array."
            )
        place.__set__(self, value)

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        # Python's `isinstance` asks, and a program goes the way that it goes with arrays; code in C looks at the type
        # itself. What has no axes is an array where one was given: what NumPy computes is then a scalar.
        t = self.atom.type
        is_array = t.shape or not t.weak and isinstance(self.builder.stands_for.get(self.atom), np.ndarray)
        return np.ndarray if is_array else Tracer

    @property
    def type(self) -> ArrayType:
        return self.atom.type

    @property
    def shape(self) -> tuple[int, ...]:
        return self.atom.type.shape

    @property
    def dtype(self) -> np.dtype:
        return self.atom.type.dtype

    @property
    def ndim(self) -> int:
        return len(self.atom.type.shape)

    @property
    def size(self) -> int:
        return self.atom.type.size

    @property
    def nbytes(self) -> int:
        return self.atom.type.nbytes

    @property
    def itemsize(self) -> int:
        return self.atom.type.dtype.itemsize

    def __repr__(self) -> str:
        if type(self.atom) is Var and self.builder.alive and self.builder is recording():
            let_look_into(self.builder, inputs_of(self.builder, self.atom))
        return f"<traced {self.type}>"

    def __hash__(self) -> int:
        raise unhashable(self.type)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len: requires an array with a first axis, got shape (). Use np.size(x).")
        return self.shape[0]

    # Truth and integers are piecewise constant: asking for them cuts no gradient.
    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"bool: requires an array of one element, got shape {self.shape}. Use np.any or np.all, np.where for a "
                "choice by elements, and & for `and` between arrays."
            )
        return self.concrete("bool(...) or a Python condition", bool)

    def __int__(self) -> int:
        return self.concrete("int(...)", int)

    def __index__(self) -> int:
        if self.dtype.kind not in "iu" or self.shape:
            raise TypeError(f"index: requires an integer scalar, got {self.type}. "
                            "Convert it by .astype(int), or index with fnad.numpy.array(data)[i].")
        if is_recording() and type(self.atom) is Var:
            divert(self.type)
        return self.concrete("an index", int)

    def __float__(self) -> float:
        return self.cutting_value("float(...)", float)

    def __complex__(self) -> complex:
        return self.cutting_value("complex(...)", complex)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.cutting_value("np.array(...)"), dtype=dtype)

    def tolist(self) -> Any:
        """The value as nested lists, where no gradient is cut."""
        return self.cutting_value("tolist()", np.ndarray.tolist)

    def concrete(self, what: str, convert: Callable[[np.ndarray], Any] = np.asarray) -> Any:
        """The value as ``convert`` gives it, computed now; an error where there is none."""
        return concrete(self.builder, self.atom, what, convert)

    def cutting_value(self, what: str, convert: Callable[[np.ndarray], Any] = np.asarray) -> Any:
        """The value for a conversion that leaves the trace: an error on a path being differentiated."""
        if is_inexact(self.dtype) and is_differentiated(self.builder, self.atom):
            raise cut_gradient(self.type, what)
        if is_recording() and type(self.atom) is Var:
            # Each value would be a branch of its own: what is written into an array is data, not a condition.
            divert(self.type)
            error = stored(self.type)
            if error is not None:
                raise error
        return self.concrete(what, convert)


_set_builder, _set_atom = Traced.builder.__set__, Tracer.atom.__set__
tree.declare_leaf_type(Tracer)
tree.declare_leaf_type(np.ndarray)


def is_value(leaf: Any) -> bool:
    """Whether a pytree leaf is numeric: a traced value, an array or a number."""
    return type(leaf) is Tracer or is_array_like(leaf)


def value_type(value: Any) -> ArrayType:
    """The type of a traced value, an array or a number."""
    return value.atom.type if type(value) is Tracer else type_of(value)
