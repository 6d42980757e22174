"""Forward mode: the Jacobian-vector product of a Program, by transposing twice.

There is one set of derivative rules, that of reverse mode. The pullback ``u -> Jᵀ u`` is linear, so
its own pullback is ``t -> J t``, whatever ``u`` is: ``u`` becomes zero, and what reads it goes.
Conventions where an operation has no derivative (ties of ``max``, ``sqrt`` at 0) are therefore those
of `vjp`. The idea is that of "I don't like how autodiff tools do forward mode" by Jamie Townsend
(2017, https://j-towns.github.io/2017/06/12/A-new-trick.html).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fnad import tree
from fnad.arguments import require_tuples
from fnad.errors import boundary
from fnad.ir.program import Atom, Program, Var, filled, prune, structure, without_effects
from fnad.ir.types import is_inexact
from fnad.memo import Memo
from fnad.tracing.builder import Builder, build
from fnad.tracing.staging import call_program
from fnad.tracing.tracer import is_value, value_type
from fnad.transforms.grad import grad
from fnad.transforms.joint import Joint, split_joint
from fnad.transforms.point import outputs_of_first, stage_at
from fnad.transforms.vjp import vjp_program

# --- On Programs


def bind_zeros(program: Program, inputs: Sequence[Var]) -> Program:
    """The Program with some of its inputs zero, and without what no output needs."""
    zeros: dict[Atom, Atom] = {v: filled(0, v.type) for v in inputs}
    equations = [eqn._replace(inputs=tuple([zeros.get(a, a) for a in eqn.inputs])) for eqn in program.equations]
    remaining = tuple([v for v in program.inputs if v not in zeros])
    return prune(Program(remaining, tuple(equations), tuple([zeros.get(a, a) for a in program.outputs])))


def transpose_program(program: Program, wrt: Sequence[int]) -> Joint:
    """The transpose of a Program that is linear in the inputs ``wrt``, all of whose outputs are inexact.

    Its inputs are the other ones of the Program, a cotangent for every output, and constants; its outputs
    are the cotangents of the inputs ``wrt``.
    """
    joint = vjp_program(without_effects(program), wrt, len(program.outputs))
    bars = joint.program.outputs[len(program.outputs) :]
    # Only values of what is linear may be read; a rule that does so in vain is right with zeros.
    point = [joint.program.inputs[i] for i in wrt]
    backward = bind_zeros(Program(joint.program.inputs, joint.program.equations, bars), point)
    return Joint(backward, joint.cotangents, joint.constants)


class Linear(NamedTuple):
    """A function in two parts: forward to the outputs and residuals, and the linear map of tangents there.

    ``forward`` takes the inputs of the function and ``constants``; ``linear`` takes the residuals, which
    are the outputs of ``forward`` after the ``count`` outputs of the function, then the ``tangents``, then
    ``linear_constants``.
    """

    forward: Program
    linear: Program
    count: int
    tangents: tuple[Var, ...]
    constants: list[Any]
    linear_constants: list[Any]
    is_general: bool = True
    """As of a `Joint`."""


def linear_program(
    program: Program, wrt: Sequence[int], count: int, values: Sequence[Any] | None = None
) -> Linear:
    """Linearize a function of the inputs ``wrt``, of which the first ``count`` outputs are differentiated.

    The inputs stand for ``values``. What a structure came to is kept, as `vjp_program` does.
    """
    key = (structure(program), tuple(wrt), count)
    return _linears.get(key, lambda: _linear(program, wrt, count, values), lambda linear: linear.is_general)


_linears = Memo()


def _linear(program: Program, wrt: Sequence[int], count: int, values: Sequence[Any] | None) -> Linear:
    outputs = len(program.outputs)
    joint = vjp_program(program, wrt, count, values=values)
    parts = split_joint(joint, outputs)
    residuals = len(parts.forward.outputs) - outputs
    transposed = transpose_program(parts.backward, range(residuals, len(parts.backward.inputs)))
    return Linear(
        parts.forward, transposed.program, outputs, transposed.cotangents, joint.constants, transposed.constants,
        joint.is_general,
    )


def jvp_program(program: Program, wrt: Sequence[int], count: int, values: Sequence[Any] | None = None) -> Joint:
    """The Program of a function and its tangents.

    Args:
        program: the function.
        wrt: which inputs have tangents; they must be inexact.
        count: how many of the outputs, from the first on, are differentiated.

    Returns:
        a Program whose inputs are those of the function, a tangent for each of ``wrt`` (the ``cotangents``
        of the result), and constants; its outputs are those of the function, then a tangent for each inexact
        one of the first ``count``.
    """
    parts = linear_program(program, wrt, count, values)
    builder = Builder()

    def body() -> Program:
        own = [builder.input(t) for t in program.input_types]
        tangents = [builder.input(v.type) for v in parts.tangents]
        constants, after = (
            [builder.input(value_type(c)) for c in given] for given in (parts.constants, parts.linear_constants)
        )
        results = builder.inline(parts.forward, [*own, *constants])
        moved = builder.inline(parts.linear, [*results[parts.count :], *tangents, *after])
        return builder.finish([t.atom for t in (*results[: parts.count], *moved)])[0]

    joint, own = build(builder, body), len(program.inputs)
    return Joint(prune(joint), tuple(builder.inputs[own : own + len(parts.tangents)]), [
        *parts.constants, *parts.linear_constants,
    ])


# --- On functions


@boundary
def jvp(
    function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """Run a function and push a tangent of its arguments forward: its Jacobian times a vector.

    It is made of the rules of reverse mode, so where a function has a kink the derivative is that of `vjp`.

    Args:
        function: a pure function from pytrees of arrays to a pytree of arrays.
        primals: its arguments, as a tuple.
        tangents: a tuple like ``primals``. The tangent of an integer or boolean leaf is ``None`` or zero.
        has_aux: whether ``function`` returns ``(out, aux)``, of which only ``out`` is differentiated.

    Returns:
        ``(out, tangent)``, or ``(out, tangent, aux)``. ``tangent`` is a pytree like ``out``, each leaf of its
        leaf's dtype; that of an integer or boolean leaf is ``None``.

    Raises:
        TypeError: primals or tangents are no tuples, a leaf is no array, or ``aux`` is missing.
        ValueError: the tangents differ from the primals in structure, shape or kind of dtype; the message
            names the path.

    >>> import numpy as np
    >>> jvp(np.sin, (np.array([0.0, np.pi]),), (np.array([1.0, 2.0]),))[1]
    array([ 1., -2.])
    """
    require_tuples("jvp", primals, tangents)
    point = stage_at("jvp", function, tuple(primals), has_aux)
    given = point.tangents("jvp", tuple(tangents))
    staged = point.staged
    values = [*point.values, *staged.captured]
    joint = jvp_program(staged.program, range(len(point.wrt)), outputs_of_first(staged), values)
    # The inputs that are captured come before the tangents, as they do in the function's own Program.
    results = call_program(joint.program, [*values, *given, *joint.constants])
    count = len(staged.program.outputs)
    out, aux = staged.restore(results[:count])
    tangent = _like_result(out, results[count:])
    return (out, tangent, aux) if has_aux else (out, tangent)


@boundary
def linearize(function: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Run a function and get its linear map of tangents, which may be applied many times.

    Args:
        function: a pure function from pytrees of arrays to a pytree of arrays.
        primals: its arguments.

    Returns:
        ``(out, f_jvp)``. ``f_jvp(*tangents)`` takes a pytree like each primal and returns one like ``out``;
        it computes nothing again that does not depend on the tangents.

    Raises:
        TypeError: a leaf of ``primals`` is no array.

    >>> out, f_jvp = linearize(lambda x: x ** 2, 3.0)
    >>> f_jvp(1.0), f_jvp(2.0)
    (array(6.), array(12.))
    """
    point = stage_at("linearize", function, primals, False)
    staged = point.staged
    values = [*point.values, *staged.captured]
    parts = linear_program(staged.program, range(len(point.wrt)), outputs_of_first(staged), values)
    results = call_program(parts.forward, [*values, *parts.constants])
    residuals = results[parts.count :]
    out, _ = staged.restore(results[: parts.count])

    @boundary
    def f_jvp(*tangents: Any) -> Any:
        given = point.tangents("linearize", tangents)
        return _like_result(out, call_program(parts.linear, [*residuals, *given, *parts.linear_constants]))

    return out, f_jvp


@boundary
def hvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, ...]:
    """The Hessian of a scalar function times a vector, forward over reverse: about four times the function's cost.

    Args:
        function: a pure function that returns a real scalar.
        primals: its arguments, as a tuple; all leaves are float or complex.
        tangents: a tuple like ``primals``.

    Returns:
        a tuple like ``primals``.

    Raises:
        TypeError: as `grad` and `jvp`.
        ValueError: as `jvp`.

    >>> import numpy as np
    >>> hvp(lambda x: np.sum(x ** 3), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))[0]
    array([ 6., 12.])
    """
    require_tuples("hvp", primals, tangents)
    return jvp(grad(function, tuple(range(len(primals)))), tuple(primals), tuple(tangents))[1]


def _like_result(out: Any, tangents: Sequence[Any]) -> Any:
    """The tangents of the inexact leaves of a result as a pytree like it, ``None`` elsewhere."""
    leaves, treedef = tree.flatten(out)
    values = iter(tangents)
    return tree.unflatten(
        treedef, [next(values) if is_value(y) and is_inexact(value_type(y).dtype) else None for y in leaves]
    )
