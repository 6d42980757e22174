"""Staging the functions that control flow runs, and the checks of what they take and give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.arguments import require_values
from fnad.checks import require_function
from fnad.ir.primitive import Primitive
from fnad.ir.program import Program, structure, subprograms
from fnad.ir.types import ArrayType
from fnad.ops.elementwise import convert
from fnad.sameness import exact
from fnad.tracing.staging import Staged, stager, stage
from fnad.tracing.state import innermost
from fnad.tracing.tracer import Tracer, value_type
from fnad.transforms.calls import interned, listed


class Body(NamedTuple):
    """A function staged for a loop or a branch: what it closes over comes first among the Program's inputs."""

    program: Program
    constants: list[Any]
    out_tree: tree.TreeDef


def stage_body(name: str, function: Callable[..., Any], types: Sequence[ArrayType], unknown: str) -> Body:
    """Stage a function of tracers of these types; all leaves of its result must be arrays or numbers."""
    staged = stage(function, types, unknown=unknown, encloses=True)
    _require_arrays(name, staged)
    own = len(types)
    inputs = (*staged.program.inputs[own:], *staged.program.inputs[:own])
    program = interned(Program(inputs, staged.program.equations, staged.program.outputs))
    return Body(program, staged.captured, staged.out_tree)


def _require_arrays(name: str, staged: Staged) -> None:
    for i, value in staged.static_outputs.items():
        path = tree.paths(staged.out_tree, "result")[i]
        raise TypeError(
            f"{name}: requires a function that returns arrays or numbers, got {type(value).__name__} at {path}. "
            "Return what is no array in another way, or close over it."
        )


class Leaves(NamedTuple):
    """A pytree of arrays, apart."""

    values: list[Any]
    treedef: tree.TreeDef
    paths: list[str]

    @property
    def types(self) -> list[ArrayType]:
        return [value_type(v) for v in self.values]

    def restored(self, values: Sequence[Any]) -> Any:
        """Other values in the same structure."""
        return tree.unflatten(self.treedef, values)


def leaves_of(name: str, what: str, value: Any) -> Leaves:
    """The leaves of an argument; an error that names the path of one that is neither an array nor a number."""
    leaves, treedef = tree.flatten(value)
    require_values(name, leaves, treedef, what)
    return Leaves(leaves, treedef, tree.paths(treedef, what))


def as_types(values: Sequence[Any], types: Sequence[ArrayType]) -> list[Any]:
    """The values as arrays of these dtypes."""
    return [_as_type(v, t) for v, t in zip(values, types)]


def _as_type(value: Any, type: ArrayType) -> Any:
    if isinstance(value, Tracer):
        return value if value.dtype == type.dtype else convert(value, dtype=type.dtype)
    return np.asarray(value, type.dtype) if isinstance(value, np.ndarray) else type.dtype.type(value)


def stage_loop(
    name: str, stage_with: Callable[[Leaves, Sequence[ArrayType]], Body], carry: Leaves,
    carry_of: Callable[[tree.TreeDef], tree.TreeDef] = lambda result: result,
) -> tuple[Body, list[ArrayType]]:
    """Stage the body of a loop whose carry keeps its type.

    A Python number at the start takes the dtype that the body makes of it, where that can hold it. ``stage_with``
    stages the body for a carry and its types; its first outputs are the carry, whose part of the result's structure
    ``carry_of`` gives.
    """
    types = carry.types
    for _ in range(3):
        body = stage_with(carry, types)
        made = body.program.output_types[: len(types)]
        adapted = [m if t.weak and m.shape == t.shape and _holds(m, t) else t for t, m in zip(types, made)]
        if [t.strong for t in adapted] == [t.strong for t in types]:
            break
        types = adapted
    for path, before, after in zip(carry.paths, types, made):
        if before.strong != after.strong:
            raise TypeError(
                f"{name}: requires a carry that keeps its shape and dtype, got {before} at {path} that comes back as "
                f"{after}. {_advice(before, after)}"
            )
    returned = carry_of(body.out_tree)
    if exact(returned) != exact(carry.treedef):  # which the steps after the first one see
        later = stage_with(carry._replace(treedef=returned), types)
        if structure(later.program) != structure(body.program):
            raise TypeError(
                f"{name}: requires a carry whose dicts keep the order of their keys, got a body that goes by it and "
                f"returns {_shown(returned)} for {_shown(carry.treedef)}. Return them in the order of the start."
            )
    return body, [t.strong for t in types]


_KINDS = "buifc"


def _holds(type: ArrayType, number: ArrayType) -> bool:
    """Whether a type can hold a number of another: an integer can be made a float, a float no integer."""
    return number.dtype.kind == "i" and type.dtype.kind == "u" or (
        _KINDS.index(number.dtype.kind) <= _KINDS.index(type.dtype.kind)
    )


def _advice(before: ArrayType, after: ArrayType) -> str:
    if before.shape != after.shape:
        return f"Start from an array of shape {after.shape}, or return one of shape {before.shape}."
    return f"Start from an array of {after.dtype}, or use astype({str(before.dtype)!r}) on what is returned."


def require_structure(name: str, what: str, got: tree.TreeDef, like: str, expected: tree.TreeDef) -> None:
    """Raise for a result that is not nested as it has to be."""
    if expected != got:
        raise TypeError(
            f"{name}: requires {what} that is nested like {like}, got {_shown(got)} and {_shown(expected)}. "
            "Return trees of equal structure."
        )


def _shown(treedef: tree.TreeDef) -> str:
    """A structure as Python shows it, with * for each leaf."""
    return repr(tree.unflatten(treedef, [_Star()] * treedef.num_leaves))


class _Star:
    def __repr__(self) -> str:
        return "*"


def apply(primitive: Primitive, args: Sequence[Any], **params: Any) -> list[Any]:
    """Stage an operation, or run it where no argument is traced; its results as a list."""
    effectful = [p for p in subprograms(params) if p.is_effectful]
    builder = stager(effectful[0], args) if effectful else innermost(args)
    args = [np.asarray(a) for a in args] if builder is None else [builder.tracer(a) for a in args]
    return listed(primitive(*args, **params))


def require_functions(name: str, *functions: Any) -> None:
    """Raise for what cannot be called."""
    for function in functions:
        require_function(name, function)
