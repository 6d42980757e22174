"""Staging: running a Python function on traced values to get its Program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fnad import tree
from fnad.arrays import FIT, Unfit
from fnad.interpreter.evaluate import evaluate
from fnad.ir.program import Program
from fnad.ir.types import ArrayType
from fnad.surroundings import Again, surroundings
from fnad.tracing.builder import Builder, build
from fnad.tracing.errors import NotConcrete, LookedInto, held_in_result, holds_traced
from fnad.tracing.state import current_builder, innermost
from fnad.tracing.tracer import is_value
from fnad.tracing.values import Concretization


class Staged(NamedTuple):
    """A function staged: its Program, what its captured inputs stand for, and the shape of its result."""

    program: Program
    captured: list[Any]
    out_tree: tree.TreeDef
    static_outputs: dict[int, Any]

    def restore(self, results: Sequence[Any]) -> Any:
        """Rebuild the function's result from the values of the Program's outputs."""
        if not self.static_outputs:
            return tree.unflatten(self.out_tree, results)
        arrays = iter(results)
        static, count = self.static_outputs, self.out_tree.num_leaves
        return tree.unflatten(self.out_tree, [static[i] if i in static else next(arrays) for i in range(count)])


def stage(
    function: Callable[..., Any],
    types: Sequence[ArrayType],
    values: Sequence[Any] | None = None,
    differentiated: bool = False,
    unknown: str = "staged",
    encloses: bool = False,
    concretize: Callable[[Concretization], Any] | None = None,
) -> Staged:
    """Run ``function`` on tracers of these types and return its Program.

    Args:
        function: takes one tracer per type and returns a pytree of arrays.
        types: the types of the inputs.
        values: what the inputs stand for, so that Python may ask for values while it runs.
        differentiated: whether the inputs are being differentiated (conversions that cut a gradient are errors).
        unknown: why an input without a value has none: ``"vmap"``, ``"loop"`` or ``"branch"``.
        encloses: whether what is staged inside stays there, whatever it works on: that of a branch or a loop.
        concretize: gives Python the values that it asks for, and records them.
    """
    builder = Builder(unknown, encloses, concretize)
    builder.repeats = True

    def run() -> Staged:
        tracers = [builder.input(t, v) for t, v in zip(types, values or [None] * len(types))]
        if differentiated:
            builder.differentiated.update(builder.inputs)
        leaves, out_tree = tree.flatten(function(*tracers))
        static = {i: leaf for i, leaf in enumerate(leaves) if not _is_result(leaf, concretize is not None)}
        for leaf in static.values():
            if holds_traced(leaf, builder):
                raise held_in_result(leaf)
        outputs = [builder.tracer(leaf).atom for i, leaf in enumerate(leaves) if i not in static]
        program, captured = builder.finish(outputs)
        return Staged(program, captured, out_tree, static)

    try:
        staged = surroundings().run(lambda: build(builder, run))
    except (Again, Exception):  # NumPy makes an error of its own of whatever ends the conversion of an element
        if not builder.again:
            raise
    if builder.again:
        if concretize is not None:
            raise Again
        return stage(function, types, values, differentiated, unknown, encloses)
    if builder.looked_into:  # and the function has caught it
        raise LookedInto(builder.looked_into)
    if builder.refused:
        raise NotConcrete
    return staged


def repeated(call: Callable[[], Any]) -> Any:
    """What a user's function comes to for which the library's own builder stages, called again where that is to be."""
    builder = current_builder()
    assert builder is not None
    while True:
        before, builder.repeats, builder.again = builder.repeats, True, False
        try:
            result = surroundings().run(call)
        except (Again, Exception):
            if not builder.again:
                raise
        finally:
            builder.repeats = before
        if not builder.again:
            return result


def _is_result(leaf: Any, is_kept: bool) -> bool:
    """Whether a leaf of a result is an array or a number; what is no such array may be passed on, but not kept."""
    try:
        return is_value(leaf)
    except Unfit as unfit:
        if is_kept or holds_traced(leaf):
            words = f"{FIT} or constants, got {unfit.got}. {unfit.advice}"
            raise TypeError(f"{'jit' if is_kept else 'result'}: requires a function that returns {words}") from None
        return False


def stager(program: Program, args: Sequence[Any]) -> Builder | None:
    """The builder that stages a call; ``None`` where it runs at once.

    What has an effect is staged though no argument is traced: it happens when the function that is staged runs,
    in the order in which Python has come by.
    """
    builder = current_builder()
    return builder if builder is not None and program.is_effectful else innermost(args)


def call_program(program: Program, args: Sequence[Any]) -> list[Any]:
    """Run a Program on arrays, or inline it where an argument is traced."""
    builder = stager(program, args)
    if builder is None:
        return evaluate(program, args)
    return builder.inline(program, args)
