"""`while_loop` and `fori_loop`, as users call them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad import tree
from fnad.control.bodies import (
    Body, Leaves, as_types, leaves_of, require_functions, require_structure, stage_body, stage_loop,
)
from fnad.control.loops import run_loop
from fnad.control.scan import require_unroll, scan_leaves
from fnad.errors import boundary
from fnad.ir.types import INDEX, ArrayType
from fnad.numpy.promotion import MOST, as_places
from fnad.tracing.tracer import Tracer, is_value, value_type


@boundary
def while_loop(cond: Callable[[Any], Any], body: Callable[[Any], Any], init: Any) -> Any:
    """A loop that goes on as long as a condition holds: ``while cond(carry): carry = body(carry)``.

    It is staged once, and under `jit` a native loop. It can be differentiated forwards and in reverse, mapped and
    nested. The backward pass runs the loop up to three times more and keeps a bounded number of states.

    Under `vmap` the examples go through the loop together, and each ends at its own step: from then on its carry stays,
    and nothing of ``body`` or ``cond`` is run for it that could be noticed: no index is checked, nothing is written, no
    callback and no operation of `primitive` called, no inner loop entered. Operations that cannot fail go on for all
    examples at once; what is neither these nor reading, writing or a loop of such runs for one example after the other.

    Args:
        cond: from the carry to one boolean.
        body: from the carry to the next carry, a pytree of the same structure, shapes and dtypes. Both are pure
            functions that may close over traced values.
        init: the first carry, a pytree of arrays or numbers. A Python number takes the dtype that ``body`` makes
            of it.

    Returns:
        the first carry for which ``cond`` is false.

    Raises:
        TypeError: a leaf is no array, ``cond`` gives no boolean scalar, or the carry changes; the message names the
            path.
        ConcreteValueError: one of the functions asks Python about a value, as in ``if carry > 0``.

    >>> from fnad import grad
    >>> def root(a):  # Newton's method
    ...     return while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: (x + a / x) / 2, a)
    >>> root(2.0), grad(root)(2.0)
    (array(1.41421356), array(0.35355339))
    """
    require_functions("while_loop", cond, body)
    carry = leaves_of("while_loop", "init", init)

    def step(state: Any) -> Any:
        result = body(state)
        require_structure("while_loop", "a carry", tree.structure(result), "init", carry.treedef)
        return result

    return _while_leaves("while_loop", cond, step, carry)


def _while_leaves(name: str, cond: Callable[[Any], Any], body: Callable[[Any], Any], carry: Leaves) -> Any:
    """A loop with a condition, for the function that ``name`` says."""

    def stage_with(state: Leaves, types: Sequence[ArrayType]) -> Body:
        return stage_body(name, lambda *tracers: body(state.restored(tracers)), types, "loop")

    staged, types = stage_loop(name, stage_with, carry)
    condition = stage_body(name, lambda *tracers: cond(carry.restored(tracers)), types, "loop")
    _require_truth(condition.program.output_types)
    return carry.restored(run_loop(condition, staged, as_types(carry.values, types)))


def _require_truth(types: Sequence[ArrayType]) -> None:
    if [t.strong for t in types] != [ArrayType((), np.dtype(bool))]:
        raise TypeError(
            f"while_loop: requires a condition that returns one boolean, got {', '.join(map(str, types)) or 'none'}. "
            "Compare the carry with something, and use np.any or np.all for an array."
        )


@boundary
def fori_loop(
    lower: Any, upper: Any, body: Callable[[Any, Any], Any], init: Any, *, unroll: int | bool | None = None
) -> Any:
    """``for i in range(lower, upper): carry = body(i, carry)``, staged once.

    With bounds that are Python's integers it is a `scan`; with traced ones a `while_loop`. Both can be
    differentiated, mapped and nested, and are native loops under `jit`.

    Args:
        lower, upper: integer scalars.
        body: ``(i, carry) -> carry``, a pure function of pytrees; the carry keeps its structure, shapes and dtypes.
        init: the first carry, a pytree of arrays or numbers.
        unroll: as that of `scan`.

    Returns:
        the last carry.

    Raises:
        TypeError: as `while_loop`, or a bound is no integer.

    >>> fori_loop(0, 4, lambda i, total: total + i, 0)
    array(6)
    """
    require_functions("fori_loop", body)
    require_unroll("fori_loop", True if unroll is None else unroll)
    for bound, name in ((lower, "lower"), (upper, "upper")):
        if isinstance(bound, int) and abs(bound) >= 2**63:
            raise ValueError(f"fori_loop: requires bounds that an int64 holds, got {bound!r:.60} as {name}.")
        type = value_type(bound) if is_value(bound) else None
        if type is None or type.shape != () or type.dtype.kind not in "iu":
            got = type or bound.__class__.__name__
            raise TypeError(f"fori_loop: requires integer scalars as bounds, got {got} as {name}. Convert it first.")
    own = leaves_of("fori_loop", "init", init)

    def step(state: Any) -> Any:
        i, carry = state
        result = body(i, carry)
        require_structure("fori_loop", "a carry", tree.structure(result), "init", own.treedef)
        return i + 1, result

    is_known = not isinstance(lower, Tracer) and not isinstance(upper, Tracer)
    if is_known:
        lower, upper = int(lower), int(upper)
        dtype = np.dtype(np.uint64 if max(lower, upper) > MOST and min(lower, upper) >= 0 else np.int64)
        first = dtype.type(min(lower, upper))
    else:
        dtype = np.result_type(value_type(lower).dtype, value_type(upper).dtype)
        if dtype.kind == "f":  # of int64 and uint64
            dtype = INDEX
            lower, upper = [as_places(x if isinstance(x, Tracer) else np.asarray(x)) for x in (lower, upper)]
        first, last = as_types([lower, upper], [ArrayType((), dtype)] * 2)
    carry = leaves_of("fori_loop", "init", (first, init))._replace(paths=["i", *own.paths])
    if not is_known:
        return _while_leaves("fori_loop", lambda state: state[0] < last, step, carry)[1]
    steps, nothing = max(upper - lower, 0), leaves_of("fori_loop", "xs", ())
    return scan_leaves("fori_loop", lambda state, _: (step(state), ()), carry, nothing, steps, False)[0][1]
