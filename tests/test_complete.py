"""Every primitive is whole: type rule, NumPy meaning, derivative or an explicit "none", batching, laws, compilation."""

from __future__ import annotations

import numpy as np
import pytest
from fnad.compiler.compile import compile_program
from fnad.runtime.plan import HostStep
from fnad.tracing.staging import stage

from tests.operations import OPERATIONS
from tests.properties.cases import CASES, DTYPES, OTHERWISE, Case

# What runs by its NumPy meaning in the middle of a plan, on purpose: it is used too rarely for code of its own.
HOST_STEPS = {"nextafter"}

NAMES = sorted(OPERATIONS)


def test_the_tables_name_primitives_that_exist() -> None:
    tried = {case.primitive.name for case in CASES.values()}
    assert tried.isdisjoint(OTHERWISE)
    assert tried | OTHERWISE.keys() | HOST_STEPS <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_primitive_is_tried(name: str) -> None:
    assert name in OTHERWISE or any(case.primitive.name == name for case in CASES.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_primitive_has_its_rules(name: str) -> None:
    primitive = OPERATIONS[name]
    assert callable(primitive.type_rule) and callable(primitive.evaluate)
    has_rule = primitive.vjp is not None or (primitive.vjp_forward is not None and primitive.vjp_backward is not None)
    assert has_rule != (primitive.differentiable == ())
    assert primitive.is_elementwise or primitive.batch is not None or primitive.expand is not None


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_primitive_compiles_to_native_code_or_to_a_host_step_on_purpose(case: Case) -> None:
    sample = case.samples[0]
    dtype = next(d for d in (*reversed(DTYPES[:6]), *DTYPES[6:]) if case.takes(d, sample))
    values = [np.zeros(t.shape, t.dtype) for t in case.input_types(sample, dtype)]
    staged = stage(lambda *xs: case.call(*xs, sample=sample), case.input_types(sample, dtype), values)
    plan = compile_program(staged.program).plan
    host = {step.name for step in plan.instructions if isinstance(step, HostStep)}
    assert host == {case.primitive.name} & HOST_STEPS
