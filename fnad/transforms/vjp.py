"""Reverse mode: the vector-Jacobian product of a Program is a Program.

Nothing is recorded while a program runs. The equations of the function come first, then, in
reverse, the derivative rule of each equation that lies between the inputs and the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fnad import tree
from fnad.arguments import cotangent_leaves
from fnad.errors import boundary
from fnad.ir.program import Atom, Equation, Literal, Program, Var, filled, prune, structure
from fnad.ir.types import is_inexact
from fnad.memo import Memo
from fnad.ops.elementwise import add
from fnad.ops.elementwise import stop_gradient as stop_gradient_p
from fnad.tracing.builder import Builder, build
from fnad.tracing.staging import call_program
from fnad.tracing.tracer import Tracer
from fnad.transforms.masks import keep_zeros
from fnad.transforms.joint import Joint, split_joint
from fnad.transforms.point import outputs_of_first, stage_at

# --- On Programs


def vjp_program(
    program: Program, wrt: Sequence[int], count: int, seed: Literal | None = None, values: Sequence[Any] | None = None
) -> Joint:
    """The joint Program of a function and its pullback.

    Args:
        program: the function.
        wrt: which inputs to give cotangents for.
        count: how many of the outputs, from the first on, are differentiated.
        seed: the cotangent of all these, where it is known.
        values: what the inputs stand for, so that Python may ask for values in the rules of users.

    A function that is staged at every call comes to the same Program most times, so the joint Program of a
    structure is kept.
    """
    key = (structure(program), tuple(wrt), count, None if seed is None else (seed.type, seed.value.tobytes()))
    return _joints.get(key, lambda: _join(program, wrt, count, seed, values), lambda joint: joint.is_general)


_joints = Memo()


def _join(
    program: Program, wrt: Sequence[int], count: int, seed: Literal | None, values: Sequence[Any] | None
) -> Joint:
    program = prune(program)  # what no result needs would be differentiated in vain
    builder = Builder()
    builder.inputs = list(program.inputs)
    builder.stands_for.update(zip(program.inputs, values or ()))

    def body() -> tuple[Program, list[Any], int, _Forward]:
        forward = _Forward(builder, program, {program.inputs[i] for i in wrt})
        own = len(builder.equations)
        outputs = [forward.atoms.get(a, a) for a in program.outputs]
        cotangents: dict[Atom, Tracer] = {}
        for atom in outputs[:count]:
            if is_inexact(atom.type.dtype):
                g = builder.input(atom.type.strong) if seed is None else Tracer(builder, seed)
                forward.accumulate(cotangents, atom, g)
        forward.pull_back(cotangents)
        bars = [_bar(builder, cotangents.get(program.inputs[i]), program.inputs[i]).atom for i in wrt]
        return *builder.finish([*outputs, *bars]), own, forward

    joint, constants, own, forward = build(builder, body)
    way_back = {id(e) for e in builder.equations[own:]}
    made_back = {v for e in builder.equations[own:] for v in e.outputs}
    joint = prune(joint)
    count_own = sum([id(e) not in way_back and made_back.isdisjoint(e.outputs) for e in joint.equations])
    joint = keep_zeros(joint, count_own, forward.cotangents)
    return Joint(joint, tuple(builder.inputs[len(program.inputs) :]), constants, count_own, not builder.concretized)


class _Forward:
    """The equations of the function, those with a forward rule of their own replaced, and the backward pass."""

    def __init__(self, builder: Builder, program: Program, active: set[Atom]) -> None:
        self.builder = builder
        self.active = active  # the variables that depend on the inputs in question
        self.atoms: dict[Atom, Atom] = {}  # what stands for an output of a replaced equation
        self.steps: list[tuple[Equation, Any]] = []  # active equations, with their residuals
        self.cotangents: set[Atom] = set()  # all that are accumulated
        for equation in program.equations:
            self._stage(equation)

    def _stage(self, eqn: Equation) -> None:
        if self.atoms:
            eqn = eqn._replace(inputs=tuple([self.atoms.get(a, a) for a in eqn.inputs]))
        residuals = None
        if not self._is_active(eqn):
            self.builder.equations.append(eqn)
            return
        if eqn.primitive.vjp_forward is None:
            self.builder.equations.append(eqn)
        else:
            eqn, residuals = self._run_forward_rule(eqn)
        self.steps.append((eqn, residuals))
        self.active.update([v for v in eqn.outputs if is_inexact(v.type.dtype)])

    def _run_forward_rule(self, eqn: Equation) -> tuple[Equation, Any]:
        self.builder.source = eqn.source
        wanted = set(self._wanted(eqn))
        active = tuple([i in wanted for i in range(len(eqn.inputs))])
        results, residuals = eqn.primitive.vjp_forward(active, *self._tracers(eqn.inputs), **eqn.params)
        results = results if isinstance(results, (tuple, list)) else (results,)
        outputs = tuple([self.builder.tracer(r).atom for r in results])
        self.atoms.update(zip(eqn.outputs, outputs))
        return eqn._replace(outputs=outputs), residuals

    def _is_active(self, eqn: Equation) -> bool:
        return eqn.primitive.differentiable != () and bool(self._wanted(eqn))

    def _wanted(self, eqn: Equation) -> list[int]:
        """The inputs of an equation that a derivative flows to."""
        return [i for i, a in enumerate(eqn.inputs) if a in self.active and eqn.primitive.differentiates(i)]

    def _tracers(self, atoms: Sequence[Atom]) -> list[Tracer]:
        return [Tracer(self.builder, a) for a in atoms]

    def pull_back(self, cotangents: dict[Atom, Tracer]) -> None:
        """Carry the cotangents of the outputs back to the inputs."""
        for eqn, residuals in reversed(self.steps):
            given = [cotangents.pop(v, None) for v in eqn.outputs]
            if any([g is not None for g in given]):
                self.builder.source = eqn.source and eqn.source._replace(backward=True)
                for atom, contribution in self._contributions(eqn, given, residuals):
                    self.accumulate(cotangents, atom, self.builder.tracer(contribution))

    def accumulate(self, cotangents: dict[Atom, Tracer], atom: Atom, g: Tracer) -> None:
        """Add to the cotangent of an atom."""
        self.cotangents.add(g.atom)
        if type(atom) is Var:
            known = cotangents.get(atom)
            cotangents[atom] = g if known is None else add(known, g)

    def _contributions(self, eqn: Equation, given: Sequence[Tracer | None], residuals: Any) -> list[tuple[Atom, Any]]:
        primitive, params, wanted = eqn.primitive, eqn.params, self._wanted(eqn)
        g: Any = tuple([_bar(self.builder, c, v) for c, v in zip(given, eqn.outputs)])
        self.cotangents.update([c.atom for c in g])
        y: Any = self._tracers(eqn.outputs)
        if len(y) == 1:
            (g,), (y,) = g, y
        if primitive.vjp_backward is not None:
            bars = primitive.vjp_backward(residuals, g, **params)
            return [(eqn.inputs[i], bars[i]) for i in wanted if bars[i] is not None]
        if primitive.vjp is None:
            raise TypeError(
                f"{primitive}: requires a derivative rule to be differentiated, got none. "
                "Use fnad.stop_gradient."
            )
        inputs = self._tracers(eqn.inputs)
        return [(eqn.inputs[i], primitive.vjp(i, g, y, *inputs, **params)) for i in wanted]


def _bar(builder: Builder, g: Tracer | None, v: Atom) -> Tracer:
    return Tracer(builder, filled(0, v.type)) if g is None else g


def pullback_program(program: Program, wrt: Sequence[int], count: int) -> Joint:
    """The pullback alone, which computes the function again: a joint Program without the function's outputs."""
    joint = vjp_program(program, wrt, count)
    bars = joint.program.outputs[len(program.outputs) :]
    return joint._replace(program=prune(Program(joint.program.inputs, joint.program.equations, bars)))


