"""Elementwise operations that are ufuncs of SciPy's: its loops run, compiled or not; the derivatives are ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.ir.primitive import Kind, Primitive
from fnad.ir.types import ArrayType
from fnad.lazy import LazyModule
from fnad.ops.elementwise import add, conj, guarded_mul
from fnad.ops.operands import rule

special = LazyModule("scipy.special")

Slope = Callable[..., Any]
"""``(y, *inputs) -> derivative`` of the result y in one input; of several results a tuple of them."""

UFUNCS: dict[Primitive, Callable[[], np.ufunc]] = {}
"""What gives the ufunc of each such operation when it is first needed, for importing it takes long."""

COMPOSED: list[str] = []
"""The names of operations that are made of such ones."""

SMOOTH: dict[Primitive, tuple[int, ...]] = {}
"""The inputs in which there are derivatives."""


def foreign(name: str, slopes: Sequence[Slope | None] = (), ufunc: str | None = None) -> Primitive:
    """An elementwise operation that is a ufunc of SciPy's, on operands of one shape in the dtypes of one of its loops.

    Args:
        slopes: the derivative in each input; ``None`` where the result is piecewise constant.
        ufunc: SciPy's name for the ufunc, if that is another one.
    """

    def find() -> np.ufunc:
        return getattr(special._ufuncs, ufunc or name, None)

    def type_rule(*types: ArrayType) -> Any:
        loop = _loop(name, find(), types)
        weak = all([t.weak for t in types])
        results = tuple([ArrayType(types[0].shape, dtype, weak) for dtype in loop[len(types) :]])
        return results if len(results) > 1 else results[0]

    operands = ", ".join([f"{{{i}}}" for i in range(max(len(slopes), 1))])
    primitive = Primitive(
        name, type_rule, lambda *operands: find()(*operands), expression=f"{name}({operands})", **_derivatives(slopes)
    )
    UFUNCS[primitive] = find
    SMOOTH[primitive] = tuple([i for i in primitive.differentiable or () if type(slopes[i]) is not no_slope])
    return primitive


def composed(name: str, function: Callable[..., Any], slopes: Sequence[Slope | None]) -> Primitive:
    """An elementwise operation made of others, with derivatives of its own where those of its parts would overflow."""
    COMPOSED.append(name)
    return Primitive(
        name, lambda *types: ArrayType(types[0].shape, types[0].dtype), function, expand=rule(function),
        kind=Kind.ELEMENTWISE, **_derivatives(slopes),
    )


def _derivatives(slopes: Sequence[Slope | None]) -> dict[str, Any]:
    """The traits that say how an operation is differentiated."""

    @rule
    def vjp(i: int, g: Any, y: Any, *inputs: Any) -> Any:
        made = slopes[i](y, *inputs)  # type: ignore[misc]
        if type(made) is not tuple:
            return guarded_mul(g, conj(made))
        total, *rest = [guarded_mul(part, conj(slope)) for part, slope in zip(g, made)]
        for part in rest:
            total = add(total, part)
        return total

    differentiable = tuple([i for i, slope in enumerate(slopes) if slope is not None])
    return {"vjp": vjp if differentiable else None, "differentiable": differentiable}


class no_slope:  # noqa: N801 - reads as a rule in the rows
    """The slope in an argument for which there is a derivative, but no formula."""

    def __init__(self, name: str, argument: str) -> None:
        self.name, self.argument = name, argument

    def __call__(self, *values: Any) -> Any:
        raise TypeError(
            f"{self.name}: requires an argument {self.argument} in which nothing is differentiated, got one that a "
            "derivative is wanted for, and there is no formula of it. Give it as a number, or through "
            "fnad.stop_gradient."
        )


def polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    """The sum of c[k] x**k."""
    total: Any = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = x * total + c
    return total


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
