"""Laws of the derivative rules: they agree with differences, are linear, and have symmetric Hessians."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pytest
from fnad import grad, vjp
from fnad.ops.elementwise import add, mul, real
from fnad.ops.shaping import reduce_sum
from fnad.testing import check_grads
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.cases import CASES, Case, Sample
from tests.properties.running import assert_all_same, assert_fresh

INEXACT = ("float32", "float64", "complex64", "complex128")
DIFFERENTIABLE = [case for case in CASES.values() if case.primitive.differentiable != ()]
ROWS = [pytest.param(case, dtype, id=f"{case.name}-{dtype}")
        for case in DIFFERENTIABLE for dtype in INEXACT if any(case.is_smooth(dtype, s) for s in case.samples)]
DOUBLE = [p for p in ROWS if p.values[1] in ("float64", "complex128")]
SINGULAR = [pytest.param(case, point, id=f"{case.name}{point}") for case in DIFFERENTIABLE for point in case.singular]

few = settings(max_examples=max(settings.default.max_examples // 3, 1))


def samples(case: Case, dtype: str) -> st.SearchStrategy[Sample]:
    return st.sampled_from([s for s in case.samples if case.is_smooth(dtype, s)])


def directions(xs: list[np.ndarray], count: int = 2) -> list[list[np.ndarray]]:
    """Random arrays like some others, several times."""
    generator = np.random.default_rng(0)
    return [[direction(x, generator) for x in xs] for _ in range(count)]


def direction(x: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    numbers = generator.standard_normal((2, *x.shape))
    return np.asarray(numbers[0] + 1j * numbers[1] if x.dtype.kind == "c" else numbers[0], x.dtype)


def tolerance(outputs: list[np.ndarray]) -> float:
    """What rounding may do, where the coarsest of these is computed."""
    return 64 * max(float(np.finfo(y.dtype).eps) for y in outputs)


@pytest.mark.parametrize(("case", "dtype"), ROWS)
@few
@given(data=st.data())
def test_rules_agree_with_differences(case: Case, dtype: str, data: st.DataObject) -> None:
    sample = data.draw(samples(case, dtype))
    inputs = data.draw(case.inputs(sample, dtype))
    order = case.order if dtype in ("float64", "complex128") else 1
    check_grads(lambda *xs: case.call(*xs, sample=sample), inputs, order=order)


@pytest.mark.parametrize(("case", "dtype"), DOUBLE)
@few
@given(data=st.data())
def test_pullbacks_are_linear_and_make_arrays_of_their_own(case: Case, dtype: str, data: st.DataObject) -> None:
    sample = data.draw(samples(case, dtype))
    inputs = data.draw(case.inputs(sample, dtype))
    before = [x.copy() for x in inputs]
    outputs, pullback = vjp(lambda *xs: case.call(*xs, sample=sample), *inputs)
    first, second = directions(outputs)
    one, two, both = (inexact(pullback(g)) for g in (first, second, twice_less(first, second)))
    assert_all_same(both, twice_less(one, two), rtol=tolerance([*outputs, *one]))
    assert_fresh([*outputs, *one], [*inputs, *first])
    assert_all_same(inputs, before)


def twice_less(xs: list[np.ndarray], ys: list[np.ndarray]) -> list[np.ndarray]:
    return [np.asarray(2 * x - y) for x, y in zip(xs, ys)]


def inexact(bars: Any) -> list[Any]:
    return [bar for bar in bars if bar is not None]


@pytest.mark.parametrize(("case", "dtype"), DOUBLE)
@few
@given(data=st.data())
def test_a_zero_cotangent_stays_zero(case: Case, dtype: str, data: st.DataObject) -> None:
    sample = data.draw(samples(case, dtype))
    inputs = data.draw(case.inputs(sample, dtype))
    outputs, pullback = vjp(lambda *xs: case.call(*xs, sample=sample), *inputs)
    for bar in inexact(pullback([np.zeros_like(y) for y in outputs])):
        assert not bar.any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("case", "point"), SINGULAR)
def test_a_zero_cotangent_stays_zero_at_infinite_slopes(case: Case, point: tuple[float, ...], dtype: str) -> None:
    out, pullback = vjp(case.primitive, *[np.full(2, x, dtype) for x in point])
    assert_all_same(pullback(np.zeros_like(out)), [np.zeros(2, dtype)] * len(point))


@pytest.mark.parametrize(("case", "dtype"), DOUBLE)
@few
@given(data=st.data())
def test_hessians_are_symmetric(case: Case, dtype: str, data: st.DataObject) -> None:
    sample = data.draw(samples(case, dtype))
    inputs = data.draw(case.inputs(sample, dtype))
    places = [i for i, x in enumerate(inputs) if x.dtype == dtype]

    def loss(*xs: Any) -> Any:
        full = list(inputs)
        for i, x in zip(places, xs):
            full[i] = x
        return reduce(add, [real_sum(mul(y, mul(y, y))) for y in case.call(*full, sample=sample)])

    xs = [inputs[i] for i in places]
    u, v = directions(xs)
    one, two = inner(u, curvature(loss, xs, v)), inner(v, curvature(loss, xs, u))
    rounding = 1e3 * tolerance(inexact_values(case, sample, inputs))
    assert one == pytest.approx(two, rel=rounding, abs=rounding)


def inexact_values(case: Case, sample: Sample, inputs: list[np.ndarray]) -> list[np.ndarray]:
    values = [*inputs, *case.call(*inputs, sample=sample)]
    return [x for x in map(np.asarray, values) if x.dtype.kind in "fc"]


def real_sum(y: Any) -> Any:
    total = reduce_sum(y, axes=tuple(range(y.ndim)))
    return real(total) if total.dtype.kind == "c" else total


def curvature(loss: Callable[..., Any], xs: list[np.ndarray], v: list[np.ndarray]) -> list[np.ndarray]:
    """The Hessian of a loss times a direction."""
    every = tuple(range(len(xs)))

    def slope(*at: Any) -> Any:
        parts = [real_sum(mul(g, np.conj(d))) for g, d in zip(grad(loss, every)(*at), v)]
        return reduce(add, parts)

    return list(grad(slope, every)(*xs))


def inner(us: list[np.ndarray], vs: list[np.ndarray]) -> float:
    return float(sum(np.sum(np.real(np.conj(u) * v)) for u, v in zip(us, vs)))
