"""What a mask hides changes no derivative, for every operation: neither nan, infinities nor slopes come from behind it.

Some elements of the inputs are bad. The results that depend on them are hidden by a ``where``; then the derivatives
of what is left, in every mode to second order, are those with good elements in the same places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from fnad import grad, jvp
from fnad.ops.elementwise import real

from tests.profiles import is_deep
from tests.properties.cases import CASES, Case, Sample
from tests.properties.families.linalg import Matrices

DIFFERENTIABLE = [case for case in CASES.values() if case.primitive.differentiable != ()]
BAD = (np.nan, np.inf, -np.inf, 0.0, 1.0, -3.0, 1e300)


class Point(NamedTuple):
    """Inputs without bad elements, inputs with them, and for each output where it does not depend on these."""

    good: list[np.ndarray]
    bad: list[np.ndarray]
    shown: list[np.ndarray]


def inputs_of(case: Case, sample: Sample, seed: int) -> list[np.ndarray]:
    """Inputs where the operation is smooth."""
    generator = np.random.default_rng(seed)
    found = []
    for i, (shape, dtype) in enumerate(zip(sample.shapes, case.input_dtypes(sample, "float64"))):
        domain = case.domain(i)
        if dtype.kind in "biu":
            low, high = (0, 1) if dtype.kind == "b" else (int(domain.low), int(domain.high))
            found.append(generator.integers(low, high, shape, endpoint=True).astype(dtype))
        else:
            found.append(np.asarray(generator.uniform(domain.low, domain.high, shape), dtype))
    return found


def points_of(case: Case, sample: Sample, seed: int) -> list[Point]:
    """A point for each number that is bad, in places drawn at random."""
    good = inputs_of(case, sample, seed)
    generator = np.random.default_rng(seed + 1)
    places = [generator.random(x.shape) < 0.4 if x.dtype.kind == "f" else np.zeros(x.shape, bool) for x in good]
    numbers = [*[(x,) * len(good) for x in BAD], *[p for p in case.singular if len(p) == len(good)]]
    inputs = [[np.where(p, b, x).astype(x.dtype) for x, p, b in zip(good, places, number)] for number in numbers]
    with np.errstate(all="ignore"):
        expected = case.call(*good, sample=sample)
        results = [case.call(*xs, sample=sample) for xs in inputs]
    shown = [np.all([np.equal(r[k], y) for r in results], axis=0) for k, y in enumerate(expected)]
    return [Point(good, xs, shown) for xs in inputs]


# How a mask stands to an operation: the value behind it, a product with it, another mask around.
FORMULAS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "where": lambda ok, y, c: np.where(ok, y, 0.0),
    "product": lambda ok, y, c: np.where(ok, y * y * c, c),
    "quotient": lambda ok, y, c: np.where(~ok, c, c / (y * y + 2.0)),
    "nested": lambda ok, y, c: np.where(ok, np.exp(np.where(ok, y, np.inf) * 0.1), 1.0),
    "picked": lambda ok, y, c: np.cos(y)[ok] if y.ndim else np.where(ok, y, c),
    "written": lambda ok, y, c: written(y * c, ~ok),
}


def written(y: Any, places: Any) -> Any:
    if y.ndim:
        y[places] = 0.5
        return y
    return np.where(places, 0.5, y)


def loss_of(case: Case, sample: Sample, formula: str, shown: Sequence[np.ndarray], fixed: Sequence[Any]) -> Any:
    """A scalar function of the inputs that are differentiated."""

    def loss(*xs: Any) -> Any:
        own = iter(xs)
        ys = case.call(*[next(own) if x is None else x for x in fixed], sample=sample)
        total = 0.0
        for k, (y, ok) in enumerate(zip(ys, shown)):
            if y.dtype.kind in "fc":
                y = real(y) if y.dtype.kind == "c" else y
                c = np.linspace(0.5, 1.5, y.size).reshape(y.shape) + k
                total = total + np.sum(FORMULAS[formula](ok, y, c) ** 3)
        return total

    return loss


def derivatives(loss: Callable[..., Any], xs: list[np.ndarray]) -> dict[str, list[Any]]:
    """The gradient and the Hessian times a direction, in every mode."""
    every = tuple(range(len(xs)))
    generator = np.random.default_rng(5)
    v = [generator.uniform(0.5, 1.5, x.shape) for x in xs]
    slope = grad(loss, every)

    def along(*at: Any) -> Any:
        return jvp(loss, at, tuple(v))[1]

    def inner(*at: Any) -> Any:
        return sum(np.sum(g * d) for g, d in zip(slope(*at), v))

    return {
        "reverse": list(slope(*xs)), "forward": [along(*xs)],
        "reverse over reverse": list(grad(inner, every)(*xs)), "reverse over forward": list(grad(along, every)(*xs)),
        "forward over reverse": list(jvp(slope, tuple(xs), tuple(v))[1]),
        "forward over forward": [jvp(along, tuple(xs), tuple(v))[1]],
    }


def at(point: Point, which: str, case: Case, sample: Sample, formula: str) -> tuple[Any, list[np.ndarray]]:
    values = getattr(point, which)
    moving = [x.dtype.kind == "f" and case.primitive.differentiates(i) for i, x in enumerate(values)]
    fixed = [None if m else x for x, m in zip(values, moving)]
    return loss_of(case, sample, formula, point.shown, fixed), [x for x, m in zip(values, moving) if m]


# Of a matrix with a bad element no result is left.
SMOOTH = [
    case for case in DIFFERENTIABLE if case.is_smooth("float64", case.samples[0]) and not isinstance(case, Matrices)
]
# Each operation with all formulas, or with some that take turns.
ROWS = [
    pytest.param(case, formula, id=f"{case.name}-{formula}")
    for i, case in enumerate(SMOOTH) for k, formula in enumerate(FORMULAS)
    if is_deep() or (i + k) % len(FORMULAS) in (0, 3)
]


@pytest.mark.parametrize(("case", "formula"), ROWS)
def test_no_number_behind_a_mask_changes_a_derivative(case: Case, formula: str) -> None:
    samples = [s for s in case.samples if case.is_smooth("float64", s)]
    for sample in samples if is_deep() else samples[:1]:
        points = points_of(case, sample, 0)
        expected = derivatives(*at(points[0], "good", case, sample, formula))
        for point in points if is_deep() else points[:1]:
            got = derivatives(*at(point, "bad", case, sample, formula))
            for mode, values in expected.items():
                for one, two in zip(got[mode], values, strict=True):
                    np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9, err_msg=f"{mode}: {point.bad}")
