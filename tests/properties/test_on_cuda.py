"""Compiled for a GPU, operations give the interpreter's bits, but for sums in another order and own vector math.

The emitted PTX runs on the CPU with all checks on: for two compute capabilities, and threads in three orders, which
differ from case to case.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import tree
from fnad.runtime.cuda import devices
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cuda.requirements import needs_cuda_compiler
from tests.properties.cases import CASES, Case, Sample
from tests.properties.running import assert_all_same, interpreted
from tests.properties.test_compiled import PULLBACKS, SHAPED, VALUES, operation, pullback, rounding
from tests.ptxsim.runtime import PtxRuntime

pytestmark = needs_cuda_compiler
few = settings(max_examples=6)

KINDS = [(capability, order) for order in ("rev", "rand", "fwd") for capability in ((8, 0), (10, 0))]


@cache
def on_cuda(make: Callable[..., Any], case: Case, *rest: Any) -> Callable[..., list[np.ndarray]]:
    """What ``make`` makes of a case, run on a device; its kind is the same in every process."""
    capability, order = KINDS[sum(map(ord, f"{make.__name__} {case.name} {rest}")) % len(KINDS)]
    runtime, jitted = PtxRuntime(capability, order), fnad.jit(make(case, *rest), device="cuda")

    def run(*inputs: np.ndarray) -> list[np.ndarray]:
        with devices.use(runtime):
            found = tree.leaves(jitted(*inputs))
            assert all(isinstance(y, fnad.DeviceArray) for y in found)
            return [np.asarray(y) for y in found]

    return run


@pytest.mark.parametrize(("case", "dtype"), VALUES)
@few
@given(data=st.data())
def test_values_are_the_interpreters(case: Case, dtype: str, data: st.DataObject) -> None:
    inputs = data.draw(case.inputs(case.samples[0], dtype, wild=True))
    before = [x.copy() for x in inputs]
    got, expected = on_cuda(operation, case, 0)(*inputs), interpreted(operation(case, 0))(*inputs)
    assert_all_same(got, expected, ulp=case.allowed(dtype), rtol=rounding(case, dtype))
    assert_all_same(inputs, before)


@pytest.mark.parametrize(("case", "dtype"), PULLBACKS)
@few
@given(data=st.data())
def test_pullbacks_are_the_interpreters(case: Case, dtype: str, data: st.DataObject) -> None:
    inputs = data.draw(case.inputs(case.samples[0], dtype))
    outputs = [np.asarray(y) for y in case.call(*inputs, sample=case.samples[0])]
    cotangents = [np.random.default_rng(0).standard_normal(y.shape).astype(y.dtype) for y in outputs]
    got, expected = (run(*cotangents, *inputs) for run in (on_cuda(pullback, case), interpreted(pullback(case))))
    assert_all_same(got, expected, rtol=64 * float(np.finfo(outputs[0].dtype).eps))


@pytest.mark.parametrize(("case", "sample"), SHAPED)
@few
@given(data=st.data())
def test_every_shape(case: Case, sample: Sample, data: st.DataObject) -> None:
    dtype = next((d for d in ("float32", "bool", "int64", "complex128") if case.takes(d, sample)), None)
    if dtype is not None:
        inputs, number = data.draw(case.inputs(sample, dtype)), case.samples.index(sample)
        got, expected = on_cuda(operation, case, number)(*inputs), interpreted(operation(case, number))(*inputs)
        assert_all_same(got, expected, ulp=case.allowed(dtype), rtol=rounding(case, dtype))


ELEMENTARY = ["exp", "log1p", "tanh", "sin", "power", "logaddexp", "erf", "sqrt", "div"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ELEMENTARY)
def test_vector_math_gives_the_bits_of_the_cpu(name: str, dtype: str) -> None:
    case = CASES[name]
    generator = np.random.default_rng(0)
    inputs = [generator.normal(scale=8, size=5000).astype(dtype) for _ in case.samples[0].shapes]
    function = lambda *xs: case.primitive(*xs)  # noqa: E731
    with devices.use(PtxRuntime(order="rand")), np.errstate(all="ignore"):
        got = np.asarray(fnad.jit(function, device="cuda")(*inputs))
    np.testing.assert_array_equal(got, fnad.jit(function, device="cpu")(*inputs))
