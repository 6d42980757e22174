"""Formulas in which a mask hides something, and their derivatives beside differences of what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from fnad import grad, jacfwd, jacrev
from fnad.tracing.tracer import Tracer


class Formula(NamedTuple):
    """A function of one array, and where it is looked at."""

    function: Callable[[Any], Any]
    at: Any


def total(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The sum of all results, in different proportions."""

    def summed(x: Any) -> Any:
        y = function(x)
        return np.sum(y * (1.0 + 0.1 * np.arange(np.size(y)).reshape(np.shape(y))))

    return summed


class Frozen:
    """A function that goes on choosing as it does at a point, so that differences do not cross the edge of a mask.

    Not where what it chooses by is traced also then, as in the body of a loop.
    """

    def __init__(self, function: Callable[[Any], Any], x: np.ndarray) -> None:
        self.function, self.conditions = function, []
        with np.errstate(all="ignore"):
            self._run(x, lambda c: self.conditions.append(c) or c)
        self.is_known = not any(isinstance(c, Tracer) for c in self.conditions)

    def __call__(self, x: Any) -> Any:
        given = iter(self.conditions)
        return self._run(x, (lambda c: next(given)) if self.is_known else (lambda c: c))

    def _run(self, x: Any, condition: Callable[[Any], Any]) -> Any:
        where = np.where

        def chosen(conditions: Any, choices: Any, default: Any) -> Any:
            known = [condition(c) for c in conditions]
            for c, choice in zip(known[::-1], choices[::-1]):
                default = where(c, choice, default)
            return default

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(np, "where", lambda c, x, y: where(condition(c), x, y))
            patch.setattr(np, "select", chosen)
            return self.function(x)


def differences(f: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """The Jacobian by central differences; 0 in elements that are no number."""
    columns = []
    with np.errstate(all="ignore"):
        for i in np.ndindex(x.shape):
            step = 1e-5 * max(1.0, abs(x[i])) if np.isfinite(x[i]) else 0.0
            ends = [np.array(x), np.array(x)]
            ends[0][i] += step
            ends[1][i] -= step
            columns.append((np.asarray(f(ends[0])) - np.asarray(f(ends[1]))) / (2 * step or 1.0))
    return np.stack(columns, -1).reshape(np.shape(columns[0]) + x.shape)


def assert_close(got: Any, expected: Any, what: str) -> None:
    scale = np.max(np.abs(expected), initial=1.0)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=2e-7 * scale, err_msg=what)


def assert_right(formula: Formula) -> None:
    """Derivatives to second order, in every mode, beside differences."""
    function, x = formula.function, np.asarray(formula.at, float)
    shown = Frozen(function, x)
    slopes = differences(shown, x)
    assert np.isfinite(slopes).all()
    for mode in (jacrev, jacfwd):
        assert_close(mode(function)(x), slopes, mode.__name__)
    curvature = differences(grad(total(shown)), x)
    for outer in (jacrev, jacfwd):
        for inner in (grad, jacfwd):
            assert_close(outer(inner(total(function)))(x), curvature, f"{outer.__name__} of {inner.__name__}")
