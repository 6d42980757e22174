"""The record that declares an operation: everything about it except how a target compiles it.

A missing rule is a visible ``None``. Rules are written with the library's own primitives, so
what they compute stages, nests and compiles like user code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fnad.ir.ownership import own_arrays

REGISTRY: dict[str, "Primitive"] = {}


class Traced:
    """Base of traced values: a primitive that meets one is staged by the innermost builder among them."""

    __slots__ = ("builder",)
    builder: Any


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
        without: ``(equation, needed) -> equation`` that makes only those outputs that are in the set ``needed``, for
            an operation that costs less so.
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
    without: Callable[..., Any] | None = None
    commutative: bool = False
    kernel: Callable[..., None] | None = None
    effect: bool = False
    is_declared: bool = False

    def __post_init__(self) -> None:
        if self.name in REGISTRY:
            raise ValueError(f"Primitive: requires a new name, got {self.name!r} a second time.")
        REGISTRY[self.name] = self

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
        return self.expression is not None

    def differentiates(self, i: int) -> bool:
        """Whether a derivative flows through input ``i`` (of an inexact dtype)."""
        return self.differentiable is None or i in self.differentiable
