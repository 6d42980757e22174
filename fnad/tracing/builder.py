"""Staging: running a Python function on traced values to get its Program.

There is one kind of tracer, a handle to an atom of the builder that stages. A transform applied
inside a staged function stages its own function with a new builder, one level further in; outer
tracers that it meets become captured inputs of the inner Program.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from fnad import tree
from fnad.ir.evaluate import QUIET, evaluate, evaluate_equation, read
from fnad.ir.primitive import Primitive, Traced
from fnad.ir.program import Atom, Equation, Literal, Program, Source, Var, filled, prune, quiet_equation, scalar
from fnad.ir.sources import current_source, own_source
from fnad.ir.types import FIT, ArrayType, Unfit, is_array, is_array_like, is_inexact, type_of
from fnad.tracing.errors import AskedOutside as AskedOutside
from fnad.tracing.errors import (
    LookedInto, cut_gradient, escaped, held_in_result, holds_traced, stored, unhashable, unknown_value,
)


class Tracer(Traced):
    """A traced array: shape and dtype are known, the value is not (unless Python asks for it).

    It stands for one array object of NumPy's: a write gives it another atom, which all of its names then see.
    """

    __slots__ = ("atom", "__weakref__")

    def __init__(self, builder: Builder, atom: Atom) -> None:
        _set_builder(self, builder)
        _set_atom(self, atom)

    def __setattr__(self, name: str, value: Any) -> None:
        place = getattr(Tracer, name, None)
        if not hasattr(place, "__set__"):
            raise AttributeError(
                f"x.{name} = v: requires an attribute that can be set, as x.shape, x.flat and x.real can, got {name!r} "
                f"of a traced {self.type}. Keep the value in a variable, or in an object that holds the array."
            )
        place.__set__(self, value)

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        # Python's `isinstance` asks, and a program goes the way that it goes with arrays; code in C looks at the type
        # itself. What has no axes is an array where one was given: what NumPy computes is then a scalar.
        t = self.atom.type
        is_array = t.shape or not t.weak and isinstance(self.builder.stands_for.get(self.atom), np.ndarray)
        return np.ndarray if is_array else Tracer

    @property
    def type(self) -> ArrayType:
        return self.atom.type

    @property
    def shape(self) -> tuple[int, ...]:
        return self.atom.type.shape

    @property
    def dtype(self) -> np.dtype:
        return self.atom.type.dtype

    @property
    def ndim(self) -> int:
        return len(self.atom.type.shape)

    @property
    def size(self) -> int:
        return self.atom.type.size

    @property
    def nbytes(self) -> int:
        return self.atom.type.nbytes

    @property
    def itemsize(self) -> int:
        return self.atom.type.dtype.itemsize

    def __repr__(self) -> str:
        if type(self.atom) is Var and self.builder.alive and self.builder is _recording():
            self.builder.let_look_into(self.builder.inputs_of(self.atom))
        return f"<traced {self.type}>"

    def __hash__(self) -> int:
        raise unhashable(self.type)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len: requires an array with a first axis, got shape (). Use np.size(x).")
        return self.shape[0]

    # Truth and integers are piecewise constant: asking for them cuts no gradient.
    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"bool: requires an array of one element, got shape {self.shape}. Use np.any or np.all, np.where for a "
                "choice by elements, and & for `and` between arrays."
            )
        return self.concrete("bool(...) or a Python condition", bool)

    def __int__(self) -> int:
        return self.concrete("int(...)", int)

    def __index__(self) -> int:
        if self.dtype.kind not in "iu" or self.shape:
            raise TypeError(f"index: requires an integer scalar, got {self.type}. "
                            "Convert it by .astype(int), or index with fnad.numpy.array(data)[i].")
        return self.concrete("an index", int)

    def __float__(self) -> float:
        return self.cutting_value("float(...)", float)

    def __complex__(self) -> complex:
        return self.cutting_value("complex(...)", complex)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.cutting_value("np.array(...)"), dtype=dtype)

    def tolist(self) -> Any:
        """The value as nested lists, where no gradient is cut."""
        return self.cutting_value("tolist()", np.ndarray.tolist)

    def concrete(self, what: str, convert: Callable[[np.ndarray], Any] = np.asarray) -> Any:
        """What ``convert`` makes of the value, computed now; an error where there is none."""
        return self.builder.concrete(self.atom, what, convert)

    def cutting_value(self, what: str, convert: Callable[[np.ndarray], Any] = np.asarray) -> Any:
        """The value for a conversion that leaves the trace: an error on a path being differentiated."""
        if is_inexact(self.dtype) and self.builder.is_differentiated(self.atom):
            raise cut_gradient(self.type, what)
        if _recording() is not None and type(self.atom) is Var:
            # Each value would be a branch of its own: what is written into an array is data, not a condition.
            error = stored(self.type)
            if error is not None:
                raise error
        return self.concrete(what, convert)


_set_builder, _set_atom = Traced.builder.__set__, Tracer.atom.__set__

Result = TypeVar("Result")

tree.declare_leaf_type(Tracer)
tree.declare_leaf_type(np.ndarray)


class _Thread(threading.local):
    """What is being staged on a thread, innermost: a function, a branch, a function whose questions are recorded."""

    builder: Builder | None = None
    enclosing: Builder | None = None
    recording: Builder | None = None


_thread = _Thread()


_new = tuple.__new__  # of a namedtuple: its own way takes twice as long


class Question(NamedTuple):
    """A value that Python asked for while a function was staged, as what computes it."""

    program: Program
    """From the function's inputs, and then ``captured``, to the value."""
    captured: list[Any]
    what: str
    convert: Callable[[np.ndarray], Any]
    """What Python makes of the value: the function's way depends on that alone."""
    source: Source | None
    asked_at: Source | None
    """The user's own line that led to it."""

    def __str__(self) -> str:
        return f"{self.what} at {self.asked_at}"


