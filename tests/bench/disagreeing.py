"""A workload for the tests: one library takes slightly larger steps."""

from __future__ import annotations

from typing import Any

from bench.case import Case


def numpy(np: Any) -> Case:
    """Count up."""
    return Case(lambda state, x: (state + x, state), lambda: np.float64(1), [(1.0,)])


def fnad(fnad: Any) -> Case:
    """Count up by a little more."""
    return Case(lambda state, x: (state + 1.001 * x, state), lambda: 1.0, [(1.0,)])
