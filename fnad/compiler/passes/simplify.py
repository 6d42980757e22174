""""simplify", Program → Program: the same values from fewer and simpler equations.

Invariant: no result changes by a bit, but that a product with the identity spreads no nan from one place to others;
what is left has code on the target, or runs by its NumPy meaning.

What the target has no code for is written in simpler primitives; constants are folded, equal
equations become one, what moves no element goes, and what no output needs goes too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from fnad.compiler.passes.hoist import hoist
from fnad.compiler.passes.pieces import as_selection
from fnad.control.switch import switch_p
from fnad.interpreter.evaluate import QUIET
from fnad.ir.primitive import Kind, Primitive
from fnad.ir.program import Atom, Equation, Literal, Program, Var, has_effect, is_total, prune
from fnad.ir.types import ArrayType
from fnad.ops import elementwise as e
from fnad.ops import shaping as s
from fnad.ops.arrays import array_equation, array_of, array_p, is_identity
from fnad.ops.complexes import complex_
from fnad.ops.contractions import matmul
from fnad.ops.indexing import scatter
from fnad.sameness import typed_if_hashable
from fnad.tracing.builder import Builder, build
from fnad.tracing.tracer import Tracer

Rule = Callable[..., Atom | None]


def simplify(program: Program, has_code: Callable[[Equation], bool]) -> Program:
    """Simplify a Program; an equation for which ``has_code`` is false is expanded, where it says how."""
    rewriter = _Rewriter(has_code)
    for equation in prune(program).equations:
        rewriter.add(equation)
    outputs = tuple([rewriter.atoms.get(a, a) for a in program.outputs])
    return prune(Program(program.inputs, tuple(rewriter.equations), outputs))


def _branch(eqn: Equation, index: Tracer, *operands: Tracer) -> list[Tracer]:
    """The results of a switch on a known index."""
    branches = eqn.params["branches"]
    chosen = min(max(int(index.atom.value), 0), len(branches) - 1)
    return index.builder.inline(branches[chosen], operands)


def _with_programs(eqn: Equation, rewrite: Callable[[Program], Program]) -> Equation:
    """An equation with rewritten Programs among its parameters."""

    def rewritten(value: Any) -> Any:
        if type(value) is tuple:
            return tuple([rewritten(part) for part in value])
        return rewrite(value) if type(value) is Program else value

    return eqn._replace(params={key: rewritten(value) for key, value in eqn.params.items()})


class _Rewriter:
    def __init__(self, has_code: Callable[[Equation], bool]) -> None:
        self.has_code = has_code
        self.equations: list[Equation] = []
        self.atoms: dict[Atom, Atom] = {}  # replacements of removed variables
        self.producers: dict[Atom, Equation] = {}
        self.known: dict[Any, tuple[Var, ...]] = {}

    def add(self, eqn: Equation) -> None:
        """Add an equation, or bind its outputs to what is there already."""
        eqn = eqn._replace(inputs=tuple([self.atoms.get(a, a) for a in eqn.inputs]))
        if eqn.primitive.expand is not None and not self.has_code(eqn):
            return self._expand(eqn, lambda *inputs: eqn.primitive.expand(*inputs, **eqn.params))
        selection = as_selection(eqn)
        if selection is not None:
            return self._expand(eqn, selection)
        if eqn.primitive is switch_p and isinstance(eqn.inputs[0], Literal):
            return self._expand(eqn, partial(_branch, eqn))
        found = self._simpler(eqn)
        if found is not None:
            self.atoms[eqn.outputs[0]] = found
            return
        if eqn.primitive.kind is Kind.CONTROL:
            hoisted = self._hoisted(eqn)
            if hoisted is None:
                return
            eqn = hoisted
        key = _key(eqn)
        same = self.known.get(key) if key is not None else None
        if same is not None:
            self.atoms.update(zip(eqn.outputs, same))
            return
        if key is not None:
            self.known[key] = eqn.outputs
        self.equations.append(eqn)
        self.producers.update(dict.fromkeys(eqn.outputs, eqn))

    def _expand(self, eqn: Equation, expand: Callable[..., Any]) -> None:
        """Add what an equation means in simpler primitives, or by those of a Program of its own."""
        builder = Builder()
        builder.source = eqn.source

        def body() -> tuple[Program, list[Any], list[Atom]]:
            inputs = [Tracer(builder, a) for a in eqn.inputs]
            results = expand(*inputs)
            results = results if isinstance(results, (tuple, list)) else (results,)
            outputs = [builder.tracer(r).atom for r in results]
            return *builder.finish(outputs), outputs

        expanded, arrays, outputs = build(builder, body)
        for v, value in zip(expanded.inputs, arrays):
            self.add(array_equation(v, value))
        for inner in expanded.equations:
            self.add(inner)
        self.atoms.update((v, self.atoms.get(a, a)) for v, a in zip(eqn.outputs, outputs))

    def _hoisted(self, eqn: Equation) -> Equation | None:
        """A loop or a branch with simplified Programs, after what it need not contain; ``None`` where that is all."""
        hoisted = hoist(_with_programs(eqn, lambda program: simplify(program, self.has_code)), self.producers)
        for before in hoisted.before:
            self.add(before)
        self.atoms.update([(v, self.atoms.get(a, a)) for v, a in hoisted.known.items()])
        if hoisted.equation is None:
            return None
        return hoisted.equation._replace(inputs=tuple([self.atoms.get(a, a) for a in hoisted.equation.inputs]))

    def _simpler(self, eqn: Equation) -> Atom | None:
        """An atom that is equal to the one output, where there is one."""
        primitive, inputs = eqn.primitive, eqn.inputs
        if len(eqn.outputs) != 1 or has_effect(eqn) or primitive.kind is Kind.CONTROL:
            return None
        type = eqn.outputs[0].type
        if all([isinstance(a, Literal) for a in inputs]):
            folded = _fold(eqn, type)
            if folded is not None:
                return folded
        if primitive is matmul and any([is_identity(self.producers.get(a)) for a in inputs]):
            a, b = inputs
            return b if is_identity(self.producers.get(a)) else a
        rule = _RULES.get(primitive)
        found = rule(*inputs, **eqn.params) if rule is not None else None
        if found is not None and found.type.strong == type.strong:
            return found
        if primitive in _UNDOES:
            return self._undone(eqn)
        if primitive is e.add:
            return self._scattered(eqn)
        return self._merged(eqn) if primitive in _MERGES else None

    def _scattered(self, eqn: Equation) -> Atom | None:
        """Some elements added to an array, in the place of an array of zeros with them in it.

        The gradient of an index is such an array: to add it would cost as much as the whole array is large.
        """
        for x, y in (eqn.inputs, eqn.inputs[::-1]):
            inner = self.producers.get(y)
            if inner is not None and inner.primitive is scatter and inner.params["mode"] == "add":
                if _is(inner.inputs[0], 0):
                    output = Var(eqn.outputs[0].type)
                    self.add(Equation(inner.primitive, (x, *inner.inputs[1:]), inner.params, (output,), eqn.source))
                    return self.atoms.get(output, output)
        return None

    def _undone(self, eqn: Equation) -> Atom | None:
        """What the equation before did something to that this one undoes."""
        inner, (maker, i) = self.producers.get(eqn.inputs[0]), _UNDOES[eqn.primitive]
        if inner is None or inner.primitive is not maker:
            return None
        found = inner.inputs[i]
        return found if found.type.strong == eqn.outputs[0].type.strong else None

    def _merged(self, eqn: Equation) -> Atom | None:
        """Two moves in a row as one; the first may then go."""
        inner = self.producers.get(eqn.inputs[0])
        if inner is None or inner.primitive is not eqn.primitive:
            return None
        params = _MERGES[eqn.primitive](inner.params, eqn.params)
        output = Var(eqn.outputs[0].type)
        self.add(Equation(eqn.primitive, inner.inputs, params, (output,), eqn.source))
        return self.atoms.get(output, output)


# --- Constants


def _fold(eqn: Equation, type: ArrayType) -> Literal | None:
    if eqn.primitive is array_p:
        first = array_of(eqn).ravel()[:1]
        is_filled = type.size and array_of(eqn).tobytes() == first.tobytes() * type.size
        return Literal(first[0], type) if is_filled else None
    if eqn.primitive.kind is Kind.VIEW and not eqn.primitive.pinned and eqn.inputs[0].type.size:
        return Literal(eqn.inputs[0].value, type)
    if not eqn.primitive.is_elementwise or not is_total(eqn):
        return None
    with np.errstate(**QUIET):
        value = eqn.primitive.evaluate(*[a.value for a in eqn.inputs], **eqn.params)
    return Literal(np.asarray(value, dtype=type.dtype)[()], type)


def _is(atom: Atom, value: float) -> bool:
    return isinstance(atom, Literal) and atom.value == value


# --- Results equal to an operand. That of adding 0.0 is not: it turns -0.0 into 0.0.


def _add(x: Atom, y: Atom) -> Atom | None:
    if x.type.dtype.kind not in "iu":
        return None
    return x if _is(y, 0) else y if _is(x, 0) else None


def _sub(x: Atom, y: Atom) -> Atom | None:
    return x if _is(y, 0) and not np.signbit([np.real(y.value), np.imag(y.value)]).any() else None


def _mul(x: Atom, y: Atom) -> Atom | None:
    if x.type.dtype.kind == "c":  # 1 times an infinity has the part 0 times inf
        return None
    return x if _is(y, 1) else y if _is(x, 1) else None


def _div(x: Atom, y: Atom) -> Atom | None:
    return x if _is(y, 1) and x.type.dtype.kind != "c" else None


def _select(condition: Atom, x: Atom, y: Atom) -> Atom | None:
    if isinstance(condition, Literal):
        return x if condition.value else y
    return x if x is y else None


def _operand(x: Atom, **params: Any) -> Atom:
    return x  # rejected by the caller where the type changes


def _set_slice(x: Atom, value: Atom, **window: Any) -> Atom:
    return value  # rejected by the caller where it does not cover all of x


def _transpose(x: Atom, perm: Sequence[int]) -> Atom | None:
    return x if list(perm) == sorted(perm) else None


_RULES: dict[Primitive, Rule] = {
    e.add: _add, e.sub: _sub, e.mul: _mul, e.div: _div, e.guarded_div: _div, e.select: _select, e.choose: _select,
    e.convert: _operand, e.copy: _operand, e.stop_gradient: _operand, s.reshape: _operand,
    s.broadcast: _operand, s.transpose: _transpose, s.set_slice: _set_slice,
}
_MERGES: dict[Primitive, Callable[[dict, dict], dict]] = {
    s.reshape: lambda first, second: second,
    s.transpose: lambda first, second: {"perm": tuple([first["perm"][p] for p in second["perm"]])},
    s.broadcast: lambda first, second: {
        "shape": second["shape"], "dims": tuple([second["dims"][d] for d in first["dims"]]),
    },
}

_UNDOES: dict[Primitive, tuple[Primitive, int]] = {
    e.neg: (e.neg, 0), e.conjugate: (e.conjugate, 0), e.real: (complex_, 0), e.imag: (complex_, 1),
}
"""By an operation the one before it that it undoes, and which operand of that it gives."""

# --- Equal equations


def _key(eqn: Equation) -> Any:
    """Equal for equations that compute the same; ``None`` for one that must be kept as it is."""
    if has_effect(eqn) or eqn.primitive.pinned:
        return None
    inputs = [_atom_key(a) for a in eqn.inputs]
    if eqn.primitive.commutative:
        inputs.sort(key=hash)
    params = tuple([(name, typed_if_hashable(eqn.params[name])) for name in sorted(eqn.params)])
    key = (eqn.primitive, tuple(inputs), params, *[v.type.strong for v in eqn.outputs])
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _atom_key(atom: Atom) -> Any:
    return (atom.value.tobytes(), atom.type.strong) if isinstance(atom, Literal) else atom
