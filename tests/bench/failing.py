"""A workload for the tests: one library fails on its first step."""

from __future__ import annotations

from typing import Any

from bench.case import Case


def numpy(np: Any) -> Case:
    """Divide by zero."""
    return Case(lambda state, x: (state, 1 // x), lambda: 0, [(0,)])
