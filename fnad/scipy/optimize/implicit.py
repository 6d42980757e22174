"""Solutions of equations as functions of what the equations depend on, by the implicit function theorem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad import tree
from fnad.transforms.custom import custom_jvp
from fnad.transforms.jacobians import jacfwd
from fnad.transforms.jvp import jvp
from fnad.transforms.vjp import stop_gradient

Function = Callable[..., Any]


def solution(
    solve: Function, residual: Function, begin: Sequence[Any], constants: Sequence[Any], fixed: Function | None = None
) -> Any:
    """``solve(begin, *constants)``, a pair of a vector x and of more that has no derivative.

    Its derivative is that of the x for which ``residual(x, *constants)`` stays 0, in the constants alone;
    ``fixed(x, *constants)`` tells of which elements of x it is not asked, since they lie at a bound that holds them.
    """

    @custom_jvp
    def solved(begin: Any, *constants: Any) -> Any:
        return solve(begin, *constants)

    @solved.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        x, more = solved(*primals)
        constants = primals[1:]
        active = [i for i, t in enumerate(tangents[1:]) if t is not None]

        def moved(*values: Any) -> Any:
            given = list(constants)
            for i, value in zip(active, values):
                given[i] = value
            return residual(x, *given)

        _, change = jvp(moved, tuple([constants[i] for i in active]), tuple([tangents[1 + i] for i in active]))
        slope = jacfwd(residual)(x, *constants)
        if fixed is not None:
            stays = fixed(x, *constants)
            change = np.where(stays, 0.0, change)
            slope = np.where(stays[:, None] | stays, np.eye(x.shape[0]), slope)
        return (x, more), (-_divided(change, slope), tree.map(lambda _: None, more))

    return solved(tuple(map(stop_gradient, begin)), *constants)


def _divided(change: Any, slope: Any) -> Any:
    return change / slope[0] if change.shape == (1,) else np.linalg.solve(slope, change)
