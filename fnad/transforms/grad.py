"""The gradient of a scalar function, and its value beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad import tree
from fnad.arguments import (
    chosen_positions, combine, require_argnums, require_differentiable, require_scalar, split_aux,
)
from fnad.checks import require_flag, require_function
from fnad.errors import boundary
from fnad.ir.program import Literal
from fnad.ir.types import ArrayType, is_inexact
from fnad.tracing.staging import call_program, stage
from fnad.tracing.tracer import Tracer, value_type
from fnad.transforms.derived import Derived
from fnad.transforms.holomorphic import holomorphic_call
from fnad.transforms.vjp import vjp_program


@boundary
def grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False, holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable[..., Any]:
    """The gradient of a scalar function with respect to some of its arguments.

    Args:
        function: a pure function that returns a real scalar, or ``(scalar, aux)`` with ``has_aux``.
        argnums: which positional arguments to differentiate; each is a pytree of float or complex
            arrays or numbers. Negative ones count from the end.
        has_aux: whether ``function`` returns ``(scalar, aux)``; ``aux`` is any pytree and is passed through.
        holomorphic: whether ``function`` maps complex leaves to a complex scalar and has a derivative in the
            complex sense; that is then the result.
        allow_int: whether leaves may be integers or truth values; their gradients are zeros of the same dtype.

    Returns:
        A function of the same arguments that returns a pytree like the argument (a tuple of them where
        ``argnums`` is a sequence), or ``(gradients, aux)``. Gradients have the shape and dtype of their
        leaves. That of a complex leaf z is dL/dRe(z) + i dL/dIm(z), along which L rises most, so that
        ``z - rate * gradient`` descends (JAX's is its conjugate). With ``holomorphic`` it is df/dz.

    Raises:
        TypeError: the result is not a real scalar, a leaf to differentiate is an integer or no array, or
            ``aux`` is missing; the message names the leaf by its path.
        ValueError: ``argnums`` names an argument that was not given, or one twice.

    >>> import numpy as np
    >>> grad(lambda params: np.sum(params["w"] ** 2))({"w": np.array([1.0, 2.0])})
    {'w': array([2., 4.])}
    >>> grad(lambda z: abs(z) ** 2)(3.0 + 4.0j)
    array(6.+8.j)
    >>> grad(lambda z: z**2, holomorphic=True)(3.0 + 4.0j)
    array(6.+8.j)
    """
    value_and_gradient = value_and_grad(function, argnums, has_aux, holomorphic, allow_int)

    def call(*args: Any, **kwargs: Any) -> Any:
        value, gradients = value_and_gradient(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return Derived(call, function, grad, function, argnums, has_aux, holomorphic, allow_int)


@boundary
def value_and_grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False, holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable[..., Any]:
    """The value of a scalar function and its gradient, for the cost of the gradient alone.

    Args:
        function: as for `grad`.
        argnums: as for `grad`.
        has_aux: as for `grad`.
        holomorphic: as for `grad`.
        allow_int: as for `grad`.

    Returns:
        A function of the same arguments that returns ``(value, gradients)``, or ``((value, aux), gradients)``.

    Raises:
        TypeError: as `grad`.
        ValueError: as `grad`.

    >>> value_and_grad(lambda x: x**3)(2.0)
    (array(8.), array(12.))
    """
    require_function("grad", function)
    require_argnums("grad", argnums)
    require_flag("grad", "has_aux", has_aux)
    require_flag("grad", "holomorphic", holomorphic)
    require_flag("grad", "allow_int", allow_int)
    if holomorphic:
        of_real_part = holomorphic_call(value_and_grad, function, argnums, has_aux)
        return Derived(of_real_part, function, value_and_grad, function, argnums, has_aux, True, allow_int)

    def call(*args: Any, **kwargs: Any) -> Any:
        chosen = chosen_positions("grad", argnums, args)
        leaves, treedef = tree.flatten([args[i] for i in chosen])
        require_differentiable("grad", leaves, treedef, function, chosen, allow_int)
        smooth = [i for i, leaf in enumerate(leaves) if is_inexact(value_type(leaf).dtype)]

        def flat_function(*tracers: Tracer) -> Any:
            parts = tree.unflatten(treedef, combine(leaves, smooth, tracers))
            result = function(*combine(args, chosen, parts), **kwargs)
            loss, aux = split_aux("grad", result) if has_aux else (result, None)
            require_scalar("grad", loss)
            return loss, aux

        value, gradients = _evaluate(flat_function, [leaves[i] for i in smooth])
        zeros = [None] * len(leaves) if len(smooth) == len(leaves) else [np.zeros_like(leaf) for leaf in leaves]
        gradients = tree.unflatten(treedef, combine(zeros, smooth, gradients))
        return (value if has_aux else value[0]), (tuple(gradients) if isinstance(argnums, Sequence) else gradients[0])

    return Derived(call, function, value_and_grad, function, argnums, has_aux, False, allow_int)


def _evaluate(flat_function: Callable[..., Any], leaves: Sequence[Any]) -> tuple[Any, list[Any]]:
    """The result of a function and the gradients of the first number in it."""
    staged = stage(flat_function, [value_type(leaf) for leaf in leaves], leaves, differentiated=True)
    dtype = staged.program.outputs[0].type.dtype
    seed = Literal(dtype.type(1), ArrayType((), dtype))
    values = [*leaves, *staged.captured]
    joint = vjp_program(staged.program, range(len(leaves)), 1, seed, values)
    results = call_program(joint.program, [*values, *joint.constants])
    count = len(staged.program.outputs)
    return staged.restore(results[:count]), results[count:]
