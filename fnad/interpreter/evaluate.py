"""The NumPy interpreter: what a Program means, and the oracle of every other target."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from fnad.interpreter.routines import MOST_EQUATIONS, Routine, write_routine
from fnad.ir.program import Atom, Equation, Literal, Program, Var
from fnad.ownership import own_arrays

# What NumPy would warn about (log of 0, overflow) is a value here, as in compiled code.
QUIET = {"divide": "ignore", "over": "ignore", "under": "ignore", "invalid": "ignore"}


def evaluate(program: Program, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Run a Program on NumPy arrays or numbers, equation by equation; its results share memory with nothing."""
    if len(inputs) != len(program.inputs):
        raise TypeError(f"evaluate: requires {len(program.inputs)} inputs, got {len(inputs)}.")
    inputs = [np.asarray(x, v.type.dtype) for x, v in zip(inputs, program.inputs)]
    routine = None if is_watched() else _routine(program)
    with np.errstate(**QUIET):
        results = _interpreted(program, inputs) if routine is None else routine(*inputs)
    arrays = [np.asarray(result, atom.type.dtype) for result, atom in zip(results, program.outputs)]
    return own_arrays(arrays, inputs)


def _interpreted(program: Program, inputs: Sequence[np.ndarray]) -> list[Any]:
    values: dict[Var, Any] = dict(zip(program.inputs, inputs))
    for equation in program.equations:
        evaluate_equation(equation, values)
    return [read(a, values) for a in program.outputs]


OFTEN = 8
"""Evaluations of a Program after which it is written out as a function: that takes about as long as these."""
_routines: WeakKeyDictionary[Program, Routine | int] = WeakKeyDictionary()


def _routine(program: Program) -> Routine | None:
    """The function that a Program has been written out as, once it has been evaluated often."""
    known = _routines.get(program, 0)
    if type(known) is not int:
        return known
    if known == OFTEN and len(program.equations) <= MOST_EQUATIONS:
        routine = _routines[program] = write_routine(program)
        return routine
    _routines[program] = known + 1
    return None


def evaluate_equation(equation: Equation, values: dict[Var, Any]) -> None:
    """Run one equation on the values so far and add its outputs to them."""
    primitive = equation.primitive
    scalars = primitive.expression is not None
    args = _scalar_args(equation, values) if scalars else [read(a, values) for a in equation.inputs]
    result = primitive.evaluate(*args, **equation.params)
    if len(equation.outputs) == 1:
        values[equation.outputs[0]] = result
    else:
        values.update(zip(equation.outputs, result))
    if is_watched():
        _thread.watcher(equation, values)


Watcher = Callable[[Equation, dict[Var, Any]], None]


class _Thread(threading.local):
    watcher: Watcher | None = None


_thread = _Thread()


def watched(watcher: Watcher, body: Callable[[], Any]) -> Any:
    """The result of a function, with every equation that this thread interprets meanwhile shown to another one, with
    the values that it has just added to. (No ``with``, for the reason that `fnad.tracing.builder.build` has.)"""
    outer = _thread.watcher
    try:
        _thread.watcher = watcher
        return body()
    finally:
        _thread.watcher = outer


def is_watched() -> bool:
    """Whether equations are shown to a function: what is compiled is then to be interpreted instead."""
    return _thread.watcher is not None


def read(atom: Atom, values: dict[Var, Any]) -> Any:
    """The value of an atom as an array of its full shape."""
    return atom.array() if type(atom) is Literal else values[atom]


def _scalar_args(equation: Equation, values: dict[Var, Any]) -> list[Any]:
    # Elementwise work broadcasts a literal by itself, as long as one operand has the full shape.
    inputs = equation.inputs
    args = [a.value if type(a) is Literal else values[a] for a in inputs]
    if all(type(a) is Literal for a in inputs):
        args[0] = inputs[0].array()
    return args
