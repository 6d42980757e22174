"""The steps of a loop's derivatives: one forward with tangents, one back with cotangents and their masks.

Which inputs of a loop's body vary is given for the constants and the carries. Where a carry varies it has a tangent and
a cotangent, and a constant that varies has a tangent, and a cotangent that is summed over all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from fnad.control.carries import chosen
from fnad.interpreter.evaluate import evaluate
from fnad.ir.program import Atom, Literal, Program
from fnad.ir.types import BOOL, ArrayType, is_inexact
from fnad.memo import Memo
from fnad.transforms.calls import bare, interned
from fnad.transforms.jvp import bind_zeros, jvp_program
from fnad.transforms.masks import keep_inside
from fnad.transforms.vjp import pullback_program


class Pushed(NamedTuple):
    """The body of a loop that carries the tangents of its varying carries beside these.

    It reads the constants, ``rules``, and the tangents of the varying constants; it carries the carries, and then the
    tangents.
    """

    body: Program
    rules: list[Any]


class Pulled(NamedTuple):
    """A step back.

    ``plain`` takes the inputs of the body, the cotangents of its varying carries, and ``rules``; it gives those of the
    varying constants and carries. ``masked`` also takes the masks of the carries in ``carried``, and gives then those
    of the results ``found``, the carried ones last (see `fnad.transforms.masks`).
    """

    plain: Program
    masked: Program
    rules: list[Any]
    carried: tuple[bool, ...]
    found: tuple[int, ...]


class Operands(NamedTuple):
    """The operands of a map of vectors along a loop."""

    constants: Sequence[Any]
    carry: Sequence[Any]
    count: Any
    given: Sequence[Any]
    """The tangents of varying constants and carries, or the cotangents of varying carries."""
    masks: Sequence[Any]
    """Of those cotangents that `Pulled.carried` names, if there are any."""


def operands_of(args: Sequence[Any], body: Program, constants: int, vectors: int) -> Operands:
    last = len(body.inputs)
    after = last + 1 + vectors
    return Operands(args[:constants], args[constants:last], args[last], args[last + 1 : after], args[after:])


def pushed(body: Program, constants: int, varying: tuple[bool, ...]) -> Pushed:
    """The body with tangents."""
    return _pushed.get((body, constants, varying), lambda: _push(body, constants, varying))


def pulled(body: Program, constants: int, varying: tuple[bool, ...]) -> Pulled:
    """The step back through a body."""
    return _pulled.get((body, constants, varying), lambda: _pull(body, constants, varying))


_pushed, _pulled = Memo(), Memo()


def _push(body: Program, constants: int, varying: tuple[bool, ...]) -> Pushed:
    joint = jvp_program(body, _where(varying), len(body.outputs))
    count, own = len(body.inputs), sum(varying)
    inputs = joint.program.inputs
    fixed, tangents, rules = inputs[:constants], inputs[count : count + own], inputs[count + own :]
    of_constants = sum(varying[:constants])
    moved = iter(joint.program.outputs[len(body.outputs) :])
    pairs = [(next(moved), flag) for flag, t in zip(varying[constants:], body.output_types) if is_inexact(t.dtype)]
    step = Program(
        (*fixed, *rules, *tangents[:of_constants], *inputs[constants:count], *tangents[of_constants:]),
        joint.program.equations,
        (*joint.program.outputs[: len(body.outputs)], *[tangent for tangent, flag in pairs if flag]),
    )
    return Pushed(interned(step), joint.constants)


def _pull(body: Program, constants: int, varying: tuple[bool, ...]) -> Pulled:
    joint = pullback_program(body, _where(varying), len(body.outputs))
    inexact = [flag for flag, t in zip(varying[constants:], body.output_types) if is_inexact(t.dtype)]
    plain = bind_zeros(joint.program, chosen(joint.cotangents, [not flag for flag in inexact]))
    sums, count = sum(varying[:constants]), sum(inexact)
    carried = [True] * count
    while True:
        masks = _masked(plain, len(body.inputs), carried, range(sums + count)).outputs[sums + count :]
        known = [not _is_true(mask) for mask in masks]
        kept = [a and b for a, b in zip(carried, known[sums:])]
        if kept == carried:
            break
        carried = kept
    found = tuple(_where([*known[:sums], *carried]))
    masked = _masked(plain, len(body.inputs), carried, found)
    return Pulled(plain, masked, joint.constants, tuple(carried), found)


def _masked(plain: Program, own: int, carried: Sequence[bool], wanted: Sequence[int]) -> Program:
    """A step back with masks of these cotangents of carries, which gives those of the wanted results."""
    rest = len(plain.inputs) - own - len(carried)
    flags = [(False,) * own + middle + (False,) * rest for middle in ((True,) * len(carried), tuple(carried))]
    return keep_inside(plain, *flags, tuple(wanted)).program


def _where(flags: Sequence[bool]) -> list[int]:
    return [i for i, flag in enumerate(flags) if flag]


def _is_true(mask: Atom) -> bool:
    return type(mask) is Literal and bool(mask.value)


def types_of(types: Sequence[ArrayType], varying: Sequence[bool]) -> list[ArrayType]:
    return [t.strong for t, flag in zip(types, varying) if flag]


class Back:
    """The values that go back along a loop: cotangents that are summed, those of carries, and the masks of both."""

    def __init__(self, body: Program, constants: int, varying: tuple[bool, ...], masked: bool) -> None:
        step = pulled(body, constants, varying)
        self.program, self.rules = step.masked if masked else step.plain, step.rules
        self.sums = types_of(body.input_types[:constants], varying)
        self.seen = [ArrayType(self.sums[i].shape, BOOL) for i in step.found if i < len(self.sums)] if masked else []
        self.carried = sum(varying[constants:])

    def start(self, parts: Operands, zeros: Callable[[ArrayType], Any]) -> list[Any]:
        return [*map(zeros, (*self.sums, *self.seen)), *parts.given, *parts.masks]

    def step(self, values: Sequence[Any], state: Sequence[Any], run: Callable[..., Any]) -> list[Any]:
        """One step back from the inputs of the body; ``run`` gives the outputs of a Program."""
        sums, seen, given, masks = self._cut(state, len(self.sums), len(self.seen), self.carried)
        found = run(self.program, [*values, *given, *self.rules, *masks])
        more, bars, made, masks = self._cut(found, len(sums), self.carried, len(seen))
        return [*[a + b for a, b in zip(sums, more)], *[a | b for a, b in zip(seen, made)], *bars, *masks]

    def results(self, state: Sequence[Any]) -> Any:
        """The cotangents, and then the masks."""
        sums, seen, bars, masks = self._cut(state, len(self.sums), len(self.seen), self.carried)
        return bare([*sums, *bars, *seen, *masks])

    @staticmethod
    def _cut(values: Sequence[Any], *lengths: int) -> list[Sequence[Any]]:
        ends = [0, *accumulate(lengths)]
        return [values[a:b] for a, b in zip(ends, [*ends[1:], None])]


# --- The types and the meaning of the two maps of vectors along a loop


def pullback_type(*types: ArrayType, body: Program, constants: int, varying: tuple[bool, ...], masked: bool) -> Any:
    made = types_of(body.input_types, varying)
    found = pulled(body, constants, varying).found if masked else ()
    return bare([*made, *[ArrayType(made[i].shape, BOOL) for i in found]])


def pushforward_type(*types: ArrayType, body: Program, constants: int, varying: tuple[bool, ...]) -> Any:
    return bare(types_of(body.output_types, varying[constants:]))


def pullback_evaluate(*args: Any, body: Program, constants: int, varying: tuple[bool, ...], masked: bool) -> Any:
    """The backward pass over the states of all steps, which the interpreter keeps in a list."""
    parts = operands_of([np.asarray(a) for a in args], body, constants, sum(varying[constants:]))
    back = Back(body, constants, varying, masked)
    states = [parts.carry]
    for _ in range(int(parts.count)):
        states.append(evaluate(body, [*parts.constants, *states[-1]]))
    state = back.start(parts, lambda t: np.zeros(t.shape, t.dtype))
    for carry in states[-2::-1]:
        state = back.step([*parts.constants, *carry], state, evaluate)
    return back.results(state)


def pushforward_evaluate(*args: Any, body: Program, constants: int, varying: tuple[bool, ...]) -> Any:
    parts = operands_of([np.asarray(a) for a in args], body, constants, sum(varying))
    step, own = pushed(body, constants, varying), sum(varying[:constants])
    state = [*parts.carry, *parts.given[own:]]
    for _ in range(int(parts.count)):
        state = evaluate(step.body, [*parts.constants, *step.rules, *parts.given[:own], *state])
    return bare(state[len(parts.carry) :])
