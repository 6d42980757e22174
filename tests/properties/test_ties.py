"""Where several elements are the largest, the middle or the last, their gradients share one: they add up to 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad.numpy as fnp
import numpy as np
import pytest
from fnad import grad, jit
from fnad.testing.strategies import arrays
from hypothesis import given
from hypothesis import strategies as st

# Functions that move with their argument: adding 1 to all elements adds 1 to the value.
MOVING: dict[str, Callable[[Any], Any]] = {
    "max": np.max,
    "min": np.min,
    "max of rows": lambda x: np.mean(np.max(x, axis=1)),
    "min of columns": lambda x: np.mean(np.min(x, axis=0)),
    "maximum": lambda x: np.maximum(x[0, 0], x[1, 1]),
    "minimum": lambda x: np.minimum(x[0, 0], x[1, 1]),
    "fmax": lambda x: np.fmax(x[0, 0], x[1, 1]),
    "maximum of three": lambda x: np.maximum(np.maximum(x[0, 0], x[1, 1]), x[1, 2]),
    "median": np.median,
    "median of rows": lambda x: np.mean(np.median(x, axis=1)),
    "middle of a sort": lambda x: np.sort(x, axis=None)[3],
    "at argmax": lambda x: np.ravel(x)[np.argmax(x)],
    "logsumexp": fnp.logsumexp,
    "mean": np.mean,
    "scattered max": lambda x: np.sum(fnp.asarray(x[0]).at[np.array([0, 0, 1])].max(x[1])) / 3,
}

few_values = arrays((2, 3), elements=st.integers(0, 2).map(float))


@pytest.mark.parametrize("name", MOVING)
@given(x=few_values)
def test_shares_add_up_to_one(name: str, x: np.ndarray) -> None:
    g = grad(MOVING[name])(x)
    assert (g >= 0).all()
    np.testing.assert_allclose(g.sum(), 1.0, rtol=1e-12)


COMPILED = {name: jit(grad(function)) for name, function in MOVING.items()}


@pytest.mark.parametrize("name", MOVING)
@given(x=few_values)
def test_compiled_shares_are_the_interpreted_ones(name: str, x: np.ndarray) -> None:
    np.testing.assert_allclose(COMPILED[name](x), grad(MOVING[name])(x), rtol=1e-12)
