"""The shapes and dtypes of what a function would give, found without computing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad import tree
from fnad.arguments import flat_function
from fnad.checks import require_dtype, require_function
from fnad.errors import boundary
from fnad.ir.types import ArrayType
from fnad.tracing.staging import stage
from fnad.tracing.tracer import is_value, value_type


class ShapeDtypeStruct:
    """The shape and dtype of an array that there need not be.

    Args:
        shape: a sequence of integers.
        dtype: a dtype, or what names one.

    >>> ShapeDtypeStruct((2, 3), np.float32)
    ShapeDtypeStruct(shape=(2, 3), dtype=float32)
    """

    __slots__ = ("shape", "dtype")

    def __init__(self, shape: Any, dtype: Any) -> None:
        self.shape = tuple([int(n) for n in shape])
        self.dtype = require_dtype("ShapeDtypeStruct", dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return ArrayType(self.shape, self.dtype).size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShapeDtypeStruct) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"ShapeDtypeStruct(shape={self.shape}, dtype={self.dtype})"


@boundary
def eval_shape(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The shapes and dtypes of a function's result, from those of its arguments: nothing is computed.

    Args:
        function: a function from pytrees to a pytree of arrays.
        args, kwargs: its arguments, with arrays, or `ShapeDtypeStruct` in their place.

    Returns:
        a pytree like the result, of `ShapeDtypeStruct`.

    Raises:
        TypeError: ``function`` is no function.
        ConcreteValueError: Python asks for a value that is not known.

    >>> eval_shape(np.matmul, np.ones((2, 3)), ShapeDtypeStruct((3, 5), np.float64))
    ShapeDtypeStruct(shape=(2, 5), dtype=float64)
    """
    require_function("eval_shape", function)
    leaves, treedef = tree.flatten((args, kwargs))
    traced = [i for i, leaf in enumerate(leaves) if isinstance(leaf, ShapeDtypeStruct) or is_value(leaf)]
    types = [_type(leaves[i]) for i in traced]
    staged = stage(flat_function(function, leaves, treedef, traced), types)
    return staged.restore([ShapeDtypeStruct(t.shape, t.dtype) for t in staged.program.output_types])


def _type(leaf: Any) -> ArrayType:
    return ArrayType(leaf.shape, leaf.dtype) if isinstance(leaf, ShapeDtypeStruct) else value_type(leaf)
