"""The laws hold for a function that is right, and each catches its own kind of fault."""

from __future__ import annotations

from itertools import count
from typing import Any

import fnad
import numpy as np
import pytest

from tests.surface.laws import LAWS, Row, batches, compiled, derivatives, no_derivative, values

X = np.array([0.3, -0.7, 1.1])
RIGHT = [Row("np.sin", np.sin, (X,)), Row("np.argmax", np.argmax, (X,), order=0), Row("np.clip", np.tanh, (0.5,))]


@pytest.mark.parametrize("row", RIGHT, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_a_right_function_keeps_them(row: Row, law: Any) -> None:
    law(row)


def cut(x: Any) -> Any:
    return np.sin(fnad.stop_gradient(x)) * x


def narrowed(x: Any) -> Any:
    return np.sin(x).astype(np.float32)


# Python, which no target compiles.
opaque = fnad.primitive(lambda x: np.array(x.tolist()), shape=lambda x: x, differentiable=False, name="opaque")
_COUNT = count(1)
MISTAKES = [
    (values, Row("value", np.sin, (X,), np.cos)),
    (values, Row("dtype", narrowed, (X,), np.sin, rtol=1e-3)),
    (derivatives, Row("slope", cut, (X,))),
    (no_derivative, Row("slope", np.sin, (X,), order=0)),
    (batches, Row("batch", lambda x: x * next(_COUNT), (X,))),
    (compiled, Row("host", opaque, (X,), order=0)),
]


@pytest.mark.parametrize(("law", "row"), MISTAKES, ids=[row.name for _, row in MISTAKES])
def test_a_fault_is_found(law: Any, row: Row) -> None:
    with pytest.raises(AssertionError):
        law(row)