def _enclosing(builder: Builder) -> Builder | None:
    """The branch or body of a loop that is being staged inside of a builder's function.

    Its work is its own, whatever it works on: where its operands are it would run though the branch is not taken, or
    the loop makes no step.
    """
    inner = _thread.enclosing
    return inner if inner is not None and inner.level > builder.level else None


def _recording() -> Builder | None:
    """The builder of the innermost function that is staged with its questions recorded."""
    return _thread.recording


class Builder:
    """Collects the equations of one Program while its function runs."""

    __slots__ = ("level", "inputs", "equations", "alive", "source", "differentiated", "unknown", "stands_for",
                 "answer", "asked", "refused", "views", "aliases", "outer", "began", "_captures", "_constants",
                 "_values", "_producers", "_indexed", "_outside", "handed", "looked_into")

    def __init__(self) -> None:
        outer = current_builder()
        self.level = outer.level + 1 if outer else 1
        self.inputs: list[Var] = []
        self.equations: list[Equation] = []
        self.alive = True
        self.source: Source | None = None  # overrides the user's line: a backward equation has its forward one's
        self.differentiated: set[Var] = set()
        self.unknown = "staged"  # why inputs that stand for nothing have no value: a key of `refusals.UNKNOWN`
        # What an input stands for, where that is known: an array, or a tracer of an outer builder.
        self.stands_for: dict[Var, Any] = {}
        # Answers what Python asks, and keeps it; without it a value is evaluated and forgotten.
        self.answer: Callable[[Question], Any] | None = None
        self.asked = False  # whether Python has been told a value
        self.refused = False  # whether a question had no answer here: the staging is void, whatever Python caught
        # Traced arrays that share memory: views as they are taken, sorted out when one of them is written to.
        self.views, self.aliases = [], None  # type: list[Any], Any
        self._captures: dict[int, Var] = {}
        self._constants: set[Var] = set()  # captured arrays that were made while the function ran
        self._values: dict[Var, Any] = {}
        self._producers: dict[Var, Equation] = {}
        self._indexed = 0
        self.handed: set[Var] = set()  # what is read from outside, handed in as an input
        self.looked_into: set[Var] = set()  # and of that, what Python has asked for
        self._outside: dict[Var, Any] = {}  # what an outer builder computes too, for a question

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
        inner = _enclosing(self)
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
        if primitive.expression is not None and all([type(a) is Literal for a in atoms]):
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
        inner = _thread.enclosing
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
        self._constants.add(v)
        return Tracer(self, v)

    def captured(self, identity: Any, value: Any, type: ArrayType) -> Tracer:
        """What a function reads from outside, as an input; Python does not look into it without ending the staging."""
        v = self._capture(identity, value, type)
        self.handed.add(v)
        return Tracer(self, v)

    def _capture_tracer(self, value: Tracer) -> Atom:
        if not value.builder.alive or value.builder.level >= self.level:
            raise escaped()
        atom = value.atom  # what it is now, whatever is written later
        return atom if type(atom) is Literal else self._capture(atom, Tracer(value.builder, atom), atom.type)

    def _capture(self, identity: Any, value: Any, type: ArrayType) -> Var:
        known = self._captures.get(id(identity))
        if known is None:
            known = self._captures[id(identity)] = Var(type)
            self.stands_for[known] = value  # also keeps the identity alive
        return known

    def finish(self, outputs: Sequence[Atom]) -> tuple[Program, list[Any]]:
        """The Program, and the values of its captured inputs, which come last."""
        captures = tuple(self._captures.values())
        program = Program((*self.inputs, *captures), tuple(self.equations), tuple(outputs))
        program = program if self.aliases is None else prune(program)  # views read anew that nobody looks at
        return program, [self.stands_for[v] for v in captures]

    # Concrete values and the paths of derivatives, on demand

    def producer(self, v: Var) -> Equation | None:
        """The equation that assigns a variable; ``None`` for an input."""
        for equation in self.equations[self._indexed :]:
            self._producers.update((output, equation) for output in equation.outputs)
        self._indexed = len(self.equations)
        return self._producers.get(v)

    def concrete(self, atom: Atom, what: str, convert: Callable[[np.ndarray], Any]) -> Any:
        """What Python makes of an atom's value; where answers are recorded, the question is put to the recorder."""
        self.asked = True
        recording = _recording()
        if not self.alive and (recording is not None or self.answer is not None):
            raise escaped()
        if recording is None or type(atom) is Literal:
            return convert(np.asarray(self._evaluated(atom, what)))
        if self.level < recording.level:
            raise recording.refusal()
        inputs, equations = self._slice(atom)
        values = [self._outside.get(v, self.stands_for.get(v)) for v in inputs]
        if any([v is None for v in values]):
            raise unknown_value(atom.type, what, self.unknown)
        outer = innermost(values)
        if self is recording:
            self.let_look_into(inputs)
        if self is recording and not self._constants.issuperset(inputs):
            if outer is not None or innermost([self.stands_for[v] for v in self.inputs]) is not None:
                raise self.refusal()
            return self.answer(self._question(atom, what, convert, inputs, equations))
        if outer is None:
            return convert(np.asarray(self._evaluated(atom, what)))
        outputs = tuple([v for e in equations for v in e.outputs])
        self._outside.update(zip(inputs, values))
        self._outside.update(zip(outputs, inline(outer, Program(tuple(inputs), tuple(equations), outputs), values)))
        return outer.concrete(outer.tracer(self._outside[atom]).atom, what, convert)

    def let_look_into(self, inputs: Iterable[Var]) -> None:
        """End the staging if these inputs are read from outside: then Python is to have their values."""
        if self.is_from_outside(inputs):
            self.looked_into |= self.handed.intersection(inputs)
            raise LookedInto(self.looked_into)

    def is_from_outside(self, inputs: Iterable[Var]) -> bool:
        """Whether what follows from these inputs is read from outside the function."""
        return not self.handed.isdisjoint(inputs) and (self.handed | self._constants).issuperset(inputs)

    def inputs_of(self, atom: Var) -> list[Var]:
        """The inputs that an atom follows from."""
        return self._slice(atom)[0]

    def refusal(self) -> AskedOutside:
        """What ends a staging for a question that its arguments do not answer."""
        self.refused = True
        return AskedOutside()

    def _question(
        self, atom: Var, what: str, convert: Callable[..., Any], inputs: list[Var], equations: list[Equation]
    ) -> Question:
        if atom.type.size > MOST_RECORDED:
            raise unknown_value(atom.type, what, "large")
        read = set(inputs)
        captures = [v for v in self._captures.values() if v in read]
        program = Program((*self.inputs, *captures), tuple(equations), (atom,))
        return Question(program, [self.stands_for[v] for v in captures], what, convert, current_source(), own_source())

    def _slice(self, atom: Var) -> tuple[list[Var], list[Equation]]:
        """The inputs that an atom depends on, and the equations between, in order."""
        inputs: dict[Var, None] = {}
        needed: dict[int, Equation] = {}
        pending, seen = [atom], {atom}
        while pending:
            v = pending.pop()
            equation = None if v in self._outside else self.producer(v)
            if equation is None:
                inputs[v] = None
            elif id(equation) not in needed:
                needed[id(equation)] = equation
                fresh = {a for a in equation.inputs if type(a) is Var} - seen
                seen |= fresh
                pending.extend(fresh)
        # The whole function runs as well, so what only a value needs has no effect a second time.
        return list(inputs), [quiet_equation(e) for e in self.equations if id(e) in needed]

    def _evaluated(self, atom: Atom, what: str) -> np.ndarray:
        """Evaluate the slice of the Program that leads to an atom on the real arguments."""
        pending = [atom] if type(atom) is Var else []
        while pending:
            v = pending[-1]
            equation = None if v in self._values else self.producer(v)
            missing = [a for a in equation.inputs if type(a) is Var and a not in self._values] if equation else []
            if missing:
                pending.extend(missing)
                continue
            if equation is not None:
                with np.errstate(**QUIET):
                    evaluate_equation(quiet_equation(equation), self._values)
            elif v not in self._values:
                self._values[v] = self._outer_value(v, what, atom)
            pending.pop()
        return read(atom, self._values)

    def _outer_value(self, v: Var, what: str, wanted: Atom) -> np.ndarray:
        value = self.stands_for.get(v)
        if value is None:
            raise unknown_value(wanted.type, what, self.unknown)
        return value.concrete(what) if type(value) is Tracer else np.asarray(value, v.type.dtype)

    def is_differentiated(self, atom: Atom) -> bool:
        """Whether a derivative, here or in an outer transform, flows through an atom."""
        seen: set[Var] = set()
        pending = [atom]
        while pending:
            v = pending.pop()
            if type(v) is Literal or v in seen or not is_inexact(v.type.dtype):
                continue
            seen.add(v)
            equation = self.producer(v)
            if equation is not None:
                pending.extend(a for i, a in enumerate(equation.inputs) if equation.primitive.differentiates(i))
            elif v in self.differentiated or self._is_differentiated_outside(v):
                return True
        return False

    def _is_differentiated_outside(self, v: Var) -> bool:
        value = self.stands_for.get(v)
        return type(value) is Tracer and value.builder.is_differentiated(value.atom)


