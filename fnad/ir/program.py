"""Programs: straight-line, typed, single-assignment code over arrays.

A Program is a value: transforms make new ones and never change one. Every variable is
assigned once, before its uses; a Literal is one scalar filled to a shape. As text it has one
line per equation, each variable with its type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType, type_of
from fnad.memo import kept
from fnad.sameness import typed_if_hashable
from fnad.sources import Source


class Var:
    """A variable of a Program: an identity with a type; its name is the printer's business."""

    __slots__ = ("type",)

    def __init__(self, type: ArrayType) -> None:
        self.type = type

    def __repr__(self) -> str:
        return f"Var({self.type})"


class Literal:
    """A scalar constant filled to a shape."""

    __slots__ = ("value", "type")

    def __init__(self, value: np.generic, type: ArrayType) -> None:
        self.value = value
        self.type = type

    def array(self) -> np.ndarray:
        """The constant as a read-only array of its full shape."""
        return np.broadcast_to(np.asarray(self.value), self.type.shape)

    def __repr__(self) -> str:
        return f"Literal({self.value}, {self.type})"


Atom = Var | Literal


def filled(value: Any, type: ArrayType) -> Literal:
    """A Python scalar as a literal of a given shape and dtype."""
    return Literal(type.dtype.type(value), ArrayType(type.shape, type.dtype))


def scalar(value: Any) -> Literal:
    """A Python scalar as a literal of its own, weak, type."""
    type = type_of(value)
    return Literal(type.dtype.type(value), type)


class Equation(NamedTuple):
    """One operation: ``outputs = primitive[params] inputs``."""

    primitive: Primitive
    inputs: tuple[Atom, ...]
    params: dict[str, Any]
    outputs: tuple[Var, ...]
    source: Source | None = None


@dataclass(frozen=True, eq=False)
class Program:
    """A function from its inputs to its outputs; each is equal to itself only."""

    inputs: tuple[Var, ...]
    equations: tuple[Equation, ...]
    outputs: tuple[Atom, ...]

    @property
    def input_types(self) -> tuple[ArrayType, ...]:
        return tuple(v.type for v in self.inputs)

    @property
    def output_types(self) -> tuple[ArrayType, ...]:
        return tuple(a.type for a in self.outputs)

    @kept
    def is_effectful(self) -> bool:
        """Whether running the Program does more than its outputs say."""
        return any(map(has_effect, self.equations))

    def __str__(self) -> str:
        return format_program(self)


def subprograms(params: dict[str, Any]) -> list[Program]:
    """The Programs among an operation's parameters, which it runs."""
    found: list[Program] = []
    for value in params.values():
        if type(value) is Program:
            found.append(value)
        elif type(value) is tuple:
            found += [part for part in value if type(part) is Program]
    return found


def has_effect(equation: Equation) -> bool:
    """Whether an equation must be kept though nothing uses its outputs."""
    return equation.primitive.effect or any([p.is_effectful for p in subprograms(equation.params)])


def is_total(equation: Equation) -> bool:
    """Whether nobody can tell if an equation was run: it gives a result for any operands, and does nothing else."""
    total = equation.primitive.total
    if callable(total):
        return total(*equation.inputs, **equation.params)
    inner = subprograms(equation.params) if total else ()
    return bool(total) and all([is_total(one) for program in inner for one in program.equations])


def without_effects(program: Program) -> Program:
    """The Program with the same outputs that does nothing else, for values that are computed once more."""
    if not program.is_effectful:
        return program
    quiet = _quiet.get(program)
    if quiet is None:
        equations = [quiet_equation(e) for e in program.equations if e.outputs or not e.primitive.effect]
        quiet = _quiet[program] = Program(program.inputs, tuple(equations), program.outputs)
    return quiet


_quiet: WeakKeyDictionary[Program, Program] = WeakKeyDictionary()


def quiet_equation(equation: Equation) -> Equation:
    """The equation without the effects of the Programs that it runs."""
    if not any([p.is_effectful for p in subprograms(equation.params)]):
        return equation
    return equation._replace(params={k: _without_effects(v) for k, v in equation.params.items()})


def _without_effects(value: Any) -> Any:
    if type(value) is tuple:
        return tuple(map(_without_effects, value))
    return without_effects(value) if type(value) is Program else value


