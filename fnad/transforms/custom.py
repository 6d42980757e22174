"""Functions with derivative rules of their own.

A call of such a function is one equation whose parameters hold its Program and the rules. Reverse mode
uses the rules, forward mode transposes what they give, and a compiler sees the Program.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import update_wrapper
from types import MethodType
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.arguments import as_cotangent, as_like, combine, kind_of, own_results, require_pair, values_among
from fnad.checks import integers, require_function
from fnad.errors import boundary
from fnad.ir.primitive import Primitive
from fnad.ir.program import Program
from fnad.ir.types import ArrayType, is_inexact
from fnad.tracing.staging import Staged, call_program, stage
from fnad.tracing.state import innermost
from fnad.tracing.tracer import Tracer, value_type
from fnad.transforms.batched_rules import backward_over_batch, forward_over_batch
from fnad.transforms.calls import call_evaluate, call_expand, call_primitive, call_type, fresh, listed
from fnad.transforms.derived import place_of
from fnad.transforms.jvp import transpose_program
from fnad.transforms.vmap import vmap_program

# --- One call


class _Call:
    """What the rules of a function are applied to at one of its calls. It cannot be hashed: no two are alike."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, owner: _Custom, arguments: _Arguments, staged: Staged) -> None:
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
        """How many inputs belong to the arguments; the others are closed over."""
        return len(self.arguments.traced)

    @property
    def program(self) -> Program:
        return self.staged.program

    @property
    def types(self) -> tuple[ArrayType, ...]:
        return self.program.input_types[: self.count]

    @property
    def dynamic(self) -> list[int]:
        """Which leaves of the result are outputs of the Program."""
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


class _Arguments(NamedTuple):
    """The arguments of a call: those without derivative, and the leaves of the others."""

    fixed: dict[int, Any]
    leaves: list[Any]
    treedef: tree.TreeDef
    traced: list[int]
    """Which leaves are arrays or numbers."""

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

    def without_values(self) -> _Arguments:
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


