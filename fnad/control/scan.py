"""`scan` and `map`: loops of a known number of steps, over the slices of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import isqrt
from typing import Any

import numpy as np

from fnad import tree
from fnad.arguments import require_pair
from fnad.checks import is_integer, require_flag, require_integer
from fnad.control.bodies import (
    Body, Leaves, as_types, leaves_of, require_functions, require_structure, stage_body, stage_loop,
)
from fnad.control.scan_rules import run_scan
from fnad.errors import boundary
from fnad.ir.types import ArrayType
from fnad.tracing.tracer import Tracer
from fnad.transforms.remat import checkpoint as recomputed
from fnad.transforms.vmap import vmap


@boundary
def scan(
    body: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None, length: int | None = None,
    reverse: bool = False, checkpoint: bool | int = False, *, unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """A loop over the slices of arrays that carries a state along and stacks what each step gives.

    It is ``for x in xs: carry, y = body(carry, x)``, staged once whatever the number of steps, and under `jit` a
    native loop. It can be differentiated, mapped and nested; the backward pass keeps of each step only what the
    derivative reads.

    Args:
        body: ``(carry, x) -> (carry, y)``, a pure function of pytrees; the carry keeps its structure, shapes and
            dtypes. It may close over traced values.
        init: the carry of the first step, a pytree of arrays or numbers. A Python number takes the dtype that
            ``body`` makes of it.
        xs: a pytree of arrays whose first axis counts the steps, or ``None``.
        length: the number of steps, which ``xs`` tells where it has arrays.
        reverse: whether to go from the last slice to the first; ``ys`` are stacked in the order of ``xs``.
        checkpoint: a number ``k`` of steps after which a derivative keeps the carry only, and computes the steps
            between again, for memory of ``length / k`` carries and the residuals of ``k`` steps; ``True`` takes the
            root of ``length`` for ``k``.
        unroll: how many steps other compilers write out one after the other; it changes nothing here, where a step is a
            few native calls.

    Returns:
        ``(carry, ys)``: the last carry, and a pytree like ``y`` of arrays with one more axis in front.

    Raises:
        TypeError: a leaf is no array, ``body`` gives no pair, or the carry changes; the message names the path.
        ValueError: the arrays have first axes of different lengths, or no length is given.
        ConcreteValueError: ``body`` asks Python about a value, as in ``if carry > 0``.

    >>> import numpy as np
    >>> scan(lambda total, x: (total + x, total), 0.0, np.array([1.0, 2.0, 3.0]))
    (array(6.), array([0., 1., 3.]))
    """
    require_functions("scan", body)
    require_flag("scan", "reverse", reverse)
    require_unroll("scan", unroll)
    carry, sequences = leaves_of("scan", "init", init), leaves_of("scan", "xs", xs)
    steps = _length("scan", sequences, length)
    if checkpoint is not False and steps:
        every = isqrt(steps - 1) + 1 if checkpoint is True else checkpoint
        _require_steps("checkpoint", every, least=1)
        return _in_segments(partial(scan, body, reverse=reverse), carry, sequences, steps, min(every, steps), reverse)

    def pair(state: Any, x: Any) -> tuple[Any, Any]:
        result = require_pair("scan", "a body that returns (carry, y)", body(state, x))
        require_structure("scan", "a carry", tree.structure(result[0]), "init", carry.treedef)
        return result

    return scan_leaves("scan", pair, carry, sequences, steps, bool(reverse))


def scan_leaves(
    name: str, body: Callable[[Any, Any], tuple[Any, Any]], carry: Leaves, sequences: Leaves, steps: int, reverse: bool
) -> tuple[Any, Any]:
    """A scan of the slices of arrays, for the function that ``name`` says."""
    slices = [ArrayType(t.shape[1:], t.dtype) for t in sequences.types]

    def stage_with(state: Leaves, types: Sequence[ArrayType]) -> Body:
        def flat(*tracers: Tracer) -> Any:
            return body(state.restored(tracers[: len(types)]), sequences.restored(tracers[len(types) :]))

        return stage_body(name, flat, [*types, *slices], "loop")

    staged, types = stage_loop(name, stage_with, carry, lambda result: result.child(0))
    args = [*staged.constants, *as_types(carry.values, types), *sequences.values]
    results = run_scan(args, staged.program, len(staged.constants), len(types), steps, reverse)
    return tree.unflatten(staged.out_tree, results)


MOST_STEPS = 2**63 - 1
"""As many as compiled code counts."""


def require_unroll(name: str, unroll: Any) -> None:
    """Raise for what is no number of steps to write out."""
    if not isinstance(unroll, (bool, np.bool_)):
        require_integer(name, "unroll", unroll, least=0)


def _require_steps(what: str, steps: Any, least: int) -> None:
    if isinstance(steps, Tracer):
        raise TypeError(
            f"scan: requires {what} to be a known integer, got a traced {steps.type}. Use fori_loop or while_loop, or "
            "int(n) outside of loops."
        )
    if not is_integer(steps) or not least <= steps <= MOST_STEPS:
        raise ValueError(
            f"scan: requires {what} to be an integer of at least {least} that an int64 holds, got {steps!r:.60}. "
            "Pass a number of steps."
        )


def _length(name: str, sequences: Leaves, length: Any) -> int:
    """The number of steps."""
    for t, path in zip(sequences.types, sequences.paths):
        if not t.shape:
            raise ValueError(
                f"{name}: requires arrays with a first axis that counts the steps, got {t} at {path}. "
                "Close over what is the same in all steps."
            )
    if length is not None:
        _require_steps("length", length, least=0)
    sizes = {path: t.shape[0] for t, path in zip(sequences.types, sequences.paths)}
    known = sizes if length is None else {"length": int(length), **sizes}
    if not known:
        raise ValueError(f"{name}: requires a number of steps, got no arrays and no length. Give length=n.")
    if len(set(known.values())) > 1:
        got = ", ".join(f"{n} of {path}" for path, n in known.items())
        raise ValueError(f"{name}: requires one number of steps, got {got}. Cut the arrays to one length.")
    return next(iter(known.values()))


def _in_segments(
    run: Callable[..., Any], carry: Leaves, sequences: Leaves, steps: int, every: int, reverse: bool
) -> tuple[Any, Any]:
    """The steps in segments, of which each is computed again in the backward pass."""
    count, rest = divmod(steps, every)
    heads, tails = _cut(sequences, count, every)
    segment = recomputed(lambda state, part: run(state, part, length=every))
    remainder = recomputed(lambda state, part: run(state, part, length=rest))
    state, end = carry.restored(carry.values), None
    if rest and reverse:
        state, end = remainder(state, tails)
    state, stacks = scan(segment, state, heads, count, reverse)
    if rest and not reverse:
        state, end = remainder(state, tails)
    return state, _put_together(stacks, end, count * every, rest)


def _cut(sequences: Leaves, count: int, size: int) -> tuple[Any, Any]:
    """The slices in parts of one size, with an axis more, and those that are left."""
    whole = count * size
    heads = sequences.restored([np.reshape(x[:whole], (count, size, *x.shape[1:])) for x in sequences.values])
    return heads, sequences.restored([x[whole:] for x in sequences.values])


def _put_together(stacks: Any, end: Any, whole: int, rest: int) -> Any:
    """The results of such parts as those of all slices; ``end`` counts where there is a rest."""
    ys = tree.map(lambda y: np.reshape(y, (whole, *y.shape[2:])), stacks)
    return tree.map(lambda a, b: np.concatenate([a, b]), ys, end) if rest else ys


@boundary
def map(function: Callable[[Any], Any], xs: Any, *, batch_size: int | None = None) -> Any:
    """A function of a slice for each slice of arrays, one after the other, with the results stacked.

    It gives what ``vmap(function)(xs)`` does, in a loop that needs the memory of one slice at a time.

    Args:
        function: a pure function of pytrees.
        xs: a pytree of arrays whose first axes have one length.
        batch_size: how many slices are computed at once, by `vmap`.

    Returns:
        a pytree like the function's result, of arrays with one more axis in front.

    Raises:
        TypeError, ValueError: as `scan`.

    >>> import numpy as np
    >>> map(lambda x: x * 2.0, np.array([1.0, 2.0]))
    array([2., 4.])
    """
    require_functions("map", function)
    sequences = leaves_of("map", "xs", xs)
    steps = _length("map", sequences, None)
    if batch_size is not None:
        require_integer("map", "batch_size", batch_size)
        return _in_batches(function, sequences, steps, min(batch_size, max(steps, 1)))

    def apply_to(nothing: Any, x: Any) -> tuple[Any, Any]:
        result = function(x)
        leaves_of("map", "result", result)
        return nothing, result

    return scan_leaves("map", apply_to, leaves_of("map", "init", ()), sequences, steps, False)[1]


def _in_batches(function: Callable[[Any], Any], sequences: Leaves, steps: int, size: int) -> Any:
    """Slices in batches, and those that are left as a smaller one."""
    count, rest = divmod(steps, size)
    batched = vmap(function)
    heads, tails = _cut(sequences, count, size)
    return _put_together(map(batched, heads), batched(tails) if rest else None, count * size, rest)
