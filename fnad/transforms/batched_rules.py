"""Derivative rules that know one example, applied to a batch of them.

A rule in two parts goes forward from the inputs to outputs and residuals, and back from residuals and
cotangents to cotangents of the inputs. Each part is staged for one example and batched as `vmap` does it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fnad import tree
from fnad.arguments import combine
from fnad.ops.shaping import over_batch, reduce_sum
from fnad.tracing.tracer import Tracer, is_value
from fnad.transforms.vmap import over_examples


class Axes:
    """The leaves of a pytree that have the batch axis; a leaf itself, so that staging leaves it as it is."""

    def __init__(self, mapped: list[bool]) -> None:
        self.mapped = mapped


class Kept(NamedTuple):
    """The residuals of a batch."""

    residuals: Any
    axes: Axes


def forward_over_batch(
    forward: Callable[[Sequence[Tracer]], tuple[Sequence[Any], Any]], mapped: Sequence[bool], size: int,
    inputs: Sequence[Any],
) -> tuple[list[Any], Kept]:
    """The outputs of all examples, each with the batch axis in front, and what goes to the backward pass."""
    results, has_axis = over_examples(lambda *xs: forward(xs), inputs, mapped, size)
    (outputs, residuals), (outputs_mapped, residuals_mapped) = results, has_axis
    kept = Kept(residuals, Axes(tree.leaves(residuals_mapped)))
    return [over_batch(y, m, size) for y, m in zip(outputs, outputs_mapped)], kept


def backward_over_batch(
    backward: Callable[[Any, Sequence[Tracer]], Sequence[Any]], mapped: Sequence[bool], size: int, kept: Kept,
    cotangents: Sequence[Any],
) -> list[Any]:
    """The cotangents of all inputs: those of an input that all examples share are summed over the examples.

    ``None`` among what ``backward`` gives for one example stays ``None``.
    """
    leaves, treedef = tree.flatten(kept.residuals)
    traced = [i for i, leaf in enumerate(leaves) if is_value(leaf)]

    def one_example(*tracers: Tracer) -> list[Any]:
        residuals = tree.unflatten(treedef, combine(leaves, traced, tracers))
        bars = backward(residuals, tracers[len(traced) :])
        return [bar if bar is None else tracers[0].builder.tracer(bar) for bar in bars]  # zero may be a literal

    values = [*[leaves[i] for i in traced], *cotangents]
    flags = [*[kept.axes.mapped[i] for i in traced], *[True] * len(cotangents)]
    bars, _ = over_examples(one_example, values, flags, size, whole=True)
    return [bar if m or bar is None else reduce_sum(bar, axes=(0,)) for bar, m in zip(bars, mapped)]
