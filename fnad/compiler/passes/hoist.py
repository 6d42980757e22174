"""Part of "simplify": what stays the same in all steps of a loop is computed once, before the loop.

Invariant: what is moved out of a loop that may make no step is total, and nothing with an effect is moved.

A carry that no step changes is a constant, and so is what follows from constants only. What merely is a view of
memory is made in the loop, where it costs nothing, so that the loop reads what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fnad.control.loops import while_p
from fnad.control.scan_rules import scan_p
from fnad.control.switch import switch_p
from fnad.ir.primitive import Kind, Primitive
from fnad.ir.program import Atom, Equation, Literal, Program, Var, has_effect, is_total, prune
from fnad.ops.shaping import broadcast, reshape

Producers = Mapping[Atom, Equation]

SMALL = 64
"""Elements of an array that costs next to nothing."""


def _is_view(eqn: Equation) -> bool:
    """Whether a loop does an equation anew at each step, as a view: a reshape may need a copy."""
    primitive = eqn.primitive
    return primitive.kind is Kind.VIEW and not primitive.pinned and primitive is not reshape


def _reads_in_loops(eqn: Equation) -> bool:
    """Whether an equation reads its operands in loops, through any view, and writes over none."""
    primitive = eqn.primitive
    return primitive.kind in (Kind.ELEMENTWISE, Kind.REDUCTION, Kind.WINDOW) and primitive.overwrites is None


@dataclass
class Hoisted:
    """A loop or a branch, what comes before it, and the outputs of it that are known without it."""

    equation: Equation | None
    before: list[Equation] = field(default_factory=list)
    known: dict[Var, Atom] = field(default_factory=dict)


def hoist(eqn: Equation, producers: Producers) -> Hoisted:
    """Take out of a loop or a branch what need not be in it; ``producers`` has the equations before it."""
    hoisted = _HOISTERS[eqn.primitive](eqn, producers)
    equation = hoisted.equation
    if equation is not None and not equation.outputs and not has_effect(equation):
        hoisted.equation = None
    return hoisted


class _Carry(NamedTuple):
    """A carry of a loop: the value before it, the body's input and output, and the last value."""

    initial: Atom
    input: Var
    output: Atom
    result: Var


def _changing(
    initial: Sequence[Atom], body: Program, first: int, results: Sequence[Var]
) -> tuple[list[_Carry], list[_Carry]]:
    """The carries of a loop that change, and those that do not."""
    changing, fixed = [], []
    for carry in map(_Carry, initial, body.inputs[first:], body.outputs, results):
        stays = carry.output is carry.input or _same_number(carry.initial, carry.output)
        (fixed if stays else changing).append(carry)
    return changing, fixed


def _same_number(x: Atom, y: Atom) -> bool:
    return isinstance(x, Literal) and isinstance(y, Literal) and x.value.tobytes() == y.value.tobytes()


# --- A Program and what it has from outside


class _Divided(NamedTuple):
    """A Program in two: equations for outside, those that remain, and what is what outside."""

    before: list[Equation]
    equations: list[Equation]
    outside: dict[Atom, Atom]


def _divide(
    program: Program, constants: Mapping[Var, Atom], producers: Producers, may_move: Callable[[Equation], bool]
) -> _Divided:
    """Move what depends on constants only; an equation that costs less where it is remains there as well."""
    before: list[Equation] = []
    remaining: list[tuple[Equation, bool]] = []  # and whether it can be done outside, too
    outside: dict[Atom, Atom] = dict(constants)
    bulk = {v: _bulk(atom, producers) for v, atom in constants.items()}
    for eqn in program.equations:
        own = [a for a in eqn.inputs if not isinstance(a, Literal)]
        moves = outside.keys() >= set(own) and not has_effect(eqn) and not eqn.primitive.pinned
        if not moves or not may_move(eqn):
            remaining.append((eqn, False))
            continue
        outputs = tuple([Var(v.type) for v in eqn.outputs])
        before.append(eqn._replace(inputs=tuple([outside.get(a, a) for a in eqn.inputs]), outputs=outputs))
        outside.update(zip(eqn.outputs, outputs))
        behind = max([bulk[a] for a in own], default=1)
        # To read a large array costs more than to compute it from small ones again.
        grows = eqn.primitive.is_elementwise and eqn.outputs[0].type.size > max(behind, SMALL)
        if _is_view(eqn) or grows:
            remaining.append((eqn, True))
        bulk.update([(v, behind if _is_view(eqn) else v.type.size) for v in eqn.outputs])
    return _Divided(before, _fused(remaining), outside)


