"""Every primitive means what NumPy means: dtype, shape and values, nan included, whatever the memory layout."""

from __future__ import annotations

import numpy as np
import pytest
from fnad.interpreter.evaluate import QUIET
from fnad.testing.strategies import LAYOUTS, in_layout
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.cases import CASES, DTYPES, Case, Sample, listed
from tests.properties.running import assert_all_same, assert_fresh, interpreted

ROWS = [pytest.param(case, dtype, id=f"{case.name}-{dtype}")
        for case in CASES.values() for dtype in DTYPES if any(case.takes(dtype, s) for s in case.samples)]


def samples(case: Case, dtype: str) -> st.SearchStrategy[Sample]:
    return st.sampled_from([s for s in case.samples if case.takes(dtype, s)])


def rounding(case: Case, dtype: str) -> float:
    """What NumPy's own results for other layouts may differ by: sums in another order."""
    return 16 * float(np.finfo(dtype).eps) if case.reorders and np.dtype(dtype).kind in "fc" else 0.0


@pytest.mark.parametrize(("case", "dtype"), ROWS)
@given(data=st.data())
def test_values_are_numpys(case: Case, dtype: str, data: st.DataObject) -> None:
    sample = data.draw(samples(case, dtype))
    inputs = data.draw(case.inputs(sample, dtype, wild=True))
    with np.errstate(**QUIET):
        direct = [np.asarray(y) for y in case.call(*inputs, sample=sample)]
        expected = listed(case.oracle(*inputs, **sample.params))
    got = interpreted(lambda *xs: case.call(*xs, sample=sample))(*inputs)
    types = [(y.dtype, y.shape) for y in got]
    assert [(y.dtype, y.shape) for y in direct] == types, "the type rule and the NumPy meaning differ"
    assert_all_same(got, expected, rtol=rounding(case, dtype))


@pytest.mark.parametrize(("case", "dtype"), [p for p in ROWS if p.values[1] in ("float32", "int64", "bool")])
@given(data=st.data())
def test_layouts_change_nothing_and_inputs_stay(case: Case, dtype: str, data: st.DataObject) -> None:
    sample = data.draw(samples(case, dtype))
    layouts = data.draw(st.tuples(*[st.sampled_from(LAYOUTS)] * len(sample.shapes)))
    inputs = [in_layout(x, layout) for x, layout in zip(data.draw(case.inputs(sample, dtype)), layouts)]
    plain = [np.array(x, order="C") for x in inputs]
    run = interpreted(lambda *xs: case.call(*xs, sample=sample))
    got = run(*inputs)
    assert_all_same(got, run(*plain), ulp=case.ulp, rtol=rounding(case, dtype))
    assert_all_same(inputs, plain)
    assert_fresh(got, inputs)
