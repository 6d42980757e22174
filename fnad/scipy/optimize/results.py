"""SciPy's results as pytrees, and solvers of SciPy's in the middle of what is traced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.optimize

from fnad import tree
from fnad.arrays import PYTHON_SCALARS, is_array
from fnad.tracing.tracer import is_value
from fnad.transforms.primitives import primitive

OptimizeResult = scipy.optimize.OptimizeResult


def _is_data(value: Any) -> bool:
    leaves = tree.leaves(value)
    return bool(leaves) and all([type(x) in PYTHON_SCALARS or is_array(x) or is_value(x) for x in leaves])


def _parts(result: Any) -> tuple[list[Any], Any]:
    names = [name for name in sorted(result) if _is_data(result[name])]
    rest = tuple([(name, result[name]) for name in sorted(result) if name not in names])
    return [result[name] for name in names], (tuple(names), rest)


def _whole(static: Any, values: Any) -> Any:
    names, rest = static
    return OptimizeResult({**dict(zip(names, values)), **dict(rest)})


tree.register(OptimizeResult, _parts, _whole)

# --- SciPy's solvers on traced values

INFO = ("success", "status", "nit", "nfev")


def _solve(x0: np.ndarray, *constants: np.ndarray, solver: Callable[..., Any]) -> tuple[np.ndarray, ...]:
    result = solver(x0, *constants)
    numbers = [np.asarray(result.get(name, -1), np.int64) for name in INFO]
    return np.asarray(np.real(result.x), np.float64), *numbers


def _shape(x0: Any, *constants: Any, solver: Any) -> list[tuple[tuple[int, ...], Any]]:
    return [(x0.shape, np.float64), *[((), np.int64)] * len(INFO)]


solved_by_scipy = primitive(_solve, shape=_shape, differentiable=False, name="solved_by_scipy")
"""A solution by SciPy: the start and what the equations depend on, and as ``solver`` a function of these."""


def pair(results: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
    """The solution, and what is told of it."""
    return results[0], tuple(results[1:])


def told(info: Sequence[Any]) -> dict[str, Any]:
    """The entries of a result that come from a solver in what is traced."""
    entries = dict(zip(INFO, info))
    message = "The status has the meaning that it has in SciPy."
    return {**entries, "success": entries["success"] != 0, "message": message}
