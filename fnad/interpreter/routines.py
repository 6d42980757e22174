"""Programs that are interpreted again and again, written out as Python functions, a line an equation.

Such a function does what the interpreter does, to the bit, and looks nothing up. What NumPy broadcasts by itself is
left to it, and an array is let go once nothing needs it any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.ir.program import Atom, Equation, Literal, Program, Var

Routine = Callable[..., tuple[Any, ...]]
MOST_EQUATIONS = 1000
"""Equations of a Program that a function is written for: a longer one takes long to write and to read."""


def write_routine(program: Program) -> Routine:
    """The function from the values of a Program's inputs, one by one, to those of its outputs."""
    return _Writer(program).function()


class _Writer:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.names: dict[Var, str] = {}
        self.words: dict[str, Any] = {}
        self.left_to_numpy = _left_to_numpy(program)

    def function(self) -> Routine:
        """The finished function."""
        program, dying = self.program, _dying(self.program)
        lines = [f"def routine({', '.join(map(self.name, program.inputs))}):"]
        for eqn, dead in zip(program.equations, dying):
            lines.append(f"    {self.equation(eqn)}")
            lines += [f"    del {', '.join(map(self.name, dead))}"] if dead else []
        lines.append(f"    return ({''.join([f'{self.array(a)}, ' for a in program.outputs])})")
        # As a file of the library: the frame of what an operation raises is none of the user's.
        exec(compile("\n".join(lines), f"{__file__}: routine", "exec"), self.words)
        return self.words.pop("routine")

    def equation(self, eqn: Equation) -> str:
        """The line of an equation."""
        primitive = eqn.primitive
        if eqn.outputs and eqn.outputs[0] in self.left_to_numpy:
            return f"{self.name(eqn.outputs[0])} = {self.spread(eqn)}"
        if primitive.expression is None:
            operands = list(map(self.array, eqn.inputs))
        else:  # broadcasts a number by itself, as long as one operand has the full shape
            operands = [self.number(eqn, a) if type(a) is Literal else self.name(a) for a in eqn.inputs]
            if all([type(a) is Literal for a in eqn.inputs]):
                operands[0] = self.array(eqn.inputs[0])
        params = [f"{key}={self.word(value)}" for key, value in eqn.params.items()]
        call = f"{self.word(primitive.evaluate)}({', '.join([*operands, *params])})"
        targets = ", ".join(map(self.name, eqn.outputs))
        return f"{targets} = {call}" if eqn.outputs else call

    def spread(self, eqn: Equation) -> str:
        """An array that NumPy will broadcast to the shape of its company."""
        (x,) = eqn.inputs
        shape = eqn.primitive.broadcasts(x.type.shape, **eqn.params)
        led_by_ones = (1,) * (len(shape) - len(x.type.shape)) + x.type.shape
        return self.array(x) if shape == led_by_ones else f"{self.array(x)}.reshape({shape})"

    def number(self, eqn: Equation, literal: Literal) -> str:
        """A number; for a ufunc as an array, which it would make of it at every call."""
        is_ufunc = isinstance(eqn.primitive.evaluate, np.ufunc)
        return self.word(np.asarray(literal.value) if is_ufunc else literal.value)

    def array(self, atom: Atom) -> str:
        """An operand in its full shape."""
        return self.word(atom.array()) if type(atom) is Literal else self.name(atom)

    def name(self, v: Var) -> str:
        """The name of a variable."""
        return self.names.setdefault(v, f"v{len(self.names)}")

    def word(self, value: Any) -> str:
        """The name of a constant."""
        word = f"w{len(self.words)}"
        self.words[word] = value
        return word


def _dying(program: Program) -> list[list[Var]]:
    """For each equation the variables that nothing needs after it; what comes in or goes out stays."""
    seen: set[Atom] = {*program.inputs, *program.outputs}
    dying = []
    for eqn in reversed(program.equations):
        last = [v for v in dict.fromkeys([*eqn.inputs, *eqn.outputs]) if type(v) is Var and v not in seen]
        seen.update(last)
        dying.append(last)
    return dying[::-1]


def _left_to_numpy(program: Program) -> set[Var]:
    """The results of broadcasts that only ufuncs of NumPy use, beside an operand that has the full shape."""
    spread = {eqn.outputs[0] for eqn in program.equations if eqn.primitive.broadcasts is not None}
    spread.difference_update(program.outputs)
    kept: set[Atom] = set()
    for eqn in program.equations:
        is_ufunc = isinstance(eqn.primitive.evaluate, np.ufunc) and eqn.primitive.expression is not None
        full = [a for a in eqn.inputs if type(a) is Var and a not in spread]
        if not (is_ufunc and full and not eqn.params):
            kept.update(eqn.inputs)
    return spread - kept