class _ReverseCall(_Call):
    """A call of a function with rules for the way forward and the way back."""

    def forward(self, inputs: Sequence[Tracer]) -> tuple[list[Any], Any]:
        """The outputs and the residuals."""
        result = self.owner.forward(*self.arguments.complete(inputs[: self.count]))
        out, residuals = require_pair("custom_vjp", f"fwd of {self!r} to return (out, residuals)", result)
        return self.outputs("fwd's result", out), residuals

    def backward(self, residuals: Any, given: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs from those of the inexact outputs; ``None`` for what is closed over."""
        result = self.owner.backward(*self.arguments.first, residuals, self.like_result(given))
        return [*_argument_cotangents(self, result), *[None] * len(self.staged.captured)]


def _argument_cotangents(call: _Call, result: Any) -> list[Any]:
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


class _ForwardCall(_Call):
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

        staged = stage(push, [*self.types, *[ArrayType(*self.types[i][:2]) for i in wrt]])
        transposed = transpose_program(staged.program, range(len(own), len(own) + len(wrt)))
        bars = iter(call_program(transposed.program, [*own, *staged.captured, *given, *transposed.constants]))
        return [next(bars) if i in wrt else None for i in range(len(residuals))]


def _tangents(call: _Call, primals: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """The tangents of the inexact outputs by a user's rule."""
    arguments = call.arguments
    result = call.owner.forward(*arguments.first, arguments.restored(primals), arguments.only(tangents))
    out, tangent = require_pair("custom_jvp", f"the rule of {call!r} to return (out, tangent)", result)
    call.outputs("the rule's result", out)
    leaves = _leaves_or_none("custom_jvp", "the rule's tangent", call.staged.out_tree, tangent)
    paths = tree.paths(call.staged.out_tree, "the rule's tangent")
    rows = zip(call.dynamic, call.staged.program.output_types)
    return [_tangent(leaves[i], t, paths[i]) for i, t in rows if is_inexact(t.dtype)]


def _leaves_or_none(name: str, what: str, treedef: tree.TreeDef, value: Any) -> list[Any]:
    """What a rule returns for each leaf of a structure; ``None`` alone is ``None`` for all."""
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

# --- The functions that users call


class _Custom:
    """A function with rules; on traced values it is staged as one equation."""

    name: str
    primitive: Primitive
    call: type[_Call]
    how: str

    def __init__(self, function: Callable[..., Any], nondiff_argnums: tuple[int, ...]) -> None:
        update_wrapper(self, function)
        # What refers to the function is found among the attributes, as the rules are.
        del self.__wrapped__
        self.function = function
        self.nondiff_argnums = nondiff_argnums
        self.forward: Callable[..., Any] | None = None
        self.backward: Callable[..., Any] | None = None

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else MethodType(self, instance)

    def with_function(self, function: Callable[..., Any]) -> _Custom:
        """The same rules for another function."""
        return _restored(type(self), function, self.nondiff_argnums, self.forward, self.backward)

    def __reduce__(self) -> Any:
        made = _restored, (type(self), self.function, self.nondiff_argnums, self.forward, self.backward)
        return place_of(self) or made

    @boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.forward is None:
            raise TypeError(f"{self.name}: requires a rule, got a function without one. Give it by {self.how}.")
        args = self._positional(args, kwargs)
        arguments = self._arguments(args)
        values = [arguments.leaves[i] for i in arguments.traced]
        if innermost(values) is None:
            return own_results(self.function(*args))
        staged = stage(
            lambda *tracers: self.function(*arguments.complete(tracers)), [value_type(v) for v in values], values
        )
        made = self.call(self, arguments.without_values(), staged)
        return staged.restore(
            call_primitive(self.primitive, [*values, *staged.captured], program=staged.program, call=made)
        )

    def _positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        if not kwargs:
            return args
        bound = inspect.signature(self.function).bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.kwargs:
            raise TypeError(
                f"{self.name}: requires arguments that can be given by position, got {', '.join(bound.kwargs)}. "
                "Make them positional, or bind them by functools.partial."
            )
        return bound.args

    def _arguments(self, args: tuple[Any, ...]) -> _Arguments:
        for n in self.nondiff_argnums:
            if not -len(args) <= n < len(args):
                raise ValueError(
                    f"{self.name}: requires nondiff_argnums of arguments that are given, got {n} for {len(args)} of "
                    "them. Pass the argument, or change nondiff_argnums."
                )
        fixed = {n % len(args): args[n] for n in self.nondiff_argnums}
        leaves, treedef = tree.flatten(tuple([a for i, a in enumerate(args) if i not in fixed]))
        return _Arguments(fixed, leaves, treedef, values_among(self.name, leaves, lambda: tree.paths(treedef, "args")))


def _restored(
    cls: type[_Custom], function: Callable[..., Any], nondiff_argnums: tuple[int, ...], forward: Any, backward: Any
) -> _Custom:
    """A function with rules, as it was pickled."""
    made = cls(function, nondiff_argnums)
    made.forward, made.backward = forward, backward
    return made


class CustomVJP(_Custom):
    """A function with a rule for reverse mode; made by `custom_vjp`."""

    name, primitive, call, how = "custom_vjp", custom_vjp_call, _ReverseCall, "f.defvjp(fwd, bwd)"

    @boundary
    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """Give the rule: ``fwd(*args) -> (out, residuals)`` and ``bwd(*nondiff, residuals, cotangent) -> cotangents``.

        Args:
            fwd: takes the function's arguments; ``residuals`` is any pytree that ``bwd`` needs.
            bwd: takes the arguments without derivative, the residuals, and a cotangent like the result (``None``
                for a leaf that is no float or complex array). It returns a tuple with a pytree like each other
                argument; ``None`` in the place of an argument or a leaf means zero.

        Raises:
            TypeError: one of them is no function.
        """
        for rule in (fwd, bwd):
            require_function(self.name, rule)
        self.forward, self.backward = fwd, bwd


class CustomJVP(_Custom):
    """A function with a rule for its tangent; made by `custom_jvp`."""

    name, primitive, call, how = "custom_jvp", custom_jvp_call, _ForwardCall, "f.defjvp(rule)"

    @boundary
    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Give the rule: ``rule(*nondiff, primals, tangents) -> (out, tangent)``, linear in ``tangents``.

        Args:
            rule: takes the arguments without derivative, the others as a tuple, and a tuple of tangents like
                them, ``None`` for a leaf that is no float or complex array. A ``tangent`` of ``None`` is zero.

        Returns:
            the rule, so that this is a decorator.

        Raises:
            TypeError: it is no function.
        """
        require_function(self.name, rule)
        self.forward = rule
        return rule


@boundary
def custom_vjp(function: Callable[..., Any] | None = None, *, nondiff_argnums: int | Iterable[int] = ()) -> Any:
    """A function whose reverse-mode derivative is a rule of your own, given by ``f.defvjp(fwd, bwd)``.

    Derivatives of higher order differentiate ``fwd`` and ``bwd``; forward mode transposes ``bwd``, which is
    linear in the cotangent. Under `vmap` the rule stays, for each example, however `grad` and `vmap` are nested.
    Python may ask for values inside the rules (``while abs(step) > tol``) wherever it may in the function that is
    differentiated; only a cotangent or tangent that is given later is unknown, and so is all inside of a function
    that `jit` compiles by itself.

    Args:
        function: a pure function of pytrees. Without it, ``custom_vjp`` is a decorator with options.
        nondiff_argnums: positional arguments that are handed to the rules as they are, of any type.

    Returns:
        a function of the same arguments, with the method ``defvjp``.

    Raises:
        TypeError: when called without a rule, or when a rule returns something else than it must; the message
            names the leaf by its path.
        ValueError: likewise, where structure or shape differ.

    >>> import numpy as np
    >>> from fnad import grad
    >>> @custom_vjp
    ... def clipped(x, low, high):
    ...     return np.clip(x, low, high)
    >>> def fwd(x, low, high):
    ...     return np.clip(x, low, high), None
    >>> def bwd(_, g):
    ...     return g, None, None  # straight through
    >>> clipped.defvjp(fwd, bwd)
    >>> grad(lambda x: clipped(x, 0.0, 1.0) ** 2)(3.0)
    array(2.)
    """
    return _decorated("custom_vjp", CustomVJP, function, nondiff_argnums)


@boundary
def custom_jvp(function: Callable[..., Any] | None = None, *, nondiff_argnums: int | Iterable[int] = ()) -> Any:
    """A function whose derivative is a rule of your own for tangents, given by ``f.defjvp(rule)``.

    Reverse mode transposes the rule, which is linear in the tangents. Derivatives of higher order
    differentiate it. Under `vmap` it stays, as that of `custom_vjp`. Like under `jit`, values are unknown inside it.

    Args:
        function: a pure function of pytrees. Without it, ``custom_jvp`` is a decorator with options.
        nondiff_argnums: positional arguments that are handed to the rule as they are, of any type.

    Returns:
        a function of the same arguments, with the method ``defjvp``.

    Raises:
        TypeError: as `custom_vjp`.
        ValueError: as `custom_vjp`.

    >>> import numpy as np
    >>> from fnad import grad
    >>> @custom_jvp
    ... def log1pexp(x):
    ...     return np.log(1 + np.exp(x))
    >>> @log1pexp.defjvp
    ... def rule(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return log1pexp(x), t * (1 - 1 / (1 + np.exp(x)))
    >>> float(grad(log1pexp)(100.0))
    1.0
    """
    return _decorated("custom_jvp", CustomJVP, function, nondiff_argnums)


def _decorated(name: str, cls: type[_Custom], function: Any, nondiff_argnums: int | Iterable[int]) -> Any:
    numbers = integers(name, "nondiff_argnums", nondiff_argnums)
    if function is None:
        return lambda f: _decorated(name, cls, f, numbers)
    require_function(name, function)
    return cls(function, numbers)
