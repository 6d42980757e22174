"""Compiled code gives the interpreter's bits, but for sums in another order and the library's own vector math."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from fnad import vjp
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.cases import CASES, SHAPES, Case, Sample
from tests.properties.running import assert_all_same, assert_fresh, compiled, interpreted, needs_jit

pytestmark = needs_jit

# Each kernel takes a moment to compile, so an operation is tried on one dtype of each kind.
KINDS = (("float32", "float64"), ("int64", "uint8", "bool"), ("complex128",))


def tried_dtypes(case: Case) -> list[str]:
    taken = [[d for d in dtypes if case.takes(d)] for dtypes in KINDS]
    return [dtypes[0] for dtypes in taken if dtypes]


VALUES = [
    pytest.param(case, dtype, id=f"{case.name}-{dtype}") for case in CASES.values() for dtype in tried_dtypes(case)
]
PULLBACKS = [p for p in VALUES if p.values[0].is_smooth(p.values[1], p.values[0].samples[0])]


def operation(case: Case, sample: int) -> Callable[..., Any]:
    return lambda *xs: case.call(*xs, sample=case.samples[sample])


def pullback(case: Case) -> Callable[..., Any]:
    count = len(case.samples[0].shapes)

    def run(*args: Any) -> Any:
        cotangents, inputs = args[:-count], args[-count:]
        return [bar for bar in vjp(operation(case, 0), *inputs)[1](list(cotangents)) if bar is not None]

    return run


@cache
def compiled_once(make: Callable[..., Any], *args: Any) -> Callable[..., Any]:
    return compiled(make(*args))


def rounding(case: Case, dtype: str) -> float:
    """How far values may be apart, of the largest: sums of products of complex numbers are rounded in NumPy's way."""
    kind = np.dtype(dtype).kind
    reorders = case.reorders or kind == "c" and case.primitive.name == "recurrence"
    return 16 * float(np.finfo(dtype).eps) if reorders and kind in "fc" else 0.0


@pytest.mark.parametrize(("case", "dtype"), VALUES)
@given(data=st.data())
def test_compiled_values_are_the_interpreters(case: Case, dtype: str, data: st.DataObject) -> None:
    inputs = data.draw(case.inputs(case.samples[0], dtype, wild=True))
    before = [x.copy() for x in inputs]
    got = compiled_once(operation, case, 0)(*inputs)
    expected = interpreted(operation(case, 0))(*inputs)
    assert_all_same(got, expected, ulp=case.allowed(dtype), rtol=rounding(case, dtype))
    assert_all_same(inputs, before)
    assert_fresh(got, inputs)


@pytest.mark.parametrize(("case", "dtype"), PULLBACKS)
@given(data=st.data())
def test_compiled_pullbacks_are_the_interpreters(case: Case, dtype: str, data: st.DataObject) -> None:
    inputs = data.draw(case.inputs(case.samples[0], dtype))
    outputs = [np.asarray(y) for y in case.call(*inputs, sample=case.samples[0])]
    cotangents = [np.random.default_rng(0).standard_normal(y.shape).astype(y.dtype) for y in outputs]
    got = compiled_once(pullback, case)(*cotangents, *inputs)
    expected = interpreted(pullback(case))(*cotangents, *inputs)
    assert_all_same(got, expected, rtol=64 * float(np.finfo(outputs[0].dtype).eps))


STRUCTURED = [case for case in CASES.values() if case.samples[0].shapes[0] not in SHAPES or case.samples[0].params]
SHAPED = [
    *[
        pytest.param(CASES[name], s, id=f"{name}-{s.shapes}")
        for name in ("add", "exp", "select") for s in CASES[name].samples
    ],
    *[pytest.param(case, s, id=f"{case.name}-{s.shapes}-{s.params}") for case in STRUCTURED for s in case.samples[1:]],
]


@pytest.mark.parametrize(("case", "sample"), SHAPED)
@given(data=st.data())
def test_compiled_code_takes_every_shape(case: Case, sample: Sample, data: st.DataObject) -> None:
    dtype = next((d for d in ("float32", "bool", "int64", "complex128") if case.takes(d, sample)), None)
    if dtype is not None:
        inputs = data.draw(case.inputs(sample, dtype))
        number = case.samples.index(sample)
        got = compiled_once(operation, case, number)(*inputs)
        expected = interpreted(operation(case, number))(*inputs)
        assert_all_same(got, expected, ulp=case.allowed(dtype), rtol=rounding(case, dtype))
