""""accumulate", Program → Program: a matrix product that is only added to an array is accumulated into it.

Invariant: the values are the same but for rounding: the rate multiplies inside of the product. No equation
moves before what it reads, and a product that anything else needs is left as it is.

The update of gradient descent, ``p - rate * (x.T @ g)``, is one product that starts from p: its gradient is
never stored, and where p dies, it is written over.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from fnad.ir.program import Atom, Equation, Literal, Program, Var
from fnad.ops.contractions import matmul, matmul_add
from fnad.ops.elementwise import add, mul, sub
from fnad.ops.shaping import broadcast


class _Product(NamedTuple):
    """A product times a number, and the equations that make it."""

    a: Atom
    b: Atom
    alpha: float
    equations: tuple[Equation, ...]


def accumulate(program: Program) -> Program:
    """Write sums with a product as products that start from an array."""
    uses = Counter([a for eqn in program.equations for a in eqn.inputs if isinstance(a, Var)])
    uses.update([a for a in program.outputs if isinstance(a, Var)])
    producers = {v: eqn for eqn in program.equations for v in eqn.outputs}
    equations: dict[int, Equation] = {id(eqn): eqn for eqn in program.equations}
    for eqn in program.equations:
        found = _accumulated(eqn, producers, uses)
        if found is not None:
            equations[id(eqn)], product = found
            for gone in product.equations:
                del equations[id(gone)]
    return Program(program.inputs, tuple(equations.values()), program.outputs)


def _accumulated(eqn: Equation, producers: dict[Var, Equation], uses: Counter) -> tuple[Equation, _Product] | None:
    if eqn.primitive not in (add, sub) or eqn.outputs[0].type.dtype.kind != "f":
        return None
    x, y = eqn.inputs
    candidates = [(x, y, -1.0 if eqn.primitive is sub else 1.0)]
    if eqn.primitive is add:
        candidates.append((y, x, 1.0))
    for start, term, sign in candidates:
        product = _product(term, producers, uses)
        if product is not None and _is_stored(start, producers):
            params = {"alpha": sign * product.alpha}
            inputs = (start, product.a, product.b)
            return eqn._replace(primitive=matmul_add, inputs=inputs, params=params), product
    return None


def _is_stored(atom: Atom, producers: dict[Var, Equation]) -> bool:
    """Whether a value fills an array: a row that is added to a whole product is better added to it later."""
    return isinstance(atom, Var) and (atom not in producers or producers[atom].primitive is not broadcast)


def _product(atom: Atom, producers: dict[Var, Equation], uses: Counter) -> _Product | None:
    """A value as a product times a number, where nothing else uses any of it.

    BLAS leaves out a product times 0, and with it any nan.
    """
    eqn = producers.get(atom) if isinstance(atom, Var) and uses[atom] == 1 else None
    if eqn is None:
        return None
    if eqn.primitive is matmul:
        return _Product(*eqn.inputs, 1.0, (eqn,))
    if eqn.primitive is not mul:
        return None
    for factor, other in (eqn.inputs, eqn.inputs[::-1]):
        inner = producers.get(other) if isinstance(other, Var) else None
        is_rate = isinstance(factor, Literal) and np.isfinite(factor.value) and factor.value != 0
        if is_rate and inner is not None and inner.primitive is matmul:
            product = _product(other, producers, uses)
            return product and product._replace(alpha=float(factor.value), equations=(inner, eqn))
    return None