def _fused(remaining: Sequence[tuple[Equation, bool]]) -> list[Equation]:
    """The equations without those that can be done outside and are read by what wants them in memory."""
    wanted: set[Atom] = set()
    kept = []
    for eqn, is_outside in reversed(remaining):
        if is_outside and not wanted.isdisjoint(eqn.outputs):
            continue
        kept.append(eqn)
        wanted |= _wanted_in_memory(eqn, wanted)
    return kept[::-1]


def _wanted_in_memory(eqn: Equation, wanted: set[Atom]) -> set[Atom]:
    """The operands that an equation reads as arrays of their own; others are read by loops, through any view."""
    if _is_view(eqn):
        return set(eqn.inputs) if not wanted.isdisjoint(eqn.outputs) else set()
    return set() if _reads_in_loops(eqn) else set(eqn.inputs)


def _bulk(atom: Atom, producers: Producers) -> int:
    """The elements in memory behind a value."""
    while atom in producers and _is_view(producers[atom]):
        atom = producers[atom].inputs[0]
    return 1 if isinstance(atom, Literal) else atom.type.size


class _Inputs:
    """The outer values a Program reads, as inputs; a view of memory is made inside, where loops read it."""

    def __init__(self, program: Program, outside: Mapping[Atom, Atom], producers: Producers) -> None:
        self.outside, self.producers = outside, producers
        self.wanted: set[Atom] = set()
        for eqn in reversed(program.equations):
            self.wanted |= _wanted_in_memory(eqn, self.wanted)
        self.views: list[Equation] = []
        self.inputs: dict[Atom, Var] = {}  # by what they are outside
        self.stands_for: dict[Atom, Atom] = {}

    def bring(self, atom: Atom) -> None:
        """Make a value from outside known under the name that it has inside, or outside."""
        if isinstance(atom, Literal) or atom in self.stands_for:
            return
        origin = self.outside.get(atom, atom)
        view = self.producers.get(origin)
        self.stands_for[atom] = atom
        if isinstance(origin, Literal):
            self.stands_for[atom] = Literal(origin.value, origin.type.strong)
        elif view is not None and _is_view(view) and atom not in self.wanted:
            self.bring(view.inputs[0])
            self.views.append(view._replace(outputs=(atom,)))
        else:
            self.stands_for[atom] = self.inputs.setdefault(origin, Var(origin.type.strong))


def _closed(
    program: Program, rest: Sequence[Var], outside: Mapping[Atom, Atom], producers: Producers
) -> tuple[Program, tuple[Atom, ...]]:
    """A Program with what it reads from outside as its first inputs, and these; ``rest`` are the other inputs."""
    own = {*rest, *[v for eqn in program.equations for v in eqn.outputs]}
    brought = _Inputs(program, outside, producers)
    for atom in _read(program):
        if atom not in own:
            brought.bring(atom)
    known = brought.stands_for
    equations = [
        eqn._replace(inputs=tuple([known.get(a, a) for a in eqn.inputs]))
        for eqn in (*brought.views, *program.equations)
    ]
    outputs = tuple([known.get(a, a) for a in program.outputs])
    return Program((*brought.inputs.values(), *rest), tuple(equations), outputs), tuple(brought.inputs)


def _read(program: Program) -> dict[Atom, None]:
    """The atoms that equations and results read, in order."""
    return dict.fromkeys([a for eqn in program.equations for a in eqn.inputs] + list(program.outputs))


# --- Loops and branches


def _scan(eqn: Equation, producers: Producers) -> Hoisted:
    body, length, constants = eqn.params["body"], eqn.params["length"], eqn.params["constants"]
    if length == 0:
        return Hoisted(eqn)
    first = constants + eqn.params["carries"]
    changing, fixed = _changing(eqn.inputs[constants:first], body, constants, eqn.outputs)
    known = {c.result: c.initial for c in fixed}
    outside = dict(zip(body.inputs, eqn.inputs[:constants])) | {c.input: c.initial for c in fixed}
    divided = _divide(body, outside, producers, lambda inner: True)
    before = list(divided.before)
    slices = dict(zip(body.inputs[first:], eqn.inputs[first:]))
    stacked: dict[Var, Atom] = {}
    for atom, result in zip(body.outputs[first - constants :], eqn.outputs[first - constants :]):
        if atom in slices:
            known[result] = slices[atom]
        elif isinstance(atom, Literal) or atom in divided.outside:
            before.append(_repeated(divided.outside.get(atom, atom), result, eqn))
            known[result] = before[-1].outputs[0]
        else:
            stacked[result] = atom
    outputs = (*[c.output for c in changing], *stacked.values())
    rest = prune(Program((), tuple(divided.equations), outputs))
    read = _read(rest)
    slices = {v: atom for v, atom in slices.items() if v in read}
    program, given = _closed(rest, [*[c.input for c in changing], *slices], divided.outside, producers)
    return Hoisted(
        eqn._replace(
            inputs=(*given, *[c.initial for c in changing], *slices.values()),
            params=eqn.params | {"body": program, "constants": len(given), "carries": len(changing)},
            outputs=(*[c.result for c in changing], *stacked),
        ),
        before,
        known,
    )