# --- On functions


@boundary
def vjp(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Run a function and get its pullback, which maps a cotangent of the result to cotangents of the primals.

    Args:
        function: a pure function from pytrees of arrays to a pytree of arrays.
        primals: its arguments.
        has_aux: whether ``function`` returns ``(out, aux)``, of which only ``out`` is differentiated.

    Returns:
        ``(out, pullback)``, or ``(out, pullback, aux)`` with ``has_aux``. ``pullback(cotangent)`` takes a
        pytree like ``out`` and returns a tuple with a pytree like each primal; the cotangent of an
        integer or boolean leaf is ``None``. That of a complex number is d/dRe + i d/dIm of a real number, so
        that of the primal of a holomorphic f is the result's times the conjugate of f'.

    Raises:
        TypeError: a leaf of ``primals`` is no array, or ``aux`` is missing.

    >>> import numpy as np
    >>> out, pullback = vjp(np.sin, np.array([0.0, np.pi]))
    >>> pullback(np.array([1.0, 1.0]))[0]
    array([ 1., -1.])
    """
    point = stage_at("vjp", function, primals, has_aux)
    staged, wrt = point.staged, point.wrt
    values = [*point.values, *staged.captured]
    joint = vjp_program(staged.program, range(len(wrt)), outputs_of_first(staged), values=values)
    parts = split_joint(joint, len(staged.program.outputs))
    results = call_program(parts.forward, [*values, *joint.constants])
    residuals = results[len(staged.program.outputs) :]
    out, aux = staged.restore(results[: len(staged.program.outputs)])
    out_leaves, out_tree = tree.flatten(out)

    @boundary
    def pullback(cotangent: Any) -> tuple[Any, ...]:
        given = cotangent_leaves(cotangent, out_leaves, out_tree)
        bars = call_program(parts.backward, [*residuals, *given])
        return point.like_primals(bars)

    return (out, pullback, aux) if has_aux else (out, pullback)


def stop_gradient(value: Any) -> Any:
    """The same pytree, through which no derivative flows.

    Args:
        value: a pytree of arrays, traced values or anything else.

    Returns:
        The same pytree of the same values, shapes and dtypes.

    >>> import numpy as np
    >>> from fnad import grad
    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    array(3.)
    """
    return tree.map(lambda leaf: stop_gradient_p(leaf) if isinstance(leaf, Tracer) else leaf, value)
