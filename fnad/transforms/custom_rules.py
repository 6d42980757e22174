"""A call of a function with derivative rules of its own: one equation, whose parameters hold its Program and the rules.

Reverse mode uses the rules, forward mode transposes what they give, and a compiler sees the Program.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.arguments import as_cotangent, as_like, combine, kind_of, require_pair
from fnad.ir.primitive import Primitive
from fnad.ir.program import Program
from fnad.ir.types import ArrayType, is_inexact
from fnad.tracing.staging import Staged, call_program, repeated, stage
from fnad.tracing.state import innermost
from fnad.tracing.tracer import Tracer
from fnad.transforms.batched_rules import backward_over_batch, forward_over_batch
from fnad.transforms.calls import call_evaluate, call_expand, call_type, fresh, listed
from fnad.transforms.jvp import transpose_program
from fnad.transforms.vmap import vmap_program

# --- One call


class Call:
    """The function at one of its calls, to which its rules are applied. It cannot be hashed: no two are alike."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, owner: Any, arguments: Arguments, staged: Staged) -> None:
        self.owner = owner
        self.arguments = arguments
        self.staged = staged

    def __repr__(self) -> str:
        return getattr(self.owner, "__name__", type(self.owner).__name__)

    @property
    def name(self) -> str:
        return self.owner.name

    @property
    def count(self) -> int:
        """The number of inputs that belong to the arguments; the others are closed over."""
        return len(self.arguments.traced)

    @property
    def program(self) -> Program:
        return self.staged.program

    @property
    def types(self) -> tuple[ArrayType, ...]:
        return self.program.input_types[: self.count]

    @property
    def dynamic(self) -> list[int]:
        """The leaves of the result that are outputs of the Program."""
        return [i for i in range(self.staged.out_tree.num_leaves) if i not in self.staged.static_outputs]

    def outputs(self, what: str, out: Any) -> list[Any]:
        """The arrays of a result that a rule returns, which must be like the function's own."""
        leaves = tree.flatten_like(f"{self.name}: {what}", self.staged.out_tree, out)
        paths = tree.paths(self.staged.out_tree, what)
        return [
            as_like(self.name, f"a result like that of {self!r}", leaves[i], t, paths[i])
            for i, t in zip(self.dynamic, self.staged.program.output_types)
        ]

    def like_result(self, values: Iterable[Any]) -> Any:
        """Values of the inexact outputs as a pytree like the result, ``None`` elsewhere."""
        given = iter(values)
        leaves: list[Any] = [None] * self.staged.out_tree.num_leaves
        for i, t in zip(self.dynamic, self.staged.program.output_types):
            leaves[i] = next(given) if is_inexact(t.dtype) else None
        return tree.unflatten(self.staged.out_tree, leaves)


