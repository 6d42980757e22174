"""Programs as text: one line per equation, each variable with its type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fnad.ir.program import Atom, Equation, Program, Var

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
    lines = [f"{assigned}{eqn.primitive.name}{params} {inputs}".rstrip()]
    for key, value in nested.items():
        lines += [f"  {key}:", *[f"    {line}" for line in format_program(value).splitlines()]]
    return lines


def _format_atom(atom: Atom, names: dict[Var, str]) -> str:
    if hasattr(atom, "value"):
        shape = f"[{','.join(str(n) for n in atom.type.shape)}]" if atom.type.shape else ""
        return f"{atom.value.item()!r}{shape}"
    return names[atom]


def _format_param(value: Any) -> str:
    if isinstance(value, np.dtype):
        return value.name
    return str(value).replace(" ", "")


def _programs(key: str, value: Any) -> Iterator[tuple[str, Program]]:
    """The Programs of a parameter, with what each is called."""
    if hasattr(value, "equations"):
        yield key, value
    elif type(value) is tuple:
        yield from ((f"{key}[{i}]", part) for i, part in enumerate(value) if hasattr(part, "equations"))