def _fold(primitive: Primitive, atoms: Sequence[Literal], params: dict[str, Any], type: ArrayType) -> Literal:
    with np.errstate(all="ignore"):
        value = primitive.evaluate(*[a.value for a in atoms], **params)
    return Literal(np.asarray(value, dtype=type.dtype)[()], type)


MOST_RECORDED = 64
"""Elements of an array that Python may ask for where the answer is recorded."""


def build(builder: Builder, body: Callable[[], Result]) -> Result:
    """What a function comes to that stages with a builder, whose tracers are dead afterwards.

    No ``with``: an interrupt can arrive on the way into a context or out of it, but not between the two statements at
    the end here, neither of which calls anything. So whatever ends the staging, the thread is as it was.
    """
    outer = _thread.builder, _thread.enclosing, _thread.recording
    builder.outer = outer[0]
    builder.began = len(builder.outer.equations) if builder.outer else 0
    try:
        _thread.builder = builder
        if builder.unknown in ("branch", "loop"):
            _thread.enclosing = builder
        if builder.answer is not None:
            _thread.recording = builder
        return body()
    finally:
        _thread.builder, _thread.enclosing, _thread.recording = outer
        builder.alive, builder.views, builder.aliases = False, [], None


def current_builder() -> Builder | None:
    """The builder of the innermost function that is being staged on this thread."""
    return _thread.builder


