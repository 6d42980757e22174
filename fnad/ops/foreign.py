"""Elementwise operations that are ufuncs of another library: their loops run on the CPU, compiled and interpreted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType
from fnad.ops.families import Partial
from fnad.ops.operands import rule

Ufunc = Callable[[], np.ufunc]
"""Gives a ufunc when it is first needed, for importing it may take long."""

UFUNCS: dict[Primitive, Ufunc] = {}
"""The ufuncs of all such operations."""


def foreign(name: str, ufunc: Ufunc, partials: Sequence[Partial | None] = (), **traits: Any) -> Primitive:
    """An elementwise operation that is a ufunc, on operands of one shape in the dtypes of one of its loops.

    Args:
        ufunc: gives the ufunc; it may have several results.
        partials: the derivative in each input, ``(g, y, *inputs) -> contribution``, as for `families.elementwise`; of
            several results ``g`` and ``y`` are tuples.
        traits: further ones, as `Primitive` has them.
    """

    def type_rule(*types: ArrayType) -> Any:
        loop = _loop(name, ufunc(), types)
        results = tuple([ArrayType(types[0].shape, dtype) for dtype in loop[len(types) :]])
        return results if len(results) > 1 else results[0]

    def evaluate(*operands: Any) -> Any:
        return ufunc()(*operands)

    @rule
    def vjp(i: int, g: Any, y: Any, *inputs: Any) -> Any:
        return partials[i](g, y, *inputs)  # type: ignore[misc]

    differentiable = tuple([i for i, p in enumerate(partials) if p is not None])
    primitive = Primitive(
        name, type_rule, evaluate, vjp=vjp if differentiable else None, differentiable=differentiable,
        expression=f"foreign_{name}({{0}})", **traits,
    )
    UFUNCS[primitive] = ufunc
    return primitive


def _loop(name: str, ufunc: np.ufunc, types: Sequence[ArrayType]) -> tuple[np.dtype, ...]:
    """The dtypes of the loop that takes just these operands."""
    dtypes = tuple([t.dtype for t in types])
    found = ufunc.resolve_dtypes((*dtypes, *[None] * ufunc.nout))
    if found[: len(types)] != dtypes or len({t.shape for t in types}) > 1:
        raise TypeError(
            f"{name}: requires operands of one shape in the dtypes {', '.join(map(str, found[: len(types)]))}, got "
            f"{', '.join(map(str, types))}. Broadcast or convert them first."
        )
    return found