def _repeated(atom: Atom, result: Var, eqn: Equation) -> Equation:
    """The stack of a value that all steps give."""
    type = result.type.strong
    params = {"shape": type.shape, "dims": tuple(range(1, type.ndim))}
    return Equation(broadcast, (atom,), params, (Var(type),), eqn.source)


def _while(eqn: Equation, producers: Producers) -> Hoisted:
    condition, body = eqn.params["condition"], eqn.params["body"]
    asked, constants = eqn.params["condition_constants"], eqn.params["body_constants"]
    first = asked + constants
    changing, fixed = _changing(eqn.inputs[first:], body, constants, eqn.outputs)
    stays = {c.input for c in fixed}
    places = [k for k, v in enumerate(body.inputs[constants:]) if v not in stays]
    outside = dict(zip(body.inputs, eqn.inputs[asked:first])) | {c.input: c.initial for c in fixed}
    step = _divide(body, outside, producers, is_total)
    rest = prune(Program((), tuple(step.equations), tuple([c.output for c in changing])))
    new_body, given = _closed(rest, [c.input for c in changing], step.outside, producers)

    inputs = condition.inputs[asked:]
    carried = [inputs[k] for k in places]
    moving = set(carried)
    outside = dict(zip(condition.inputs, eqn.inputs[:asked]))
    outside |= {v: initial for v, initial in zip(inputs, eqn.inputs[first:]) if v not in moving}
    question = _divide(condition, outside, producers, lambda inner: True)
    rest = prune(Program((), tuple(question.equations), condition.outputs))
    new_condition, asking = _closed(rest, carried, question.outside, producers)
    params = {
        "condition": new_condition, "body": new_body, "condition_constants": len(asking), "body_constants": len(given),
    }
    return Hoisted(
        eqn._replace(
            inputs=(*asking, *given, *[c.initial for c in changing]), params=eqn.params | params,
            outputs=tuple([c.result for c in changing]),
        ),
        [*question.before, *step.before],
        {c.result: c.initial for c in fixed},
    )


def _switch(eqn: Equation, producers: Producers) -> Hoisted:
    index, *operands = eqn.inputs
    outside = [dict(zip(branch.inputs, operands)) for branch in eqn.params["branches"]]
    results = zip(*[branch.outputs for branch in eqn.params["branches"]])
    origins = [[known.get(a) for known, a in zip(outside, atoms)] for atoms in results]
    common = [found[0] if all([atom is found[0] for atom in found]) else None for found in origins]
    chosen = [k for k, atom in enumerate(common) if atom is None]
    brought = []
    for branch, known in zip(eqn.params["branches"], outside):
        inside = prune(Program((), branch.equations, tuple([branch.outputs[k] for k in chosen])))
        brought.append(_closed(inside, [], known, producers))
    given = tuple(dict.fromkeys([atom for _, atoms in brought for atom in atoms]))
    branches = []
    for program, atoms in brought:
        inputs = dict(zip(atoms, program.inputs))
        padded = tuple([inputs.get(a) or Var(a.type.strong) for a in given])
        branches.append(Program(padded, program.equations, program.outputs))
    return Hoisted(
        eqn._replace(
            inputs=(index, *given), params=eqn.params | {"branches": tuple(branches)},
            outputs=tuple([eqn.outputs[k] for k in chosen]),
        ),
        known={v: atom for v, atom in zip(eqn.outputs, common) if atom is not None},
    )


_HOISTERS: dict[Primitive, Callable[[Equation, Producers], Hoisted]] = {
    scan_p: _scan, while_p: _while, switch_p: _switch,
}
