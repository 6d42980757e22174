"""A loop as an operation, as small as can be, whose body is a Program that the interpreter runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from fnad.interpreter.evaluate import evaluate
from fnad.ir.primitive import REGISTRY, Primitive
from fnad.ir.program import Program
from fnad.ir.types import ArrayType
from fnad.tracing.staging import stage
from fnad.tracing.tracer import value_type


def _run(x: Any, body: Program, times: int) -> Any:
    for _ in range(times):
        (x,) = evaluate(body, [np.asarray(x)])
    return x


def _type(x: ArrayType, body: Program, times: int) -> ArrayType:
    return x


@pytest.fixture
def repeat() -> Iterator[Callable[..., Any]]:
    """``repeat(body, x, times)`` is ``body(...body(x))``, staged as one equation."""
    primitive = Primitive("repeat", _type, _run, differentiable=())

    def apply(body: Callable[..., Any], x: Any, times: int) -> Any:
        return primitive(x, body=stage(body, [value_type(x)]).program, times=times)

    yield apply
    del REGISTRY["repeat"]