def prune(program: Program, whole: bool = False) -> Program:
    """Drop the equations that no output needs and, unless they are to stay ``whole``, what none needs of the others."""
    needed = {a for a in program.outputs if type(a) is Var}
    kept = []
    for equation in reversed(program.equations):
        if not needed.isdisjoint(equation.outputs) or has_effect(equation):
            if equation.primitive.dead_code is not None and not whole:
                equation = equation.primitive.dead_code(equation, needed)
            kept.append(equation)
            needed.update(a for a in equation.inputs if type(a) is Var)
    return Program(program.inputs, tuple(reversed(kept)), program.outputs)


def structure(program: Program) -> tuple[Any, ...]:
    """The key of a Program, whatever its variables are: equal for two Programs that are the same word for word.

    It can be hashed if the parameters of all equations can, and none is of an operation that a user has declared.
    """
    numbers: dict[Atom, int] = {v: i for i, v in enumerate(program.inputs)}
    parts: list[Any] = [v.type for v in program.inputs]
    add = parts.append
    for primitive, inputs, params, outputs, source in program.equations:
        add(primitive)
        add(source)
        if primitive.is_declared:
            add([])  # which cannot be hashed
        for a in inputs:
            add(numbers[a] if type(a) is Var else (a.value.tobytes(), a.type))
        if params:
            parts += params
            parts += map(typed_if_hashable, params.values())
        for v in outputs:
            numbers[v] = len(numbers)
    parts += [numbers[a] if type(a) is Var else (a.value.tobytes(), a.type) for a in program.outputs]
    return tuple(parts)


# --- As text

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def format_program(program: Program) -> str:
    """The whole Program."""
    names = variable_names([*program.inputs, *(v for eqn in program.equations for v in eqn.outputs)])
    parameters = ", ".join(f"{names[v]}: {v.type}" for v in program.inputs)
    body = [f"  {line}" for eqn in program.equations for line in format_equation(eqn, names)]
    result = ", ".join(_format_atom(a, names) for a in program.outputs)
    return "\n".join([f"program({parameters}):", *body, f"  return {result}"])


def variable_names(variables: Iterable[Var]) -> dict[Var, str]:
    """A name for each variable: a, b, c, ..."""
    numbers = count()
    return {v: _letters(next(numbers)) for v in dict.fromkeys(variables)}


def _letters(n: int) -> str:
    name = _ALPHABET[n % 26]
    while n >= 26:
        n = n // 26 - 1
        name = _ALPHABET[n % 26] + name
    return name


def format_equation(eqn: Equation, names: dict[Var, str]) -> list[str]:
    """One equation, as a line, and lines for the Programs among its parameters."""
    outputs = ", ".join(f"{names[v]}: {v.type}" for v in eqn.outputs)
    nested = {key: program for k, v in eqn.params.items() for key, program in _programs(k, v)}
    plain = {k: v for k, v in eqn.params.items() if not any(_programs(k, v))}
    params = f"[{', '.join(f'{k}={_format_param(v)}' for k, v in plain.items())}]" if plain else ""
    inputs = " ".join(_format_atom(a, names) for a in eqn.inputs)
    assigned = f"{outputs} = " if outputs else ""
    scope = f"  # {eqn.source.scope}" if eqn.source and eqn.source.scope else ""
    lines = [f"{assigned}{eqn.primitive.name}{params} {inputs}".rstrip() + scope]
    for key, value in nested.items():
        lines += [f"  {key}:", *[f"    {line}" for line in format_program(value).splitlines()]]
    return lines


def _format_atom(atom: Atom, names: dict[Var, str]) -> str:
    if isinstance(atom, Literal):
        shape = f"[{','.join(str(n) for n in atom.type.shape)}]" if atom.type.shape else ""
        return f"{atom.value.item()!r}{shape}"
    return names[atom]


def _format_param(value: Any) -> str:
    if isinstance(value, np.dtype):
        return value.name
    return str(value).replace(" ", "")


def _programs(key: str, value: Any) -> Iterator[tuple[str, Program]]:
    """The Programs of a parameter, with what each is called."""
    if isinstance(value, Program):
        yield key, value
    elif type(value) is tuple:
        yield from ((f"{key}[{i}]", part) for i, part in enumerate(value) if isinstance(part, Program))
