"""Ways to run a function on arrays, and how results are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import tree
from fnad.interpreter.evaluate import evaluate
from fnad.ir.check import check
from fnad.tracing.staging import stage
from fnad.tracing.tracer import value_type

Runner = Callable[[Callable[..., Any]], Callable[..., list[np.ndarray]]]


def interpreted(function: Callable[..., Any]) -> Callable[..., list[np.ndarray]]:
    """Stage a function, check its Program, and run that by the interpreter."""

    def run(*inputs: np.ndarray) -> list[np.ndarray]:
        staged = stage(function, [value_type(x) for x in inputs], inputs)
        outputs = evaluate(check(staged.program), [*inputs, *staged.captured])
        assert [value_type(y)[:2] for y in outputs] == [t[:2] for t in staged.program.output_types]
        return outputs

    return run


def compiled(function: Callable[..., Any]) -> Callable[..., list[np.ndarray]]:
    """Run a function by `fnad.jit`."""
    jitted = fnad.jit(function)
    return lambda *inputs: [np.asarray(y) for y in tree.leaves(jitted(*inputs))]


needs_jit = pytest.mark.skipif(not hasattr(fnad, "jit"), reason="fnad.jit is not there")
RUNNERS = [pytest.param(interpreted, id="interpreted"), pytest.param(compiled, id="compiled", marks=needs_jit)]


def assert_same(got: Any, expected: Any, ulp: int = 0, rtol: float = 0.0) -> None:
    """Require equal dtypes, shapes and values, nan where nan is; within ``ulp``, or ``rtol`` of the largest value."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    plain = np.isfinite(expected) & np.isfinite(got)
    np.testing.assert_array_equal(got[~plain], expected[~plain])
    if expected.dtype.kind not in "fc" or ulp == 0 and rtol == 0:
        np.testing.assert_array_equal(got[plain], expected[plain])
    else:
        apart, allowed = np.abs(got[plain] - expected[plain]), _allowed(expected[plain], ulp, rtol)
        assert (apart <= allowed).all(), f"{got[plain]} against {expected[plain]}: {apart} apart, {allowed} allowed"


def _allowed(expected: np.ndarray, ulp: int, rtol: float) -> Any:
    if expected.size == 0:
        return 0
    parts = np.maximum(abs(expected.real), abs(expected.imag)).astype(expected.real.dtype)
    return ulp * np.spacing(parts) + rtol * (1 + np.max(np.abs(expected)))


def assert_all_same(got: Sequence[Any], expected: Sequence[Any], **allowed: Any) -> None:
    assert len(got) == len(expected)
    for g, e in zip(got, expected):
        assert_same(g, e, **allowed)


def assert_fresh(outputs: Sequence[np.ndarray], inputs: Sequence[np.ndarray]) -> None:
    """Require outputs that share no memory with the inputs or each other, and that can be written to."""
    for i, y in enumerate(outputs):
        assert y.flags.writeable
        for other in [*inputs, *outputs[:i]]:
            assert not np.shares_memory(y, other)
