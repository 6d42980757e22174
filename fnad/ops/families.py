"""Constructors of primitives: a class of operations shares its rules, so that one operation is one row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.program import Literal
from fnad.ir.types import BOOL, ArrayType
from fnad.ops.operands import Operand, rule
from fnad.tracing.tracer import Tracer


# ``(g, y, *inputs) -> contribution``: linear in g, so it serves the cotangent and the tangent alike.
Partial = Callable[..., Any]


def elementwise(
    name: str,
    evaluate: Callable[..., Any],
    expression: str,
    partials: Sequence[Partial | None] = (),
    kinds: str = "biufc",
    result: str = "same",
    **traits: Any,
) -> Primitive:
    """An operation that works element by element.

    Args:
        evaluate: the NumPy meaning.
        expression: the same as a scalar expression of ``{0}``, ``{1}``, ...
        partials: the derivative in each input; none at all for a piecewise constant operation.
        kinds: the kinds of dtype that it takes.
        result: ``"same"`` as the last input, ``"bool"``, or ``"real"`` (of a complex input).
        traits: further ones, as `Primitive` has them.
    """

    def type_rule(*types: ArrayType) -> ArrayType:
        operands = types[1:] if len(types) == 3 else types  # the first of three is a condition
        first = operands[0]
        for t in types:
            if t.shape != first.shape:
                raise _bad_operands(name, types, kinds)
        for t in operands:
            if t.dtype != first.dtype or t.dtype.kind not in kinds:
                raise _bad_operands(name, types, kinds)
        return ArrayType(first.shape, result_dtype(first.dtype), first.weak and operands[-1].weak)

    result_dtype = _RESULT[result]

    @rule
    def vjp(i: int, g: Any, y: Any, *inputs: Any) -> Any:
        return partials[i](g, y, *inputs)  # type: ignore[misc]

    differentiable = tuple(i for i, p in enumerate(partials) if p is not None)
    return Primitive(
        name, type_rule, evaluate, vjp=vjp if differentiable else None, differentiable=differentiable,
        expression=expression, **traits,
    )


_RESULT: dict[str, Callable[[np.dtype], np.dtype]] = {
    "same": lambda dtype: dtype,
    "bool": lambda dtype: BOOL,
    "real": lambda dtype: np.empty(0, dtype).real.dtype,
}


def linear(
    name: str, type_rule: Callable[..., Any], evaluate: Callable[..., Any], transpose: Callable[..., Any],
    batch: Callable[..., Any], **traits: Any,
) -> Primitive:
    """An operation linear in its first input; ``transpose(g, x, *rest, **params)`` maps its cotangent back.

    Of ``x`` the transpose may use the shape and dtype only. ``batch`` is the batching rule, ``traits`` are further
    ones, as `Primitive` has them.
    """

    def vjp(i: int, g: Any, y: Any, *inputs: Any, **params: Any) -> Any:
        return transpose(g, *inputs, **params)

    return Primitive(name, type_rule, evaluate, vjp=vjp, batch=batch, differentiable=(0,), **traits)


def _bad_operands(name: str, types: Sequence[ArrayType], kinds: str) -> TypeError:
    got = ", ".join(str(t) for t in types)
    words = {"b": "bool", "i": "integer", "u": "unsigned", "f": "float", "c": "complex"}
    wanted = "/".join(words[k] for k in kinds)
    return TypeError(
        f"{name}: requires {wanted} operands of one shape and dtype, got {got}. "
        "Broadcast or convert them first."
    )


def literal_value(x: Any) -> Any:
    """The scalar that a value is filled with, where it is a literal; else ``None``."""
    x = x.tracer if type(x) is Operand else x
    if type(x) is Tracer and type(x.atom) is Literal:
        return x.atom.value
    return x if isinstance(x, (int, float, complex, np.generic)) else None
