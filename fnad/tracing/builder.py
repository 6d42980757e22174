"""The builder collects the equations of one Program while its function runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from fnad.arrays import is_array
from fnad.ir.primitive import Primitive
from fnad.ir.program import Atom, Equation, Literal, Program, Var, filled, prune, scalar
from fnad.ir.types import ArrayType, type_of
from fnad.sources import Source, current_source
from fnad.surroundings import surroundings
from fnad.tracing.errors import escaped
from fnad.tracing.state import enclosing, thread
from fnad.tracing.tracer import Tracer
from fnad.tracing.values import Concretization

Result = TypeVar("Result")

_new = tuple.__new__  # of a namedtuple: its own way takes twice as long


class Builder:
    """Collects the equations of one Program while its function runs."""

    __slots__ = (
        "level", "inputs", "equations", "alive", "source", "differentiated", "unknown", "encloses", "stands_for",
        "concretize", "concretized", "refused", "views", "aliases", "outer", "began", "captures", "constants",
        "known", "_producers", "_indexed", "outer_values", "handed", "looked_into", "repeats", "again",
    )

    def __init__(
        self, unknown: str = "staged", encloses: bool = False,
        concretize: Callable[[Concretization], Any] | None = None,
    ) -> None:
        outer = thread.builder
        self.level = outer.level + 1 if outer else 1
        self.inputs: list[Var] = []
        self.equations: list[Equation] = []
        self.alive = True
        self.source: Source | None = None  # overrides the user's line: a backward equation has its forward one's
        self.differentiated: set[Var] = set()
        self.unknown = unknown  # why inputs that stand for nothing have no value: a key of `errors.UNKNOWN`
        self.encloses = encloses  # a branch or the body of a loop: its work stays inside, whatever it works on
        # What an input stands for, where that is known: an array, or a tracer of an outer builder.
        self.stands_for: dict[Var, Any] = {}
        # Gives Python a value, and keeps it as a guard; without it a value is evaluated and forgotten.
        self.concretize = concretize
        self.concretized = False  # whether Python has been told a value
        self.refused = False  # whether a value could not be given here: the staging is void, whatever Python caught
        # Traced arrays that share memory: views as they are taken, sorted out when one of them is written to.
        self.views, self.aliases = [], None  # type: list[Any], Any
        self.captures: dict[int, Var] = {}
        self.constants: set[Var] = set()  # captured arrays that were made while the function ran
        self.known: dict[Var, Any] = {}
        self._producers: dict[Var, Equation] = {}
        self._indexed = 0
        self.handed: set[Var] = set()  # what is read from outside, handed in as an input
        self.looked_into: set[Var] = set()  # and of that, what Python has asked for
        self.repeats = self.again = False  # whether its function can be called a second time, and is to be
        self.outer_values: dict[Var, Any] = {}  # what an outer builder computes too, for a value

    # Building

    def input(self, type: ArrayType, value: Any = None) -> Tracer:
        """A new input; ``value`` is what it stands for, where that is known."""
        v = Var(type)
        self.inputs.append(v)
        if value is not None:
            self.stands_for[v] = value
        return Tracer(self, v)

    def apply(self, primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
        """Stage one operation."""
        if not self.alive:
            raise escaped()
        inner = enclosing(self)
        if inner is not None:
            return inner.apply(primitive, args, params)
        like = None
        atoms: list[Any] = []
        for arg in args:
            atom = self.atom(arg)
            atoms.append(atom)
            if atom is not None:
                like = atom.type  # the last one: the first operand of a select is its condition
        if None in atoms:
            atoms = [filled(arg, like) if atom is None else atom for atom, arg in zip(atoms, args)]
        types = primitive.type_rule(*[a.type for a in atoms], **params)
        if primitive.expression and type(types) is ArrayType and all([type(a) is Literal for a in atoms]):
            return Tracer(self, _fold(primitive, atoms, params, types))
        if type(types) is ArrayType:
            return self.emit(primitive, tuple(atoms), params, types)
        outputs = tuple([Var(t) for t in types])
        self.equations.append(Equation(primitive, tuple(atoms), params, outputs, self.source or current_source()))
        return tuple([Tracer(self, v) for v in outputs])

    def emit(self, primitive: Primitive, atoms: tuple[Atom, ...], params: dict[str, Any], type: ArrayType) -> Tracer:
        """Stage an operation of one output whose operands and type are known to be right."""
        if not self.alive:
            raise escaped()
        inner = thread.enclosing
        if inner is not None and inner.level > self.level:
            return inner.emit(primitive, tuple([inner.atom(Tracer(self, a)) for a in atoms]), params, type)
        output = Var(type)
        source = self.source or current_source()
        self.equations.append(_new(Equation, (primitive, atoms, params, (output,), source)))
        return Tracer(self, output)

    def atom(self, value: Any) -> Atom | None:
        """The atom of a value here; ``None`` for a Python scalar, whose type depends on its company."""
        if type(value) is Tracer:
            if value.builder is self:
                return value.atom
            return self._capture_tracer(value)
        if isinstance(value, np.generic):
            return Literal(value, type_of(value))
        if is_array(value):
            value = surroundings().settled(value)
            return self._capture(value, value, type_of(value))
        if isinstance(value, Literal):
            return value
        return None

    def tracer(self, value: Any) -> Tracer:
        """A value as a tracer of this builder."""
        atom = self.atom(value)
        return Tracer(self, scalar(value) if atom is None else atom)

    def constant(self, array: np.ndarray) -> Tracer:
        """An array that the function made, as a value that is known whatever its arguments are."""
        v = self._capture(array, array, type_of(array))
        self.constants.add(v)
        return Tracer(self, v)

    def captured(self, identity: Any, value: Any, type: ArrayType) -> Tracer:
        """A value read from outside as an input; Python does not look into it without ending the staging."""
        v = self._capture(identity, value, type)
        self.handed.add(v)
        return Tracer(self, v)

    def _capture_tracer(self, value: Tracer) -> Atom:
        if not value.builder.alive or value.builder.level >= self.level:
            raise escaped()
        atom = value.atom  # what it is now, whatever is written later
        return atom if type(atom) is Literal else self._capture(atom, Tracer(value.builder, atom), atom.type)

    def _capture(self, identity: Any, value: Any, type: ArrayType) -> Var:
        known = self.captures.get(id(identity))
        if known is None:
            known = self.captures[id(identity)] = Var(type)
            self.stands_for[known] = value  # also keeps the identity alive
        return known

    def finish(self, outputs: Sequence[Atom]) -> tuple[Program, list[Any]]:
        """The Program, and the values of its captured inputs, which come last."""
        captures = tuple(self.captures.values())
        program = Program((*self.inputs, *captures), tuple(self.equations), tuple(outputs))
        program = program if self.aliases is None else prune(program)  # views read anew that nobody looks at
        return program, [self.stands_for[v] for v in captures]

    def producer(self, v: Var) -> Equation | None:
        """The equation that assigns a variable; ``None`` for an input."""
        for equation in self.equations[self._indexed :]:
            self._producers.update((output, equation) for output in equation.outputs)
        self._indexed = len(self.equations)
        return self._producers.get(v)

    def inline(self, program: Program, args: Sequence[Any]) -> list[Tracer]:
        """Append a Program's equations, its inputs bound to ``args``."""
        if not self.alive:
            raise escaped()
        builder = enclosing(self) or self
        atoms: dict[Atom, Atom] = {v: builder.tracer(a).atom for v, a in zip(program.inputs, args)}
        for eqn in program.equations:
            outputs = tuple([Var(v.type) for v in eqn.outputs])
            inputs = tuple([atoms.get(a, a) for a in eqn.inputs])
            builder.equations.append(Equation(eqn.primitive, inputs, eqn.params, outputs, eqn.source))
            atoms.update(zip(eqn.outputs, outputs))
        return [Tracer(builder, atoms.get(a, a)) for a in program.outputs]


def _fold(primitive: Primitive, atoms: Sequence[Literal], params: dict[str, Any], type: ArrayType) -> Literal:
    with np.errstate(all="ignore"):
        value = primitive.evaluate(*[a.value for a in atoms], **params)
    return Literal(np.asarray(value, dtype=type.dtype)[()], type)


def build(builder: Builder, body: Callable[[], Result]) -> Result:
    """The result of a function that stages with a builder, whose tracers are dead afterwards.

    No ``with``: an interrupt can arrive on the way into a context or out of it, but not between the two statements at
    the end here, neither of which calls anything. So whatever ends the staging, the thread is as it was.
    """
    outer = thread.builder, thread.enclosing, thread.recording
    builder.outer = outer[0]
    builder.began = len(builder.outer.equations) if builder.outer else 0
    try:
        thread.builder = builder
        if builder.encloses:
            thread.enclosing = builder
        if builder.concretize is not None:
            thread.recording = builder
        return body()
    finally:
        thread.builder, thread.enclosing, thread.recording = outer
        builder.alive, builder.views, builder.aliases = False, [], None
