"""Integrals and differential equations of `fnad.scipy.integrate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
import scipy.integrate
from fnad.scipy import integrate

from tests.surface.laws import LAWS, Row

GENERATOR = np.random.default_rng(0)
Y = GENERATOR.normal(size=(2, 6))
ODD = GENERATOR.normal(size=(5, 2))
X = np.array([0.1, 0.4, 0.5, 1.1, 1.3, 2.0])
XS = np.cumsum(GENERATOR.uniform(0.5, 1.5, (5, 2)), axis=0)


def row(name: str, *inputs: Any, **keywords: Any) -> Row:
    """A row for a function of samples; an input ``x`` or ``dx`` may come after ``y``."""
    function, _, special = name.partition("/")
    key = {"x": "x", "dx": "dx"}.get(special.split()[0] if special else "")

    def call(where: Any, y: Any, *given: Any) -> Any:
        return getattr(where, function)(y, **dict(zip([key], given)), **keywords)

    return Row(
        name, lambda *inputs: call(integrate, *inputs), inputs,
        reference=lambda *inputs: call(scipy.integrate, *inputs), single=function != "romb",
    )


ROWS = [
    row("trapezoid", Y), row("trapezoid/x", Y, X), row("trapezoid/x of the same shape", ODD, XS, axis=0),
    row("trapezoid/dx", Y, 0.3), row("cumulative_trapezoid", Y, axis=0), row("cumulative_trapezoid/x", Y, X, initial=0),
    row("simpson", ODD, axis=0), row("simpson/x", Y, X), row("simpson/x odd", ODD, XS, axis=0),
    row("simpson/dx", Y, 0.3), row("simpson/x two", Y[:, :2], X[:2]),
    row("cumulative_simpson", ODD, axis=0), row("cumulative_simpson/x", Y, X, initial=2.0),
    row("cumulative_simpson/dx", Y, 0.3), row("cumulative_simpson/x of the same shape", ODD, XS, axis=0),
    row("romb", ODD, axis=0), row("romb/dx", ODD, 0.3, axis=0),
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_law(row: Row, law: Callable[[Row], None]) -> None:
    law(row)


@pytest.mark.parametrize("name", ["trapezoid", "cumulative_trapezoid", "simpson", "cumulative_simpson"])
@pytest.mark.parametrize(("y", "x"), [(Y, X[:4]), (Y, np.ones((2, 3, 6)))])
def test_positions_that_do_not_fit_are_scipys_error(name: str, y: Any, x: Any) -> None:
    for call in (getattr(scipy.integrate, name), fnad.jit(getattr(integrate, name))):
        with pytest.raises(ValueError):
            call(y, x=x)


def test_errors_of_samples() -> None:
    with pytest.raises(ValueError, match="one plus a non-negative power of 2"):
        fnad.jit(integrate.romb)(Y)
    with pytest.raises(ValueError, match="`initial` must be"):
        fnad.jit(lambda y: integrate.cumulative_trapezoid(y, initial=3.0))(Y)
    with pytest.raises(ValueError, match="strictly increasing"):
        fnad.jit(lambda y: integrate.cumulative_simpson(y, x=np.arange(6)[::-1]))(Y)
    with pytest.raises(ValueError, match="At least one point"):
        fnad.jit(integrate.cumulative_trapezoid)(Y[:, :0])


def test_simpson_where_two_positions_are_the_same() -> None:
    x = np.array([0.0, 1.0, 1.0, 2.0, 3.0])
    got = fnad.jit(lambda y, x: integrate.simpson(y, x=x))(ODD[:, 0], x)
    np.testing.assert_allclose(got, scipy.integrate.simpson(ODD[:, 0], x=x))
    assert np.all(np.isfinite(fnad.grad(lambda x: integrate.simpson(ODD[:, 0], x=x))(x)))


def test_few_samples() -> None:
    for n in (1, 2, 3, 4):
        for name in ("simpson", "cumulative_simpson", "cumulative_trapezoid"):
            expected = getattr(scipy.integrate, name)(Y[:, :n])
            np.testing.assert_allclose(fnad.jit(getattr(integrate, name))(Y[:, :n]), expected, atol=1e-15)


# --- Functions

INTEGRANDS: dict[str, tuple[Callable[[Any, Any], Any], float, float]] = {
    "smooth": (lambda x, k: np.exp(-k * x) * x, 0.0, 2.0), "backward": (lambda x, k: np.cos(k * x), 1.0, -2.0),
    "wave": (lambda x, k: np.sin(50 * k * x), 0.0, 3.0),
    "peak": (lambda x, k: np.exp(-k * (30 * x - 15) ** 2), 0.0, 10.0),
    "half line": (lambda x, k: np.exp(-k * x), 0.0, np.inf), "other half": (lambda x, k: np.exp(k * x), -np.inf, 0.0),
    "line": (lambda x, k: np.exp(-k * x**2), -np.inf, np.inf), "turned": (lambda x, k: np.exp(-k * x), np.inf, 1.0),
    "root": (lambda x, k: np.sqrt(k * x), 0.0, 2.0), "nothing": (lambda x, k: k * x, 2.0, 2.0),
}


@pytest.mark.parametrize("name", INTEGRANDS)
def test_an_integral_and_its_derivative_are_scipys(name: str) -> None:
    f, a, b = INTEGRANDS[name]
    area = lambda k: integrate.quad(f, a, b, (k,))[0]  # noqa: E731
    expected, slope = [scipy.integrate.quad(g, a, b, (1.5,))[0] for g in (f, fnad.grad(f, argnums=1))]
    np.testing.assert_allclose(fnad.value_and_grad(area)(1.5), (expected, slope), rtol=1e-7, atol=1e-8)


def test_an_integral_is_compiled_mapped_and_differentiated_in_its_limits() -> None:
    def area(a: Any, b: Any, k: Any) -> Any:
        return integrate.quad(lambda x: np.exp(-k * x), a, b)[0]

    slopes = fnad.jit(fnad.vmap(fnad.grad(area, argnums=(0, 1)), in_axes=(None, None, 0)))(0.2, 1.0, X)
    np.testing.assert_allclose(slopes, [-np.exp(-0.2 * X), np.exp(-X)], rtol=1e-9)
    np.testing.assert_allclose(fnad.hessian(lambda k: area(0.0, np.inf, k))(2.0), 0.25, rtol=1e-7)


def test_gauss_rule_of_few_points() -> None:
    def area(k: Any, b: Any) -> Any:
        return integrate.fixed_quad(lambda x, k: np.exp(-k * x), 0.0, b, (k,), 4)[0]

    expected = scipy.integrate.fixed_quad(lambda x: np.exp(-2.0 * x), 0.0, 1.0, n=4)[0]
    np.testing.assert_allclose(fnad.jit(area)(2.0, 1.0), expected, rtol=1e-14)
    fnad.testing.check_grads(area, (2.0, 1.0))
    with pytest.raises(ValueError, match="finite limits"):
        fnad.jit(lambda k: area(k, np.inf))(1.0)


def test_an_integrand_that_is_nan_ends_it() -> None:
    assert np.isnan(fnad.jit(lambda k: integrate.quad(lambda x: np.log(x - k), 0.0, 1.0)[0])(0.5))
