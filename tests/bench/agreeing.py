"""A workload for the tests: two libraries that agree."""

from __future__ import annotations

from typing import Any

from numpy import float64

from bench.case import Case

TOLERANCE = 1e-6
CHECK_STEPS = 3


def numpy(np: Any) -> Case:
    """Count up."""
    return Case(lambda state, x: (state + x, {"b": state, "a": [x]}), lambda: float64(1), [(1.0,), (2.0,)])


fnad = numpy


def limit(limits: Any) -> Case:
    """Some bytes."""
    return limits.moved(2000)
