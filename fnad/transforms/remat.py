"""Memory for time: a function whose inside is computed again in the backward pass instead of being kept.

A call is one equation. Its derivative keeps the inputs only; the backward pass passes them through barriers,
so that no pass finds the second computation equal to the first, and runs the function's joint Program on
them. See Griewank and Walther, "Algorithm 799: revolve" (2000), and Chen et al., "Training deep nets with
sublinear memory cost" (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from fnad import tree
from fnad.arguments import call_paths, chosen_positions, combine, flat_function, values_among, with_own_arrays
from fnad.checks import integers, require_flag, require_function
from fnad.errors import boundary
from fnad.ir.primitive import Primitive
from fnad.ir.program import Atom, Literal, Program, Var, prune, without_effects
from fnad.ir.types import is_inexact
from fnad.ops.shaping import barrier
from fnad.tracing.staging import call_program, stage
from fnad.tracing.state import is_staging
from fnad.tracing.tracer import Tracer, value_type
from fnad.transforms.calls import (
    bare, call_conditional, call_evaluate, call_expand, call_primitive, call_type, interned, listed,
)
from fnad.transforms.derived import Derived
from fnad.transforms.vjp import vjp_program
from fnad.transforms.vmap import vmap_program

Policy = Callable[[str], bool]


class _Backward(NamedTuple):
    """The backward pass as a Program of inputs, kept values, cotangents of inexact outputs, and constants."""

    program: Program
    constants: list[Any]


_backwards: WeakKeyDictionary[Program, dict[Any, _Backward]] = WeakKeyDictionary()


def _forward(active: tuple[bool, ...], *inputs: Tracer, program: Program, kept: int) -> tuple[Any, Any]:
    results = listed(checkpoint_call(*inputs, program=program, kept=kept))
    return bare(results), (active, inputs, results[len(results) - kept :])


def _pull_back(residuals: Any, g: Any, program: Program, kept: int) -> list[Any]:
    active, inputs, values = residuals
    given = listed(g)
    # Only a further derivative flows through the kept values.
    count = len(given) - kept if all([_is_zero(c) for c in given[len(given) - kept :]]) else len(given)
    ways = _backwards.setdefault(program, {})
    known = ways.get((active, count))
    if known is None:
        known = ways[active, count] = _backward_program(program, kept, active, count)
    # A value that is kept needs a barrier too: what follows from it would be found equal to what was computed.
    again = [barrier(x) if type(x.atom) is Var else x for x in (*inputs, *values)]
    cotangents = [c for c, t in zip(given[:count], program.output_types) if is_inexact(t.dtype)]
    bars = iter(call_program(known.program, [*again, *cotangents, *known.constants]))
    return [next(bars) if a else None for a in active]


def _is_zero(g: Tracer) -> bool:
    return type(g.atom) is Literal and not g.atom.value


def _backward_program(program: Program, kept: int, active: tuple[bool, ...], count: int) -> _Backward:
    """The joint Program without its results, of the first ``count`` outputs; the last ``kept`` ones are given."""
    last = len(program.outputs)
    joint = vjp_program(without_effects(program), [i for i, a in enumerate(active) if a], count)
    values = joint.program.outputs[last - kept : last]
    given = tuple([Var(a.type) for a in values])
    atoms: dict[Atom, Atom] = dict(zip(values, given))
    equations = [e._replace(inputs=tuple([atoms.get(a, a) for a in e.inputs])) for e in joint.program.equations]
    bars = tuple([atoms.get(a, a) for a in joint.program.outputs[last:]])
    first = len(program.inputs)
    inputs = (*joint.program.inputs[:first], *given, *joint.program.inputs[first:])
    return _Backward(prune(Program(inputs, tuple(equations), bars)), joint.constants)


def _batch(op: Primitive, mapped: Sequence[bool], *inputs: Tracer, program: Program, kept: int) -> Any:
    batched = vmap_program(program, mapped, inputs[mapped.index(True)].shape[0])
    return tuple(listed(op(*inputs, *batched.constants, program=interned(batched.program), kept=kept)))


checkpoint_call = Primitive(
    "checkpoint_call", call_type, call_evaluate, vjp_forward=_forward, vjp_backward=_pull_back, expand=call_expand,
    batch=_batch, conditional=call_conditional, total=True,
)


@boundary
def checkpoint(
    function: Callable[..., Any], policy: Policy | None = None, static_argnums: int | Iterable[int] = (),
    prevent_cse: bool = True,
) -> Callable[..., Any]:
    """The same function, whose derivative computes its inside again instead of keeping it.

    A chain of n checkpointed pieces keeps the values between the pieces and the inside of one piece at a
    time; it costs at most one more forward pass. Values and derivatives are the same. Under `jit` it saves
    memory of the compiled plan, with `vjp` what a pullback holds.

    Args:
        function: a pure function from pytrees to a pytree of arrays.
        policy: which values to keep all the same: from the name of an operation, as `make_program` prints
            it, to whether its result is kept; by default none are.
        static_argnums: positional arguments that ``function`` is given as they are, so that Python may ask for them.
        prevent_cse: for what other compilers need it; here the second computation always stays.

    Returns:
        A function of the same arguments.

    Raises:
        TypeError: ``function`` or ``policy`` is no function.

    >>> import numpy as np
    >>> from fnad import grad
    >>> layer = checkpoint(lambda x: np.tanh(np.sin(x)))
    >>> grad(lambda x: layer(layer(x)))(0.0)
    array(1.)
    >>> cheap = checkpoint(lambda x, w: np.tanh(x @ w), policy=lambda name: name == "matmul")
    >>> grad(lambda w: np.sum(cheap(np.ones(2), w)))(np.zeros((2, 1)))
    array([[1.],
           [1.]])
    """
    require_function("checkpoint", function)
    static = integers("checkpoint", "static_argnums", static_argnums)
    require_flag("checkpoint", "prevent_cse", prevent_cse)
    if policy is not None:
        require_function("checkpoint", policy, "a policy that is a function")

    def call(*args: Any, **kwargs: Any) -> Any:
        fixed = chosen_positions("checkpoint", static, args) if static else ()
        free = [i for i in range(len(args)) if i not in fixed]
        leaves, treedef = tree.flatten(([args[i] for i in free], kwargs))
        traced = values_among("checkpoint", leaves, lambda: call_paths(function, treedef, fixed))

        def of_others(*others: Any, **named: Any) -> Any:
            return function(*combine(args, free, others), **named)

        values, of_values = [leaves[i] for i in traced], flat_function(of_others, leaves, treedef, traced)
        if not is_staging():
            return with_own_arrays(of_values(*with_own_arrays(values)))
        staged = stage(of_values, [value_type(v) for v in values], values)
        kept = _kept(staged.program, policy)
        program = interned(Program(staged.program.inputs, staged.program.equations, (*staged.program.outputs, *kept)))
        results = call_primitive(checkpoint_call, [*values, *staged.captured], program=program, kept=len(kept))
        return staged.restore(results[: len(results) - len(kept)])

    return Derived(call, function, checkpoint, function, policy, static)


def _kept(program: Program, policy: Policy | None) -> list[Var]:
    """The variables that a policy keeps."""
    if policy is None:
        return []
    return [v for eqn in program.equations if policy(eqn.primitive.name) for v in eqn.outputs]