class Arguments(NamedTuple):
    """The arguments of a call: those without derivative, and the leaves of the others."""

    fixed: dict[int, Any]
    leaves: list[Any]
    treedef: tree.TreeDef
    traced: list[int]
    """The positions of the leaves that are arrays or numbers."""

    @property
    def first(self) -> list[Any]:
        """The fixed arguments in their order: what the rules take before the others."""
        for i, value in self.fixed.items():
            if any([type(leaf) is Tracer and not leaf.builder.alive for leaf in tree.leaves(value)]):
                raise TypeError(
                    "nondiff_argnums: requires arguments that are known where the rules run, got a traced value as "
                    f"argument {i}. Make it an ordinary argument, for which the rules give None, a derivative of zero."
                )
        return [self.fixed[i] for i in sorted(self.fixed)]

    def without_values(self) -> Arguments:
        """The same but for the arrays, which need not be kept."""
        return self._replace(leaves=[None if i in self.traced else leaf for i, leaf in enumerate(self.leaves)])

    def restored(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments that are not fixed, with these arrays."""
        return tree.unflatten(self.treedef, combine(self.leaves, self.traced, values))

    def only(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """These values in the places of the arrays, and ``None`` elsewhere."""
        return tree.unflatten(self.treedef, combine([None] * len(self.leaves), self.traced, values))

    def complete(self, values: Sequence[Any]) -> list[Any]:
        """All arguments in their order, with these arrays."""
        full = list(self.restored(values))
        for i, value in zip(sorted(self.fixed), self.first):
            full.insert(i, value)
        return full


# --- The rules as those of primitives


class ReverseCall(Call):
    """A call of a function with rules for the forward and the backward pass."""

    def forward(self, inputs: Sequence[Tracer]) -> tuple[list[Any], Any]:
        """The outputs and the residuals."""
        result = repeated(lambda: self.owner.forward(*self.arguments.complete(inputs[: self.count])))
        out, residuals = require_pair("custom_vjp", f"fwd of {self!r} to return (out, residuals)", result)
        return self.outputs("fwd's result", out), residuals

    def backward(self, residuals: Any, given: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs from those of the inexact outputs; ``None`` for what is closed over."""
        result = repeated(lambda: self.owner.backward(*self.arguments.first, residuals, self.like_result(given)))
        return [*_argument_cotangents(self, result), *[None] * len(self.staged.captured)]


def _argument_cotangents(call: Call, result: Any) -> list[Any]:
    """The cotangents that a user's rule returns, one for each array of the arguments."""
    children = call.arguments.treedef.children()
    if not isinstance(result, (tuple, list)) or len(result) != len(children):
        raise TypeError(
            f"custom_vjp: requires bwd of {call!r} to return a tuple of {len(children)} cotangents, one for each "
            f"argument, got {kind_of(result)}. Return None for one that is zero."
        )
    leaves, paths = [], []
    for i, (child, own) in enumerate(zip(children, result)):
        where = f"bwd's result[{i}]"
        leaves += _leaves_or_none("custom_vjp", where, child, own)
        paths += tree.paths(child, where)
    return [
        as_cotangent("custom_vjp", "a cotangent like its argument", leaves[i], t, paths[i])
        for i, t in zip(call.arguments.traced, call.types)
    ]


class ForwardCall(Call):
    """A call of a function with a rule for tangents."""

    def forward(self, inputs: Sequence[Tracer]) -> tuple[list[Any], Any]:
        """The outputs, and the inputs as residuals."""
        # The result itself is the function's own: its further derivatives are those of the rule again.
        return listed(custom_jvp_call(*inputs, program=self.program, call=self)), list(inputs)

    def backward(self, residuals: Any, given: Sequence[Any]) -> list[Any]:
        """As of the other kind, by the transpose of the rule."""
        own = residuals[: self.count]
        wrt = [i for i, t in enumerate(self.types) if is_inexact(t.dtype)]

        def push(*tracers: Tracer) -> list[Any]:
            primals, tangents = tracers[: len(own)], iter(tracers[len(own) :])
            return _tangents(self, primals, [next(tangents) if i in wrt else None for i in range(len(own))])

        staged = stage(push, [*self.types, *[self.types[i].strong for i in wrt]])
        transposed = transpose_program(staged.program, range(len(own), len(own) + len(wrt)))
        bars = iter(call_program(transposed.program, [*own, *staged.captured, *given, *transposed.constants]))
        return [next(bars) if i in wrt else None for i in range(len(residuals))]


def _tangents(call: Call, primals: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """The tangents of the inexact outputs by a user's rule."""
    arguments = call.arguments
    result = repeated(
        lambda: call.owner.forward(*arguments.first, arguments.restored(primals), arguments.only(tangents))
    )
    out, tangent = require_pair("custom_jvp", f"the rule of {call!r} to return (out, tangent)", result)
    call.outputs("the rule's result", out)
    leaves = _leaves_or_none("custom_jvp", "the rule's tangent", call.staged.out_tree, tangent)
    paths = tree.paths(call.staged.out_tree, "the rule's tangent")
    rows = zip(call.dynamic, call.staged.program.output_types)
    return [_tangent(leaves[i], t, paths[i]) for i, t in rows if is_inexact(t.dtype)]


def _leaves_or_none(name: str, what: str, treedef: tree.TreeDef, value: Any) -> list[Any]:
    """The result of a rule for each leaf of a structure; ``None`` alone is ``None`` for all."""
    if value is None and treedef.num_leaves:
        return [None] * treedef.num_leaves
    return tree.flatten_like(f"{name}: {what}", treedef, value)


def _tangent(tangent: Any, type: ArrayType, path: str) -> Any:
    if tangent is None:
        return np.zeros(type.shape, type.dtype)
    return as_like("custom_jvp", "a tangent like the result", tangent, type, path)


class _BatchedCall:
    """A call for many examples: the rules of the call for one, batched."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, one: Any, mapped: Sequence[bool], size: int) -> None:
        self.one = one
        self.mapped, self.size = mapped, size

    def __repr__(self) -> str:
        return repr(self.one)

    @property
    def name(self) -> str:
        return self.one.name

    def forward(self, inputs: Sequence[Tracer]) -> tuple[list[Any], Any]:
        """As of the call for one example."""
        return forward_over_batch(self.one.forward, self.mapped, self.size, inputs[: len(self.mapped)])

    def backward(self, residuals: Any, given: Sequence[Any]) -> list[Any]:
        """As of the call for one example."""
        return backward_over_batch(self.one.backward, self.mapped, self.size, residuals, given)


def _forward(active: Sequence[bool], *inputs: Tracer, program: Program, call: Any) -> tuple[Any, Any]:
    outputs, residuals = call.forward(inputs)
    builder = innermost(inputs)
    return tuple(fresh([builder.tracer(y) for y in outputs], inputs)), (active, residuals)


def _backward(carried: Any, g: Any, program: Program, call: Any) -> list[Any]:
    active, residuals = carried
    bars = call.backward(residuals, [c for c, t in zip(listed(g), program.output_types) if is_inexact(t.dtype)])
    for bar, is_active, t in zip(bars, active, program.input_types):
        if is_active and bar is None:
            raise TypeError(
                f"{call.name}: requires what is differentiated to be an argument of {call!r}, got a traced {t} that it "
                "closes over. Pass it as an argument."
            )
    return bars


def _batch(op: Primitive, mapped: Sequence[bool], *inputs: Any, program: Program, call: Any) -> Any:
    size = inputs[list(mapped).index(True)].shape[0]
    batched = vmap_program(program, mapped, size, whole=True)
    made = _BatchedCall(call, mapped, size)
    return tuple(listed(op(*inputs, *batched.constants, program=batched.program, call=made)))


_RULES = dict(vjp_forward=_forward, vjp_backward=_backward, expand=call_expand, batch=_batch)
custom_vjp_call = Primitive("custom_vjp_call", call_type, call_evaluate, **_RULES)
custom_jvp_call = Primitive("custom_jvp_call", call_type, call_evaluate, **_RULES)
