"""The interpolators of `fnad.scipy.interpolate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
import scipy.interpolate
from fnad.scipy import interpolate

from tests.surface.laws import LAWS, Row, compiled

GENERATOR = np.random.default_rng(0)
X = np.array([0.0, 0.7, 1.1, 2.0, 2.4, 3.5])
Y = GENERATOR.normal(size=6)
YS = GENERATOR.normal(size=(2, 6))
T = np.array([[-0.4, 0.3, 0.9], [1.6, 2.1, 3.9]])
INSIDE = np.array([0.3, 0.8, 1.6, 3.1])
COEFFICIENTS = GENERATOR.normal(size=(3, 5, 2))
GRID = (np.array([0.0, 0.5, 1.5, 2.0, 2.7]), np.array([-1.0, 0.0, 0.4, 1.0]))
VALUES = GENERATOR.normal(size=(5, 4))
POINTS = np.array([[0.2, -0.6], [1.7, 0.15], [2.5, 0.9]])
OUTSIDE = np.array([[0.3, -1.4], [3.4, 0.2], [2.9, 1.6]])
KNOTS = np.array([-0.7, -0.5, -0.1, 0.2, 0.8, 1.5, 1.7, 2.2, 3.0, 3.4, 4.0])
C = GENERATOR.normal(size=(8, 2))
ENDS = ((1, np.array(0.3)), (2, np.array(-0.5)))


def row(name: str, inputs: tuple[Any, ...], use: Callable[..., Any] = lambda f, t: f(t), order: int = 2,
        batch: bool = False, **keywords: Any) -> Row:
    """A row for a class: its arrays, then what comes to the object that they make."""
    cls, _, _ = name.partition("/")
    arrays = 3 if cls == "CubicHermiteSpline" else 2  # of which a spline of any degree has its knots first

    def call(where: Any, *given: Any) -> Any:
        made = getattr(where, cls)(*given[:arrays], **keywords)
        return use(made, *given[arrays:])

    return Row(
        name, lambda *inputs: call(interpolate, *inputs), inputs,
        reference=lambda *inputs: call(scipy.interpolate, *inputs), rtol=1e-12, order=order, batch=batch, single=False,
    )


def on_grid(
    name: str, method: str, points: Any = POINTS, order: int = 2, rtol: float = 1e-12, **keywords: Any
) -> Row:
    def call(where: Any, x: Any, y: Any, values: Any, xi: Any) -> Any:
        return where.RegularGridInterpolator((x, y), values, method, **keywords)(xi)

    return Row(
        f"RegularGridInterpolator/{name}", lambda *given: call(interpolate, *given), (*GRID, VALUES, points),
        reference=lambda *given: call(scipy.interpolate, *given), rtol=rtol, order=order, batch=False, single=False,
    )


ROWS = [
    row("PPoly", (COEFFICIENTS, X, T), batch=True), row("PPoly/axis", (np.moveaxis(COEFFICIENTS, 2, 1), X, T), axis=1),
    row("PPoly/nu", (COEFFICIENTS, X, T), lambda p, t: (p(t, 1), p(t, 2), p.derivative()(t))),
    row("PPoly/antiderivative", (COEFFICIENTS, X, T), lambda p, t: p.antiderivative(2)(t)),
    row("PPoly/integrate", (COEFFICIENTS, X, 0.3, 4.1), lambda p, a, b: p.integrate(a, b)),
    row("PPoly/integrate periods", (COEFFICIENTS, X, -8.3, 9.1), lambda p, a, b: p.integrate(a, b, "periodic")),
    row("PPoly/no extrapolation", (COEFFICIENTS, X, INSIDE), extrapolate=False),
    row("CubicSpline", (X, Y, T), batch=True), row("CubicSpline/axis", (X, YS, T), axis=1, order=1),
    row("CubicSpline/three", (X[:3], Y[:3], INSIDE)),
    row("CubicSpline/natural", (X, Y, T), bc_type="natural", order=1), row("CubicSpline/ends", (X, Y, T), bc_type=ENDS),
    row("CubicHermiteSpline", (X, Y, YS[0], T)), row("PchipInterpolator", (X, Y, T)),
    row("PchipInterpolator/rising", (X, np.cumsum(np.exp(Y)), T)),
    row("PchipInterpolator/two", (X[:2], Y[:2], T)),
    row("Akima1DInterpolator", (X, Y, INSIDE)), row("Akima1DInterpolator/makima", (X, Y, INSIDE), method="makima"),
    row("BSpline", (KNOTS, C, T), k=3, batch=True),
    row("BSpline/axis and derivatives", (KNOTS, C.T, T), lambda s, t: (s(t, 1), s(t, 2), s(t, 5)), k=3, axis=1),
    row("BSpline/integrals", (KNOTS, C, 0.3, 4.1),
        lambda s, a, b: (s.integrate(a, b), s.antiderivative(2)(b)), k=2, order=1),
    row("BSpline/no extrapolation", (KNOTS, C, np.array([0.4, 1.2, 2.0])), k=3, extrapolate=False),
    row("make_interp_spline", (X, Y, T)), row("make_interp_spline/quadratic", (X, YS, INSIDE), k=2, axis=1, order=1),
    row("make_interp_spline/quintic", (X, Y, INSIDE), k=5, order=1),
    row("make_interp_spline/natural", (X, Y, T), bc_type="natural", order=1),
    row("make_interp_spline/ends", (X, Y, T), bc_type=([(1, 0.3)], [(2, -0.5)])),
    row("interp1d/quadratic", (X, Y, INSIDE), kind="quadratic", order=1),
    row("interp1d", (X, Y, INSIDE), batch=True), row("interp1d/axis", (X, YS.T, INSIDE), axis=0),
    row("interp1d/extrapolate", (X, YS, T), fill_value="extrapolate"),
    row("interp1d/fill", (X, YS, T), fill_value=([1.0, 2.0], 3.0), bounds_error=False),
    row("interp1d/cubic", (X, Y, INSIDE), kind="cubic", order=1),
    *[row(f"interp1d/{kind}", (X, Y, INSIDE), kind=kind, order=1) for kind in ("nearest", "previous", "next")],
    on_grid("linear", "linear"), on_grid("extrapolate", "linear", OUTSIDE, bounds_error=False, fill_value=None),
    on_grid("fill", "linear", OUTSIDE, bounds_error=False, fill_value=7.0),
    on_grid("nearest", "nearest", order=1), on_grid("cubic", "cubic", order=1, rtol=1e-5),
    on_grid("pchip", "pchip", order=1),
]
# Of each class one is compiled: the others are of the same operations.
COMPILED = {
    "PPoly", "PPoly/integrate", "BSpline", "make_interp_spline", "CubicSpline", "PchipInterpolator",
    "Akima1DInterpolator/makima", "interp1d", "interp1d/nearest", "RegularGridInterpolator/fill",
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_law(row: Row, law: Callable[[Row], None]) -> None:
    if law is not compiled or row.name in COMPILED:
        law(row)


# --- Cubic splines


@pytest.mark.parametrize("n", [2, 3, 4, 7])
@pytest.mark.parametrize("ends", ["not-a-knot", "natural", "clamped", "mixed", "periodic"])
def test_all_ends_of_splines_are_scipys(n: int, ends: str) -> None:
    x, y = np.cumsum(GENERATOR.uniform(0.5, 1.5, n)), GENERATOR.normal(size=(n, 2))
    if ends == "periodic":
        y[-1] = y[0]
    kind: Any = ("natural", (1, np.array([1.0, 2.0]))) if ends == "mixed" else ends
    expected = scipy.interpolate.CubicSpline(x, y, bc_type=kind)
    got = interpolate.CubicSpline(x, y, bc_type=kind)
    compiled = fnad.jit(lambda x, y: interpolate.CubicSpline(x, y, bc_type=kind))(x, y)
    t = np.linspace(x[0] - 1.0, x[-1] + 1.0, 9)
    for spline in (got, compiled):
        np.testing.assert_allclose(spline.c, expected.c, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(spline(t, 1), expected(t, 1), rtol=1e-9, atol=1e-12)
        assert spline.extrapolate == expected.extrapolate


def test_a_periodic_spline_is_differentiated_along_closed_curves() -> None:
    def height(values: Any) -> Any:
        closed = np.concatenate([values, values[:1]])
        return interpolate.CubicSpline(X, closed, bc_type="periodic")(T).sum()

    steps = [scipy.interpolate.CubicSpline(X, [*e, e[0]], bc_type="periodic")(T).sum() for e in np.eye(5)]
    np.testing.assert_allclose(fnad.grad(height)(Y[:-1]), steps)  # it is linear in the values


def test_a_spline_is_an_argument_of_compiled_functions() -> None:
    spline = interpolate.CubicSpline(X, Y)
    slope = fnad.jit(fnad.grad(lambda s, t: s(t)[0]))(spline, np.array([0.3]))
    assert type(slope) is interpolate.CubicSpline
    np.testing.assert_allclose(slope.c[:, 0], 0.3 ** np.arange(4)[::-1])


def test_splines_with_knots_that_are_the_same() -> None:
    knots = np.array([0.0, 0.0, 0.0, 0.0, 0.8, 1.5, 1.5, 3.0, 3.0, 3.0, 3.0])
    points = np.concatenate([knots, T.ravel()])
    got, expected = [m.BSpline(knots, C[:7], 3) for m in (interpolate, scipy.interpolate)]
    for nu in (0, 1, 2):
        np.testing.assert_allclose(got(points, nu), expected(points, nu), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(got.integrate(-1, 9, "periodic"), expected.integrate(-1, 9, "periodic"), rtol=1e-12)


def test_a_spline_through_traced_samples_has_scipys_errors() -> None:
    for error, given in (
        (ValueError, {"bc_type": "other"}), (ValueError, {"t": KNOTS}), (NotImplementedError, {"bc_type": "periodic"}),
    ):
        with pytest.raises(error):
            fnad.jit(lambda y: interpolate.make_interp_spline(X, y, **given))(Y)
    with pytest.raises(ValueError, match="incompatible"):
        fnad.jit(lambda y: interpolate.make_interp_spline(X, y))(Y[:3])


# --- Kinks


def test_lines_have_the_mean_of_both_slopes_at_knots() -> None:
    x, y = np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 0.0])
    expected = {1.0: 0.5, 0.5: 2.0, 0.0: 2.0, 3.0: -1.0}
    line = interpolate.interp1d(x, y)
    plane = interpolate.RegularGridInterpolator((x, x), y[:, None] * np.ones(3))
    for t, slope in expected.items():
        assert fnad.grad(lambda t: line(t))(t) == slope
        np.testing.assert_allclose(fnad.grad(lambda p: plane(p)[0])(np.array([t, 1.0])), [slope, 0.0], atol=1e-15)


def test_monotone_slopes_are_0_where_values_turn_or_stay() -> None:
    y = np.array([0.0, 1.0, 1.0, 0.0, 2.0, 2.0])
    t = np.array([0.2, 0.9, 1.5, 2.2, 3.0])
    gradient = fnad.grad(lambda y: interpolate.PchipInterpolator(X, y)(t).sum())(y)
    assert np.all(np.isfinite(gradient))
    np.testing.assert_allclose(interpolate.PchipInterpolator(X, y)(t), scipy.interpolate.PchipInterpolator(X, y)(t))


def test_akima_where_nothing_changes() -> None:
    y = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    for method in ("akima", "makima"):
        expected = scipy.interpolate.Akima1DInterpolator(X, y, method=method)
        got = interpolate.Akima1DInterpolator(X, y, method=method)
        np.testing.assert_allclose(got(INSIDE), expected(INSIDE), atol=1e-15)
        np.testing.assert_array_equal(np.isnan(got(T)), np.isnan(expected(T)))


# --- Points outside, and errors


@pytest.mark.parametrize("kind", [
    "linear", "nearest", "nearest-up", "previous", "next", "zero", "slinear", "quadratic", "cubic",
])
@pytest.mark.parametrize("fill", [np.nan, (1.0, 2.0), "extrapolate"], ids=["nan", "pair", "extrapolate"])
def test_steps_and_ends_of_interp1d_are_scipys(kind: str, fill: Any) -> None:
    given = dict(kind=kind, fill_value=fill, bounds_error=False)
    points = np.concatenate([T.ravel(), X, (X[1:] + X[:-1]) / 2])
    shuffled = np.argsort(np.cos(7 * X))
    expected = scipy.interpolate.interp1d(X[shuffled], YS[:, shuffled], **given)(points)
    got = interpolate.interp1d(X[shuffled], YS[:, shuffled], **given)(points)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)


def test_points_that_are_traced_have_the_fill_value_outside() -> None:
    got = fnad.jit(lambda t: interpolate.interp1d(X, Y)(t))(T)
    np.testing.assert_array_equal(np.isnan(got), (T < X[0]) | (T > X[-1]))
    assert np.isnan(fnad.jit(lambda p: interpolate.RegularGridInterpolator(GRID, VALUES)(p))(POINTS * 2)).any()


def test_a_grid_may_fall_and_points_may_be_a_tuple_or_nan() -> None:
    turned = (GRID[0][::-1], GRID[1])
    xi = (np.array([[0.2], [np.nan]]), np.array([0.1, 0.2]))
    got = interpolate.RegularGridInterpolator(turned, VALUES)
    expected = scipy.interpolate.RegularGridInterpolator(turned, VALUES)
    np.testing.assert_allclose(got(POINTS), expected(POINTS))
    got, expected = [f(turned, VALUES, bounds_error=False)(xi) for f in (
        interpolate.RegularGridInterpolator, scipy.interpolate.RegularGridInterpolator)]
    np.testing.assert_allclose(got, expected)


@pytest.mark.parametrize("call", [
    lambda m: m.CubicSpline(X[::-1], Y), lambda m: m.CubicSpline(X, Y[:3]), lambda m: m.CubicSpline(X[:1], Y[:1]),
    lambda m: m.CubicSpline(X, Y, bc_type="other"), lambda m: m.CubicSpline(X, Y, bc_type=("periodic", "natural")),
    lambda m: m.CubicSpline(X, Y, bc_type="periodic"), lambda m: m.CubicSpline(X, Y, bc_type=((3, 0.0), "natural")),
    lambda m: m.CubicSpline(X, Y, bc_type=((1, [0.0]), "natural")), lambda m: m.CubicSpline(X, Y * np.nan),
    lambda m: m.CubicSpline(X * 1j, Y), lambda m: m.CubicHermiteSpline(X, Y, YS), lambda m: m.PPoly(Y, X),
    lambda m: m.PPoly(COEFFICIENTS, X[:3]), lambda m: m.PPoly(COEFFICIENTS, X, axis=2),
    lambda m: m.PPoly(COEFFICIENTS, X)(T, -1), lambda m: m.PchipInterpolator(X, Y * 1j),
    lambda m: m.Akima1DInterpolator(X, Y, method="other"), lambda m: m.interp1d(X, Y[:3]),
    lambda m: m.interp1d(X, Y, kind="other"), lambda m: m.interp1d(X, Y)(T),
    lambda m: m.interp1d(X, Y, fill_value="extrapolate", bounds_error=True),
    lambda m: m.interp1d(X, Y, fill_value=[1.0, 2.0]), lambda m: m.RegularGridInterpolator(GRID, VALUES)(POINTS * 2),
    lambda m: m.BSpline(KNOTS, C, -1), lambda m: m.BSpline(KNOTS[::-1], C, 3), lambda m: m.BSpline(KNOTS, C[:3], 3),
    lambda m: m.BSpline(KNOTS[:5], C, 3), lambda m: m.BSpline(0 * KNOTS, C, 3), lambda m: m.BSpline(C, C, 3),
    lambda m: m.BSpline(KNOTS, C, 3).derivative(4), lambda m: m.make_interp_spline(X, Y[:3]),
    lambda m: m.make_interp_spline(X, Y, bc_type="other"), lambda m: m.make_interp_spline(X, Y, 3, KNOTS),
    lambda m: m.RegularGridInterpolator(GRID, VALUES)(POINTS[:, :1]),
    lambda m: m.RegularGridInterpolator(GRID, VALUES[:2]), lambda m: m.RegularGridInterpolator(GRID, Y),
    lambda m: m.RegularGridInterpolator(GRID, VALUES, "other"),
    lambda m: m.RegularGridInterpolator((GRID[0] * 0, GRID[1]), VALUES),
    lambda m: m.RegularGridInterpolator((X[:3], X[:3]), VALUES[:3, :3], "cubic"),
    lambda m: m.RegularGridInterpolator(GRID, VALUES, fill_value=1j),
], ids=lambda call: "")
def test_errors_are_scipys(call: Callable[[Any], Any]) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: B017, PT011
        call(scipy.interpolate)
    with pytest.raises(theirs.type) as ours:
        call(interpolate)
    assert str(ours.value)[:12] == str(theirs.value)[:12] or theirs.type is NotImplementedError
