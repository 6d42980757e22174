"""The record that declares an operation: everything about it except how a target compiles it.

A missing rule is a visible ``None``. Rules are written with the library's own primitives, so
what they compute stages, nests and compiles like user code. Passes ask for traits, never for names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fnad.ownership import own_arrays

REGISTRY: dict[str, "Primitive"] = {}


class Traced:
    """Base of traced values: a primitive that meets one is staged by the innermost builder among them."""

    __slots__ = ("builder",)
    builder: Any


class Kind(Enum):
    """The kind of work that an operation does with elements."""

    ELEMENTWISE = "elementwise"
    """Each element of the result is computed from those at its place, by a scalar expression."""
    VIEW = "view"
    """The result is in the operand's memory, seen in another way."""
    WINDOW = "window"
    """Operands are written to parts of the result."""
    REDUCTION = "reduction"
    """Elements along ``axes``, which the result drops, are joined into one."""
    CUMULATIVE = "cumulative"
    """Elements along ``axis`` are each joined with those before."""
    PRODUCT = "product"
    """Matrices are multiplied, whichever of their axes is contiguous."""
    CONTROL = "control"
    """Programs run, as a loop or as branches."""
    OTHER = "other"


_TOTAL = {Kind.ELEMENTWISE, Kind.VIEW, Kind.WINDOW, Kind.REDUCTION, Kind.CUMULATIVE, Kind.PRODUCT}
"""Kinds of which operations are total unless they say something else."""


@dataclass(eq=False, frozen=True, slots=True)
class Primitive:
    """One operation on arrays. Calling it runs it on arrays and stages it on traced values.

    Attributes:
        name: unique; what the printer shows.
        type_rule: ``(*input_types, **params) -> ArrayType`` or a tuple of them; raises for bad input.
        evaluate: the NumPy meaning, the reference for every target.
        vjp: ``(i, g, y, *inputs, **params) -> cotangent of input i``, with the cotangent ``g``
            of the output ``y`` (tuples where there are several outputs).
        vjp_forward: ``(active, *inputs, **params) -> (outputs, residuals)``, for an operation that must run
            differently when it is differentiated; ``active`` says which inputs a derivative is wanted for. Then
            ``vjp_backward(residuals, g, **params)`` gives the cotangents of all inputs, of which only those of
            active ones are read; ``None`` is zero.
        differentiable: which inputs carry a derivative; ``None`` means all that are inexact, ``()``
            means that the operation is declared not differentiable (piecewise constant).
        expression: elementwise work as a scalar expression of ``{0}``, ``{1}``, ..., which names no target.
        expand: ``(*inputs, **params) -> value`` in terms of simpler primitives, for compilation.
        batch: ``(primitive, mapped, *inputs, **params) -> outputs`` for a whole batch at once. The inputs that
            ``mapped`` names (one of them at least) have the batch axis in front, and so have the outputs; an
            output without it is the same for all examples. Elementwise work needs no such rule; without one,
            or where it returns ``NotImplemented``, the expansion is batched.
        conditional: ``(primitive, flag, only_if, *inputs, **params) -> outputs`` for an operation that can fail, run
            for ever or call Python, where that can be kept from happening more cheaply than by a branch around it:
            where the boolean scalar ``flag`` is false, none of it happens whatever the inputs are, and the outputs
            may be any. ``only_if(program)`` is the same of a Program among the parameters, which takes the flag
            first. ``NotImplemented`` asks for the branch.
        dead_code: ``(equation, needed) -> equation`` that makes only those outputs that are in the set ``needed``, for
            an operation that costs less so.
        view: ``(view, **params) -> view`` of the result in the memory of the operand's, or ``None`` where its elements
            would have to move; a view has an ``offset``, a ``shape``, ``strides`` in bytes and a ``dtype``.
        windows: ``(view, *inputs, **params) -> [(input or literal, view)]``: what is written to the result, whose view
            is given, in order.
        broadcasts: ``(shape, **params) -> shape`` of the operand from which NumPy broadcasts the result by itself.
        kind: told by ``expression``, ``view`` and ``windows`` where it has one of these.
        combine: how a reduction or a cumulative operation joins two elements, such as ``"add"``.
        total: whether nobody can tell if it was run: it gives a result for any operands, and does nothing else. A
            function ``(*inputs, **params) -> bool`` tells it of an equation's atoms. See `is_total` for Programs.
        overwrites: the number of an input that the result may be written over.
        pinned: whether it is computed no earlier than it stands, and never made one with an equal one.
        commutative: whether the two inputs may be swapped.
        kernel: ``(*inputs, *outputs, **params)``, a function that fills the outputs and that numba can compile, for
            an operation that a user declares; for the others it is a target's business how they run.
        effect: whether the operation must be kept though nothing uses its outputs.
        is_declared: whether the rules are a user's, who may let them read what changes: nothing made by them is kept.
    """

    name: str
    type_rule: Callable[..., Any]
    evaluate: Callable[..., Any]
    vjp: Callable[..., Any] | None = None
    vjp_forward: Callable[..., Any] | None = None
    vjp_backward: Callable[..., Any] | None = None
    differentiable: tuple[int, ...] | None = None
    expression: str | None = None
    expand: Callable[..., Any] | None = None
    batch: Callable[..., Any] | None = None
    conditional: Callable[..., Any] | None = None
    dead_code: Callable[..., Any] | None = None
    view: Callable[..., Any] | None = None
    windows: Callable[..., Any] | None = None
    broadcasts: Callable[..., Any] | None = None
    kind: Kind = Kind.OTHER
    combine: str | None = None
    total: bool | Callable[..., bool] | None = None
    overwrites: int | None = None
    pinned: bool = False
    commutative: bool = False
    kernel: Callable[..., None] | None = None
    effect: bool = False
    is_declared: bool = False

    def __post_init__(self) -> None:
        if self.name in REGISTRY:
            raise ValueError(f"Primitive: requires a new name, got {self.name!r} a second time.")
        REGISTRY[self.name] = self
        rules = {Kind.ELEMENTWISE: self.expression, Kind.VIEW: self.view, Kind.WINDOW: self.windows}
        kind = next((kind for kind, rule in rules.items() if rule is not None), self.kind)
        object.__setattr__(self, "kind", kind)
        if self.total is None:
            object.__setattr__(self, "total", kind in _TOTAL)

    def __call__(self, *args: Any, **params: Any) -> Any:
        builder = None
        for arg in args:
            if isinstance(arg, Traced) and (builder is None or arg.builder.level > builder.level):
                builder = arg.builder
        if builder is None:
            results = self.evaluate(*args, **params)
            is_one = not isinstance(results, (tuple, list))
            own = own_arrays([results] if is_one else results, args)
            return own[0] if is_one else tuple(own)
        return builder.apply(self, args, params)

    def __repr__(self) -> str:
        return self.name

    @property
    def is_elementwise(self) -> bool:
        return self.kind is Kind.ELEMENTWISE

    def differentiates(self, i: int) -> bool:
        """Whether a derivative flows through input ``i`` (of an inexact dtype)."""
        return self.differentiable is None or i in self.differentiable
