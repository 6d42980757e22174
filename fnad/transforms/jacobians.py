"""Whole Jacobians and Hessians: the linear map of tangents, or its transpose, along every basis direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from fnad import tree
from fnad.arguments import (
    chosen_positions, combine, require_argnums, require_differentiable, split_aux,
)
from fnad.checks import require_flag, require_function
from fnad.errors import boundary
from fnad.ir.program import Program, Var
from fnad.ir.types import ArrayType, is_inexact
from fnad.ops.arrays import array_p, constant
from fnad.ops.shaping import concatenate, reshape, transpose
from fnad.tracing.staging import Staged, call_program, stage
from fnad.tracing.state import innermost
from fnad.tracing.tracer import is_value, value_type
from fnad.transforms.derived import Derived
from fnad.transforms.holomorphic import conjugated, require_complex
from fnad.transforms.joint import split_joint
from fnad.transforms.jvp import bind_zeros, linear_program
from fnad.transforms.point import outputs_of_first
from fnad.transforms.vjp import vjp_program
from fnad.transforms.vmap import vmap_program

Blocks = list[list[Any]]
"""For each leaf of the result, one derivative for each leaf of the arguments."""


@boundary
def jacfwd(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False, holomorphic: bool = False
) -> Callable[..., Any]:
    """The Jacobian of a function by forward mode, all columns as a batch: for few inputs and many outputs.

    Args:
        function: a pure function that returns a pytree of float or complex arrays, or ``(out, aux)``.
        argnums: which positional arguments to differentiate; each is a pytree of real float arrays or numbers.
        has_aux: whether ``function`` returns ``(out, aux)``.
        holomorphic: whether arguments and results are complex, and the derivatives those in the complex sense.

    Returns:
        A function of the same arguments. It returns a pytree like ``out``, in which each leaf is a pytree
        like the argument (a tuple of them where ``argnums`` is a sequence) whose leaves have the shape of the
        result's leaf followed by that of the argument's; or ``(jacobian, aux)``.

    Raises:
        TypeError: a leaf of an argument or of the result has no derivative, or ``aux`` is missing; the message
            names the leaf by its path.
        ValueError: ``argnums`` names an argument that was not given, or one twice.

    >>> import numpy as np
    >>> jacfwd(lambda x: x ** 2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    return _jacobian(jacfwd, function, argnums, has_aux, holomorphic, lambda inputs, outputs: True)


@boundary
def jacrev(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False, holomorphic: bool = False
) -> Callable[..., Any]:
    """The Jacobian of a function by reverse mode, all rows as a batch: for many inputs and few outputs.

    Args:
        function: as for `jacfwd`, with real results.
        argnums: as for `jacfwd`.
        has_aux: as for `jacfwd`.
        holomorphic: as for `jacfwd`.

    Returns:
        A function of the same arguments that returns a pytree of Jacobians, as `jacfwd`.

    Raises:
        TypeError: as `jacfwd`; or a result is complex.
        ValueError: as `jacfwd`.

    >>> import numpy as np
    >>> jacrev(lambda x: np.sum(x ** 2))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return _jacobian(jacrev, function, argnums, has_aux, holomorphic, lambda inputs, outputs: False)


@boundary
def jacobian(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False, holomorphic: bool = False
) -> Callable[..., Any]:
    """The Jacobian of a function by `jacfwd` or `jacrev`, whichever takes fewer passes.

    Args:
        function: as for `jacfwd`.
        argnums: as for `jacfwd`.
        has_aux: as for `jacfwd`.
        holomorphic: as for `jacfwd`.

    Returns:
        A function of the same arguments that returns a pytree of Jacobians, as `jacfwd`.

    Raises:
        TypeError: as `jacfwd`.
        ValueError: as `jacfwd`.

    >>> import numpy as np
    >>> jacobian(lambda p: {"y": p["a"] * p["b"]})({"a": np.array([1.0, 2.0]), "b": 3.0})
    {'y': {'a': array([[3., 0.],
           [0., 3.]]), 'b': array([1., 2.])}}
    """
    return _jacobian(jacobian, function, argnums, has_aux, holomorphic, _takes_fewer_passes_forward)


@boundary
def hessian(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False, holomorphic: bool = False
) -> Callable[..., Any]:
    """The second derivatives of a function, forward over reverse.

    Args:
        function: a pure function of real float arrays, mostly one that returns a scalar.
        argnums: which positional arguments to differentiate.
        has_aux: whether ``function`` returns ``(out, aux)``.
        holomorphic: as for `jacfwd`.

    Returns:
        A function of the same arguments that returns `jacfwd` of `jacrev`: for a scalar of one array
        of shape ``s`` an array of shape ``(*s, *s)``; or ``(hessian, aux)``.

    Raises:
        TypeError: as `jacfwd`.
        ValueError: as `jacfwd`.

    >>> import numpy as np
    >>> hessian(lambda x: x[0] * x[1] ** 2)(np.array([1.0, 2.0]))
    array([[0., 4.],
           [4., 2.]])
    """
    return jacfwd(jacrev(function, argnums, has_aux, holomorphic), argnums, has_aux, holomorphic)


def _takes_fewer_passes_forward(inputs: Sequence[ArrayType], outputs: Sequence[ArrayType]) -> bool:
    is_complex = any([t.dtype.kind == "c" for t in outputs])
    return is_complex or sum([t.size for t in inputs]) <= sum([t.size for t in outputs])


def _jacobian(
    make: Callable[..., Any], function: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool,
    holomorphic: bool, is_forward: Callable[[Sequence[ArrayType], Sequence[ArrayType]], bool],
) -> Callable[..., Any]:
    name = make.__name__
    require_function(name, function)
    require_argnums(name, argnums)
    require_flag(name, "has_aux", has_aux)
    require_flag(name, "holomorphic", holomorphic)

    def call(*args: Any, **kwargs: Any) -> Any:
        chosen = chosen_positions(name, argnums, args)
        leaves, treedef = tree.flatten([args[i] for i in chosen])
        require_differentiable(name, leaves, treedef, function, chosen)
        require = require_complex if holomorphic else partial(_require_real, what="argument")
        require(name, [value_type(x) for x in leaves], tree.paths(treedef, "args"))

        def flat_function(*tracers: Any) -> Any:
            parts = tree.unflatten(treedef, tracers)
            result = function(*combine(args, chosen, parts), **kwargs)
            out, aux = split_aux(name, result) if has_aux else (result, None)
            _require_outputs(name, out)
            return out, aux

        staged = stage(flat_function, [value_type(x) for x in leaves], leaves, differentiated=True)
        results, blocks = _blocks(name, staged, leaves, holomorphic, is_forward)
        out, aux = staged.restore(results)
        rows = [_of_arguments(treedef, row, argnums) for row in blocks]
        jacobian = tree.unflatten(tree.structure(out), rows)
        return (jacobian, aux) if has_aux else jacobian

    return Derived(call, function, make, function, argnums, has_aux, holomorphic)


def _of_arguments(treedef: tree.TreeDef, row: Sequence[Any], argnums: int | Sequence[int]) -> Any:
    arguments = tree.unflatten(treedef, row)
    return tuple(arguments) if isinstance(argnums, Sequence) else arguments[0]


def _blocks(
    name: str, staged: Staged, leaves: Sequence[Any], holomorphic: bool, is_forward: Callable[..., bool]
) -> tuple[Any, Blocks]:
    """The results of the function, and its derivatives."""
    count = outputs_of_first(staged)
    inputs = [value_type(x) for x in leaves]
    outputs = staged.program.output_types[:count]
    paths = [f"output {i}" for i in range(count)]
    if holomorphic:
        require_complex(name, outputs, paths)
    if is_forward(inputs, outputs):
        return _columns(staged, leaves, inputs, outputs)
    if not holomorphic:
        _require_real(name, outputs, paths, "result")
    results, blocks = _rows(staged, leaves, inputs, outputs)
    return results, [[conjugated(block) for block in row] for row in blocks]


def _columns(staged: Staged, leaves: Sequence[Any], inputs: Sequence[ArrayType], outputs: Sequence[ArrayType]) -> Any:
    values = [*leaves, *staged.captured]
    parts = linear_program(staged.program, range(len(leaves)), len(outputs), values)
    results = call_program(parts.forward, [*values, *parts.constants])
    residuals = results[parts.count :]
    columns = [
        along_basis(_alone(parts.linear, parts.tangents, j), residuals, t, parts.linear_constants)
        for j, t in enumerate(inputs)
    ]
    blocks = [[_as_column(column[i], t, s) for column, s in zip(columns, inputs)] for i, t in enumerate(outputs)]
    return results[: parts.count], blocks


def _as_column(stacked: Any, output: ArrayType, argument: ArrayType) -> Any:
    moved = transpose(stacked, perm=(*range(1, output.ndim + 1), 0))
    return _own(reshape(moved, shape=(*output.shape, *argument.shape)))


def _rows(staged: Staged, leaves: Sequence[Any], inputs: Sequence[ArrayType], outputs: Sequence[ArrayType]) -> Any:
    values = [*leaves, *staged.captured]
    joint = vjp_program(staged.program, range(len(leaves)), len(outputs), values=values)
    count = len(staged.program.outputs)
    parts = split_joint(joint, count)
    results = call_program(parts.forward, [*values, *joint.constants])
    rows = [
        along_basis(_alone(parts.backward, joint.cotangents, i), results[count:], t) for i, t in enumerate(outputs)
    ]
    blocks = [
        [_own(reshape(bar, shape=(*t.shape, *s.shape))) for bar, s in zip(row, inputs)]
        for row, t in zip(rows, outputs)
    ]
    return results[:count], blocks


def _alone(program: Program, directions: Sequence[Var], chosen: int) -> Program:
    """A linear Program of one of its directions; the others are zero."""
    return bind_zeros(program, [v for i, v in enumerate(directions) if i != chosen])


def along_basis(
    program: Program, residuals: Sequence[Any], direction: ArrayType, constants: Sequence[Any] = ()
) -> list[Any]:
    """A linear Program of residuals, a direction and constants on every basis direction, as batches of them.

    Each of its outputs is stacked along a new first axis.
    """
    if direction.size == 1:
        image = call_program(program, [*residuals, np.ones(direction.shape, direction.dtype), *constants])
        return [reshape(y, shape=(1, *y.shape)) for y in image]
    basis = np.eye(direction.size, dtype=direction.dtype).reshape(direction.size, *direction.shape)
    largest = max([v.type.size for eqn in program.equations for v in eqn.outputs], default=1)
    count = max(1, MOST_ELEMENTS // max(1, largest))
    builder = innermost(residuals)
    parts = [basis[start : start + count] for start in range(0, direction.size, count)] or [basis]
    if builder is not None:  # held by the Program, so that a compiler sees that it is the identity
        parts = [builder.apply(array_p, (), {"constant": constant(part)}) for part in parts]
    images = [_images(program, residuals, part, constants) for part in parts]
    return images[0] if len(images) == 1 else [concatenate(*stacked, axis=0) for stacked in zip(*images)]


MOST_ELEMENTS = 2**24
"""In the largest array of a batch of directions."""


def _images(program: Program, residuals: Sequence[Any], directions: Any, constants: Sequence[Any]) -> list[Any]:
    mapped = [False] * len(residuals) + [True] + [False] * len(constants)
    batched = vmap_program(program, mapped, directions.shape[0], whole=True)
    return call_program(batched.program, [*residuals, directions, *constants, *batched.constants])


def _own(value: Any) -> Any:
    return np.array(value, order="C") if type(value) is np.ndarray else value


def _require_outputs(name: str, out: Any) -> None:
    leaves, treedef = tree.flatten(out)
    for leaf, path in zip(leaves, tree.paths(treedef, "result")):
        if not is_value(leaf) or not is_inexact(value_type(leaf).dtype):
            raise TypeError(
                f"{name}: requires a function that returns float or complex arrays, got "
                f"{value_type(leaf) if is_value(leaf) else type(leaf).__name__} at {path}. "
                "Return it as aux with has_aux=True."
            )


def _require_real(name: str, types: Sequence[ArrayType], paths: Sequence[str], what: str) -> None:
    for t, path in zip(types, paths):
        if t.dtype.kind == "c":
            raise TypeError(
                f"{name}: requires a real {what}, got {t} at {path}. "
                "Differentiate real and imaginary parts, use fnad.vjp and fnad.jvp, or holomorphic=True."
            )
