"""Derivatives of elementwise rules as formulas for readers, made of the rules themselves."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.ir.program import Equation, Literal, Program, Var
from fnad.ir.types import ArrayType, is_inexact
from fnad.ops import elementwise as ops
from fnad.tracing.staging import stage
from fnad.tracing.tracer import Tracer

NUMBER = ArrayType((), np.dtype(np.float64))
# Away from the points where a rule is guarded, and as NumPy would have it written.
_WRITTEN = {
    ops.guarded_mul: "{0} * {1}", ops.guarded_div: "{0} / {1}", ops.choose: "{2}", ops.select: "where({0}, {1}, {2})",
    ops.max_weight: "heaviside({0} - {1}, 0.5)", ops.min_weight: "heaviside({1} - {0}, 0.5)",
    ops.cosine: "{0} / hypot({0}, {1})", ops.square: "{0} ** 2", ops.power: "{0} ** {1}",
    ops.sech_square: "1 / cosh({0}) ** 2", ops.convert: "{0}",
}
_CONSTANTS = {
    1 / 3: "1 / 3", ops.LN2: "log(2)", 1 / ops.LN2: "1 / log(2)", 1 / ops.LN10: "1 / log(10)",
    np.deg2rad(1.0): "pi / 180", np.rad2deg(1.0): "180 / pi",
}


def derivatives(rule: Callable[..., Any], names: Sequence[str]) -> list[str]:
    """For each operand of a rule that works element by element, the derivative of its result as a formula.

    >>> derivatives(ops.mul, ["x", "y"]), derivatives(ops.log2, ["x"])
    (['y', 'x'], ['1 / x * (1 / log(2))'])
    """
    program = stage(rule, [NUMBER] * len(names)).program
    return [_derivative(program, i, names) for i in range(len(names))]


def _derivative(program: Program, i: int, names: Sequence[str]) -> str:
    """The formula in one operand; in parentheses those of several results."""
    parts = []
    for k in range(len(program.outputs)):
        slope = stage(lambda *xs: _slope(program, i, k, xs), program.input_types).program
        parts.append(_formula(slope, names))
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _slope(program: Program, i: int, k: int, xs: Sequence[Tracer]) -> Any:
    """The derivative of output ``k`` in input ``i``, by the rules of the primitives, from the last to the first."""
    values: dict[Any, Any] = dict(zip(program.inputs, xs))
    read = lambda atom: values[atom] if type(atom) is Var else atom.value  # noqa: E731
    for eqn in program.equations:
        results = eqn.primitive(*map(read, eqn.inputs), **eqn.params)
        values.update(zip(eqn.outputs, results if isinstance(results, tuple) else (results,)))
    slopes: dict[Any, Any] = {program.outputs[k]: np.float64(1)}
    for eqn in reversed(program.equations):
        given = slopes.get(eqn.outputs[0])
        if given is not None:
            _back(eqn, given, [read(a) for a in eqn.inputs], values, slopes)
    return slopes.get(program.inputs[i], 0.0)


def _back(eqn: Equation, g: Any, inputs: Sequence[Any], values: dict[Any, Any], slopes: dict[Any, Any]) -> None:
    """Add what an equation of one output gives to the slopes of its inputs."""
    primitive = eqn.primitive
    for j, atom in enumerate(eqn.inputs):
        if type(atom) is Var and primitive.differentiates(j) and is_inexact(atom.type.dtype):
            part = primitive.vjp(j, g, values[eqn.outputs[0]], *inputs, **eqn.params)  # type: ignore[misc]
            slopes[atom] = part if atom not in slopes else ops.add(slopes[atom], part)


# --- Programs of one number as formulas


def _formula(program: Program, names: Sequence[str]) -> str:
    written: dict[Any, str] = dict(zip(program.inputs, names))
    read = lambda atom: _constant(atom) if type(atom) is Literal else written[atom]  # noqa: E731
    for eqn in program.equations:
        template = _WRITTEN.get(eqn.primitive) or eqn.primitive.expression or ""
        written[eqn.outputs[0]] = f"({template.format(*map(read, eqn.inputs))})"
    return ast.unparse(_WithoutOnes().visit(ast.parse(read(program.outputs[0]), mode="eval")))


def _constant(literal: Literal) -> str:
    value = literal.value.item()
    return f"({_CONSTANTS.get(value) or format(value, '.6g')})"


class _WithoutOnes(ast.NodeTransformer):
    """Leaves out factors of 1."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult) and _is_one(node.left):
            return node.right
        return node.left if isinstance(node.op, (ast.Mult, ast.Div)) and _is_one(node.right) else node


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1