def stager(program: Program, args: Sequence[Any]) -> Builder | None:
    """The builder that stages a call; ``None`` where it runs at once.

    What has an effect is staged though no argument is traced: it happens when the function that is staged runs,
    in the order in which Python has come by.
    """
    builder = current_builder()
    return builder if builder is not None and program.is_effectful else innermost(args)


def is_staging() -> bool:
    """Whether a function is being staged on this thread."""
    return current_builder() is not None


def is_recording() -> bool:
    """Whether what Python asks on this thread is recorded, as guards."""
    return _recording() is not None


class Staged(NamedTuple):
    """A function staged: its Program, what its captured inputs stand for, and the shape of its result."""

    program: Program
    captured: list[Any]
    out_tree: tree.TreeDef
    static_outputs: dict[int, Any]

    def restore(self, results: Sequence[Any]) -> Any:
        """Rebuild the function's result from the values of the Program's outputs."""
        if not self.static_outputs:
            return tree.unflatten(self.out_tree, results)
        arrays = iter(results)
        static, count = self.static_outputs, self.out_tree.num_leaves
        return tree.unflatten(self.out_tree, [static[i] if i in static else next(arrays) for i in range(count)])


def stage(
    function: Callable[..., Any],
    types: Sequence[ArrayType],
    values: Sequence[Any] | None = None,
    differentiated: bool = False,
    unknown: str = "staged",
    answer: Callable[[Question], Any] | None = None,
) -> Staged:
    """Run ``function`` on tracers of these types and return its Program.

    Args:
        function: takes one tracer per type and returns a pytree of arrays.
        types: the types of the inputs.
        values: what the inputs stand for, so that Python may ask for values while it runs.
        differentiated: whether the inputs are being differentiated (conversions that cut a gradient are errors).
        unknown: why an input without a value has none: ``"vmap"``, ``"loop"`` or ``"branch"``.
        answer: answers what Python asks of the values.
    """
    builder = Builder()
    builder.unknown, builder.answer = unknown, answer

    def run() -> Staged:
        tracers = [builder.input(t, v) for t, v in zip(types, values or [None] * len(types))]
        if differentiated:
            builder.differentiated.update(builder.inputs)
        leaves, out_tree = tree.flatten(function(*tracers))
        static = {i: leaf for i, leaf in enumerate(leaves) if not _is_result(leaf, answer is not None)}
        for leaf in static.values():
            if holds_traced(leaf, builder):
                raise held_in_result(leaf)
        outputs = [builder.tracer(leaf).atom for i, leaf in enumerate(leaves) if i not in static]
        program, captured = builder.finish(outputs)
        return Staged(program, captured, out_tree, static)

    staged = build(builder, run)
    if builder.looked_into:  # and the function has caught it
        raise LookedInto(builder.looked_into)
    if builder.refused:
        raise AskedOutside
    return staged


