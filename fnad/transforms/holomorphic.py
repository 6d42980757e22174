"""Derivatives of functions that have one in the complex sense, as mathematicians write them.

The gradient of a real function, d/dRe + i d/dIm, is for the real part of a holomorphic f the conjugate of f'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad import tree
from fnad.arguments import chosen_positions, split_aux
from fnad.ir.types import ArrayType
from fnad.ops.elementwise import conj
from fnad.tracing.tracer import is_value, value_type


def holomorphic_call(
    value_and_grad: Callable[..., Any], function: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool
) -> Callable[..., Any]:
    """What ``value_and_grad`` of a holomorphic function calls, by that of its real part."""

    def real_part(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        value, aux = split_aux("grad", result) if has_aux else (result, None)
        if is_value(value):
            require_complex("grad", [value_type(value)], ["the result"])
        return np.real(value), (value, aux)

    of_real_part = value_and_grad(real_part, argnums, True)

    def call(*args: Any, **kwargs: Any) -> Any:
        chosen = chosen_positions("grad", argnums, args)
        leaves, treedef = tree.flatten([args[i] for i in chosen])
        values = [i for i, leaf in enumerate(leaves) if is_value(leaf)]
        paths = tree.paths(treedef, "args")
        require_complex("grad", [value_type(leaves[i]) for i in values], [paths[i] for i in values])
        (_, (value, aux)), gradients = of_real_part(*args, **kwargs)
        return ((value, aux) if has_aux else value), tree.map(conjugated, gradients)

    return call


def conjugated(x: Any) -> Any:
    """The conjugate of an array or a traced value."""
    y = conj(x)
    return np.asarray(y) if isinstance(y, np.generic) else y


def require_complex(name: str, types: Sequence[ArrayType], paths: Sequence[str]) -> None:
    """Raise for what holomorphic functions neither take nor return."""
    for t, path in zip(types, paths):
        if t.dtype.kind != "c":
            raise TypeError(
                f"{name}: requires complex numbers with holomorphic=True, got {t} at {path}. "
                "Convert them by astype(complex), or leave holomorphic out."
            )
