"""Batching: a function of one example as a function of many, in one pass over all of them.

The Program of one example is run once more with a batch axis in front of every value that depends on
a mapped argument, by the batching rule of each operation. There is no loop over the examples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.arguments import axes_of_leaves, batch_size, flat_function, traced_leaves
from fnad.arrays import is_numeric
from fnad.checks import require_function
from fnad.errors import boundary
from fnad.ir.program import Atom, Equation, Program, prune, structure
from fnad.ir.types import ArrayType
from fnad.memo import Memo
from fnad.ops.shaping import all_over_batch, over_batch, transpose
from fnad.sources import Source
from fnad.tracing.builder import Builder, build
from fnad.tracing.staging import Staged, call_program, stage
from fnad.tracing.tracer import Tracer, value_type
from fnad.transforms.derived import Derived

# --- On Programs


class Batched(NamedTuple):
    """A Program over many examples.

    Its inputs are those of the Program for one, mapped ones with the batch axis in front, and ``constants``;
    ``mapped`` says which of its outputs have that axis: the others are the same for all examples.
    """

    program: Program
    constants: list[Any]
    mapped: tuple[bool, ...]


def vmap_program(program: Program, mapped: Sequence[bool], size: int, whole: bool = False) -> Batched:
    """The Program of a whole batch.

    Args:
        program: the function of one example.
        mapped: which inputs have a value for each example.
        size: the number of examples.
        whole: whether every output is to have the batch axis, also one that is the same for all examples.

    What a structure came to is kept, as `vjp_program` does.
    """
    key = (structure(program), tuple(mapped), size, whole)
    return _batches.get(key, lambda: _batch(program, mapped, size, whole))


_batches = Memo()


def _batch(program: Program, mapped: Sequence[bool], size: int, whole: bool) -> Batched:
    builder = Builder()

    def body() -> tuple[Program, list[Any], list[bool]]:
        types = [batch_type(t, size) if m else t for t, m in zip(program.input_types, mapped)]
        inputs = [builder.input(t).atom for t in types]
        outputs, out_mapped = _run(builder, program, inputs, mapped)
        if whole:
            repeated = [over_batch(Tracer(builder, a), m, size) for a, m in zip(outputs, out_mapped)]
            outputs, out_mapped = [x.atom for x in repeated], [True] * len(outputs)
        return *builder.finish(outputs), out_mapped

    batched, constants, out_mapped = build(builder, body)
    return Batched(prune(batched), constants, tuple(out_mapped))


def batch_type(type: ArrayType, size: int) -> ArrayType:
    """The type of many examples of a type."""
    return ArrayType((size, *type.shape), type.dtype)


def over_examples(
    function: Callable[..., Any], values: Sequence[Any], mapped: Sequence[bool], size: int, whole: bool = False
) -> tuple[Any, Any]:
    """A function of the arrays of one example on a batch of them.

    Returns:
        its result, and a pytree like it that says which arrays have the batch axis; with ``whole`` all of them.
    """
    types = [example_type(value_type(x), 0 if m else None) for x, m in zip(values, mapped)]
    staged = stage(function, types, unknown="vmap")
    batched = vmap_program(staged.program, [*mapped, *[False] * len(staged.captured)], size, whole)
    results = call_program(batched.program, [*values, *staged.captured, *batched.constants])
    return staged.restore(results), staged.restore(batched.mapped)


def _run(
    builder: Builder, program: Program, inputs: Sequence[Atom], mapped: Sequence[bool], source: Source | None = None
) -> tuple[list[Atom], list[bool]]:
    """Stage a Program with the batch axis in front of what is mapped; its outputs, and which of them have the axis."""
    atoms: dict[Atom, Atom] = dict(zip(program.inputs, inputs))
    with_axis: set[Atom] = {v for v, m in zip(program.inputs, mapped) if m}
    for eqn in program.equations:
        builder.source = source or eqn.source
        flags = tuple([a in with_axis for a in eqn.inputs])
        operands = [Tracer(builder, atoms.get(a, a)) for a in eqn.inputs]
        for v, result in zip(eqn.outputs, _results(builder, eqn, flags, operands)):
            atoms[v] = builder.tracer(result).atom
            if atoms[v].type.ndim > v.type.ndim:
                with_axis.add(v)
    return [atoms.get(a, a) for a in program.outputs], [a in with_axis for a in program.outputs]


def _results(builder: Builder, eqn: Equation, flags: tuple[bool, ...], operands: list[Tracer]) -> Sequence[Any]:
    """The outputs of an equation for all examples."""
    primitive, results = eqn.primitive, NotImplemented
    if True not in flags:
        results = builder.apply(primitive, operands, eqn.params)
    elif primitive.is_elementwise:
        results = primitive(*all_over_batch(flags, operands), **eqn.params)
    elif primitive.batch is not None:
        results = primitive.batch(primitive, flags, *operands, **eqn.params)
    if results is NotImplemented:
        return _expanded(builder, eqn, flags, operands)
    return results if isinstance(results, tuple) else (results,)


def _expanded(builder: Builder, eqn: Equation, flags: tuple[bool, ...], operands: list[Tracer]) -> list[Tracer]:
    """The outputs of an equation through its expansion for one example."""
    primitive = eqn.primitive
    if primitive.expand is None:
        raise TypeError(
            f"{primitive}: requires a batching rule or an expansion under vmap, got none. "
            "Apply it to the whole batch, outside of vmap."
        )
    staged = stage(lambda *xs: primitive.expand(*xs, **eqn.params), [a.type for a in eqn.inputs])
    inputs = [x.atom for x in operands] + [builder.tracer(c).atom for c in staged.captured]
    outputs, _ = _run(builder, staged.program, inputs, [*flags, *[False] * len(staged.captured)], builder.source)
    return [Tracer(builder, a) for a in outputs]


# --- On functions


@boundary
def vmap(function: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """A function of one example made a function of many, without a loop over them.

    What holds for one example holds for each: ``vmap(f)(xs)`` is ``np.stack([f(x) for x in xs])``. It may be
    nested and combined with ``grad``, ``vjp`` and ``jit`` in any order; ``vmap(grad(f))`` gives gradients for
    each example. An example whose loop is over, or that takes another branch, runs nothing of what the others run
    there.

    Args:
        function: a pure function from pytrees to a pytree.
        in_axes: which axis of the arguments' arrays counts the examples: an integer (negative ones count from the
            end), or ``None`` for what is the same for all; or a tuple with such an entry for each positional
            argument, which may itself be a pytree. An entry above holds for all that is below it. Keyword
            arguments are mapped over axis 0.
        out_axes: where the results' arrays have that axis, likewise; ``None`` where a result does not depend on
            a mapped argument and is not to be repeated.

    Returns:
        A function of the same arguments, whose arrays have one more axis where they are mapped.

    Raises:
        TypeError: a mapped leaf is no array, or an axis is neither an integer nor ``None``.
        ValueError: the sizes of the mapped axes differ, an axis is out of range, nothing is mapped, or
            ``in_axes`` or ``out_axes`` does not fit the structure of the arguments or results.
        ConcreteValueError: Python asks for a value that differs between the examples, as in ``if x > 0``.

    >>> import numpy as np
    >>> rows, weights = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 1.0])
    >>> vmap(np.dot, in_axes=(0, None))(rows, weights)
    array([12., 34.])
    """
    require_function("vmap", function)
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)

    def call(*args: Any, **kwargs: Any) -> Any:
        leaves, treedef = tree.flatten((args, kwargs))
        axes = axes_of_leaves("in_axes", "the arguments", (in_axes, 0), (args, kwargs))
        # An array of texts that is the same for all examples is a constant of a function that is staged just now.
        asked = [None if a is None and type(x) is np.ndarray and not is_numeric(x.dtype) else x
                 for x, a in zip(leaves, axes)]
        arrays = [i for i in traced_leaves("vmap", function, asked, treedef) if issubclass(type(leaves[i]), np.ndarray)]
        size = batch_size(function, leaves, axes, treedef)
        # Numbers that are the same for all examples stay Python's.
        traced = sorted({*arrays, *[i for i, axis in enumerate(axes) if axis is not None]})
        mapped = [axes[i] is not None for i in traced]
        types = [example_type(value_type(leaves[i]), axes[i]) for i in traced]
        values = [None if m else leaves[i] for i, m in zip(traced, mapped)]
        staged = stage(flat_function(function, leaves, treedef, traced), types, values, unknown="vmap")
        batched = vmap_program(staged.program, [*mapped, *[False] * len(staged.captured)], size)
        inputs = [_moved(leaves[i], axes[i], 0) if m else leaves[i] for i, m in zip(traced, mapped)]
        results = call_program(batched.program, [*inputs, *staged.captured, *batched.constants])
        return staged.restore(_placed(staged, results, batched.mapped, out_axes, size))

    return Derived(call, function, vmap, function, in_axes, out_axes)


def example_type(type: ArrayType, axis: int | None) -> ArrayType:
    """The type of one example."""
    if axis is None:
        return type
    axis %= type.ndim
    return ArrayType(type.shape[:axis] + type.shape[axis + 1 :], type.dtype)


def _moved(x: Any, start: int, end: int) -> Any:
    """An array with one of its axes in another place."""
    start, end = start % x.ndim, end % x.ndim
    if start == end:
        return x
    perm = [a for a in range(x.ndim) if a != start]
    perm.insert(end, start)
    return transpose(x, perm=tuple(perm))


def _placed(staged: Staged, results: Sequence[Any], mapped: Sequence[bool], out_axes: Any, size: int) -> list[Any]:
    """The results with the batch axis where ``out_axes`` wants it."""
    count = staged.out_tree.num_leaves
    axes = axes_of_leaves("out_axes", "the result", (out_axes,), (tree.unflatten(staged.out_tree, range(count)),))
    paths = tree.paths(staged.out_tree, "result")
    own = [i for i in range(count) if i not in staged.static_outputs]
    return [_place(x, m, axes[i], size, paths[i]) for i, x, m in zip(own, results, mapped)]


def _place(x: Any, is_mapped: bool, axis: int | None, size: int, path: str) -> Any:
    if axis is None:
        if is_mapped:
            raise ValueError(
                f"vmap: requires an axis for what depends on a mapped argument, got out_axes=None at {path}. "
                "Give an integer, or reduce over the examples outside of vmap."
            )
        return x
    ndim = x.ndim + (not is_mapped)
    if not -ndim <= axis < ndim:
        raise ValueError(
            f"vmap: requires out_axes from {-ndim} to {ndim - 1} for a result of {ndim} axes, got {axis} at {path}. "
            "Count the axes of the batched result."
        )
    placed = _moved(over_batch(x, is_mapped, size), 0, axis)
    return placed if placed is x or isinstance(placed, Tracer) else np.array(placed, order="C")