def _is_result(leaf: Any, is_kept: bool) -> bool:
    """Whether a leaf of a result is an array or a number; what is no such array may be passed on, but not kept."""
    try:
        return is_value(leaf)
    except Unfit as unfit:
        if is_kept or holds_traced(leaf):
            words = f"{FIT} or constants, got {unfit.got}. {unfit.advice}"
            raise TypeError(f"{'jit' if is_kept else 'result'}: requires a function that returns {words}") from None
        return False


def is_value(leaf: Any) -> bool:
    """Whether a pytree leaf is numeric: a traced value, an array or a number."""
    return type(leaf) is Tracer or is_array_like(leaf)


def value_type(value: Any) -> ArrayType:
    """The type of a traced value, an array or a number."""
    return value.atom.type if type(value) is Tracer else type_of(value)


def call_program(program: Program, args: Sequence[Any]) -> list[Any]:
    """Run a Program on arrays, or inline it where an argument is traced."""
    builder = stager(program, args)
    if builder is None:
        return evaluate(program, args)
    return inline(builder, program, args)


def innermost(args: Sequence[Any]) -> Builder | None:
    """The innermost builder among traced arguments."""
    builders = [a.builder for a in args if type(a) is Tracer]
    return max(builders, key=lambda b: b.level) if builders else None


def inline(builder: Builder, program: Program, args: Sequence[Any]) -> list[Tracer]:
    """Append a Program's equations to a builder, its inputs bound to ``args``."""
    if not builder.alive:
        raise escaped()
    builder = _enclosing(builder) or builder
    atoms: dict[Atom, Atom] = {v: builder.tracer(a).atom for v, a in zip(program.inputs, args)}
    for eqn in program.equations:
        outputs = tuple([Var(v.type) for v in eqn.outputs])
        inputs = tuple([atoms.get(a, a) for a in eqn.inputs])
        builder.equations.append(Equation(eqn.primitive, inputs, eqn.params, outputs, eqn.source))
        atoms.update(zip(eqn.outputs, outputs))
    return [Tracer(builder, atoms.get(a, a)) for a in program.outputs]
