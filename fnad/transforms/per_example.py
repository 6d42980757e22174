"""An operation applied to the examples of a batch one after the other: one that knows no batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType, is_inexact
from fnad.ops.elementwise import stop_gradient
from fnad.ops.shaping import broadcast, over_batch, reshape
from fnad.tracing.tracer import Tracer
from fnad.transforms.batched_rules import Axes, Kept, backward_over_batch
from fnad.transforms.calls import bare, listed
from fnad.transforms.vmap import batch_type, example_type

Params = tuple[tuple[str, Any], ...]


def result_types(of: Primitive, types: Sequence[ArrayType], mapped: Sequence[bool], size: int, params: Params) -> list:
    """The types of the results of all examples."""
    own = [example_type(t, 0 if m else None) for t, m in zip(types, mapped)]
    results = of.type_rule(*own, **dict(params))
    return [batch_type(t, size) for t in ([results] if isinstance(results, ArrayType) else results)]


def _type(*types: ArrayType, of: Primitive, mapped: Sequence[bool], size: int, params: Params) -> Any:
    return bare(result_types(of, types, mapped, size, params))


def _evaluate(*args: Any, of: Primitive, mapped: Sequence[bool], size: int, params: Params) -> Any:
    args = [np.asarray(x) for x in args]
    types = result_types(of, [ArrayType(x.shape, x.dtype) for x in args], mapped, size, params)
    made = [np.empty(t.shape, t.dtype) for t in types]
    for i in range(size):
        results = of.evaluate(*[np.asarray(x[i]) if m else x for x, m in zip(args, mapped)], **dict(params))
        for array, result in zip(made, listed(results)):
            array[i] = result
    return bare(made)


def _forward(
    active: Sequence[bool], *inputs: Tracer, of: Primitive, mapped: Sequence[bool], size: int, params: Params
) -> tuple[Any, Kept]:
    results = listed(per_example(*inputs, of=of, mapped=mapped, size=size, params=params))
    return bare(results), Kept((inputs, results), Axes([*mapped, *[True] * len(results)]))


def _backward(kept: Kept, g: Any, of: Primitive, mapped: Sequence[bool], size: int, params: Params) -> list[Any]:
    def one_example(residuals: Any, given: Sequence[Any]) -> Any:
        inputs, results = residuals
        return of.vjp_backward((inputs, bare(results)), bare(given), **dict(params))

    return backward_over_batch(one_example, mapped, size, kept, listed(g))


def _batch(
    op: Primitive, flags: Sequence[bool], *inputs: Any, of: Primitive, mapped: Sequence[bool], size: int,
    params: Params,
) -> Any:
    """The examples of all examples as one row of them."""
    outer = inputs[list(flags).index(True)].shape[0]
    merged = []
    for x, is_outer, is_inner in zip(inputs, flags, mapped):
        if is_outer or is_inner:
            if not is_inner:
                example = x.shape[1:]
                x = broadcast(x, shape=(outer, size, *example), dims=(0, *range(2, 2 + len(example))))
            x = reshape(over_batch(x, is_outer, outer), shape=(outer * size, *x.shape[1 + is_outer :]))
        merged.append(x)
    both = tuple([a or b for a, b in zip(flags, mapped)])
    results = listed(op(*merged, of=of, mapped=both, size=outer * size, params=params))
    return tuple([reshape(y, shape=(outer, size, *y.shape[1:])) for y in results])


per_example = Primitive(
    "per_example", _type, _evaluate, vjp_forward=_forward, vjp_backward=_backward, batch=_batch,
    is_declared=True,
)
"""The operation ``of`` with the keywords ``params`` on each of ``size`` examples; ``mapped`` says which inputs have one
for each. Its derivative is that of the operation, each example by itself."""


def one_by_one(op: Primitive, mapped: Sequence[bool], *inputs: Any, **params: Any) -> Any:
    """The batching rule of an operation that knows no batches."""
    size = inputs[list(mapped).index(True)].shape[0]
    if op.differentiable == ():
        inputs = tuple([stop_gradient(x) if is_inexact(x.dtype) else x for x in inputs])
    return tuple(listed(per_example(*inputs, of=op, mapped=tuple(mapped), size=size, params=tuple(params.items()))))
